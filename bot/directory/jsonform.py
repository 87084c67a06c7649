"""HSDS's JSON form: full records with everything nested, as the standard's API gives them, read one record at a time.

A file holds one record, a list of them, a page of an API (`contents`), a record on each line (NDJSON), or lists by table
(`services`, `services.csv`). The nested names of Open Referral UK's 2.0 API are understood too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final

import ijson

from bot.directory.older import resource_of
from bot.directory.tables import RESOURCES
from bot.errors import DataError

#: A single record is read whole; no organization is larger.
MAX_RECORD_BYTES: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 40

#: Where lists are nested, with the table their members belong to.
LISTS: Final = {
    "phones": "phone",
    "schedules": "schedule",
    "service_areas": "service_area",
    "service_at_locations": "service_at_location",
    "languages": "language",
    "funding": "funding",
    "fundings": "funding",
    "cost_options": "cost_option",
    "required_documents": "required_document",
    "contacts": "contact",
    "attributes": "attribute",
    "metadata": "metadata",
    "addresses": "address",
    "accessibility": "accessibility",
    "locations": "location",
    "programs": "program",
    "services": "service",
    "organization_identifiers": "organization_identifier",
    "additional_websites": "url",
    "additional_urls": "url",
    "capacities": "service_capacity",
    # HSDS 1 and 2, Open Referral UK 2.0
    "regular_schedule": "regular_schedule",
    "regular_schedules": "regular_schedule",
    "holiday_schedule": "holiday_schedule",
    "holiday_schedules": "holiday_schedule",
    "physical_addresses": "physical_address",
    "postal_addresses": "postal_address",
    "eligibilitys": "eligibility",
    "eligibilities": "eligibility",
    "service_taxonomys": "service_taxonomy",
    "service_taxonomies": "service_taxonomy",
    "service_attributes": "service_attribute",
    "link_taxonomies": "link_taxonomy",
    "accessibility_for_disabilities": "accessibility_for_disabilities",
}
#: Where one object is nested, with its table and the column that takes its place.
OBJECTS: Final = {
    "organization": ("organization", "organization_id"),
    "program": ("program", "program_id"),
    "service": ("service", "service_id"),
    "location": ("location", "location_id"),
    "taxonomy_term": ("taxonomy_term", "taxonomy_term_id"),
    "taxonomy_detail": ("taxonomy", "taxonomy_id"),
    "taxonomy": ("taxonomy_term", "taxonomy_id"),
    "unit": ("unit", "unit_id"),
}
#: Older tables that name the service they belong to otherwise than HSDS 3.
_OF_A_SERVICE: Final = frozenset({"service_taxonomy", "service_attribute"})
#: What a page of an API is wrapped in.
_PAGES: Final = frozenset({"contents", "content", "items", "results", "data"})


@dataclass(frozen=True)
class Record:
    """One record, and which table it belongs to."""

    resource: str
    data: Mapping[str, Any]


def records(file: BinaryIO, name: str) -> Iterator[Record | str]:
    """The records of a file, or what is wrong with one. Raises DataError if it is no JSON that can be read."""
    hint = _hint(name)
    try:
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        start = file.tell()
        if name.lower().endswith((".ndjson", ".jsonl")):
            for line in file:
                if line.strip():
                    yield _record(json.loads(line, parse_float=str), hint)
            return
        first, keys = _opening(file)
        file.seek(start)
        if first == "[":
            yield from _in_lists(file, {"": None}, hint)
        elif first == "{" and (lists := _lists(keys)):
            yield from _in_lists(file, lists, hint)
        elif first == "{" and ("id" in keys or "name" in keys):
            whole = file.read(MAX_RECORD_BYTES + 1)
            if len(whole) > MAX_RECORD_BYTES:
                raise DataError(f"The file {name} is one record of more than {MAX_RECORD_BYTES // 2**20} MB.")
            yield _record(json.loads(whole, parse_float=str), hint)
    except (ijson.JSONError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"The file {name} is not JSON that can be read: {reason}.") from error


def _opening(file: BinaryIO) -> tuple[str, list[str]]:
    """The first character of a document, and the names in it if it is an object, as far as they are needed."""
    keys: list[str] = []
    depth = 0
    first = ""
    for event, value in ijson.basic_parse(file):
        first = first or {"start_map": "{", "start_array": "["}.get(event, "-")
        if first != "{":
            break
        if event == "map_key" and depth == 1:
            keys.append(value)
        depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
        if keys and (keys[-1] == "id" or keys[-1] in _PAGES):
            break
    return first, keys


def _lists(keys: list[str]) -> dict[str, str | None]:
    """Names that hold lists of records, with their table; None as table is any."""
    if "id" in keys:
        return {}
    found: dict[str, str | None] = {}
    for key in keys:
        if key in _PAGES:
            found[key] = None
        elif (resource := resource_of(PurePosixPath(key).stem, ())) and "name" not in keys:
            found[key] = resource if resource in RESOURCES else key.removesuffix(".csv")
    return found


def _in_lists(file: BinaryIO, lists: Mapping[str, str | None], hint: str | None) -> Iterator[Record | str]:
    """The members of the lists in an object, by name, or of the one list that a document is ("")."""
    builder, key = None, ""
    depth, level = 0, 1 if "" in lists else 2  # how deep the members of a list stand
    for event, value in ijson.basic_parse(file):
        opens, closes = event in {"start_map", "start_array"}, event in {"end_map", "end_array"}
        if depth == 1 and event == "map_key":
            key = value
        depth -= closes
        if builder is None and depth == level and key in lists and not closes:
            if event == "start_map":
                builder = ijson.ObjectBuilder()
            else:
                yield "not a record"
        depth += opens
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        if builder is not None:
            builder.event(event, value)
            if depth == level:
                yield _record(builder.value, lists[key] or hint)
                builder = None


def _hint(name: str) -> str | None:
    """The table that a file's name speaks of: organization_list.json."""
    stem = PurePosixPath(name).stem.lower().replace("-", "_")
    for ending in ("_list", "_full", "_response", "_data"):
        stem = stem.removesuffix(ending)
    resource = resource_of(stem, ())
    return resource if resource in RESOURCES else None


def _record(data: Any, hint: str | None) -> Record | str:
    if not isinstance(data, dict):
        return "not a record"
    return Record(_resource(data, hint), data)


def _resource(data: Mapping[str, Any], hint: str | None) -> str:
    """Which table a record belongs to, by what it says; `hint` where that is not clear."""
    if "location_type" in data or ({"latitude", "longitude"} <= set(data) and "status" not in data):
        return "location"
    if "status" in data or "service_at_locations" in data or "eligibility_description" in data:
        return "service"
    if isinstance(data.get("location"), dict) or ("location_id" in data and "service_id" in data and "name" not in data):
        return hint or "service_at_location"
    if isinstance(data.get("taxonomy_detail"), dict) or "term_uri" in data:
        return "taxonomy_term"
    if "services" in data or "organization_identifiers" in data or "year_incorporated" in data or "legal_status" in data:
        return "organization"
    return hint or "service"


def flattened(stem: str, data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """A record and all that is nested in it as rows, each with its table's name; owners come before what they own."""
    yield from _flat(stem, data, {}, 0)


def _flat(stem: str, data: Mapping[str, Any], inherited: Mapping[str, str], depth: int) -> Iterator[tuple[str, dict[str, str]]]:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    resource = resource_of(stem, ()) or stem
    columns = RESOURCES[resource].columns if resource in RESOURCES else None
    values = {name: value for name, value in inherited.items() if columns is None or name in columns}
    if stem in _OF_A_SERVICE and "service_id" in inherited:
        values["service_id"] = inherited["service_id"]
    for name, value in data.items():
        if not isinstance(value, dict | list) and value is not None and value != "":
            values[name] = str(value).lower() if isinstance(value, bool) else str(value)
    for name, (child, column) in OBJECTS.items():
        nested = data.get(name)
        if isinstance(nested, dict):
            if name == "taxonomy" and resource in {"taxonomy_term", "taxonomy"}:
                child = "taxonomy"
            if isinstance(nested.get("id"), str | int):
                values.setdefault(column, str(nested["id"]))
            yield from _flat(child, nested, {}, depth + 1)
    own_id = values.get("id", "")
    yield stem, values
    links = {f"{resource}_id": own_id} if own_id else {}
    for name, child in LISTS.items():
        members = data.get(name)
        if not isinstance(members, list):
            continue
        for member in members:
            if isinstance(member, dict):
                extra = {"link_id": own_id, "link_entity": resource} if child in {"attribute", "link_taxonomy"} else {}
                extra |= {"resource_id": own_id, "resource_type": resource} if child == "metadata" else {}
                yield from _flat(child, member, links | extra, depth + 1)
