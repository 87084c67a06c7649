"""Back-up and restore: one file with everything a city cannot make again, on either database.

A zip of one JSON-lines file a table, read in one transaction, so that it is one moment; what is encrypted stays
encrypted. It can be
restored into the other kind of database. The keys are not in it: without them nobody can read it, so keep them elsewhere.
"""

import base64
import io
import json
import zipfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, MetaData, Table, insert, inspect, select, text
from sqlalchemy.engine import Connection

from bot.clock import now
from bot.db import Database
from bot.errors import DataError
from bot.migrations.tables import metadata

FORMAT = 1
#: Rows read and written at once.
ROWS = 500


def backup(database: Database, path: Path) -> dict[str, int]:
    """Write everything to `path`; the number of rows of each table.

    The file appears when it is whole. Raises DatabaseUnavailable, OSError.
    """
    draft = path.with_suffix(path.suffix + ".part")
    counts: dict[str, int] = {}
    with database.engine.connect() as connection, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        for table in metadata().sorted_tables:
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
                counts[table.name] = _write(connection, table, file)
        about = {"format": FORMAT, "tables": version, "made": now().isoformat(), "rows": counts}
        archive.writestr("about.json", json.dumps(about))
    draft.chmod(0o600)
    draft.replace(path)
    return counts


def _write(connection: Connection, table: Table, file: Any) -> int:
    raw = _raw(connection, table)
    count = 0
    result = connection.execution_options(yield_per=ROWS).execute(select(raw))
    for row in result:
        values = {name: _plain(value) for name, value in row._mapping.items()}
        file.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def _raw(connection: Connection, table: Table) -> Table:
    """The table as the database has it: encrypted columns as bytes, which no key is needed for."""
    return Table(table.name, MetaData(), autoload_with=connection)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date | time):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value


def _back(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, content),) = value.items()
    readers: dict[str, Any] = {
        "bytes": base64.b64decode,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "decimal": Decimal,
    }
    return readers[kind](content) if kind in readers else value


def restore(database: Database, path: Path) -> dict[str, int]:
    """Read `path` into a database that holds nothing yet; the number of rows of each table. All of it or nothing.

    Raises DataError if the file is no back-up, is of a newer version, or the database is not empty; DatabaseUnavailable.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (broken := archive.testzip()) is not None:
                raise DataError(f"The back-up is damaged at {broken}: take an older one.")
            about = json.loads(archive.read("about.json"))
            if about.get("format") != FORMAT:
                raise DataError("The back-up is of another version of Careline: restore it with that one, then upgrade.")
            return _restore(database, archive, about)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{path} is no back-up of Careline, or not whole ({error}).") from error


def _restore(database: Database, archive: zipfile.ZipFile, about: dict[str, Any]) -> dict[str, int]:
    database.migrate(str(about["tables"]))
    counts: dict[str, int] = {}
    with database.engine.execution_options(careline_writes=True).begin() as connection:
        there = set(inspect(connection).get_table_names())
        tables = [table for table in metadata().sorted_tables if table.name in there]
        for table in tables:
            if connection.scalar(select(text("1")).select_from(_raw(connection, table)).limit(1)) is not None:
                raise DataError("The database is not empty: restore into a new one, so that nothing is overwritten.")
        for table in tables:
            if f"{table.name}.jsonl" in archive.namelist():
                counts[table.name] = _read(connection, table, archive)
        expected = {name: count for name, count in about["rows"].items() if name in counts}
        if counts != expected:
            raise DataError("The back-up has fewer rows than it says: take an older one.")
        _counters(connection, tables)
    database.migrate()
    return counts


def _read(connection: Connection, table: Table, archive: zipfile.ZipFile) -> int:
    raw = _raw(connection, table)
    binary = {column.name for column in raw.columns if isinstance(column.type, LargeBinary)}
    count = 0
    rows: list[dict[str, Any]] = []
    with archive.open(f"{table.name}.jsonl") as file:
        for line in io.TextIOWrapper(file, "utf-8"):
            row = {name: _back(value) for name, value in json.loads(line).items()}
            rows.append({name: bytes(value) if name in binary and value is not None else value for name, value in row.items()})
            count += 1
            if len(rows) == ROWS:
                connection.execute(insert(raw), rows)
                rows = []
    if rows:
        connection.execute(insert(raw), rows)
    return count


def _counters(connection: Connection, tables: list[Table]) -> None:
    """PostgreSQL counts ids by itself, and does not see those that were written."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            sequence = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
            )
            if sequence:
                top = f'SELECT setval(:sequence, COALESCE((SELECT MAX("{column.name}") FROM "{table.name}"), 0) + 1, false)'
                connection.execute(text(top), {"sequence": sequence})
