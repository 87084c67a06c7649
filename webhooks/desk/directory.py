"""The directory for stewards: find, read, edit, mark as checked, retire, undo; reports that something is wrong; changes."""

from collections.abc import Callable, Iterator
from datetime import date

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, local_words
from bot.clock import now
from bot.directory import editing, reports
from bot.directory.cleaning import choices, numeric
from bot.directory.editing import By, RefusedChange
from bot.directory.tables import RESOURCES
from bot.rights import local as articles
from bot.staff import Role
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import key, refusal, say, steward_page

blueprint = Blueprint("desk_directory", __name__, url_prefix="/desk/directory")
protect(blueprint, Role.STEWARD)

#: What may be added to a page, by the kind of its subject.
ADDED = {
    "service": (
        "phone", "schedule", "language", "cost_option", "required_document", "service_area", "contact", "attribute",
    ),
    "organization": ("phone", "contact"),
    "location": ("address", "phone", "schedule", "language", "accessibility"),
}  # fmt: skip
_LONG = frozenset({"description", "application_process", "fees_description", "eligibility_description", "alert", "notes"})
#: No text in the directory is longer.
LONGEST = 10_000


@blueprint.get("")
def search() -> Response:
    """Find a service, an organization or a place."""
    text = request.args.get("text", "")[:200]
    with careline().database.read() as database:
        found = editing.find(database, text) if text.strip() else []
        total, _ = editing.stale(database, _today(), limit=0)
        waiting = len(reports.waiting(database))
    return steward_page("directory.html", text=text, found=found, stale=total, waiting=waiting)


@blueprint.get("/stale")
def stale() -> Response:
    """What should be checked again, the oldest first."""
    with careline().database.read() as database:
        total, found = editing.stale(database, _today())
    return steward_page("directory_stale.html", total=total, found=found, days=editing.STALE_DAYS)


@blueprint.get("/reports")
def wrong() -> Response:
    """What people say is wrong."""
    with careline().database.read() as database:
        told = reports.waiting(database)
    return steward_page("directory_reports.html", told=told)


@blueprint.post("/reports/<int:report_id>")
def handled(report_id: int) -> BaseResponse:
    """A report is dealt with."""
    with careline().database.begin() as database:
        dismissed = "dismiss" in request.form
        if reports.handle(database, report_id, current().name, dismissed):
            audit.record(database, current().id, "report dismissed" if dismissed else "report done", f"report {report_id}")
    return redirect(url_for("desk_directory.wrong"))


@blueprint.get("/changes")
def changed() -> Response:
    """What was changed, by whom."""
    before = key(request.args.get("before", "")) or None
    with careline().database.read() as database:
        groups = editing.history(database, before=before)
        undone = editing.undone(database, groups)
    return steward_page("directory_changes.html", groups=groups, undone=undone)


@blueprint.get("/changes.csv")
def export() -> Response:
    """All changes, in the columns of the standard's metadata table."""
    database = careline().database

    def lines() -> Iterator[str]:
        with database.read() as session:
            yield from editing.as_csv(session)

    response = Response(lines(), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="directory-changes.csv"'
    return response


@blueprint.post("/undo/<batch>")
def undo(batch: str) -> BaseResponse:
    """Put back what was before a change."""
    subject = request.form.get("subject", "")[:120]
    _try(lambda database: _undo(database, _by(subject), batch), say("Undone."), "directory undone", subject)
    if "page" in request.form and subject == local_words.SUBJECT:
        return redirect(url_for("desk_words.words"))
    kind, _, record_id = subject.partition(" ")
    if "page" in request.form and kind in editing.SUBJECTS:
        return redirect(url_for("desk_directory.show", kind=kind, record_id=record_id))
    return redirect(url_for("desk_directory.changed"))


@blueprint.get("/<any(service,organization,location):kind>/<path:record_id>")
def show(kind: str, record_id: str) -> BaseResponse:
    """One of them, with all that belongs to it."""
    return _show(kind, record_id)


@blueprint.post("/<any(service,organization,location):kind>/<path:record_id>")
def change(kind: str, record_id: str) -> BaseResponse:
    """Edit, add or remove something on the page, mark as checked, retire or bring back."""
    subject, form = f"{kind} {record_id}", request.form
    what, resource, part = form.get("what", ""), form.get("resource", ""), form.get("record", "")[:100]
    if resource and resource not in RESOURCES:
        return _show(kind, record_id)
    by = _by(subject)
    told = {name: form.get(f"to-{name}", "")[:LONGEST] for name in _fields(resource) if f"to-{name}" in form}
    if what == "edit":
        seen = {name: form.get(f"was-{name}", "").replace("\r\n", "\n") for name in told if f"was-{name}" in form}
        draft = {name: text.replace("\r\n", "\n") for name, text in told.items()}
        done = _try(
            lambda database: editing.edit(database, by, resource, part, draft, seen), say("Saved."), "directory edited", subject
        )
        if not done:
            return _show(kind, record_id, resource, part, draft, status=409)
    elif what == "add" and resource in ADDED[kind]:
        owner = {"attribute": {"link_id": record_id, "link_entity": kind}}.get(resource, {f"{kind}_id": record_id})
        links = {"taxonomy_term_id": form.get("to-taxonomy_term_id", "")[:100]} if resource == "attribute" else {}
        _try(
            lambda database: editing.add(database, by, resource, told | links | owner), say("Added."), "directory edited", subject
        )
    elif what == "remove":
        _try(lambda database: editing.remove(database, by, resource, part), say("Removed."), "directory edited", subject)
    elif what == "check" and kind == "service":
        _try(
            lambda database: editing.check(database, by, record_id, _today()), say("Marked as checked today."), "checked", subject
        )
    elif what in {"retire", "restore"} and kind == "service":
        sentence = say("It is offered again.") if what == "restore" else say("It is not offered any more.")
        _try(lambda database: editing.retire(database, by, record_id, back=what == "restore"), sentence, what, subject)
    return redirect(url_for("desk_directory.show", kind=kind, record_id=record_id))


def _undo(database: Session, by: By, batch: str) -> None:
    """Undo a change of the directory, of the city's words, or of an article of its own."""
    resource = editing.changed_resource(database, batch)
    if resource in {local_words.WORD, local_words.TOPIC}:
        local_words.undo(database, by, batch)
    elif resource == articles.RESOURCE:
        articles.undo(database, by, batch, careline().settings.local)
        careline().rights.refresh(at_once=True)
    else:
        editing.undo(database, by, batch)


def _try(act: Callable[[Session], object], sentence: str, action: str, subject: str) -> bool:
    """Do it, and say so; or say why not."""
    try:
        with careline().database.begin() as database:
            act(database)
            audit.record(database, current().id, action, subject[:80])
    except RefusedChange as error:
        flash(refusal(error))
        return False
    flash(sentence)
    return True


def _by(subject: str) -> By:
    return By(current().id, current().name, subject, request.form.get("note", "").strip()[:500] or None)


def _today() -> date:
    return now().astimezone(careline().settings.time_zone).date()


def _fields(resource: str) -> list[str]:
    """The fields of a resource that are edited: all but those that say where it belongs."""
    if resource not in RESOURCES:
        return []
    return [name for name in RESOURCES[resource].columns if name not in RESOURCES[resource].links and name != "link_id"]


def _show(
    kind: str, record_id: str, resource: str = "", part: str = "", draft: dict[str, str] | None = None, status: int = 200
) -> BaseResponse:
    with careline().database.read() as database:
        found = editing.parts(database, kind, record_id)
        if not found:
            flash(say("This record is gone."))
            return redirect(url_for("desk_directory.search"))
        groups = editing.history(database, f"{kind} {record_id}", limit=60)
        undone = editing.undone(database, groups)
        told = reports.about(database, record_id) if kind == "service" else []
        terms = editing.terms(database)
        near = editing.neighbours(database, kind, found[0].values)
    return steward_page(
        "directory_record.html",
        status=status,
        kind=kind,
        subject=f"{kind} {record_id}",
        parts=found,
        groups=groups,
        undone=undone,
        told=told,
        terms=terms,
        near=near,
        added=ADDED[kind],
        fields=_fields,
        numeric=numeric,
        choices=choices,
        long=_LONG,
        draft=draft if draft is not None else {},
        drafted=(resource, part),
        today=_today(),
    )
