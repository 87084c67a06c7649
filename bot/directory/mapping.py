"""Taking in tables that follow no standard: a mapping file says which column means what.

The form is that of the HSDS Transformer (https://github.com/switzersc/hsds-transformer): for each table, by column, the
`model` (a table of HSDS of any version) and its `field`, with `foreign_key_name` and `foreign_key_value` (the column that
holds the owner's id) where the value belongs to another table. A column may have a list of these. Four keys are ours:
`split` (a text between several values, each a row of its own), `values` (what certain values mean; others are left out),
`read` (one of READERS, for a value that holds several fields) and `fills` (the value adds to a row told elsewhere).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.directory.older import Values, days, resource_of
from bot.errors import DataError

#: The mappings that come with us.
FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "data" / "mappings"


@dataclass(frozen=True)
class Column:
    """What one column means."""

    model: str
    field: str
    owner: tuple[str, str] | None = None
    split: str | None = None
    values: Mapping[str, str] | None = None
    read: str | None = None
    fills: bool = False


@dataclass(frozen=True)
class TableMapping:
    """The tables of a mapping: for each, by column, what it means."""

    name: str
    tables: Mapping[str, Mapping[str, tuple[Column, ...]]]

    def covers(self, stem: str, columns: Collection[str]) -> bool:
        """Whether a table of this name with these columns is one that the mapping is about."""
        table = self.tables.get(stem.lower())
        return table is not None and len(set(table) & set(columns)) >= max(2, len(table) // 2)

    def told_anew(self, stem: str, row: Mapping[str, str]) -> Iterator[tuple[str, Values, bool]]:
        """A row as rows of tables of HSDS, each with its table's name, and whether it fills one told elsewhere."""
        table = self.tables[stem.lower()]
        own: dict[str, Values] = {}
        others: list[tuple[str, Values, bool]] = []
        for name, meanings in table.items():
            text = row.get(name, "").strip()
            for column in meanings if text else ():
                for values in _read(column, text):
                    owner = row.get(column.owner[1], "").strip() if column.owner else ""
                    if column.owner and owner:
                        others.append((column.model, values | {column.owner[0]: owner}, column.fills))
                    elif not column.owner:
                        _join(own.setdefault(column.model, {}), values)
        yield from ((model, values, False) for model, values in own.items())
        yield from others


def _join(row: Values, values: Values) -> None:
    for name, value in values.items():
        row[name] = f"{row[name]}\n{value}" if name in row and name != "id" else value


def _read(column: Column, text: str) -> Iterator[Values]:
    for part in text.split(column.split) if column.split else [text]:
        value = part.strip()
        if column.values is not None:
            value = column.values.get(value.casefold(), "")
        if not value:
            continue
        if column.read:
            yield from READERS[column.read](value)
        else:
            yield {column.field: value}


_HOURS: Final = re.compile(r"([A-Z][a-z]+day): (.*?)(?=[A-Z][a-z]+day:|$)", re.DOTALL)
_POINT: Final = re.compile(r"(-?\d+\.\d+),\s*(-?\d+\.\d+)")
_PHONE: Final = re.compile(r"\s*([a-z]+):\s*(.+)")


def _weekly_hours(text: str) -> Iterator[Values]:
    """ "Monday: 8:30-12:00 , 13:00-17:00  Tuesday: Closed": a row for each time of each day."""
    for day, told in _HOURS.findall(text):
        for span in told.split(","):
            opens, dash, closes = span.strip().partition("-")
            if dash:
                yield {"freq": "WEEKLY", "byday": days(day), "opens_at": opens.strip(), "closes_at": closes.strip()}


def _point(text: str) -> Iterator[Values]:
    """ "Geolocation is 41.9, -88.1" """
    if found := _POINT.search(text):
        yield {"latitude": found[1], "longitude": found[2]}


def _phones(text: str) -> Iterator[Values]:
    """ "main: 352-567-9044, tollfree: 800-625-2257" """
    for part in text.split(","):
        found = _PHONE.fullmatch(part)
        if found:
            kind = {"tdd": "textphone", "fax": "fax"}.get(found[1], "voice")
            yield {"number": found[2].strip(), "type": kind} | ({} if found[1] == "main" else {"description": found[1]})
        elif part.strip():
            yield {"number": part.strip()}


READERS: Final[Mapping[str, Callable[[str], Iterator[Values]]]] = {
    "weekly hours": _weekly_hours,
    "point": _point,
    "phones": _phones,
}


#: YAML reads yes and no as true and false.
_YES_NO: Final = {True: ("yes", "true"), False: ("no", "false")}


def read_mapping(path: Path) -> TableMapping:
    """Read a mapping file. Raises DataError naming the file and what is wrong with it."""
    try:
        document: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
        tables = {
            stem.lower(): {
                name.strip().lower(): tuple(_column(one) for one in (told if isinstance(told, list) else [told]))
                for name, told in columns.items()
            }
            for stem, columns in document.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"The mapping {path.name} cannot be read: {error!r}.") from error
    return TableMapping(path.name, tables)


def _column(told: Mapping[str, Any]) -> Column:
    model, name = str(told["model"]), str(told.get("field", ""))
    if resource_of(model, ()) is None:
        raise ValueError(f"there is no table {model} in HSDS")
    if told.get("read") not in {None, *READERS}:
        raise ValueError(f"there is no way of reading called {told['read']}")
    owner = None
    if told.get("foreign_key_name"):
        owner = (str(told["foreign_key_name"]), str(told["foreign_key_value"]).strip().lower())
    values: dict[str, str] | None = {} if "values" in told else None
    for key, value in told.get("values", {}).items():
        assert values is not None
        values |= dict.fromkeys(_YES_NO.get(key, (str(key).casefold(),)), str(value))
    return Column(model, name, owner, told.get("split"), values, told.get("read"), told.get("fills", False))


def bundled() -> list[TableMapping]:
    """The mappings that come with us."""
    return [read_mapping(path) for path in sorted(FOLDER.glob("*.yml"))]
