"""Accounts and teams, for administrators; and the audit log."""

import json

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, second_factor, signed_in, staff, timetable
from bot.errors import CarelineError
from bot.languages import LANGUAGES
from bot.phone import normalised
from bot.staff import Membership, Role, Staff, Team
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import key, page

blueprint = Blueprint("desk_people", __name__, url_prefix="/desk/people")
protect(blueprint, Role.ADMINISTRATOR)


@blueprint.get("")
def people() -> Response:
    """Everybody with an account, and the teams."""
    return _page()


@blueprint.post("/add")
def add() -> BaseResponse:
    """A new account."""
    name = " ".join(request.form.get("name", "").split())[:80]
    with careline().database.begin() as database:
        if not name or database.scalar(select(Staff.id).where(Staff.name == name)) is not None:
            flash("Write a name that nobody has yet.")
            return redirect(url_for("desk_people.people"))
        try:
            person = staff.add(database, name, request.form.get("password", "")[:1000], _role())
        except CarelineError as error:
            flash(str(error))
            return redirect(url_for("desk_people.people"))
        person.languages = json.dumps(_languages())
        _join(database, person.id)
        audit.record(database, current().id, "account made", f"staff {person.id}", person.role)
    flash(f"{name} may sign in now.")
    return redirect(url_for("desk_people.people"))


@blueprint.post("/<int:staff_id>")
def change(staff_id: int) -> BaseResponse:
    """Role, languages, teams, and whether the account is open."""
    with careline().database.begin() as database:
        person = database.get(Staff, staff_id)
        if person is None:
            return redirect(url_for("desk_people.people"))
        role, active = _role(), "active" in request.form
        if person.id == current().id and (role != Role.ADMINISTRATOR or not active):
            flash("Ask another administrator to take your own rights away.")
            return redirect(url_for("desk_people.people"))
        if person.role != role:
            audit.record(database, current().id, "role changed", f"staff {person.id}", f"{person.role} to {role}")
        if person.active != active:
            audit.record(database, current().id, "account opened" if active else "account closed", f"staff {person.id}")
        person.role, person.active, person.languages = role, active, json.dumps(_languages())
        _join(database, person.id)
        if not active:
            signed_in.end_all(database, person.id)
    flash(f"{person.name}: changed.")
    return redirect(url_for("desk_people.people"))


@blueprint.post("/<int:staff_id>/reset")
def reset(staff_id: int) -> BaseResponse:
    """Forget somebody's second factor, and sign them out: their phone is lost."""
    with careline().database.begin() as database:
        person = database.get(Staff, staff_id)
        if person is not None:
            second_factor.reset(person)
            signed_in.end_all(database, person.id)
            audit.record(database, current().id, "second factor reset", f"staff {person.id}")
            flash(f"{person.name} sets up a new second factor at the next sign-in.")
    return redirect(url_for("desk_people.people"))


@blueprint.post("/<int:staff_id>/password")
def password(staff_id: int) -> BaseResponse:
    """A new password for somebody who has lost theirs."""
    with careline().database.begin() as database:
        person = database.get(Staff, staff_id)
        if person is not None:
            try:
                staff.set_password(person, request.form.get("password", "")[:1000])
            except CarelineError as error:
                flash(str(error))
                return redirect(url_for("desk_people.people"))
            signed_in.end_all(database, person.id)
            audit.record(database, current().id, "password set", f"staff {person.id}")
            flash(f"{person.name} has a new password.")
    return redirect(url_for("desk_people.people"))


@blueprint.post("/teams")
def team() -> BaseResponse:
    """Add a team, or change one."""
    name = " ".join(request.form.get("name", "").split())[:80]
    hours = request.form.get("hours", "")[:2000]
    number = request.form.get("duty_number", "").strip()
    duty = normalised(number, careline().settings.country) if number else None
    problem = "" if name else "The team needs a name."
    if number and duty is None:
        problem = "The telephone on duty is no number."
    try:
        timetable.parse(hours)
    except ValueError as error:
        problem = f"The hours cannot be read: {error}."
    with careline().database.begin() as database:
        found = database.get(Team, key(request.form.get("team", ""))) or Team()
        namesake = database.scalar(select(Team.id).where(Team.name == name))
        if namesake is not None and namesake != found.id:
            problem = "Another team has this name."
        if problem:
            flash(problem)
            return redirect(url_for("desk_people.people"))
        found.name, found.hours, found.duty_number = name, hours, duty
        found.topics = json.dumps([topic.strip() for topic in request.form.get("topics", "").split(",") if topic.strip()])
        found.languages = json.dumps(_languages())
        found.active = "active" in request.form
        database.add(found)
        database.flush()
        audit.record(database, current().id, "team changed", f"team {found.id}", name)
    flash(f"{name}: saved.")
    return redirect(url_for("desk_people.people"))


@blueprint.get("/audit")
def log() -> Response:
    """What was done at the desk, by whom."""
    before = key(request.args.get("before", "")) or None
    with careline().database.read() as database:
        entries = audit.entries(database, before=before)
        names = {person.id: person.name for person, _ in staff.people(database).values()}
    return page("audit.html", entries=entries, names=names, kept_days=audit.KEPT_DAYS)


def _page() -> Response:
    with careline().database.read() as database:
        everybody = list(staff.people(database).values())
        teams = list(database.scalars(select(Team).order_by(Team.name)))
        members = {person.id: staff.teams_of(database, person.id) for person, _ in everybody}
    described = [(one, ", ".join(json.loads(one.topics)), json.loads(one.languages)) for one in teams]
    return page("people.html", everybody=everybody, teams=described, members=members, roles=list(Role), languages=LANGUAGES)


def _role() -> Role:
    asked = request.form.get("role", "")
    return Role(asked) if asked in list(Role) else Role.STAFF


def _languages() -> list[str]:
    return [code for code in LANGUAGES if code in request.form.getlist("languages")]


def _join(database: Session, staff_id: int) -> None:
    """Be in exactly the teams ticked."""
    known = {one.id for one in staff.teams(database)}
    database.execute(delete(Membership).where(Membership.staff_id == staff_id))
    for number in {int(one) for one in request.form.getlist("teams") if one.isdecimal()} & known:
        database.add(Membership(team_id=number, staff_id=staff_id))
