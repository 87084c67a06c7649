"""What was said, for staff: in the words it was said in, whatever the channel; ours also in the staff's language."""

from dataclasses import dataclass
from datetime import datetime

from bot import render
from bot.escalation import Said
from bot.render import kiosk as page_rendering
from bot.render import sms as sms_rendering
from webhooks.current import careline
from webhooks.desk.page import DELIVERY


@dataclass(frozen=True)
class Line:
    """One thing said. `language` is the words' own where known, `meaning` the same in the staff's language."""

    id: str
    at: datetime
    who: str
    text: str
    meaning: str | None
    language: str | None
    status: str | None
    failed: bool


def lines(said: list[Said], channel: str, language: str) -> list[Line]:
    """The thread of a conversation on `channel` whose person speaks `language`."""
    return [_line(number, one, channel, language) for number, one in enumerate(said)]


def _line(number: int, one: Said, channel: str, language: str) -> Line:
    settings = careline().settings
    spoken = one.language or language
    text, meaning = one.text, None
    if one.reply is not None:
        text = _words(one, channel, spoken)
        meaning = _words(one, channel, settings.default_language) if spoken != settings.default_language else None
    return Line(
        id=f"said-{number}",
        at=one.at.astimezone(settings.time_zone),
        who=one.who,
        text=text,
        meaning=meaning,
        language=spoken if one.who != "staff" else None,
        status=DELIVERY.get(one.status or ""),
        failed=one.status in ("failed", "undelivered"),
    )


def _words(one: Said, channel: str, language: str) -> str:
    assert one.reply is not None
    if channel == "kiosk":
        messages = page_rendering.render(one.reply, render.facts(careline(), language, "kiosk"))
        return "\n".join(str(message["text"]) for message in messages)
    return sms_rendering.render(one.reply, render.facts(careline(), language, "sms"))
