"""What the application was opened with, for the request at hand."""

from typing import cast

from flask import current_app

from bot.careline import Careline, Dialogue


def careline() -> Careline:
    """Settings, database and words."""
    return cast(Careline, current_app.extensions["careline"])


def dialogue() -> Dialogue:
    """Rasa, or what stands in for it."""
    return cast(Dialogue, current_app.extensions["dialogue"])
