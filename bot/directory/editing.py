"""Changing the directory by hand: what stewards do, checked as strictly as an import, each change written down.

A change takes effect at once: the listings of the services it touches are made again in the same transaction.
"""

import csv
import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from bot.clock import now
from bot.directory import changes, listings
from bot.directory.changes import Change, owners_exist, row_of
from bot.directory.cleaning import Cleaner
from bot.directory.nested import CHILDREN
from bot.directory.package import Row
from bot.directory.report import Issue
from bot.directory.tables import LISTING, RESOURCES, TABLES
from bot.errors import CarelineError

#: What may be found and edited by itself; everything else belongs to one of these and is edited on its page.
SUBJECTS: Final = ("service", "organization", "location")
#: Days after which somebody should check a service again.
STALE_DAYS: Final = 180


class RefusedChange(CarelineError):
    """A change that an import would not have taken, or that comes too late. `issues` say why, field by field.

    `sentence` is a phrase of data/wording/en/steward.po, whose placeholders `params` fill; as a text it is in English.
    """

    def __init__(self, sentence: str, issues: Sequence[Issue] = (), **params: str | int) -> None:
        super().__init__(sentence.format(**params))
        self.sentence, self.params, self.issues = sentence, params, tuple(issues)


@dataclass(frozen=True)
class By:
    """Who changes something, on whose page it happens ("service s1"), and why."""

    staff_id: int | None
    staff: str
    subject: str
    note: str | None = None


def edit(session: Session, by: By, resource: str, record_id: str, told: Mapping[str, str], seen: Mapping[str, str]) -> int:
    """Give fields of a row new values; empty ones are taken away. How many fields changed.

    `seen` is what the steward was shown: somebody else's change since then is not overwritten. Raises RefusedChange.
    """
    row = row_of(session, resource, record_id)
    if row is None:
        raise RefusedChange("This record is gone: somebody has removed it meanwhile.")
    fields = [name for name in RESOURCES[resource].columns if name in told and name not in RESOURCES[resource].links]
    stale = [name for name in fields if name in seen and seen[name] != (row[name] or "") and told[name] != seen[name]]
    if stale:
        raise RefusedChange("Somebody has changed {fields} meanwhile: look at it again.", fields=", ".join(stale))
    wanted = {name: told[name] for name in fields if told[name].replace("\r\n", "\n") != (row[name] or "")}
    if not wanted:
        return 0
    cleaned = _checked(resource, {**{key: value for key, value in row.items() if value is not None}, **wanted}, set(wanted))
    new = {name: cleaned.get(name) for name in wanted}
    changed = {name: value for name, value in new.items() if value != row[name]}
    if changed:
        _apply(session, by, "edit", resource, record_id, row, changed)
    return len(changed)


def add(session: Session, by: By, resource: str, told: Mapping[str, str]) -> str:
    """A new row that belongs to the subject, such as a telephone number. Its id. Raises RefusedChange."""
    columns = RESOURCES[resource].columns
    values = {name: value for name, value in told.items() if name in columns and value.strip()}
    values["id"] = str(uuid.uuid4())
    cleaned = _checked(resource, values, set(values))
    if not owners_exist(resource, cleaned, lambda name, key: row_of(session, name, key) is not None):
        raise RefusedChange("What this belongs to is not in the directory any more.")
    session.execute(insert(TABLES[resource]).values({name: cleaned.get(name) for name in ("id", *columns)}))
    after = json.dumps(cleaned, ensure_ascii=False, sort_keys=True)
    _write_down(session, by, "add", resource, cleaned["id"], [("", None, after)])
    _take_effect(session, [(resource, cleaned)])
    return cleaned["id"]


def add_all(session: Session, by: By, rows: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """New rows at once, each after what it belongs to: a whole service. They are undone together. Raises RefusedChange."""
    batch = str(uuid.uuid4())
    added: list[tuple[str, Mapping[str, Any]]] = []
    for resource, told in rows:
        values = {name: value for name, value in told.items() if value.strip()}
        cleaned = _checked(resource, values, set(values))
        if not owners_exist(resource, cleaned, lambda name, key: row_of(session, name, key) is not None):
            raise RefusedChange("What this belongs to is not in the directory any more.")
        columns = ("id", *RESOURCES[resource].columns)
        session.execute(insert(TABLES[resource]).values({name: cleaned.get(name) for name in columns}))
        after = json.dumps(cleaned, ensure_ascii=False, sort_keys=True)
        _write_down(session, by, "add", resource, cleaned["id"], [("", None, after)], batch)
        added.append((resource, cleaned))
    _take_effect(session, added)


def remove(session: Session, by: By, resource: str, record_id: str) -> None:
    """Take away a row that belongs to a subject. Subjects are retired, not removed. Raises RefusedChange."""
    row = row_of(session, resource, record_id)
    if row is None or resource in SUBJECTS:
        raise RefusedChange("This record cannot be removed, or is gone already.")
    touched = _services(session, [(resource, row)])
    session.execute(delete(TABLES[resource]).where(TABLES[resource].c.id == record_id))
    before = json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False, sort_keys=True)
    _write_down(session, by, "remove", resource, record_id, [("", before, None)])
    _take_effect(session, [], touched)


def check(session: Session, by: By, service_id: str, today: date) -> None:
    """Mark a service as checked today: everything about it was compared with what its people say. Raises RefusedChange."""
    row = row_of(session, "service", service_id)
    if row is None:
        raise RefusedChange("This service is gone.")
    _apply(session, by, "check", "service", service_id, row, {"assured_date": today.isoformat()})


def retire(session: Session, by: By, service_id: str, back: bool = False) -> None:
    """Offer a service no more, or again. Raises RefusedChange."""
    row = row_of(session, "service", service_id)
    if row is None:
        raise RefusedChange("This service is gone.")
    _apply(session, by, "restore" if back else "retire", "service", service_id, row, {"status": "active" if back else "inactive"})


def undo(session: Session, by: By, batch: str) -> None:
    """Put back what was before a change, if nothing has been changed there since. Raises RefusedChange."""
    made = list(session.scalars(select(Change).where(Change.batch == batch).order_by(Change.id)))
    if not made or session.scalar(select(Change.id).where(Change.undoes == batch)) is not None:
        raise RefusedChange("This change is undone already.")
    touched: list[tuple[str, Mapping[str, Any]]] = []
    services: set[str] = set()
    own = str(uuid.uuid4())
    for change in reversed(made):
        row = row_of(session, change.resource, change.record_id)
        table = TABLES[change.resource]
        if change.field:
            if row is None or row[change.field] != change.after:
                raise RefusedChange("Something newer stands there: it cannot be undone any more.")
            session.execute(update(table).where(table.c.id == change.record_id).values({change.field: change.before}))
            touched.append((change.resource, row))
        elif change.after is not None:
            if row is None:
                raise RefusedChange("What was added is gone already.")
            if _referred_to(session, change.resource, change.record_id):
                raise RefusedChange("More has been added to it since: undo that first, or offer it no more.")
            services |= _services(session, [(change.resource, row)])
            session.execute(delete(table).where(table.c.id == change.record_id))
        else:
            values = json.loads(change.before or "{}")
            if row is not None or not owners_exist(
                change.resource, values, lambda name, key: row_of(session, name, key) is not None
            ):
                raise RefusedChange("What it belonged to is gone: it cannot be undone any more.")
            session.execute(insert(table).values({column.name: values.get(column.name) for column in table.columns}))
            touched.append((change.resource, values))
        session.add(
            Change(
                at=now(), staff_id=by.staff_id, staff=by.staff, action="undo", subject=change.subject, resource=change.resource,
                record_id=change.record_id, field=change.field, before=change.after, after=change.before, note=by.note,
                batch=own, undoes=batch,
            )
        )  # fmt: skip
    _take_effect(session, touched, services)


def _referred_to(session: Session, resource: str, record_id: str) -> bool:
    """Whether another row of the directory belongs to this one."""
    columns = [
        (TABLES[name], column) for name, other in RESOURCES.items() for column, owner in other.links.items() if owner == resource
    ]
    columns += [(TABLES["attribute"], "link_id")] if resource == "service" else []
    return any(
        session.execute(select(table.c.id).where(table.c[column] == record_id).limit(1)).first() for table, column in columns
    )


def changed_resource(session: Session, batch: str) -> str | None:
    """What a change was made to: the resource, or another kind of record that is kept beside the directory."""
    return session.scalar(select(Change.resource).where(Change.batch == batch).limit(1))


def history(session: Session, subject: str | None = None, limit: int = 100, before: int | None = None) -> list[list[Change]]:
    """Changes, the newest first, those made at once together; of one subject where asked."""
    query = select(Change).order_by(Change.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(Change.subject == subject)
    if before is not None:
        query = query.where(Change.id < before)
    groups: dict[str, list[Change]] = {}
    for change in session.scalars(query):
        groups.setdefault(change.batch, []).append(change)
    return list(groups.values())


def undone(session: Session, groups: Iterable[Sequence[Change]]) -> set[str]:
    """Those of the changes that were undone."""
    batches = [group[0].batch for group in groups]
    return {batch for batch in session.scalars(select(Change.undoes).where(Change.undoes.in_(batches))) if batch}


#: The heading of the exported changes: the standard's metadata table, and what is ours beside it.
HEADING: Final = (
    "id", "resource_id", "resource_type", "last_action_date", "last_action_type", "field_name", "previous_value",
    "replacement_value", "updated_by", "note", "batch", "undoes",
)  # fmt: skip


def as_csv(session: Session) -> Iterable[str]:
    """All changes as CSV, the oldest first, in the columns of the standard's `metadata` table (HSDS 3, metadata)."""
    yield _line(HEADING)
    last = 0
    while rows := list(session.scalars(select(Change).where(Change.id > last).order_by(Change.id).limit(500))):
        for change in rows:
            cells = (
                change.id, change.record_id, change.resource, change.at.isoformat(), change.action, change.field,
                change.before, change.after, change.staff, change.note, change.batch, change.undoes,
            )  # fmt: skip
            yield _line("" if cell is None else str(cell) for cell in cells)
        last = rows[-1].id


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    # A spreadsheet would run what begins like this as a formula.
    safe = ("'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells)
    csv.writer(text, lineterminator="\n").writerow(safe)
    return text.getvalue()


def _checked(resource: str, values: Mapping[str, str], wanted: set[str]) -> dict[str, str]:
    """The values as an import would take them. Raises RefusedChange where it would leave one of `wanted` out."""
    issues: list[Issue] = []
    cleaner = Cleaner(issues.append)
    plain = {str.__str__(name): text for name, text in values.items()}  # the validator takes no names of columns, only texts
    cleaned = cleaner.clean(Row(resource, "", 0, plain))
    refused = [issue for issue in issues if issue.kind in {"error", "doubt"} and issue.field in wanted]
    if cleaned is None or refused or (resource == "service" and "status" not in cleaned):
        told = refused or [issue for issue in issues if issue.kind == "error"] or [Issue("", 0, "status", "error", "missing")]
        reasons = "; ".join(f"{issue.field}: {issue.reason.removesuffix(': left out')}" for issue in told)
        raise RefusedChange("This cannot be saved. {reasons}.", told, reasons=reasons)
    return cleaned


def _apply(
    session: Session, by: By, action: str, resource: str, record_id: str, row: Mapping[str, Any], new: Mapping[str, str | None]
) -> None:
    table = TABLES[resource]
    session.execute(update(table).where(table.c.id == record_id).values(dict(new)))
    _write_down(session, by, action, resource, record_id, [(name, row[name], value) for name, value in new.items()])
    _take_effect(session, [(resource, row)])


def _write_down(
    session: Session, by: By, action: str, resource: str, record_id: str,
    fields: Iterable[tuple[str, str | None, str | None]], batch: str | None = None,
) -> None:  # fmt: skip
    batch = batch or str(uuid.uuid4())
    for name, before, after in fields:
        session.add(
            Change(
                at=now(), staff_id=by.staff_id, staff=by.staff, action=action, subject=by.subject, resource=resource,
                record_id=record_id, field=name, before=before, after=after, note=by.note, batch=batch,
            )
        )  # fmt: skip
    session.flush()


def _take_effect(session: Session, rows: Iterable[tuple[str, Mapping[str, Any]]], services: Iterable[str] = ()) -> None:
    listings.refresh(session, {*services, *_services(session, rows)})
    changes.touch(session)


def _services(session: Session, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> set[str]:
    """The services whose listings tell something of these rows."""
    found: set[str] = set()
    place, service = TABLES["service_at_location"], TABLES["service"]
    for resource, row in rows:
        own = {f"{resource}_id": row["id"]} if resource in CHILDREN else {}
        linked = {**{name: row.get(name) for name in RESOURCES[resource].links}, **own}
        if resource == "attribute":
            linked["service_id"] = linked["service_at_location_id"] = row.get("link_id")
        if value := linked.get("service_id"):
            found.add(value)
        if value := linked.get("service_at_location_id"):
            found |= set(session.scalars(select(place.c.service_id).where(place.c.id == value)))
        if value := linked.get("location_id"):
            found |= set(session.scalars(select(place.c.service_id).where(place.c.location_id == value)))
        if resource in {"organization", "phone"} and (value := linked.get("organization_id")):
            found |= set(session.scalars(select(service.c.id).where(service.c.organization_id == value)))
        if resource == "language" and (value := linked.get("phone_id")):
            phone = row_of(session, "phone", value)
            found |= _services(session, [("phone", phone)]) if phone else set()
    return {one for one in found if one}


@dataclass(frozen=True)
class Found:
    """A record as it stands in a list: `kind` is one of SUBJECTS."""

    kind: str
    id: str
    name: str
    status: str | None = None
    checked: date | None = None


def find(session: Session, text: str, limit: int = 50) -> list[Found]:
    """Services, organizations and locations with these words in their name, or of this id."""
    result: list[Found] = []
    for kind in SUBJECTS:
        table = TABLES[kind]
        query = select(table).order_by(table.c.name, table.c.id).limit(limit)
        words = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in text.split()[:8]]
        alike = [
            or_(table.c.name.ilike(f"%{word}%", escape="\\"), table.c.alternate_name.ilike(f"%{word}%", escape="\\"))
            for word in words
        ]
        rows = session.execute(query.where(or_(table.c.id == text.strip(), *([and_(*alike)] if alike else []))))
        result += [_found(kind, row._mapping) for row in rows]
    return result


def _found(kind: str, row: Mapping[Any, Any]) -> Found:
    checked = row["assured_date"] if kind == "service" else None
    return Found(kind, row["id"], row["name"] or row["id"], row["status"] if kind == "service" else None, _date(checked))


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def stale(session: Session, today: date, limit: int = 200) -> tuple[int, list[Found]]:
    """Services offered that nobody has checked for STALE_DAYS, or ever, the oldest first; and how many there are in all."""
    table = TABLES["service"]
    offered = select(LISTING.c.service_id).distinct()
    until = date.fromordinal(today.toordinal() - STALE_DAYS).isoformat()
    condition = table.c.id.in_(offered) & or_(table.c.assured_date.is_(None), table.c.assured_date < until)
    total = len(list(session.scalars(select(table.c.id).where(condition))))
    query = select(table).where(condition).order_by(table.c.assured_date.is_not(None), table.c.assured_date, table.c.id)
    return total, [_found("service", row._mapping) for row in session.execute(query.limit(limit))]


@dataclass(frozen=True)
class Part:
    """A row as it is shown on a subject's page: its fields in the standard's order."""

    resource: str
    id: str
    values: Mapping[str, str | None]


def parts(session: Session, kind: str, record_id: str) -> list[Part]:
    """A subject and everything that belongs to it, also at its places. Nothing if there is no such subject."""
    own = row_of(session, kind, record_id)
    if own is None:
        return []
    found = [Part(kind, record_id, own)]
    owners = [(kind, record_id)]
    seen = {(kind, record_id)}
    while owners:
        owner, key = owners.pop(0)
        for _, child, column in CHILDREN.get(owner, ()):
            if child in SUBJECTS:
                continue
            table = TABLES[child]
            for row in session.execute(select(table).where(table.c[column] == key).order_by(table.c.id)):
                if (child, row.id) not in seen:
                    seen.add((child, row.id))
                    found.append(Part(child, row.id, dict(row._mapping)))
                    owners.append((child, row.id))
    table = TABLES["attribute"]
    for row in session.execute(select(table).where(table.c.link_id == record_id).order_by(table.c.id)):
        found.append(Part("attribute", row.id, dict(row._mapping)))
    return found


def terms(session: Session) -> list[tuple[str, str]]:
    """Id and name of every taxonomy term, by name: what a service can be about."""
    table = TABLES["taxonomy_term"]
    rows = session.execute(select(table.c.id, table.c.name, table.c.code).order_by(table.c.name).limit(5000))
    return [(row.id, f"{row.name} ({row.code})" if row.code else row.name or row.id) for row in rows]


def neighbours(session: Session, kind: str, own: Mapping[str, str | None]) -> list[Found]:
    """Whose a record is and where it happens, to go on to: organization and locations of a service, services of the others."""
    service, place = TABLES["service"], TABLES["service_at_location"]
    here = select(place.c.location_id).where(place.c.service_id == own["id"])
    there = select(place.c.service_id).where(place.c.location_id == own["id"])
    wanted: dict[str, tuple[tuple[str, Any], ...]] = {
        "service": (
            ("organization", TABLES["organization"].c.id == own.get("organization_id")),
            ("location", TABLES["location"].c.id.in_(here)),
        ),
        "organization": (("service", service.c.organization_id == own["id"]),),
        "location": (("service", service.c.id.in_(there)),),
    }
    found: list[Found] = []
    for other, condition in wanted[kind]:
        table = TABLES[other]
        rows = session.execute(select(table).where(condition).order_by(table.c.name, table.c.id).limit(100))
        found += [_found(other, row._mapping) for row in rows]
    return found
