"""Importing a directory: read, clean, check, and put it in place of the old one, all or nothing.

Everything is made ready in a file of its own (`bot.directory.staging`): the rows, and the listings a search needs. Only the
differences are then written, in one transaction, so that a later import keeps nobody waiting.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, create_engine, delete, event, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.db import Base, Database
from bot.directory import changes, listings
from bot.directory.cleaning import numeric
from bot.directory.mapping import TableMapping
from bot.directory.package import Package, read_package
from bot.directory.report import Counts, Report
from bot.directory.staging import Staging, stage
from bot.directory.tables import CARD, LISTING, TABLES
from bot.errors import DataError

#: What is told of how far an import is: the stage ("reading", "listing", "comparing", "storing"), done, and of how many.
Progress = Callable[[str, int, int], None]

_BATCH: Final = 500
#: Comparing is done before the directory is locked; when somebody changes it meanwhile, it is done again, so often at most.
_ATTEMPTS: Final = 3


def _quiet(stage: str, done: int, total: int) -> None:
    pass


def import_package(
    database: Database,
    path: Path,
    progress: Progress | None = None,
    report: Report | None = None,
    mapping: TableMapping | None = None,
) -> Report:
    """Make the package at `path` the directory: new rows are added, others updated, and those not in it removed.

    One transaction does it all, so whoever searches meanwhile, or after a crash, finds the old directory whole. What
    stewards changed by hand stays until the package itself says something new. Raises DataError if the package cannot be
    read or holds not one service; DatabaseUnavailable.
    """
    tell = progress or _quiet
    report = report or Report()
    package = Package(path.name)
    rows = read_package(path, mapping, package)
    with stage(rows, report, lambda: tell("reading", package.done, package.total)) as staging:
        tell("reading", package.total, package.total)
        if not staging.count("service"):
            raise DataError(f"The package {path.name} holds no service that can be used: the old directory stays.")
        engine = create_engine(f"sqlite:///{staging.path}")
        event.listen(engine, "connect", _hurry)
        try:
            for attempt in range(_ATTEMPTS):
                if _put_in_place(database, staging, engine, report, tell, last=attempt == _ATTEMPTS - 1):
                    break
        finally:
            engine.dispose()
    report.counts = {name: counts for name, counts in report.counts.items() if counts.read or counts.changes}
    return report


def _hurry(connection: Any, record: Any) -> None:
    """Nothing of this file outlives the import, so nothing of it need be safe on the disk."""
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _put_in_place(database: Database, staging: Staging, engine: Engine, report: Report, tell: Progress, last: bool) -> bool:
    """Compare with the directory and write the differences. False if it was changed between the two.

    The `last` time, comparing is part of the transaction.
    """
    with database.begin() if last else database.read() as session:
        version = changes.version(session)
        superseded = changes.keep(session, staging, report)
        _list(engine, report, tell)
        differences = _compare(session, engine, tell)
        if last:
            _write(session, engine, differences, superseded, report, tell)
            return True
    with database.begin() as session:
        if changes.version(session) != version:
            return False
        _write(session, engine, differences, superseded, report, tell)
    return True


def _list(engine: Engine, report: Report, tell: Progress) -> None:
    """Make the listings, from the new rows and beside them."""
    Base.metadata.create_all(engine, tables=[LISTING, CARD])
    with Session(engine) as session, session.begin():
        report.listings = listings.rebuild(session, lambda done, total: tell("listing", done, total))


def _key(table: Table) -> Any:
    return next(iter(table.primary_key.columns))


def _compare(session: Session, engine: Engine, tell: Progress) -> dict[str, Counts]:
    """Note in the table `difference` what is new, changed and gone; how many of each, by table."""
    tables = [*TABLES.values(), LISTING, CARD]
    found: dict[str, Counts] = {}
    with engine.begin() as notes:
        notes.execute(text("DROP TABLE IF EXISTS difference"))
        notes.execute(text("CREATE TABLE difference (tab TEXT, what TEXT, record TEXT)"))
    for done, table in enumerate(tables):
        tell("comparing", done, len(tables))
        counts = found[table.name] = Counts()
        with engine.begin() as staged, engine.connect() as reading:
            for batch in _batches(_units(reading, table)):
                old = _stored(session, table, [key for key, _ in batch])
                noted = []
                for key, rows in batch:
                    before = old.get(key)
                    if before is None:
                        counts.added += 1
                        noted.append(("added", key))
                    elif before != rows and not _same(table, before, rows):
                        counts.changed += 1
                        noted.append(("changed", key))
                    else:
                        counts.unchanged += 1
                _note(staged, table, noted)
            for ids in _stored_ids(session, table):
                kept = set(staged.scalars(select(_key(table)).where(_key(table).in_(ids))))
                gone = [("gone", key) for key in ids if key not in kept]
                counts.removed += len(gone)
                _note(staged, table, gone)
    tell("comparing", len(tables), len(tables))
    return found


def _same(table: Table, before: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> bool:
    """Whether rows differ only in how a number is written: JSON has 2.5 where a table has 2.50."""
    resource = table.name.removeprefix("hsds_")
    if resource not in TABLES:
        return False
    numbers = numeric(resource)
    pairs = zip(table.columns.keys(), before[0], rows[0], strict=True)
    return all(old == new or (name in numbers and old and new and float(old) == float(new)) for name, old, new in pairs)


def _note(staged: Any, table: Table, noted: list[tuple[str, str]]) -> None:
    if noted:
        statement = text("INSERT INTO difference VALUES (:tab, :what, :record)")
        staged.execute(statement, [{"tab": table.name, "what": what, "record": key} for what, key in noted])


Unit = tuple[str, list[tuple[Any, ...]]]


def _units(reading: Any, table: Table) -> Iterator[Unit]:
    """The new rows with the same key, together: one in the standard's tables, one for each topic in the listings."""
    order = list(table.primary_key.columns)
    rows = reading.execution_options(yield_per=1000).execute(select(table).order_by(*order))
    place = list(table.columns).index(_key(table))
    for key, group in groupby(rows, key=lambda row: row[place]):
        yield key, [tuple(row) for row in group]


def _batches(units: Iterator[Unit]) -> Iterator[list[Unit]]:
    batch: list[Unit] = []
    for unit in units:
        batch.append(unit)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _stored(session: Session, table: Table, keys: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    place = list(table.columns).index(_key(table))
    found: dict[str, list[tuple[Any, ...]]] = {}
    statement = select(table).where(_key(table).in_(keys)).order_by(*table.primary_key.columns)
    for row in session.execute(statement):
        found.setdefault(row[place], []).append(tuple(row))
    return found


def _stored_ids(session: Session, table: Table) -> Iterator[list[str]]:
    """The keys that the directory has, some at a time."""
    key, last = _key(table), ""
    while ids := list(session.scalars(select(key).distinct().where(key > last).order_by(key).limit(_BATCH))):
        yield ids
        last = ids[-1]


def _write(
    session: Session, engine: Engine, found: dict[str, Counts], superseded: list[int], report: Report, tell: Progress
) -> None:
    """Carry out the differences."""
    total = sum(counts.changes for counts in found.values())
    done = 0
    tell("storing", 0, total)
    connection = session.connection()
    with engine.connect() as staged:
        for name, table in {table.name: table for table in (*TABLES.values(), LISTING, CARD)}.items():
            for what in ("gone", "changed", "added"):
                for keys in _noted(staged, name, what):
                    if what != "added":
                        connection.execute(delete(table).where(_key(table).in_(keys)))
                    if what != "gone":
                        rows = staged.execute(select(table).where(_key(table).in_(keys)))
                        connection.execute(insert(table), [dict(row._mapping) for row in rows])
                    done += len(keys)
                    tell("storing", done, total)
    for resource, table in TABLES.items():
        counts, new = report.counts.setdefault(resource, Counts()), found[table.name]
        counts.added, counts.changed, counts.removed = new.added, new.changed, new.removed
        counts.unchanged = new.unchanged
    changes.supersede(session, superseded)
    if total:
        changes.touch(session)


def _noted(staged: Any, name: str, what: str) -> Iterator[list[str]]:
    last = 0
    statement = text(
        "SELECT rowid, record FROM difference WHERE tab = :tab AND what = :what AND rowid > :last ORDER BY rowid LIMIT :most"
    )
    while rows := staged.execute(statement, {"tab": name, "what": what, "last": last, "most": _BATCH}).all():
        yield [key for _, key in rows]
        last = rows[-1][0]
