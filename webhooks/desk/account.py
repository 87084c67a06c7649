"""One's own account: password, second factor, where one is signed in, and what is recorded about oneself."""

import segno
from flask import Blueprint, Response, flash, jsonify, redirect, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, lockout, second_factor, signed_in, staff
from bot.case_history import CaseEvent
from bot.errors import CarelineError
from bot.staff import Staff
from webhooks.current import careline
from webhooks.desk.guard import current, must_enrol, protect
from webhooks.desk.page import page

blueprint = Blueprint("desk_account", __name__, url_prefix="/desk/me")
protect(blueprint)


@blueprint.get("")
def me() -> Response:
    """My account, and everything the desk has recorded about me."""
    with careline().database.read() as database:
        return page(
            "me.html",
            entries=audit.entries(database, staff_id=current().id, limit=200),
            sessions=signed_in.of(database, current().id),
            teams=[team.name for team in staff.teams(database) if team.id in staff.teams_of(database, current().id)],
            kept_days=audit.KEPT_DAYS,
            by_provider=bool(session.get("by_provider")),
        )


@blueprint.get("/record.json")
def record() -> Response:
    """The same as a file: account, teams, sessions, audit entries, and what I did with cases."""
    who = current()
    with careline().database.read() as database:
        events = database.scalars(select(CaseEvent).where(CaseEvent.staff_id == who.id).order_by(CaseEvent.id))
        body = {
            "account": {"name": who.name, "role": who.role, "languages": who.speaks, "since": who.created_at.isoformat()},
            "teams": sorted(staff.teams_of(database, who.id)),
            "sessions": [
                {"from": one.created_at.isoformat(), "seen": one.seen_at.isoformat()} for one in signed_in.of(database, who.id)
            ],
            "audit": [
                {"at": one.at.isoformat(), "action": one.action, "subject": one.subject, "detail": one.detail}
                for one in audit.entries(database, staff_id=who.id, limit=100_000)
            ],
            "cases": [{"at": one.at.isoformat(), "case": one.case_id, "what": one.kind} for one in events],
        }
    response = jsonify(body)
    response.headers["Content-Disposition"] = "attachment; filename=careline-my-record.json"
    return response


@blueprint.post("/password")
def password() -> BaseResponse:
    """A new password; every other browser is signed out."""
    if not _attempt():
        flash("Too many attempts. Please wait some minutes and try again.")
        return redirect(url_for("desk_account.me"))
    with careline().database.begin() as database:
        person = database.get_one(Staff, current().id)
        if not staff.right_password(person, request.form.get("old", "")[:1000]):
            flash("The old password is not right.")
            return redirect(url_for("desk_account.me"))
        try:
            staff.set_password(person, request.form.get("new", "")[:1000])
        except CarelineError as error:
            flash(str(error))
            return redirect(url_for("desk_account.me"))
        signed_in.end_all(database, person.id, but=session["staff"])
        audit.record(database, person.id, "password changed", f"staff {person.id}")
    flash("Your password is changed, and you are signed out everywhere else.")
    return redirect(url_for("desk_account.me"))


@blueprint.post("/sign-out-elsewhere")
def elsewhere() -> BaseResponse:
    """End every other session."""
    with careline().database.begin() as database:
        signed_in.end_all(database, current().id, but=session["staff"])
        audit.record(database, current().id, "signed out elsewhere")
    flash("You are signed out everywhere else.")
    return redirect(url_for("desk_account.me"))


@blueprint.get("/second-factor", endpoint="second_factor")
def second_factor_page() -> Response:
    """A secret to keep in an authenticator: as a picture, and to type."""
    secret = session.setdefault("new_secret", second_factor.new_secret())
    return _offer(secret)


@blueprint.post("/second-factor")
def enrol() -> BaseResponse:
    """Keep the secret once a code of it has been shown."""
    secret = session.get("new_secret")
    if not isinstance(secret, str):
        return redirect(url_for("desk_account.second_factor"))
    if current().second_factor is not None:
        if not _attempt():
            return _offer(secret, "Too many attempts. Please wait some minutes and try again.")
        if not staff.right_password(current(), request.form.get("password", "")[:1000]):
            return _offer(secret, "The password is not right.")
    with careline().database.begin() as database:
        done = second_factor.enrol(database, current().id, secret, request.form.get("code", "")[:40])
        if done:
            audit.record(database, current().id, "second factor set", f"staff {current().id}")
    if not done:
        return _offer(secret, "This code is not right. Check that your telephone's clock is right, and use the newest code.")
    session.pop("new_secret")
    flash("Your second factor is set. From now on a code is asked for after your password.")
    return redirect(url_for("desk_queue.queue"))


def _attempt() -> bool:
    """Whether the own password may be tried once more: somebody at a desk left open must not guess it."""
    with careline().database.begin() as database:
        return lockout.begin(database, f"password {current().id}", request.remote_addr or "") is not None


def _offer(secret: str, problem: str = "") -> Response:
    address = second_factor.address(secret, current().name, f"Careline {careline().settings.municipality}")
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="#fff")
    return page(
        "second_factor.html",
        status=403 if problem else 200,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=picture,
        problem=problem,
        required=must_enrol(current()),
        replacing=current().second_factor is not None,
    )
