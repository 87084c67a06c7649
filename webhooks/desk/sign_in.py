"""Signing in at the desk: name and password, then a code where there is a second factor; or the city's own provider."""

import threading

from flask import Blueprint, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, lockout, second_factor, signed_in, staff
from bot.clock import now
from bot.staff import Staff
from webhooks.current import careline
from webhooks.desk import provider
from webhooks.desk.guard import protect
from webhooks.desk.page import page

blueprint = Blueprint("desk_sign_in", __name__, url_prefix="/desk")
protect(blueprint, role=None)

#: Checking a password takes 64 MB: only so many at once.
_checking = threading.BoundedSemaphore(4)
#: Seconds between the password and the code.
PATIENCE = 300


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> BaseResponse:
    """Name and password."""
    if request.method == "GET":
        return redirect(url_for("desk_queue.queue")) if g.staff else _form()
    name = request.form.get("name", "").strip()[:80]
    if not _begin(name):
        return _wait("sign_in.html")
    with _checking, careline().database.read() as database:
        person = staff.sign_in(database, name, request.form.get("password", "")[:1000])
    if person is None:
        _note(None, "sign-in failed")
        return _form(status=403, problem="This name and password do not belong together.", name=name)
    if person.second_factor is not None:
        session.clear()
        session.update(waiting=person.id, waiting_since=int(now().timestamp()))
        return redirect(url_for("desk_sign_in.code"))
    return enter(person)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
def code() -> BaseResponse:
    """The second factor."""
    number, since = session.get("waiting"), session.get("waiting_since", 0)
    if not isinstance(number, int) or now().timestamp() - since > PATIENCE:
        session.pop("waiting", None)  # a link to here must not sign anybody out
        return redirect(url_for("desk_sign_in.sign_in"))
    if request.method == "GET":
        return page("code.html")
    if not _begin(f"code {number}"):
        return _wait("code.html")
    with careline().database.begin() as database:
        person = database.get(Staff, number)
        right = person is not None and person.active and second_factor.check(database, person, request.form.get("code", "")[:40])
        if right:
            lockout.succeeded(database, f"code {number}", _address())
    if person is None or not right:
        _note(number, "code refused")
        return page("code.html", status=403, problem="This code is not right, or has been used already. Wait for the next one.")
    return enter(person)


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Forget who was signed in, here and on our side."""
    if isinstance(session.get("staff"), str):
        with careline().database.begin() as database:
            signed_in.end(database, session["staff"])
            audit.record(database, g.staff.id if g.staff else None, "signed out")
    session.clear()
    return redirect(url_for("desk_sign_in.sign_in"))


@blueprint.get("/sign-in/provider")
def to_provider() -> BaseResponse:
    """Off to the city's identity provider."""
    try:
        return provider.begin(url_for("desk_sign_in.from_provider"))
    except provider.ProviderUnavailable:
        return _form(status=503, problem="The provider does not answer. Please try again in a minute.")


@blueprint.get("/sign-in/provider/back")
def from_provider() -> BaseResponse:
    """Back from the city's identity provider."""
    person, problem = provider.finish()
    if person is None:
        _note(None, "provider sign-in failed")
        return _form(status=403, problem=problem)
    return enter(person, by_provider=True)


def enter(person: Staff, by_provider: bool = False) -> BaseResponse:
    """Begin a session of somebody who has shown who they are."""
    session.clear()  # nothing of an earlier session goes on
    with careline().database.begin() as database:
        lockout.succeeded(database, person.name, _address())
        session["staff"] = signed_in.begin(database, person.id)
        audit.record(database, person.id, "signed in", detail="identity provider" if by_provider else None)
    if by_provider:
        session["by_provider"] = True
    return redirect(url_for("desk_queue.queue"))


def _begin(name: str) -> bool:
    with careline().database.begin() as database:
        return lockout.begin(database, name, _address()) is not None


def _wait(template: str) -> BaseResponse:
    minutes = int(lockout.WAIT.total_seconds() // 60)
    problem = f"Too many attempts. Please wait {minutes} minutes and try again."
    response = page(template, status=429, problem=problem, provider=provider.name())
    response.headers["Retry-After"] = str(int(lockout.WAIT.total_seconds()))
    return response


def _form(status: int = 200, problem: str = "", name: str = "") -> BaseResponse:
    return page("sign_in.html", status=status, problem=problem, name=name, provider=provider.name())


def _note(staff_id: int | None, action: str) -> None:
    with careline().database.begin() as database:
        audit.record(database, staff_id, action)


def _address() -> str:
    return request.remote_addr or ""
