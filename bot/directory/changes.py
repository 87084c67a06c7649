"""What stewards changed in the directory by hand: each change dated and attributable, undone by another one, and kept
through later imports until the package itself says something new.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.directory.report import Issue, Report
from bot.directory.staging import ALL_NEEDED, ONE_NEEDED, Staging
from bot.directory.tables import ID_LENGTH, RESOURCES, TABLES

#: What was done: a field was edited, a row added or removed, a service checked, retired or brought back, something undone.
ACTIONS: Final = ("edit", "add", "remove", "check", "retire", "restore", "undo")


class DirectoryState(Base):
    """One row: how often the directory was changed, and when last. Who keeps a copy can tell whether it is still good."""

    __tablename__ = "directory_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Change(Base):
    """One change of one field, or of a whole row (`field` is empty, the row is JSON in `before` or `after`).

    `subject` is the service, organization or location whose page it was made on, as "service s1". `group` joins what was
    done at once. A change that a later import has overtaken is `superseded`.
    """

    __tablename__ = "directory_change"
    __table_args__ = (Index("directory_change_record", "resource", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    staff_id: Mapped[int | None]
    staff: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(ID_LENGTH + 20), index=True)
    resource: Mapped[str] = mapped_column(String(30))
    record_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    field: Mapped[str] = mapped_column(String(40), default="")
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    batch: Mapped[str] = mapped_column(String(36), index=True)
    undoes: Mapped[str | None] = mapped_column(String(36))
    superseded: Mapped[bool] = mapped_column(default=False)


def version(session: Session) -> int:
    """How often the directory was changed."""
    state = session.get(DirectoryState, 1, populate_existing=True)
    return state.version if state else 0


def changed_at(session: Session) -> datetime | None:
    """When the directory was changed last; None if never."""
    state = session.get(DirectoryState, 1)
    return state.changed_at if state else None


def touch(session: Session) -> None:
    """Say that the directory is another one from now on."""
    moment = now()
    state = session.get(DirectoryState, 1, populate_existing=True)
    if state is None:
        session.add(DirectoryState(id=1, version=1, changed_at=moment))
    else:
        state.version, state.changed_at = state.version + 1, moment
    session.flush()


def keep(session: Session, staging: Staging, report: Report) -> list[int]:
    """Put what stewards changed into rows about to be imported, wherever these say what they said before the change.

    Newer data wins, and the report says so. The ids of changes that have thereby had their day.
    """
    live = list(session.scalars(select(Change).where(Change.superseded.is_(False)).order_by(Change.id)))
    by_place: dict[tuple[str, str, str], list[Change]] = {}
    for change in live:
        if change.resource not in RESOURCES:
            continue  # articles are not imported
        by_place.setdefault((change.resource, change.record_id, change.field), []).append(change)
    superseded: list[int] = []
    for (resource, record_id, field), made in by_place.items():
        row = staging.get(resource, record_id)
        past = _row_kept(staging, resource, made, row) if not field else _field_kept(staging, made, row, report)
        superseded += [change.id for change in made] if past else []
    return superseded


def _field_kept(staging: Staging, made: Sequence[Change], row: Mapping[str, Any] | None, report: Report) -> bool:
    """Whether the changes of a field are past."""
    first, last = made[0], made[-1]
    if row is None:
        return True
    if last.after == first.before:
        return True  # undone
    told = row[first.field]
    if told == last.after:
        return last.after != first.before  # the package has caught up
    if told == first.before or any(told == change.after for change in made):
        staging.replace(first.resource, first.record_id, first.field, last.after)
        return False
    reason = f"newer than the change {last.staff} made on {last.at:%Y-%m-%d}, which is given up: {last.after or 'nothing'}"
    report.add(Issue(row["file_"], row["line_"], first.field, "steward", reason, told or ""))
    return True


def _row_kept(staging: Staging, resource: str, made: Sequence[Change], row: Mapping[str, Any] | None) -> bool:
    """Whether the changes of a whole row are past."""
    last = made[-1]
    if last.after == made[0].before:
        return True  # undone
    if last.after is not None:
        if row is None:
            values = json.loads(last.after)
            if not owners_exist(resource, values, lambda name, key: staging.get(name, key) is not None):
                return True
            staging.put(resource, values)
            return False
        return True
    if row is None:
        return made[0].before is not None
    if all(row[name] == value for name, value in json.loads(last.before or "{}").items()):
        staging.remove(resource, last.record_id)
        return False
    return True


def owners_exist(resource: str, values: Mapping[str, Any], exists: Any) -> bool:
    """Whether what a row belongs to is there: all of what it needs, and everything it names."""
    links = RESOURCES[resource].links
    if not all(exists(links[column], values[column]) for column in links if values.get(column)):
        return False
    needed, one = ALL_NEEDED.get(resource, ()), ONE_NEEDED.get(resource, ())
    return all(values.get(column) for column in needed) and (not one or any(values.get(column) for column in one))


def supersede(session: Session, ids: Sequence[int]) -> None:
    """Mark changes that an import has overtaken."""
    for start in range(0, len(ids), 500):
        session.execute(update(Change).where(Change.id.in_(ids[start : start + 500])).values(superseded=True))


def row_of(session: Session, resource: str, record_id: str) -> dict[str, str | None] | None:
    """A row of the directory; None if there is none."""
    table = TABLES[resource]
    row = session.execute(select(table).where(table.c.id == record_id)).first()
    return dict(row._mapping) if row else None
