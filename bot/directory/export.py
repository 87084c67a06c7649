"""Exporting the directory as an HSDS tabular data package that imports again to the same directory."""

import csv
import json
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory.cleaning import SCHEMAS
from bot.directory.tables import RESOURCES, TABLES, Resource
from bot.errors import DataError

_HOMEPAGE: Final = "https://docs.openreferral.org"


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
        with database.read() as session:
            written = {name: _write(session, resource, folder) for name, resource in RESOURCES.items()}
        written = {name: count for name, count in written.items() if count}
        described = {
            "name": "directory",
            "profile": "tabular-data-package",
            "homepage": _HOMEPAGE,
            "resources": [_described(RESOURCES[name]) for name in written],
        }
        text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
        (folder / "datapackage.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be written: {error}.") from error
    return written


def _write(session: Session, resource: Resource, folder: Path) -> int:
    table = TABLES[resource.name]
    total: int = session.scalar(select(func.count()).select_from(table)) or 0
    if not total:
        return 0
    with (folder / resource.file).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in table.columns)
        for row in session.execute(select(table).order_by(table.c.id)):
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
