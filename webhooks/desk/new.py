"""A new service, for stewards: the form, and what is made of it."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from bot import audit
from bot.clock import now
from bot.directory import adding, editing
from bot.directory.cleaning import numeric
from bot.directory.editing import By, RefusedChange
from bot.directory.tables import TABLES
from bot.staff import Role
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import refusal, say, steward_page

blueprint = Blueprint("desk_new", __name__, url_prefix="/desk/directory/new")
protect(blueprint, Role.STEWARD)

#: Names offered while somebody types; others are given by their id.
_OFFERED = 1000
_LONGEST = 10_000
_LONG = frozenset({"description", "application_process", "fees_description", "eligibility_description"})


@blueprint.get("")
def form() -> Response:
    """An empty form."""
    return _show()


@blueprint.post("")
def add() -> BaseResponse:
    """Add the service, all of it or nothing; a draft that cannot be taken is shown again."""
    told = {name: text[:_LONGEST].replace("\r\n", "\n") for name, text in request.form.items()}
    by = By(current().id, current().name, "", told.get("note", "").strip()[:500] or None)
    settings = careline().settings
    today = now().astimezone(settings.time_zone).date()
    try:
        with careline().database.begin() as session:
            service = adding.add_service(session, by, told, today, settings.currency)
            audit.record(session, current().id, "service added", f"service {service}")
    except RefusedChange as error:
        flash(refusal(error))
        return _show(told, 409)
    flash(say("Added. People are told of it from now on. What is still missing can be added here."))
    return redirect(url_for("desk_directory.show", kind="service", record_id=service))


def _show(draft: dict[str, str] | None = None, status: int = 200) -> Response:
    with careline().database.read() as session:
        names = {
            kind: list(session.scalars(select(TABLES[kind].c.name).order_by(TABLES[kind].c.name).limit(_OFFERED)))
            for kind in ("organization", "location")
        }
        terms = editing.terms(session)
    return steward_page(
        "new.html",
        status=status,
        draft=draft or {},
        names=names,
        terms=terms,
        fields=adding.FIELDS,
        numeric=numeric,
        long=_LONG,
    )
