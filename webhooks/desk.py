"""The desk: where staff see who needs a person, and answer."""

import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from bot import escalation, render, staff
from bot.clock import now
from bot.encryption import vault
from bot.errors import CarelineError
from bot.escalation import Case, Said
from bot.render import kiosk as page_rendering
from bot.render import sms as sms_rendering
from bot.staff import Staff
from bot.turn import LONGEST, clean
from webhooks.attempts import Attempts
from webhooks.current import careline, wake

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
_log = logging.getLogger(__name__)

#: Seconds after which somebody must sign in again.
LASTS = 12 * 3600
#: Checking a password takes 64 MB: only so many at once.
_checking = threading.BoundedSemaphore(4)
_making = threading.Lock()
_T = TypeVar("_T")

#: Why there is a case, for staff.
REASONS = {
    "asked": "asked for a person",
    "crisis": "crisis",
    "not_understood": "was not understood",
    "not_helpful": "the answer did not help",
    "wrong_information": "says a record is wrong",
    "abuse": "reports abuse",
    "unavailable": "the bot could not answer",
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


@blueprint.before_request
def _guard() -> BaseResponse | None:
    """Forms carry our token, and everything but the sign-in needs somebody signed in."""
    if request.method == "POST" and not hmac.compare_digest(request.form.get("token", "").encode(), _token().encode()):
        abort(400, "This page was too old: go back, load it again and repeat.")
    g.staff = _signed_in()
    if g.staff is None and request.endpoint != "desk.sign_in":
        session.clear()
        return redirect(url_for("desk.sign_in"))
    return None


@blueprint.context_processor
def _tools() -> dict[str, Any]:
    return {"token": _token, "once": lambda: secrets.token_hex(12)}


@blueprint.errorhandler(CarelineError)
def _sorry(error: CarelineError) -> Response:
    _log.error("%s: %s", type(error).__name__, error)
    return _page("sorry.html", status=503)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> BaseResponse:
    """Name and password."""
    if request.method == "GET":
        return redirect(url_for("desk.queue")) if g.staff else _page("sign_in.html")
    name = request.form.get("name", "").strip()[:80]
    key = (name.casefold(), request.remote_addr)
    attempts = _kept("attempts", Attempts)
    if not attempts.begin(key):
        response = _page("sign_in.html", status=429, problem="Too many attempts. Please wait a minute and try again.")
        response.headers["Retry-After"] = "60"
        return response
    with _checking, careline().database.read() as database:
        person = staff.sign_in(database, name, request.form.get("password", "")[:1000])
    if person is None:
        return _page("sign_in.html", status=403, problem="This name and password do not belong together.", name=name)
    attempts.succeeded(key)
    session.clear()  # nothing of an earlier session goes on
    session.update(staff=person.id, key=_key(person), since=int(time.time()))
    return redirect(url_for("desk.queue"))


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Forget who was signed in."""
    session.clear()
    return redirect(url_for("desk.sign_in"))


@blueprint.get("")
def queue() -> Response:
    """Who is waiting."""
    with careline().database.read() as database:
        waiting = escalation.queue(database)
    claimed = [one for one in waiting if one.case.status == "claimed"]
    groups = {
        "Waiting": [one for one in waiting if one.case.status == "open"],
        "Yours": [one for one in claimed if one.case.claimed_by == g.staff.id],
        "With colleagues": [one for one in claimed if one.case.claimed_by != g.staff.id],
        "Answered, not closed": [one for one in waiting if one.case.status == "answered"],
    }
    return _page("queue.html", groups=groups)


@blueprint.get("/cases/<case_id>")
def case(case_id: str) -> BaseResponse:
    """One case, with what was said so far."""
    return _case(case_id)


@blueprint.post("/cases/<case_id>/claim")
def claim(case_id: str) -> BaseResponse:
    """Take a case."""
    with careline().database.begin() as database:
        won = escalation.claim(database, case_id, g.staff.id)
    return _after(case_id, won, "A colleague was faster: the case is taken, or closed.")


@blueprint.post("/cases/<case_id>/take-over")
def take_over(case_id: str) -> BaseResponse:
    """Take a case from a colleague."""
    with careline().database.begin() as database:
        won = escalation.take_over(database, case_id, g.staff.id, request.form.get("colleague", 0, type=int))
    return _after(case_id, won, "The case has changed hands or been answered meanwhile.")


@blueprint.post("/cases/<case_id>/release")
def release(case_id: str) -> BaseResponse:
    """Give a case back."""
    with careline().database.begin() as database:
        done = escalation.release(database, case_id, g.staff.id)
    return _after(case_id, done, "This case is not yours any more.", to_queue=True)


@blueprint.post("/cases/<case_id>/close")
def close(case_id: str) -> BaseResponse:
    """Nothing left to do."""
    with careline().database.begin() as database:
        done = escalation.close(database, case_id, g.staff.id)
    return _after(case_id, done, "Answer the case first, or ask the colleague who has it.", to_queue=True)


@blueprint.post("/cases/<case_id>/answer")
def answer(case_id: str) -> BaseResponse:
    """Send the person an answer."""
    text, once = clean(request.form.get("text", "")), request.form.get("once", "")[:24]
    if not text or not once:
        return _after(case_id, False, "Write an answer first.")
    with careline().database.begin() as database:
        done = escalation.answer(database, case_id, g.staff.id, text, once, stay="stay" in request.form)
    if not done:
        flash("The answer was not sent: this case is not yours any more. Your text is below, so that it is not lost.")
        return _case(case_id, draft=text)
    wake()
    flash("The answer is on its way.")
    return _after(case_id, True)


def _case(case_id: str, draft: str = "") -> BaseResponse:
    with careline().database.read() as database:
        found = database.get(Case, case_id)
        if found is None:
            flash("This case is gone: the person has erased the conversation.")
            return redirect(url_for("desk.queue"))
        conversation = escalation.conversation_of(database, found)
        colleague = database.get(Staff, found.claimed_by) if found.claimed_by else None
        thread = escalation.said(database, conversation.id)
    language = conversation.language or found.language
    return _page(
        "case.html",
        status=409 if draft else 200,
        case=found,
        channel=conversation.channel,
        ending=(conversation.number or "")[-3:],
        language=language,
        colleague=colleague,
        mine=found.status == "claimed" and found.claimed_by == g.staff.id,
        thread=[_line(one, conversation.channel, language) for one in thread],
        longest=LONGEST,
        draft=draft,
    )


def _after(case_id: str, done: bool, otherwise: str = "", to_queue: bool = False) -> BaseResponse:
    if not done:
        flash(otherwise)
    return redirect(url_for("desk.queue") if done and to_queue else url_for("desk.case", case_id=case_id))


def _line(one: Said, channel: str, language: str) -> dict[str, Any]:
    """One thing said, in the words it was said in; a reply of ours also in the staff's language."""
    house = careline().settings.default_language
    spoken = one.language or language
    text, meaning = one.text, None
    if one.reply is not None:
        text = _words(one, channel, spoken)
        meaning = _words(one, channel, house) if spoken != house else None
    return {
        "at": one.at.astimezone(careline().settings.time_zone),
        "who": one.who,
        "text": text,
        "meaning": meaning,
        "language": spoken if one.who == "bot" else None,
        "status": DELIVERY.get(one.status or ""),
    }


def _words(one: Said, channel: str, language: str) -> str:
    assert one.reply is not None
    if channel == "kiosk":
        messages = page_rendering.render(one.reply, render.facts(careline(), language, "kiosk"))
        return "\n".join(str(message["text"]) for message in messages)
    return sms_rendering.render(one.reply, render.facts(careline(), language, "sms"))


def _page(template: str, status: int = 200, **values: Any) -> Response:
    facts = render.facts(careline(), careline().settings.default_language, "kiosk")
    moment = now()
    values |= {
        "staff": g.get("staff"),
        "municipality": careline().settings.municipality,
        "house": careline().settings.default_language,
        "language_name": facts.language_name,
        "topic_name": lambda topic: facts.words(f"topic.{topic}") if facts.words.has(f"topic.{topic}") else topic,
        "ago": lambda at: duration(moment - at),
        "local": lambda at: _local(at, moment),
        "late": lambda case: case.status == "open" and case.due_at <= moment,
        "reasons": REASONS,
        "statuses": STATUSES,
        "channels": CHANNELS,
    }
    response = make_response(render_template(f"desk/{template}", **values))
    response.status_code = status
    return response


def duration(span: timedelta) -> str:
    """How long, for a glance: 5 min, 2 h 10 min, 3 days."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def _local(at: datetime, moment: datetime) -> str:
    zone = careline().settings.time_zone
    there = at.astimezone(zone)
    return there.strftime("%H:%M" if there.date() == moment.astimezone(zone).date() else "%-d %b, %H:%M")


def _signed_in() -> Staff | None:
    """Who is signed in, if the account is still active and its password the same."""
    number, since = session.get("staff"), session.get("since", 0)
    if number is None or time.time() - since > LASTS:
        return None
    with careline().database.read() as database:
        person = database.get(Staff, number)
    if person is None or not person.active or session.get("key") != _key(person):
        return None
    return person


def _key(person: Staff) -> str:
    """Changes with the password, so that a new one ends every session."""
    return vault().hash(f"staff:{person.password_hash}")[:16]


def _token() -> str:
    """The secret that our own forms carry, one per session."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(24)
    return cast(str, session["token"])


def _kept(name: str, make: Callable[[], _T]) -> _T:
    """Something of this application's, made when it is first needed."""
    with _making:
        if f"desk.{name}" not in current_app.extensions:
            current_app.extensions[f"desk.{name}"] = make()
        return cast(_T, current_app.extensions[f"desk.{name}"])
