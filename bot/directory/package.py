"""Reading a directory: CSV tables or JSON records, in a folder, a .zip or one file, of HSDS 1 to 3, one row at a time.

Rows come out as texts under the names of HSDS 3, with the file and line they stood on. Nothing is judged here except
whether the package can be read at all; `bot.directory.cleaning` does the rest. No file is ever held whole.
"""

import codecs
import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from bot.directory import jsonform
from bot.directory.files import ENDINGS, Files, MissingFile, check_total, open_files
from bot.directory.mapping import TableMapping, bundled
from bot.directory.older import made_id, resource_of, told_anew, understood
from bot.directory.report import Issue
from bot.directory.tables import RESOURCES
from bot.errors import DataError

MAX_ROWS: Final = 10_000_000
MAX_CELL: Final = 1_000_000
#: Rows that are somebody's own; the others are told of something else, and do without an id.
PRIMARY: Final = frozenset({"organization", "program", "service", "location", "taxonomy", "taxonomy_term"})

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Row:
    """One row as it came. `line` is where it begins, or the number of the record in a JSON file, from 1.

    A row that `fills` adds to a row told elsewhere what that does not say. One that is `nested` may be told again, in other
    words, wherever something refers to it.
    """

    resource: str
    file: str
    line: int
    values: dict[str, str]
    fills: bool = False
    nested: bool = False


@dataclass
class Package:
    """A directory being read. `total` and `done` count bytes, for whoever shows how far it is."""

    label: str
    total: int = 0
    done: int = 0
    rows: int = 0
    unknown: set[tuple[str, str, str]] = field(default_factory=set, repr=False)
    _before: int = field(default=0, repr=False)

    def at(self, file: BinaryIO) -> None:
        """Note how far into a file we are."""
        self.done = self._before + min(file.tell(), self.total - self._before)

    def finished(self, size: int) -> None:
        """Note that a file of this size is done."""
        self._before += size
        self.done = self._before


def read_package(path: Path, mapping: TableMapping | None = None, package: Package | None = None) -> Iterator[Row | Issue]:
    """The rows of the package at `path`, and what was found wrong in reading them.

    `mapping` explains tables that follow no standard; `package` is told how far the reading is. Raises DataError if the
    package cannot be read, holds no table of the standard, or is dangerous.
    """
    package = package or Package(path.name)
    mappings = [mapping] if mapping else bundled()
    with open_files(path) as files:
        named, issues = _named_files(files)
        names = list(named) + [name for name in files.names() if name.lower().endswith(ENDINGS[1:]) and name not in named]
        if "datapackage.json" in names:
            names.remove("datapackage.json")
        package.total = check_total(files, names, path.name)
        readable = [name for name in names if name in named or name.lower().endswith(ENDINGS[1:])]
        if not readable:
            raise DataError(f"The package {path.name} has no table of HSDS, such as services.csv.")
        yield from issues
        for name in readable:
            size = files.size(name)
            with closing(files.open(name)) as file:
                if name in named:
                    yield from _table(files, file, name, named[name], mappings, package)
                else:
                    yield from _records(file, name, package, alone=len(readable) == 1)
            package.finished(size)


@dataclass(frozen=True)
class _Named:
    """A table: what it is called, and in which encoding datapackage.json says it is."""

    stem: str
    encoding: str | None = None


def _named_files(files: Files) -> tuple[dict[str, _Named], list[Issue]]:
    """The CSV files with their table's name: that of datapackage.json, else that of the file."""
    names = files.names()
    issues: list[Issue] = []
    named: dict[str, _Named] = {}
    for described in _described(files, issues) if "datapackage.json" in names else ():
        path, title = described.get("path"), str(described.get("name", ""))
        for part in path if isinstance(path, list) else [path]:
            if not isinstance(part, str) or "://" in part or part.startswith("/") or ".." in PurePosixPath(part).parts:
                raise DataError(f"datapackage.json names {part!r}: every table must lie beside it.")
            stem = title if resource_of(title, ()) else PurePosixPath(part).stem
            encoding = described.get("encoding")
            try:
                files.size(part)
                named[part] = _Named(stem, encoding if isinstance(encoding, str) else None)
            except MissingFile:
                issues.append(Issue(part, 0, "", "ignored", "datapackage.json names it, but it is not there"))
    standard = {resource.file for resource in RESOURCES.values()}
    for name in sorted(names, key=lambda name: (name not in standard, name)):
        if name not in named and name.lower().endswith(".csv"):
            named[name] = _Named(PurePosixPath(name).stem)
    return named, issues


def _described(files: Files, issues: list[Issue]) -> list[dict[str, Any]]:
    name = "datapackage.json"
    try:
        with closing(files.open(name)) as file:
            document = json.loads(file.read(10 * _CHUNK).decode("utf-8-sig"))
    except (ValueError, RecursionError, DataError):
        document = None
    resources = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(resources, list):
        issues.append(Issue(name, 0, "", "ignored", "cannot be read: the names of the files are used"))
        return []
    return [resource for resource in resources if isinstance(resource, dict)]


def _table(
    files: Files, file: BinaryIO, name: str, named: _Named, mappings: list[TableMapping], package: Package
) -> Iterator[Row | Issue]:
    encoding, lossy = _encoding(files, name, named.encoding)
    if lossy:
        yield Issue(name, 0, "", "repair", "not UTF-8: read as Windows-1252")
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace" if lossy else "strict", newline="")
    csv.field_size_limit(MAX_CELL)
    try:
        heading = text.readline(MAX_CELL)
        delimiter = ";" if heading.count(";") > heading.count(",") else ","
        reader = csv.reader(itertools.chain([heading], text), delimiter=delimiter)
        columns = [column.strip().lower() for column in next(reader, [])]
        mapping = next((one for one in mappings if one.covers(named.stem, columns)), None)
        resource = resource_of(named.stem, columns)
        known = set(mapping.tables[named.stem.lower()]) if mapping else understood(resource) if resource else set()
        if mapping is None and resource is None:
            yield Issue(name, 0, "", "ignored", "the standard has no table of this name")
            return
        for column in columns:
            if column and column not in known:
                told = f"the mapping {mapping.name}" if mapping else "the standard"
                yield Issue(name, 1, column, "ignored", f"{told} has no column of this name")
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                if len(cells) > len(columns) and any(cells[len(columns) :]):
                    reason = "the row has more cells than the heading: a comma or quotation mark may be missing"
                    yield Issue(name, line, "", "ignored", reason)
                values = {column: cell for column, cell in zip(columns, cells, strict=False) if cell and column in known}
                for stem, told_values, fills in (
                    mapping.told_anew(named.stem, values) if mapping else [(named.stem, values, False)]
                ):
                    yield from _rows(stem, told_values, name, line, package, fills, mapped=mapping is not None)
                package.at(file)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"The file {name} cannot be read as CSV near line {reader.line_num}: {error}.") from error
    finally:
        text.detach()


def _rows(
    stem: str, values: Mapping[str, str], file: str, line: int, package: Package, fills: bool = False,
    mapped: bool = False, nested: bool = False,
) -> Iterator[Row | Issue]:  # fmt: skip
    """The rows that a row means."""
    resource = resource_of(stem, values)
    assert resource is not None
    for number, made in enumerate(told_anew(stem, resource, values)):
        columns = RESOURCES[made.resource].columns
        own = {name: value for name, value in made.values.items() if name == "id" or name in columns}
        for name in made.values.keys() - own.keys() if nested else ():
            if (file, made.resource, name) not in package.unknown:
                package.unknown.add((file, made.resource, name))
                yield Issue(file, line, f"{made.resource}.{name}", "ignored", "the standard has no field of this name")
        if not own.get("id", "").strip() and made.resource not in PRIMARY:
            own["id"] = made_id(made.resource, own)
            if number == 0 and not mapped:
                yield Issue(file, line, "id", "repair", "missing: one was made from what the row says")
        package.rows += 1
        if package.rows > MAX_ROWS:
            raise DataError(f"The package has more than {MAX_ROWS} rows: split it, or check that it is a directory.")
        # Where a record refers to another, it may say no more than its id.
        bare = nested and made.resource in PRIMARY and not own.get("name", "").strip() and "id" in own
        bare = bare and made.resource != "location"
        yield Row(made.resource, file, line, own, fills or made.fills or bare, nested)


def _encoding(files: Files, name: str, declared: str | None) -> tuple[str, bool]:
    """The encoding of a file, and whether that is only a guess."""
    with closing(files.open(name)) as file:
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    candidates = ["utf-16" if marked else "utf-8-sig"]
    if declared:
        try:
            codec = codecs.lookup(declared).name
        except LookupError:
            codec = ""
        if codec not in {"", "utf-8"}:
            candidates.insert(0, codec)
    return next(((codec, False) for codec in candidates if _decodes(files, name, codec)), ("cp1252", True))


def _decodes(files: Files, name: str, codec: str) -> bool:
    try:
        decoder = codecs.getincrementaldecoder(codec)()
        with closing(files.open(name)) as file:
            while chunk := file.read(_CHUNK):
                if not isinstance(decoder.decode(chunk), str):
                    return False
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, ValueError, AssertionError, TypeError, LookupError):
        return False
    return True


def _records(file: BinaryIO, name: str, package: Package, alone: bool) -> Iterator[Row | Issue]:
    """The rows of a JSON file. One that is nothing of ours is passed over, unless it is all there is."""
    number = 0
    for number, told in enumerate(jsonform.records(file, name), 1):
        if isinstance(told, str):
            yield Issue(name, number, "", "error", told)
            continue
        for stem, values in jsonform.flattened(told.resource, told.data):
            yield from _rows(stem, values, name, number, package, nested=True)
        package.at(file)
    if not number:
        if alone:
            raise DataError(f"The file {name} holds no list of services.")
        yield Issue(name, 0, "", "ignored", "it holds no records of the standard")
