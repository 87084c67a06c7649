"""From a Reply to what each channel sends."""

from babel import Locale

from bot.careline import Careline
from bot.clock import now
from bot.phone import written
from bot.render.facts import Facts, locale_of
from bot.reply import Channel
from bot.timetable import Interval


def facts(careline: Careline, language: str, channel: Channel) -> Facts:
    """What puts facts into words for a listener at this moment."""
    settings = careline.settings
    hours = settings.office_hours
    words = careline.wording.words(
        language,
        channel,
        municipality=settings.municipality,
        emergency=settings.emergency_number,
        office=written(settings.office_number, settings.country),
        office_hours=_clock(hours.weekdays()),
        office_week="; ".join(
            f"{_days(locale_of(language, settings.country), first, last)} {_clock(spans)}" for first, last, spans in hours.week()
        ),
    )
    return Facts(words, settings, now().astimezone(settings.time_zone).date())


def _clock(spans: tuple[Interval, ...]) -> str:
    return ", ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans)


def _days(locale: Locale, first: int, last: int) -> str:
    names = locale.days["format"]["abbreviated"]
    return str(names[first]) if first == last else f"{names[first]}-{names[last]}"


__all__ = ["Facts", "facts", "locale_of"]
