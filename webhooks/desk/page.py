"""What every page of the desk is shown with: names for what the tables hold, and times as people say them."""

from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_datetime
from flask import Response, g, make_response, render_template, request
from markupsafe import Markup, escape

from bot import render
from bot.clock import now
from bot.directory.editing import RefusedChange
from bot.escalation import Case
from bot.languages import LANGUAGES
from webhooks.current import careline

#: Why there is a case, for staff.
REASONS = {
    "asked": "asked for a person",
    "crisis": "crisis",
    "not_understood": "was not understood",
    "not_helpful": "the answer did not help",
    "wrong_information": "says a record is wrong",
    "abuse": "reports abuse",
    "anger": "is angry",
    "topic": "a person should answer this",
    "unavailable": "the bot could not answer",
    "call_back": "asked to be called back",
    "voicemail": "left a voice message",
}
STATUSES = {"open": "waiting", "claimed": "being answered", "answered": "answered", "closed": "closed"}
CHANNELS = {"sms": "text message", "voice": "telephone", "kiosk": "kiosk page"}
#: How far along an answer is, for staff.
DELIVERY = {
    "queued": "on its way",
    "sending": "on its way",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "could not be delivered",
    "failed": "could not be sent",
}


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of the desk, with what all of them need."""
    response = make_response(render_template(f"desk/{template}", **tools(), **values))
    response.status_code = status
    return response


def steward_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of the desk in the language of whoever reads it: its sentences are those of data/wording/<language>/steward.po."""
    read_in = reader()
    facts = render.facts(careline(), read_in, "kiosk")
    zone = careline().settings.time_zone
    own = {
        "say": say,
        "named": named,
        "lang": read_in,
        "direction": facts.locale.text_direction,
        "language_name": facts.language_name,
        "topic_name": lambda topic: facts.words(f"topic.{topic}") if facts.words.has(f"topic.{topic}") else topic,
        "local": lambda at: format_datetime(at, "d MMM, HH:mm", tzinfo=zone, locale=facts.locale),
    }
    response = make_response(render_template(f"desk/{template}", **{**tools(), **own, **values}))
    response.status_code = status
    return response


def reader() -> str:
    """The language that whoever is at the desk reads: the first of ours that the browser names, else the municipality's."""
    return request.accept_languages.best_match(LANGUAGES) or careline().settings.default_language


def say(sentence: str, **params: str | int) -> str:
    """An English sentence of steward.po in the reader's language."""
    return careline().wording.words(reader(), "kiosk")(sentence, **params)


def named(kind: str, name: str) -> Markup:
    """What the standard's word for a field, a resource or a value is called; without a name, the word itself, as English."""
    words = careline().wording.words(reader(), "kiosk")
    key = f"{kind}.{name}"
    return escape(words(key)) if words.has(key) else Markup('<span lang="en">{}</span>').format(name.replace("_", " "))


def refusal(error: RefusedChange) -> str:
    """Why a change is not taken, for whoever wanted it."""
    return say(error.sentence, **error.params)


def tools() -> dict[str, Any]:
    """Names and times for templates."""
    settings = careline().settings
    facts = render.facts(careline(), settings.default_language, "kiosk")
    moment = now()
    return {
        "say": lambda sentence, **params: sentence.format(**params),
        "lang": "en",
        "direction": "ltr",
        "staff": g.get("staff"),
        "municipality": settings.municipality,
        "house": settings.default_language,
        "language_name": facts.language_name,
        "topic_name": lambda topic: facts.words(f"topic.{topic}") if facts.words.has(f"topic.{topic}") else topic,
        "ago": lambda at: duration(moment - at),
        "local": lambda at: local(at, moment),
        "late": lambda case: late(case, moment),
        "reasons": REASONS,
        "statuses": STATUSES,
        "channels": CHANNELS,
        "now": moment,
    }


def key(text: str) -> int:
    """A key of the database out of a form or an address; 0, which nothing has, for what cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def late(case: Case, moment: datetime) -> bool:
    """Whether somebody has waited longer than they were told."""
    return case.status == "open" and case.due_at <= moment


def duration(span: timedelta) -> str:
    """How long, for a glance: 5 min, 2 h 10 min, 3 days."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def local(at: datetime, moment: datetime) -> str:
    """A moment on the clock of the municipality; with its day if it is not today."""
    zone = careline().settings.time_zone
    there = at.astimezone(zone)
    return there.strftime("%H:%M" if there.date() == moment.astimezone(zone).date() else "%-d %b, %H:%M")
