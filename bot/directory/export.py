"""Exporting the directory so that it imports again to the same: as an HSDS tabular data package, or in the JSON form."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory.cleaning import SCHEMAS
from bot.directory.nested import Nesting
from bot.directory.tables import RESOURCES, TABLES, Resource
from bot.errors import DataError

#: The version of the standard that exports and the API follow.
VERSION: Final = "3.1"
_HOMEPAGE: Final = "https://docs.openreferral.org"
_BATCH: Final = 200
#: The lists of the JSON form, in order. What is told in an earlier one is not told again in a later one.
_LISTS: Final = {
    "services": "service",
    "organizations": "organization",
    "locations": "location",
    "programs": "program",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
    "units": "unit",
    "meta_table_descriptions": "meta_table_description",
}


def export_directory(database: Database, path: Path) -> dict[str, int]:
    """Export to `path`: a folder or a .zip of tables, or a .json file. The rows of each resource that has any.

    Raises DataError if it cannot be written; DatabaseUnavailable.
    """
    if path.suffix.lower() == ".json":
        return export_json(database, path)
    if path.suffix.lower() == ".zip":
        return _export_zip(database, path)
    return export_package(database, path)


def export_package(database: Database, folder: Path) -> dict[str, int]:
    """Write a CSV file for each resource that has rows, and datapackage.json. The rows of each, by resource.

    Rows are in the order of their ids, so that two exports can be compared. The folder may be new or empty, or hold an
    earlier export. Raises DataError if it cannot be written or holds something else; DatabaseUnavailable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / "datapackage.json").is_file():
            raise DataError(f"The folder {folder} holds something that is no export: give a new or empty one.")
        for resource in RESOURCES.values():
            (folder / resource.file).unlink(missing_ok=True)

        @contextmanager
        def create(name: str) -> Iterator[TextIO]:
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                yield file

        return _tables(database, create)
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be written: {error}.") from error


def _export_zip(database: Database, path: Path) -> dict[str, int]:
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

            @contextmanager
            def create(name: str) -> Iterator[TextIO]:
                with archive.open(name, "w") as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
                    yield file

            return _tables(database, create)
    except OSError as error:
        raise DataError(f"The file {path} cannot be written: {error}.") from error


def _tables(database: Database, create: Any) -> dict[str, int]:
    with database.read() as session:
        written = {name: _write(session, resource, create) for name, resource in RESOURCES.items()}
    written = {name: count for name, count in written.items() if count}
    described = {
        "name": "directory",
        "profile": "tabular-data-package",
        "homepage": _HOMEPAGE,
        "resources": [_described(RESOURCES[name]) for name in written],
    }
    with create("datapackage.json") as file:
        file.write(json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    return written


def _write(session: Session, resource: Resource, create: Any) -> int:
    table = TABLES[resource.name]
    total: int = session.scalar(select(func.count()).select_from(table)) or 0
    if not total:
        return 0
    with create(resource.file) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in table.columns)
        for row in session.execute(select(table).order_by(table.c.id), execution_options={"yield_per": 1000}):
            writer.writerow("" if value is None else value for value in row)
    return total


def _described(resource: Resource) -> dict[str, Any]:
    """The resource as Frictionless describes it, in the standard's own words."""
    schema = json.loads((SCHEMAS / f"{resource.name}.json").read_text(encoding="utf-8"))
    required = set(schema.get("required", ()))
    fields = []
    for name in ("id", *resource.columns):
        rules = schema["properties"][name]
        fields.append(
            {
                "name": name,
                "type": rules.get("datapackage_type", rules.get("type", "string")),
                "title": rules.get("title", name),
                "description": rules.get("description", ""),
                "constraints": {"required": name in required},
            }
        )
    return {
        "name": resource.name,
        "path": resource.file,
        "description": schema.get("description", ""),
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"primaryKey": "id", "fields": fields},
    }


def export_json(database: Database, path: Path) -> dict[str, int]:
    """Write one JSON document with lists of full records. How many rows each resource has.

    Services come with everything of theirs; the other lists hold what stands by itself. Raises DataError if it cannot be
    written; DatabaseUnavailable.
    """
    try:
        with path.open("w", encoding="utf-8") as file, database.read() as session:
            file.write('{"version": "' + VERSION + '"')
            for name, resource in _LISTS.items():
                file.write(f',\n"{name}": [')
                separator = "\n"
                for record in full_records(session, resource):
                    file.write(separator + json.dumps(record, ensure_ascii=False))
                    separator = ",\n"
                file.write("\n]")
            file.write("}\n")
            counted = {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}
    except OSError as error:
        raise DataError(f"The file {path} cannot be written: {error}.") from error
    return {name: count for name, count in counted.items() if count}


def full_records(session: Session, resource: str) -> Iterator[dict[str, Any]]:
    """All records of a resource with everything nested, in the order of their ids."""
    table, last = TABLES[resource], ""
    query = select(table.c.id).order_by(table.c.id).limit(_BATCH)
    nesting = Nesting(session)
    while ids := list(session.scalars(query.where(table.c.id > last))):
        yield from nesting.full(resource, ids)
        last = ids[-1]
