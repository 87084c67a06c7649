"""From a Reply to what each channel sends."""

from bot.careline import Careline
from bot.clock import now
from bot.phone import written
from bot.render.facts import Facts, locale_of
from bot.reply import Channel


def facts(careline: Careline, language: str, channel: Channel) -> Facts:
    """What puts facts into words for a listener at this moment."""
    settings = careline.settings
    clock = [moment.strftime("%H:%M") for moment in settings.office_hours]
    words = careline.wording.words(
        language,
        channel,
        municipality=settings.municipality,
        emergency=settings.emergency_number,
        office=written(settings.office_number, settings.country),
        office_hours="-".join(clock),
    )
    return Facts(words, settings, now().astimezone(settings.time_zone).date())


__all__ = ["Facts", "facts", "locale_of"]
