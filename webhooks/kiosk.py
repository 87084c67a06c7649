"""The page for everybody: GET / and POST /. It works without JavaScript and leaves nothing behind in the browser.

The id of the conversation stands in the page's own forms, in no cookie and no storage: closing the page loses it.
"""

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

from babel import Locale
from flask import Blueprint, Response, current_app, make_response, render_template, request
from sqlalchemy import select

from bot import escalation, outbox, render
from bot import reply as replies
from bot.conversation import Conversation, Message, forget, remember_language
from bot.errors import CarelineError, DatabaseUnavailable, DialogueUnavailable
from bot.outbox import OutboxMessage
from bot.render.text import label
from bot.reply import Reply
from bot.turn import LONGEST, Inbound, clean
from webhooks.current import answer, careline, dialogue
from webhooks.shown import shown

blueprint = Blueprint("kiosk", __name__)
_log = logging.getLogger(__name__)

#: What the first page offers to press.
TOPICS = ("food", "health_clinic", "shelter", "home_care", "legal_aid", "violence_refuge", "child_care", "cash_help")
#: What the buttons send that need no words.
PERSON, MORE = "0", "MORE"


@dataclass(frozen=True)
class Page:
    """What the page shows besides its buttons.

    `language` is the one it is in, `chosen` whether the person picked it; `notice` the key of the phrase on top.
    """

    language: str
    chosen: bool = False
    conversation_id: str | None = None
    place: str = ""
    asked: str = ""
    reply: Reply | None = None
    later: tuple[OutboxMessage, ...] = ()
    awaited: bool = False
    notice: str | None = None
    error: bool = False


@blueprint.get("/")
def begin() -> Response:
    """An empty page, in the language asked for."""
    return _show(_blank())


@blueprint.post("/")
def go_on() -> Response:
    """Whatever was pressed or written."""
    page = replace(_blank(), place=request.form.get("place", "")[:200], conversation_id=_posted_id())
    action = request.form.get("action")
    if action == "end":
        return _end(page)
    if page.conversation_id is not None and not _exists(page.conversation_id):
        # It was erased, and somebody went back to its page: what that sends again is not for whoever is here now.
        return _show(replace(page, conversation_id=None, place="", notice="page.gone"))
    if action == "language":
        return _show(_in_language(page))
    if action == "look":
        return _show(_latest(page))
    return _ask(page)


@blueprint.errorhandler(CarelineError)
def _sorry(error: CarelineError) -> Response:
    """Something of ours is down: say where help is all the same."""
    _log.error("%s: %s", type(error).__name__, error)
    response = _show(replace(_blank(), notice="page.unavailable", error=True))
    response.status_code = 503
    response.headers["Retry-After"] = "5"
    return response


def _ask(page: Page) -> Response:
    previous = _last(page)
    send, topic = request.form.get("send"), request.form.get("topic")
    words = careline().wording.words(page.language, "kiosk")
    if topic in TOPICS:
        text = asked = words(f"topic.{topic}")
    elif send:
        text = clean(send)
        asked = _pressed(text, previous, page.language)
    else:
        text = asked = clean(request.form.get("text", ""))
    if not text:
        return _show(replace(_latest(page), notice="page.empty", error=True))
    inbound = Inbound(
        channel="kiosk",
        text=text,
        provider_id=_provider_id(text),
        conversation_id=page.conversation_id,
        language=page.language if page.chosen else None,
        place=clean(page.place) or None,
    )
    turn = answer(inbound)
    page = replace(page, language=turn.language or page.language, asked=asked)
    if not turn.conversation_id or not _exists(turn.conversation_id):  # erased with this very message
        return _show(replace(page, conversation_id=None, asked="", reply=turn.reply))
    return _show(_with_later(replace(page, conversation_id=turn.conversation_id, reply=turn.reply)))


def _end(page: Page) -> Response:
    """Erase the conversation, here and in the dialogue; what cannot be erased now can be tried again."""
    if page.conversation_id is not None and not _erased(page.conversation_id):
        return _show(replace(page, notice="page.end_failed", error=True))
    response = _show(replace(_blank(), chosen=False, notice="page.ended"))
    response.delete_cookie(current_app.config["SESSION_COOKIE_NAME"])
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


def _erased(conversation_id: str) -> bool:
    """Erase both sides, the second even if the first fails; whether all is gone."""
    try:
        if _channel(conversation_id) not in ("kiosk", None):
            return True  # a thread by telephone is not erased from here
        try:
            dialogue().forget(conversation_id)
        finally:
            forget(careline().database, conversation_id)
    except (DialogueUnavailable, DatabaseUnavailable) as error:
        _log.error("%s: %s", type(error).__name__, error)
        return False
    return True


def _in_language(page: Page) -> Page:
    """The same page in another language: a reply is data, so that it can be said again."""
    if page.conversation_id is not None:
        remember_language(careline().database, page.conversation_id, page.language, chosen=True)
    return _latest(page)


def _latest(page: Page) -> Page:
    """The page with the newest answer there is."""
    return _with_later(replace(page, reply=_last(page)))


def _with_later(page: Page) -> Page:
    """The page with what people wrote since, and whether somebody still will."""
    if page.conversation_id is None:
        return page
    with careline().database.read() as session:
        sent = outbox.for_kiosk(session, page.conversation_id, again=True)
        late = select(Message.id).where(Message.conversation_id == page.conversation_id, Message.state == "late")
        awaited = escalation.awaited(session, page.conversation_id) or session.scalar(late.limit(1)) is not None
    outbox.fetched(careline().database, sent)
    # A late answer stands with its question by now, as cards rather than as a text.
    later = tuple(one for one in sent if not one.origin.startswith("message "))
    # Nor does anybody need to read that a person will answer once one has.
    promise = page.reply is not None and page.reply.escalation is not None and not page.reply.urgent
    kept = None if promise and later and not awaited and not page.asked else page.reply
    return replace(page, later=later, awaited=awaited, reply=kept)


def _last(page: Page) -> Reply | None:
    """The newest reply of the conversation, a promise to answer later included."""
    if page.conversation_id is None:
        return None
    newest = (
        select(Message.reply)
        .where(Message.conversation_id == page.conversation_id, Message.reply.is_not(None))
        .order_by(Message.id.desc())
        .limit(1)
    )
    with careline().database.read() as session:
        stored = session.scalar(newest)
    return replies.load(json.loads(stored)) if stored else None


def _pressed(send: str, previous: Reply | None, language: str) -> str:
    """What the button says that sends `send`."""
    facts = render.facts(careline(), language, "kiosk")
    if send == PERSON:
        return facts.words("page.person")
    if send == MORE:
        return facts.words("page.more_places")
    if previous is not None and send.isascii() and send.isdigit() and 0 < int(send) <= len(previous.choices):
        return label(previous.choices[int(send) - 1], facts)
    return send


def _provider_id(text: str) -> str | None:
    """An id of this message, so that pressing twice or loading again asks once. None for a form without its mark."""
    once = request.form.get("once", "")
    if not 16 <= len(once) <= 32:
        return None
    return f"kiosk {once} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _posted_id() -> str | None:
    return request.form.get("conversation", "")[:36] or None


def _exists(conversation_id: str) -> bool:
    """Whether there is such a conversation at a kiosk; one by telephone is never opened here."""
    return _channel(conversation_id) == "kiosk"


def _channel(conversation_id: str) -> str | None:
    with careline().database.read() as session:
        found = session.get(Conversation, conversation_id)
        return found.channel if found else None


def _blank() -> Page:
    """A page with nothing on it, in the language chosen, the browser's, or the line's."""
    settings = careline().settings
    for name in ("change", "language"):
        asked = request.values.get(name)
        if asked in settings.languages:
            return Page(language=asked, chosen=True)
    shown_in = request.form.get("shown_in")
    usual = request.accept_languages.best_match(settings.languages) or settings.default_language
    return Page(language=shown_in if shown_in in settings.languages else usual)


def _show(page: Page) -> Response:
    facts = render.facts(careline(), page.language, "kiosk")
    settings = careline().settings
    silent = page.reply is not None and page.reply == Reply()
    content: dict[str, Any] = {
        "page": page,
        "words": facts.words,
        "direction": facts.locale.text_direction,
        "languages": [(code, *_own_name(code)) for code in settings.languages],
        "answer": shown(page.reply, facts) if page.reply is not None and not silent else None,
        "silent": silent and page.asked,
        "topics": TOPICS,
        "person": PERSON,
        "more": MORE,
        "longest": LONGEST,
        "once": secrets.token_urlsafe(16),
        "emergency": settings.emergency_number,
    }
    return make_response(render_template("kiosk.html", **content))


def _own_name(code: str) -> tuple[str, str]:
    """What speakers call their language, in its own script, and its direction (CLDR)."""
    locale = Locale.parse("fil" if code == "tl" else code)
    name = locale.languages.get(locale.language, code)
    return name[:1].upper() + name[1:], locale.text_direction
