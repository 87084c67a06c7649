"""What the first message would otherwise wait for, loaded before it comes."""

from bot import anger, crisis, filters, foreign, fraud, keywords, language, redaction
from bot.careline import Careline
from bot.clock import now


def prepare(careline: Careline) -> None:
    """Load lists, detectors and places. Raises DataError for a broken list, DatabaseUnavailable."""
    text = "where is the library open on Sunday"
    keywords.match(text)
    crisis.match(text)
    fraud.match(text)
    redaction.redact(text)
    language.requested(text, careline.settings.languages)
    language.detect(text, careline.settings.languages, ())
    foreign.written("wo finde ich hilfe für meine mutter")
    foreign.asked(text)
    filters.parse(text, now(), country=careline.settings.country)
    anger.angry(text)
    careline.places()
