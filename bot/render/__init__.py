"""From a Reply to what each channel sends."""

from bot.careline import Careline
from bot.clock import now
from bot.phone import written
from bot.render.facts import Facts, locale_of
from bot.render.voice import Speaker, SpokenFacts, digits
from bot.reply import Channel


def facts(careline: Careline, language: str, channel: Channel) -> Facts:
    """What puts facts into words for a listener at this moment."""
    settings = careline.settings
    clock = [moment.strftime("%H:%M") for moment in settings.office_hours]
    office = written(settings.office_number, settings.country)
    words = careline.wording.words(
        language,
        channel,
        municipality=settings.municipality,
        emergency=settings.emergency_number,
        office=digits(office) if channel == "voice" else office,
        office_hours="-".join(clock),
    )
    kind = SpokenFacts if channel == "voice" else Facts
    return kind(words, settings, now().astimezone(settings.time_zone).date())


def speaker(careline: Careline, language: str) -> Speaker:
    """What says replies on the telephone, at this moment."""
    spoken = facts(careline, language, "voice")
    assert isinstance(spoken, SpokenFacts)
    return Speaker(spoken)


__all__ = ["Facts", "facts", "locale_of", "speaker"]
