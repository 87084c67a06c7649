"""The machine translator of the city's own, where there is one."""

from flask import Flask, current_app

from bot.settings import Settings
from bot.translator import Translator, TranslatorUnavailable
from webhooks.current import careline
from webhooks.libretranslate import LibreTranslate


def register(app: Flask) -> None:
    """Give the application its translator, if the settings name one."""
    settings: Settings = app.extensions["careline"].settings
    app.extensions["translator"] = (
        LibreTranslate(settings.translator_url, settings.translator_key) if settings.translator_url else None
    )


def current_translator() -> Translator | None:
    """The city's translator, if there is one."""
    found: Translator | None = current_app.extensions["translator"]
    return found


def helps(language: str) -> tuple[bool, bool]:
    """Whether the translator reads `language` for us, and writes it."""
    translator, house = current_translator(), careline().settings.default_language
    if translator is None or language == house:
        return False, False
    try:
        pairs = translator.pairs()
    except TranslatorUnavailable:
        return False, False
    return (language, house) in pairs, (house, language) in pairs
