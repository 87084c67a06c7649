"""What the application was opened with, for the request at hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from flask import current_app, has_request_context, request

from bot.careline import Careline, Dialogue
from bot.turn import Inbound, Turn, take_turn


def careline() -> Careline:
    """Settings, database and words."""
    return cast(Careline, current_app.extensions["careline"])


def dialogue() -> Dialogue:
    """Rasa, or what stands in for it."""
    return cast(Dialogue, current_app.extensions["dialogue"])


def wake() -> None:
    """Tell the worker that something is waiting in the database."""
    cast(Callable[[], None], current_app.extensions["wake"])()


def answer(inbound: Inbound) -> Turn:
    """Take a turn, and wake the worker if it owes the person more or has to call somebody."""
    if inbound.number is None and has_request_context():
        inbound = replace(inbound, address=request.remote_addr)
    turn = take_turn(careline(), dialogue(), inbound)
    if turn.late or turn.reply.urgent or careline().settings.bridge:
        wake()
    return turn
