"""Reading a directory: a tabular data package (folder or .zip of CSV files) or HSDS's JSON form of full services.

Rows come out as texts under the standard's names, with the file and line they stood on. Nothing is judged here except
whether the package can be read at all; `bot.directory.cleaning` does the rest. A zip is read in place, never unpacked.
"""

import codecs
import csv
import io
import json
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from bot.directory.report import Issue
from bot.directory.tables import RESOURCES
from bot.errors import DataError

#: No directory is larger than this; more is a mistake or an attack.
MAX_FILES: Final = 200
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 512 * 1024 * 1024
MAX_ROWS: Final = 3_000_000
#: CSV text shrinks to a tenth or so; a bomb to a thousandth.
MAX_COMPRESSION: Final = 200
MAX_CELL: Final = 1_000_000


@dataclass(frozen=True)
class Row:
    """One row as it came. `line` is where it begins, or the number of the service in a JSON file, from 1."""

    resource: str
    file: str
    line: int
    values: dict[str, str]


@dataclass(frozen=True)
class Profile:
    """How the files and columns of a version of the standard are called in ours. Names are in small letters.

    `files` maps a file's name without ending to a resource, `columns` a resource to old and new column names.
    """

    name: str
    files: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def resource(self, stem: str) -> str | None:
        """The resource in a file with this name, None if the standard knows none."""
        return self.files.get(stem.lower())

    def column(self, resource: str, name: str) -> str:
        """The standard's name of a column."""
        name = name.strip().lower()
        return self.columns.get(resource, {}).get(name, name)


def _stems() -> dict[str, str]:
    stems: dict[str, str] = {}
    for name, resource in RESOURCES.items():
        stems |= {name: name, f"{name}s": name, PurePosixPath(resource.file).stem: name}
    return stems


#: HSDS 3.0 and 3.1. Singular and plural file names are both in use.
HSDS_3: Final = Profile("HSDS 3", _stems())


@dataclass
class Package:
    """A directory as it was read."""

    rows: list[Row] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take a row. Raises DataError when there are too many."""
        if len(self.rows) >= MAX_ROWS:
            raise DataError(f"The package has more than {MAX_ROWS} rows: split it, or check that it is a directory.")
        self.rows.append(row)


class _Files(Protocol):
    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...


def read_package(path: Path, profile: Profile = HSDS_3) -> Package:
    """Read the package at `path`: a folder, a .zip, a datapackage.json, or a .json file of full services.

    Raises DataError if it cannot be read at all, holds no table of the standard, or is dangerous.
    """
    try:
        if path.is_dir():
            return _read_tables(_Folder(path), profile, path.name)
        if path.name == "datapackage.json":
            return _read_tables(_Folder(path.parent), profile, path.name)
        if path.suffix.lower() == ".json":
            if path.stat().st_size > MAX_FILE_BYTES:
                raise DataError(f"The file {path.name} is larger than {MAX_FILE_BYTES // 2**20} MB.")
            return _read_services(path.read_bytes(), path.name)
        with zipfile.ZipFile(path) as archive:
            return _read_tables(_Zip(archive, path.name), profile, path.name)
    except FileNotFoundError as error:
        raise DataError(f"There is nothing at {path}: give a folder, a .zip or a .json file.") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"The file {path.name} is no zip that can be read, no folder and no .json file.") from error
    except (OSError, RuntimeError, NotImplementedError, EOFError) as error:  # what zipfile raises for odd archives
        raise DataError(f"The package {path.name} cannot be read: {error}.") from error


class _Folder:
    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_file())

    def read(self, name: str) -> bytes:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise DataError(f"The package names {name}, which lies outside of its folder.")
        if not path.is_file():
            raise DataError(f"The package names {name}, which is not there.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"The file {name} is larger than {MAX_FILE_BYTES // 2**20} MB.")
        return path.read_bytes()


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive = archive
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES:
            raise DataError(f"The zip {name} has more than {MAX_FILES} files.")
        for entry in entries:
            _refuse_dangerous(entry)
        if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
            raise DataError(f"The zip {name} holds more than {MAX_TOTAL_BYTES // 2**20} MB.")
        # Some tools put everything into one folder, and macOS adds one of its own.
        entries = [entry for entry in entries if not entry.filename.startswith("__MACOSX/")]
        tables = [entry.filename for entry in entries if entry.filename.lower().endswith((".csv", "datapackage.json"))]
        depth = min((name.count("/") for name in tables), default=0)
        tops = {name.rpartition("/")[0] for name in tables if name.count("/") == depth}
        self.prefix = f"{tops.pop()}/" if len(tops) == 1 and depth else ""
        self.entries = {
            entry.filename.removeprefix(self.prefix): entry for entry in entries if entry.filename.startswith(self.prefix)
        }

    def names(self) -> list[str]:
        return sorted(name for name in self.entries if "/" not in name)

    def read(self, name: str) -> bytes:
        if name not in self.entries:
            raise DataError(f"The package names {name}, which is not in the zip.")
        entry = self.entries[name]
        with self.archive.open(entry) as file:
            data = file.read(entry.file_size + 1)  # the size in the zip's list may be a lie
        if len(data) > entry.file_size:
            raise DataError(f"The file {name} in the zip is larger than it says.")
        return data


def _refuse_dangerous(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name.startswith(("/", "\\")) or ":" in name or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        raise DataError(f"The zip names {name!r}, which lies outside of it.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(f"The zip holds a link ({name!r}): put the file itself there.")
    if entry.flag_bits & 1:
        raise DataError(f"The file {name!r} in the zip is protected by a password.")
    bomb = entry.file_size > 2**20 and entry.file_size > MAX_COMPRESSION * max(1, entry.compress_size)
    if entry.file_size > MAX_FILE_BYTES or bomb:
        raise DataError(f"The file {name!r} in the zip would become {entry.file_size // 2**20} MB: too much.")


def _read_tables(files: _Files, profile: Profile, label: str) -> Package:
    package = Package()
    named = _named_files(files, profile, package)
    if not named:
        raise DataError(f"The package {label} has no table of HSDS, such as services.csv.")
    total = 0
    for name, (resource, encoding) in named.items():
        data = files.read(name)
        total += len(data)
        if total > MAX_TOTAL_BYTES:
            raise DataError(f"The package {label} holds more than {MAX_TOTAL_BYTES // 2**20} MB.")
        _read_csv(data, encoding, name, resource, profile, package)
    return package


def _named_files(files: _Files, profile: Profile, package: Package) -> dict[str, tuple[str, str | None]]:
    """The CSV files with their resource and encoding: those of datapackage.json, else those that have known names."""
    names = files.names()
    named: dict[str, tuple[str, str | None]] = {}
    for described in _described(files, package) if "datapackage.json" in names else ():
        path, resource = described.get("path"), profile.resource(str(described.get("name", "")))
        paths = path if isinstance(path, list) else [path]
        for part in paths:
            if not isinstance(part, str) or "://" in part or part.startswith("/") or ".." in PurePosixPath(part).parts:
                raise DataError(f"datapackage.json names {part!r}: every table must lie beside it.")
            stem = PurePosixPath(part).stem
            if resource := resource or profile.resource(stem):
                encoding = described.get("encoding")
                named[part] = (resource, encoding if isinstance(encoding, str) else None)
    for name in names:
        if name in named or not name.lower().endswith(".csv"):
            continue
        resource = profile.resource(PurePosixPath(name).stem)
        if resource is None:
            package.issues.append(Issue(name, 0, "", "ignored", "the standard has no table of this name"))
        else:
            named[name] = (resource, None)
    return named


def _described(files: _Files, package: Package) -> list[dict[str, Any]]:
    name = "datapackage.json"
    try:
        document = _json(files.read(name), name)
    except DataError:
        document = None
    resources = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(resources, list):
        package.issues.append(Issue(name, 0, "", "ignored", "cannot be read: the names of the files are used"))
        return []
    return [resource for resource in resources if isinstance(resource, dict)]


def _read_csv(data: bytes, encoding: str | None, file: str, resource: str, profile: Profile, package: Package) -> None:
    text = _decoded(data, encoding, file, package)
    heading = text.split("\n", 1)[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    known = {"id", *RESOURCES[resource].columns}
    try:
        columns = [profile.column(resource, name) for name in next(reader, [])]
        for name in columns:
            if name not in known and name:
                package.issues.append(Issue(file, 1, name, "ignored", "the standard has no column of this name"))
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                if len(cells) > len(columns):
                    reason = "the row has more cells than the heading: a comma or quotation mark may be missing"
                    package.issues.append(Issue(file, line, "", "ignored", reason))
                values = {name: cell for name, cell in zip(columns, cells, strict=False) if cell and name in known}
                package.add(Row(resource, file, line, values))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"The file {file} cannot be read as CSV near line {reader.line_num}: {error}.") from error


def _decoded(data: bytes, encoding: str | None, file: str, package: Package) -> str:
    if encoding:
        try:
            codec = codecs.lookup(encoding).name
        except LookupError:
            codec = ""
        if codec not in {"", "utf-8"}:
            try:
                return data.decode(codec)
            except (UnicodeDecodeError, ValueError, AssertionError, TypeError):
                pass
    try:
        return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        package.issues.append(Issue(file, 0, "", "repair", "not UTF-8: read as Windows-1252"))
        return data.decode("cp1252", errors="replace")


#: Where the JSON form nests lists, with the resource of their members.
_LISTS: Final = {
    "phones": "phone",
    "schedules": "schedule",
    "service_areas": "service_area",
    "service_at_locations": "service_at_location",
    "languages": "language",
    "funding": "funding",
    "cost_options": "cost_option",
    "required_documents": "required_document",
    "contacts": "contact",
    "attributes": "attribute",
    "metadata": "metadata",
    "addresses": "address",
    "accessibility": "accessibility",
    "locations": "location",
    "programs": "program",
    "organization_identifiers": "organization_identifier",
    "additional_websites": "url",
    "additional_urls": "url",
    "capacities": "service_capacity",
}
#: Where it nests one object, with its resource and the column that takes its place.
_OBJECTS: Final = {
    "organization": ("organization", "organization_id"),
    "program": ("program", "program_id"),
    "location": ("location", "location_id"),
    "taxonomy_term": ("taxonomy_term", "taxonomy_term_id"),
    "taxonomy_detail": ("taxonomy", "taxonomy_id"),
    "unit": ("unit", "unit_id"),
}


def _read_services(data: bytes, file: str) -> Package:
    document = _json(data, file)
    if isinstance(document, dict):
        for key in ("contents", "services"):
            if isinstance(document.get(key), list):
                document = document[key]
                break
        else:
            document = [document]
    if not isinstance(document, list):
        raise DataError(f"The file {file} holds no list of services.")
    package = Package()
    seen: dict[tuple[str, str], Row] = {}
    for number, service in enumerate(document, 1):
        if not isinstance(service, dict):
            package.issues.append(Issue(file, number, "", "error", "not a service"))
            continue
        for row in _flattened("service", service, file, number, {}):
            _merge(row, seen, package)
    return package


def _merge(row: Row, seen: dict[tuple[str, str], Row], package: Package) -> None:
    """Take a row once: an organization is told again with each of its services, sometimes with fewer fields."""
    key = (row.resource, row.values.get("id", ""))
    before = seen.get(key) if key[1] else None
    if before is None:
        package.add(row)
        seen[key] = row
        return
    for name, value in row.values.items():
        if before.values.setdefault(name, value) != value:
            reason = f"differs from what record {before.line} says of the same {row.resource}, which is kept"
            package.issues.append(Issue(row.file, row.line, f"{row.resource}.{name}", "repair", reason, value))


def _flattened(resource: str, data: Mapping[str, Any], file: str, line: int, inherited: Mapping[str, str]) -> Iterator[Row]:
    columns = RESOURCES[resource].columns
    values = {name: value for name, value in inherited.items() if name in columns}
    for name, value in data.items():
        if (name == "id" or name in columns) and not isinstance(value, dict | list) and value not in (None, ""):
            values[name] = str(value)
    for name, (child, column) in _OBJECTS.items():
        nested = data.get(name)
        if isinstance(nested, dict):
            if isinstance(nested.get("id"), str) and column in columns:
                values.setdefault(column, nested["id"])
            yield from _flattened(child, nested, file, line, {})
    yield Row(resource, file, line, values)
    own_id = values.get("id", "")
    links = {f"{resource}_id": own_id} if own_id else {}
    for name, child in _LISTS.items():
        nested = data.get(name)
        if not isinstance(nested, list):
            continue
        for member in nested:
            if isinstance(member, dict):
                extra = {"link_id": own_id, "link_entity": resource} if child == "attribute" else {}
                extra |= {"resource_id": own_id, "resource_type": resource} if child == "metadata" else {}
                yield from _flattened(child, member, file, line, links | extra)


def _json(data: bytes, file: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise DataError(f"The file {file} is not JSON that can be read: {error}.") from error
