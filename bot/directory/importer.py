"""Importing a directory: read, clean, check references, and put it in place of the old one, all or nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory import listings
from bot.directory.cleaning import Cleaner
from bot.directory.package import Package, Row, read_package
from bot.directory.report import Counts, Issue, Report
from bot.directory.tables import RESOURCES, TABLES
from bot.errors import DataError

#: What is told of how far an import is: the stage ("checking", "storing", "listing"), done, and of how many.
Progress = Callable[[str, int, int], None]

#: A row is left out when none of these columns leads anywhere; for the first group, when any of them does not.
_ALL_NEEDED: Final = {"service_at_location": ("service_id", "location_id")}
_ONE_NEEDED: Final = {
    "address": ("location_id",),
    "contact": ("organization_id", "service_id", "service_at_location_id", "location_id"),
    "phone": ("location_id", "service_id", "organization_id", "contact_id", "service_at_location_id"),
    "schedule": ("service_id", "location_id", "service_at_location_id"),
    "language": ("service_id", "location_id", "phone_id"),
    "accessibility": ("location_id",),
    "cost_option": ("service_id",),
    "required_document": ("service_id",),
    "service_area": ("service_id", "service_at_location_id"),
    "service_capacity": ("service_id",),
    "funding": ("organization_id", "service_id"),
    "organization_identifier": ("organization_id",),
    "url": ("organization_id", "service_id"),
}
_BATCH: Final = 500

Values = dict[str, str]


def _quiet(stage: str, done: int, total: int) -> None:
    pass


def import_package(database: Database, path: Path, progress: Progress | None = None) -> Report:
    """Make the package at `path` the directory: new rows are added, others updated, and those not in it removed.

    One transaction does it all, so whoever searches meanwhile, or after a crash, finds the old directory whole.
    Raises DataError if the package cannot be read or holds not one service; DatabaseUnavailable.
    """
    tell = progress or _quiet
    package = read_package(path)
    report = Report()
    rows = check(package, report, tell)
    if not rows["service"]:
        raise DataError(f"The package {path.name} holds no service that can be used: the old directory stays.")
    with database.begin() as session:
        for done, (name, table) in enumerate(TABLES.items()):
            tell("storing", done, len(TABLES))
            _store(session, table, rows[name], report.counts.setdefault(name, Counts()))
        tell("listing", 0, 1)
        report.listings = listings.rebuild(session)
        tell("listing", 1, 1)
    report.counts = {name: counts for name, counts in report.counts.items() if counts.read or counts.changes}
    return report


def check(package: Package, report: Report, progress: Progress = _quiet) -> dict[str, dict[str, Values]]:
    """The rows that can be used, by resource and id. Counts and issues go to the report."""
    report.issues += package.issues
    cleaner = Cleaner()
    found: dict[str, dict[str, tuple[Row, Values]]] = {name: {} for name in RESOURCES}
    for done, row in enumerate(package.rows):
        if done % 10_000 == 0:
            progress("checking", done, len(package.rows))
        counts = report.counts.setdefault(row.resource, Counts())
        counts.read += 1
        values = cleaner.clean(row)
        if values is None:
            counts.rejected += 1
        elif values["id"] in found[row.resource]:
            counts.rejected += 1
            first = found[row.resource][values["id"]][0].line
            reason = f"the same id as in line {first}: row left out"
            cleaner.issues.append(Issue(row.file, row.line, "id", "error", reason, values["id"]))
        else:
            found[row.resource][values["id"]] = (row, values)
    progress("checking", len(package.rows), len(package.rows))
    report.issues += cleaner.issues
    for name in RESOURCES:  # parents come first, so that what belongs to a row left out is found here
        _check_references(name, found, report)
    return {name: {key: values for key, (_, values) in rows.items()} for name, rows in found.items()}


def _check_references(name: str, found: dict[str, dict[str, tuple[Row, Values]]], report: Report) -> None:
    dangling: list[str] = []
    for key, (row, values) in found[name].items():
        for column, target in _targets(name, values).items():
            if values.get(column) and target is not None and values[column] not in found[target]:
                reason = f"there is no {target} with this id"
                report.issues.append(Issue(row.file, row.line, column, "reference", reason, values.pop(column)))
        incomplete = any(column not in values for column in _ALL_NEEDED.get(name, ()))
        astray = name in _ONE_NEEDED and not any(column in values for column in _ONE_NEEDED[name])
        astray = astray or (name == "attribute" and not ("link_id" in values and "taxonomy_term_id" in values))
        if incomplete or astray:
            dangling.append(key)
            report.issues.append(Issue(row.file, row.line, "", "error", "belongs to nothing: row left out"))
    for key in dangling:
        del found[name][key]
        report.counts[name].rejected += 1


def _targets(name: str, values: Values) -> Mapping[str, str | None]:
    """The columns of a row that hold an id, with the resource it should be in; None where any id is taken."""
    links: dict[str, str | None] = dict(RESOURCES[name].links)
    if name == "attribute":
        links["link_id"] = _entity(values.get("link_entity"))
    return links


def _entity(text: str | None) -> str | None:
    """The resource that `link_entity` names: "service", "Service", "services"."""
    plain = (text or "").strip().lower().replace(" ", "_")
    return next((name for name in (plain, plain.removesuffix("s")) if name in RESOURCES), None)


def _store(session: Session, table: Table, rows: dict[str, Values], counts: Counts) -> None:
    columns = [column.name for column in table.columns]
    old = {row.id: tuple(row) for row in session.execute(select(table)).all()}
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for key, values in rows.items():
        new = {name: values.get(name) for name in columns}
        if key not in old:
            added.append(new)
        elif old[key] != tuple(new.values()):
            changed.append(new | {"old_id": key})
        else:
            counts.unchanged += 1
    gone = [key for key in old if key not in rows]
    for start in range(0, len(gone), _BATCH):
        session.execute(delete(table).where(table.c.id.in_(gone[start : start + _BATCH])))
    if changed:
        assignments: dict[str, Any] = {name: bindparam(name) for name in columns if name != "id"}
        statement = update(table).where(table.c.id == bindparam("old_id")).values(assignments)
        session.connection().execute(statement, [{k: v for k, v in row.items() if k != "id"} for row in changed])
    if added:
        session.connection().execute(insert(table), added)
    counts.added, counts.changed, counts.removed = len(added), len(changed), len(gone)
