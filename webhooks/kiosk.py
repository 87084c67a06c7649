"""The page for everybody: GET / and POST /. It works without JavaScript and leaves nothing behind in the browser.

The id of the conversation stands in the page's own forms, in no cookie and no storage: closing the page loses it.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from bot import escalation, outbox, render
from bot import reply as replies
from bot.conversation import Conversation, Message, forget, remember_language
from bot.errors import CarelineError, DatabaseUnavailable, DialogueUnavailable
from bot.inbound import Inbound, clean
from bot.render.text import label
from bot.reply import Reply
from bot.topics import PERSON, PRESSABLE
from webhooks import device, live, staff_bar, take
from webhooks.current import answer, careline, dialogue
from webhooks.page import MORE, Page, exit_address, languages, show
from webhooks.reading import Reading

blueprint = Blueprint("kiosk", __name__)
_log = logging.getLogger(__name__)

#: How a browser is told to forget; a kiosk keeps what makes it a kiosk, and holds nothing of a person anywhere else.
FORGET = '"cache", "cookies", "storage"'
FORGET_AT_KIOSK = '"cache"'


@blueprint.get("/")
def begin() -> Response:
    """An empty page, in the language asked for; at a kiosk without one, the start screen."""
    page = _blank()
    ended = next((key for name, key in _ENDINGS.items() if name in request.args), None)
    page = replace(page, notice=ended)
    if page.kiosk is not None and not page.chosen:
        return show(page, "kiosk/start.html")
    code = request.args.get("code")
    return show(take.redeem(page, code) if code else page)


#: What is said after the end, by the address that the end leads to.
_ENDINGS = {"ended": "page.ended", "idle": "idle.ended"}


@blueprint.post("/")
def go_on() -> BaseResponse:
    """Whatever was pressed or written."""
    page = _blank()
    page = replace(
        page,
        place=request.form.get("place", "")[:200],
        conversation_id=_posted_id(),
        reading=Reading.parse(request.form.get("reading", "")),
        assist=staff_bar.valid(request.form.get("assist", ""), page.kiosk),
    )
    action = request.form.get("action", "")
    if action in ("end", "leave", "idle"):
        return _end(page, action)
    if page.conversation_id is not None and not _exists(page.conversation_id):
        # It was erased, and somebody went back to its page: what that sends again is not for whoever is here now.
        return show(replace(page, conversation_id=None, place="", notice="page.gone"))
    return show(_ACTIONS.get(action, _ask)(page))


@blueprint.errorhandler(CarelineError)
def _sorry(error: CarelineError) -> Response:
    """Something of ours is down: say where help is all the same."""
    _log.error("%s: %s", type(error).__name__, error)
    response = show(replace(_blank(look_up=False), notice="page.unavailable", error=True))
    response.status_code = 503
    response.headers["Retry-After"] = "5"
    return response


def _ask(page: Page) -> Page:
    previous = _last(page)
    send, topic = request.form.get("send"), request.form.get("topic")
    words = careline().wording.words(page.language, "kiosk")
    payload = topic if topic in PRESSABLE else None
    if payload:
        text = asked = words(f"topic.{payload}")
    elif send:
        text = clean(send)
        asked = _pressed(text, previous, page.language)
    else:
        text = asked = clean(request.form.get("text", ""))
    if not text:
        return replace(_latest(page), notice="page.empty", error=True)
    return _turn(page, text, asked, payload, said_where=not send)


def _hand_over(page: Page) -> Page:
    """Staff beside the person ask a colleague to go on."""
    note = clean(request.form.get("note", ""))
    if page.assist is None or page.kiosk is None or not note:
        return replace(_latest(page), notice="page.empty", error=True)
    house = careline().wording.words(careline().settings.default_language, "kiosk")
    text = house("assist.handed", branch=page.kiosk.branch, note=note)
    return _turn(replace(page, chosen=True), text, text, PERSON)


def _turn(page: Page, text: str, asked: str, payload: str | None = None, said_where: bool = True) -> Page:
    """Take a turn, and the page with its answer."""
    if said_where and not page.place:
        # A place that was named once stands in its field from then on, where it can be seen and changed.
        named = careline().places().find(text) if payload is None else None
        page = replace(page, place=named.name if named else "")
    near = page.place or (page.kiosk.branch if page.kiosk else "")
    inbound = Inbound(
        channel="kiosk",
        text=text,
        provider_id=_provider_id(text),
        conversation_id=page.conversation_id,
        language=page.language if page.chosen or payload else None,
        place=(clean(near) or None) if said_where else None,
        payload=payload,
    )
    turn = answer(inbound)
    page = replace(page, language=turn.language or page.language, asked=asked)
    if not turn.conversation_id or not _exists(turn.conversation_id):  # erased with this very message
        return replace(page, conversation_id=None, asked="", reply=turn.reply)
    return _with_later(replace(page, conversation_id=turn.conversation_id, reply=turn.reply))


def _end(page: Page, action: str) -> BaseResponse:
    """Erase the conversation, here and in the dialogue; what cannot be erased now can be tried again.

    Whoever leaves quickly is not held up by that: our own side is erased in any case, and the page must be gone.
    """
    erased = page.conversation_id is None or _erased(page.conversation_id)
    if not erased and action == "end":
        return show(replace(page, notice="page.end_failed", error=True))
    if action == "leave":
        return forgotten(redirect(exit_address(), 303))
    address = url_for("kiosk.begin") + ("?idle=1" if action == "idle" else "?ended=1")
    if action == "end" and page.chosen and page.kiosk is None:
        address += f"&language={page.language}"
    return forgotten(redirect(address, 303))


def forgotten(response: BaseResponse) -> BaseResponse:
    """The answer that makes the browser forget (https://www.w3.org/TR/clear-site-data/)."""
    response.headers["Clear-Site-Data"] = FORGET_AT_KIOSK if device.here() else FORGET
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


def _read_otherwise(page: Page) -> Page:
    """The page as somebody wants to read it."""
    return _latest(replace(page, reading=page.reading.changed(request.form)))


def _with_later(page: Page) -> Page:
    """The page with what people wrote since, and whether somebody still will."""
    if page.conversation_id is None:
        return page
    with careline().database.read() as session:
        sent = outbox.for_kiosk(session, page.conversation_id, again=True)
        late = select(Message.id).where(Message.conversation_id == page.conversation_id, Message.state == "late")
        awaited = escalation.awaited(session, page.conversation_id) or session.scalar(late.limit(1)) is not None
        version = live.version(session, page.conversation_id)
    outbox.fetched(careline().database, sent)
    # A late answer stands with its question by now, as cards rather than as a text.
    later = tuple(one for one in sent if not one.origin.startswith("message "))
    # Nor does anybody need to read that a person will answer once one has.
    promise = page.reply is not None and page.reply.escalation is not None and not page.reply.urgent
    kept = None if promise and later and not awaited and not page.asked else page.reply
    return replace(page, later=later, awaited=awaited, reply=kept, version=version or "")


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


#: What the buttons of the page do besides asking. Each gets the page and gives the one to show.
_ACTIONS: dict[str, Callable[[Page], Page]] = {
    "language": _in_language,
    "look": _latest,
    "reading": _read_otherwise,
    "to_phone": lambda page: take.to_phone(_latest(page)),
    "take_code": lambda page: take.code(_latest(page)),
    "open_code": lambda page: take.redeem(page, request.form.get("code", "")),
    "assist": lambda page: staff_bar.sign_in(_latest(page)),
    "assist_close": lambda page: _latest(
        replace(page, assist=None, reading=page.reading.changed({"both": "no", "print": "usual"}))
    ),
    "hand_over": _hand_over,
}


def _pressed(send: str, previous: Reply | None, language: str) -> str:
    """What the button says that sends `send`."""
    facts = render.facts(careline(), language, "kiosk")
    if send == "0":
        return facts.words("page.person")
    if send == MORE:
        return facts.words("page.more_places")
    if previous is not None and send.isascii() and send.isdigit() and 0 < int(send) <= len(previous.choices):
        return label(previous.choices[int(send) - 1], facts)
    return send


def _provider_id(text: str) -> str | None:
    """An id of this message, so that pressing twice or loading again asks once. None for a form without its mark."""
    once = take.once()
    return f"kiosk {once} {hashlib.sha256(text.encode()).hexdigest()[:16]}" if once else None


def _posted_id() -> str | None:
    return request.form.get("conversation", "")[:36] or None


def _exists(conversation_id: str) -> bool:
    """Whether there is such a conversation at a kiosk; one by telephone is never opened here."""
    return _channel(conversation_id) == "kiosk"


def _channel(conversation_id: str) -> str | None:
    with careline().database.read() as session:
        found = session.get(Conversation, conversation_id)
        return found.channel if found else None


def _blank(look_up: bool = True) -> Page:
    """A page with nothing on it, in the language chosen, the browser's, or the line's. `look_up`: ask the database whether
    this is a kiosk."""
    settings = careline().settings
    kiosk = device.here() if look_up else None
    offered = languages(kiosk)
    for name in ("change", "language"):
        asked = request.values.get(name)
        if asked in settings.languages:
            return Page(language=asked, chosen=True, kiosk=kiosk)
    shown_in = request.form.get("shown_in")
    default = settings.default_language if settings.default_language in offered else offered[0]
    usual = request.accept_languages.best_match(offered) or default
    return Page(language=shown_in if shown_in in settings.languages else usual, kiosk=kiosk)
