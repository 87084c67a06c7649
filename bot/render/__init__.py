"""From a Reply to what each channel sends."""

from dataclasses import replace

from babel import Locale

from bot.careline import Careline
from bot.clock import now
from bot.phone import written
from bot.render import sms
from bot.render.facts import Facts, locale_of
from bot.render.voice import Speaker, SpokenFacts, digits
from bot.reply import Channel, Reply
from bot.timetable import Interval


def facts(careline: Careline, language: str, channel: Channel) -> Facts:
    """What puts facts into words for a listener at this moment."""
    settings = careline.settings
    hours = settings.office_hours
    office = written(settings.office_number, settings.country)
    words = careline.wording.words(
        language,
        channel,
        municipality=settings.municipality,
        emergency=settings.emergency_number,
        office=digits(office) if channel == "voice" else office,
        office_hours=_clock(hours.weekdays()),
        office_week="; ".join(
            f"{_days(locale_of(language, settings.country), first, last)} {_clock(spans)}" for first, last, spans in hours.week()
        ),
    )
    kind = SpokenFacts if channel == "voice" else Facts
    return kind(words, settings, now().astimezone(settings.time_zone).date())


def speaker(careline: Careline, language: str) -> Speaker:
    """What says replies on the telephone, at this moment."""
    spoken = facts(careline, language, "voice")
    assert isinstance(spoken, SpokenFacts)
    return Speaker(spoken)


def _clock(spans: tuple[Interval, ...]) -> str:
    return ", ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans)


def _days(locale: Locale, first: int, last: int) -> str:
    names = locale.days["format"]["abbreviated"]
    return str(names[first]) if first == last else f"{names[first]}-{names[last]}"


def seen(careline: Careline, reply: Reply, language: str, channel: Channel) -> Reply:
    """The reply with those services and choices only that the channel has room for, so that nobody picks an unseen one.

    A text on a right names two services at most, by telephone.
    """
    if channel != "sms" or not reply.choices:
        return reply
    numbers = {piece.number for piece in sms.pieces(reply, facts(careline, language, channel))}
    first_missing = next((number for number in range(2 if reply.services else 1, 10) if number not in numbers), 1)
    kept = max(1, first_missing - 1)
    return replace(reply, services=reply.services[:kept], choices=reply.choices[:kept])


__all__ = ["Facts", "facts", "locale_of", "seen", "speaker"]
