"""Where an import is put together before the directory is touched: a database of its own, in a file that goes away.

Rows are cleaned on the way in, told again or completed by later ones, and checked for references when all are there. So the
memory an import takes does not grow with the directory, and a crash leaves nothing behind.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bot.directory.cleaning import Cleaner
from bot.directory.package import Row
from bot.directory.report import Counts, Issue, Report
from bot.directory.tables import RESOURCES, TABLES

#: A row is left out when none of these columns leads anywhere; for the first group, when any of them does not.
ALL_NEEDED: Final = {"service_at_location": ("service_id", "location_id")}
ONE_NEEDED: Final = {
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
BATCH: Final = 2000

Values = dict[str, str]


class Staging:
    """The rows of an import. `path` is the SQLite file they are in, with the directory's own tables."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self.report = report
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=OFF")
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.execute("PRAGMA cache_size=-32000")
        for name, table in TABLES.items():
            columns = ", ".join(f'"{column.name}" TEXT' for column in table.columns if column.name != "id")
            self.connection.execute(
                f"CREATE TABLE hsds_{name} (id TEXT PRIMARY KEY, {columns}, file_ TEXT, line_ INTEGER) WITHOUT ROWID"
            )
        self.connection.execute("CREATE TABLE filling (resource TEXT, id TEXT, told TEXT, file_ TEXT, line_ INTEGER)")
        self._cleaner = Cleaner(report.add)
        self._waiting: dict[str, list[tuple[Row, Values]]] = {name: [] for name in RESOURCES}
        self.connection.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def add(self, row: Row) -> None:
        """Clean a row and take it, if it can be used."""
        if row.fills:
            values = self._cleaner.fields(row)
            told = json.dumps(values, ensure_ascii=False)
            self._run("INSERT INTO filling VALUES (?, ?, ?, ?, ?)", (row.resource, values.get("id"), told, row.file, row.line))
            return
        counts = self.counts(row.resource)
        counts.read += 1
        found = self._cleaner.clean(row)
        if found is None:
            counts.rejected += 1
            return
        waiting = self._waiting[row.resource]
        waiting.append((row, found))
        if len(waiting) >= BATCH:
            self._flush(row.resource)

    def counts(self, resource: str) -> Counts:
        """The report's counts of a resource."""
        return self.report.counts.setdefault(resource, Counts())

    def finish(self) -> None:
        """Once every row was added: complete them, decide on what depends on the others, and make it ready to be read."""
        for name in RESOURCES:
            self._flush(name)
        self._fill()
        self._decide_status()
        for name, resource in RESOURCES.items():
            for column in resource.links:
                self._run(f'CREATE INDEX "{name}_{column}" ON hsds_{name} ("{column}")')
        self._run("CREATE INDEX attribute_link_id ON hsds_attribute (link_id)")
        for name in RESOURCES:  # parents come first, so that what belongs to a row left out is found here
            self._check_references(name)
        self.connection.execute("COMMIT")

    def count(self, resource: str) -> int:
        """How many rows of a resource there are."""
        return int(self._run(f"SELECT count(*) FROM hsds_{resource}").fetchone()[0])

    def replace(self, resource: str, record_id: str, field: str, value: str | None) -> None:
        """Put another value into a row."""
        assert field in RESOURCES[resource].columns
        self._run(f'UPDATE hsds_{resource} SET "{field}" = ? WHERE id = ?', (value, record_id))

    def get(self, resource: str, record_id: str) -> Mapping[str, Any] | None:
        """A row, with the `file_` and `line_` it came from; None if there is none."""
        cursor = self._run(f"SELECT * FROM hsds_{resource} WHERE id = ?", (record_id,))
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
        return dict(zip(names, row, strict=True)) if row else None

    def put(self, resource: str, values: Mapping[str, str | None]) -> None:
        """Put a row in as it is."""
        names = ["id", *(name for name in values if name in RESOURCES[resource].columns)]
        columns = ", ".join(f'"{name}"' for name in (*names, "file_", "line_"))
        marks = ", ".join("?" * (len(names) + 2))
        told = [values.get(name) for name in names]
        self._run(f"INSERT INTO hsds_{resource} ({columns}) VALUES ({marks})", (*told, "", 0))

    def remove(self, resource: str, record_id: str) -> None:
        """Take a row out."""
        self._run(f"DELETE FROM hsds_{resource} WHERE id = ?", (record_id,))

    def _run(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        return self.connection.execute(statement, tuple(values))

    def _flush(self, resource: str) -> None:
        waiting, self._waiting[resource] = self._waiting[resource], []
        if not waiting:
            return
        columns = [column.name for column in TABLES[resource].columns]
        names = ", ".join(f'"{name}"' for name in (*columns, "file_", "line_"))
        marks = ", ".join("?" * (len(columns) + 2))
        seen = self._there(resource, [values["id"] for _, values in waiting])
        rows, again = [], []
        for row, values in waiting:
            if values["id"] in seen:
                again.append((row, values))
            else:
                seen.add(values["id"])
                rows.append((*map(values.get, columns), row.file, row.line))
        self.connection.executemany(f"INSERT INTO hsds_{resource} ({names}) VALUES ({marks})", rows)
        for row, values in again:
            first = self.get(resource, values["id"])
            assert first is not None
            self._told_again(row, values, first)

    def _there(self, resource: str, ids: list[str]) -> set[str]:
        """Those of the ids that are taken."""
        found: set[str] = set()
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ", ".join("?" * len(part))
            found |= {key for (key,) in self._run(f"SELECT id FROM hsds_{resource} WHERE id IN ({marks})", part)}
        return found

    def _told_again(self, row: Row, values: Values, first: Mapping[str, Any]) -> None:
        """An id for the second time. JSON tells an organization with each of its services, sometimes in fewer words."""
        counts = self.counts(row.resource)
        same = all(first[name] == value for name, value in values.items())
        if not row.nested:
            counts.rejected += 1
            elsewhere = f" of {first['file_']}" if first["file_"] != row.file else ""
            reason = f"the same id as in line {first['line_']}{elsewhere}: row left out"
            self.report.add(Issue(row.file, row.line, "id", "repair" if same else "error", reason, values["id"]))
            return
        counts.read -= 1
        for name, value in values.items():
            if first[name] is None:
                self.replace(row.resource, values["id"], name, value)
            elif first[name] != value:
                reason = f"differs from what record {first['line_']} says of the same {row.resource}, which is kept"
                self.report.add(Issue(row.file, row.line, f"{row.resource}.{name}", "repair", reason, value))

    def _fill(self) -> None:
        """Complete rows with what is told of them elsewhere; several eligibilities are joined."""
        cursor = self.connection.cursor()
        for resource, key, told, file, line in cursor.execute("SELECT * FROM filling ORDER BY rowid").fetchall():
            row = self.get(resource, key) if key else None
            if row is None and "name" not in json.loads(told) and resource != "location":
                self.report.add(Issue(file, line, "name", "error", f"missing: {resource} left out", key or ""))
                self.counts(resource).rejected += 1
                continue
            if row is None:
                self.report.add(Issue(file, line, "id", "reference", f"there is no {resource} with this id", key or ""))
                continue
            for name, value in json.loads(told).items():
                if row[name] is None:
                    self.replace(resource, key, name, value)
                elif name == "eligibility_description" and value not in row[name]:
                    self.replace(resource, key, name, f"{row[name]}; {value}")

    def _decide_status(self) -> None:
        """A service whose status is missing is left out; but a directory that gives none at all lists what there is."""
        without = "FROM hsds_service WHERE status IS NULL"
        total, missing = self.count("service"), int(self._run(f"SELECT count(*) {without}").fetchone()[0])
        if missing and missing == total and total > 1:
            file = self._run(f"SELECT file_ {without} LIMIT 1").fetchone()[0]
            self._run("UPDATE hsds_service SET status = 'active'")
            reason = f"no service has one: all {total} are taken as active, since they are listed"
            self.report.add(Issue(file, 0, "status", "repair", reason))
            return
        for file, line in self._run(f"SELECT file_, line_ {without} ORDER BY file_, line_").fetchall():
            self.report.add(Issue(file, line, "status", "error", "missing: row left out"))
        self._run(f"DELETE {without}")
        if missing:
            self.counts("service").rejected += missing

    def _check_references(self, name: str) -> None:
        for column, target, condition in self._targets(name):
            dangling = (
                f'"{column}" IS NOT NULL AND {condition} AND NOT EXISTS '
                f'(SELECT 1 FROM hsds_{target} AS other WHERE other.id = hsds_{name}."{column}")'
            )
            found = self._run(f'SELECT file_, line_, "{column}" FROM hsds_{name} WHERE {dangling} ORDER BY file_, line_')
            for file, line, value in found.fetchall():
                self.report.add(Issue(file, line, column, "reference", f"there is no {target} with this id", value))
            self._run(f'UPDATE hsds_{name} SET "{column}" = NULL WHERE {dangling}')
        nothing = [" OR ".join(f'"{column}" IS NULL' for column in ALL_NEEDED.get(name, ()))]
        nothing.append(" AND ".join(f'"{column}" IS NULL' for column in ONE_NEEDED.get(name, ())))
        if name == "attribute":
            nothing.append("link_id IS NULL OR coalesce(taxonomy_term_id, label) IS NULL")  # HSDS 3.1 has free labels
        condition = " OR ".join(f"({part})" for part in nothing if part)
        if not condition:
            return
        for file, line in self._run(f"SELECT file_, line_ FROM hsds_{name} WHERE {condition} ORDER BY file_, line_").fetchall():
            self.report.add(Issue(file, line, "", "error", "belongs to nothing: row left out"))
            self.counts(name).rejected += 1
        self._run(f"DELETE FROM hsds_{name} WHERE {condition}")

    def _targets(self, name: str) -> Iterator[tuple[str, str, str]]:
        """The columns of a table that hold ids, with the resource they should be in, and for which rows."""
        for column, target in RESOURCES[name].links.items():
            yield column, target, "1"
        if name == "attribute":
            for (entity,) in self._run("SELECT DISTINCT link_entity FROM hsds_attribute").fetchall():
                if named := entity_named(entity):
                    quoted = entity.replace("'", "''")
                    yield "link_id", named, f"link_entity = '{quoted}'"


def entity_named(text: str | None) -> str | None:
    """The resource that `link_entity` names: "service", "Service", "services"."""
    plain = (text or "").strip().lower().replace(" ", "_")
    return next((name for name in (plain, plain.removesuffix("s")) if name in RESOURCES), None)


@contextmanager
def stage(rows: Iterable[Row | Issue], report: Report, tell: Callable[[], None] | None = None) -> Iterator[Staging]:
    """The rows, cleaned and checked; `tell` is called now and then. The file is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="careline-import-") as folder:
        staging = Staging(Path(folder) / "staging.db", report)
        try:
            for number, row in enumerate(rows):
                if isinstance(row, Issue):
                    report.add(row)
                else:
                    staging.add(row)
                if tell is not None and number % 5000 == 0:
                    tell()
            staging.finish()
            yield staging
        finally:
            staging.close()
