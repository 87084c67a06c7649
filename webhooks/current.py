"""What the application was opened with, for the request at hand."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from flask import current_app, has_request_context, request

from bot import crowd, logs, metrics
from bot.careline import Careline, Dialogue
from bot.inbound import Inbound
from bot.turn import Turn, take_turn

_log = logging.getLogger(__name__)


def careline() -> Careline:
    """Settings, database and words."""
    return cast(Careline, current_app.extensions["careline"])


def carelines() -> dict[str, Careline]:
    """Every municipality the application answers machines for, by its name; in its own application it alone."""
    return cast(dict[str, Careline], current_app.extensions["carelines"])


def partners() -> dict[str, Careline]:
    """The municipalities to which a case may be handed: those that name us as we name them, by name."""
    return cast(dict[str, Careline], current_app.extensions["partners"])


def dialogue() -> Dialogue:
    """Rasa, or what stands in for it."""
    return cast(Dialogue, current_app.extensions["dialogue"])


def wake() -> None:
    """Tell the worker that something is waiting in the database."""
    cast(Callable[[], None], current_app.extensions["wake"])()


def answer(inbound: Inbound, crowded: bool = False) -> Turn:
    """Take a turn, count and log it, and wake the worker if it owes the person more or has to call somebody.

    `crowded`: only keep the message, for the worker, which looks by itself.
    """
    if inbound.number is None and has_request_context():
        inbound = replace(inbound, address=request.remote_addr)
    started = time.perf_counter()
    with logs.traced(logs.new_trace()):
        turn = crowd.keep(careline(), inbound) if crowded else take_turn(careline(), dialogue(), inbound)
        seconds = time.perf_counter() - started
        outcome = "late" if turn.late else "urgent" if turn.reply.urgent else "answered"
        metrics.turn(inbound.channel, outcome, seconds)
        fields = {"channel": inbound.channel, "outcome": outcome, "language": turn.language, "ms": round(seconds * 1000)}
        _log.info("turn", extra={"fields": fields})
        if (turn.late and not crowded) or turn.reply.urgent or careline().settings.bridge:
            wake()
    return turn
