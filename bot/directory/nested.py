"""Records with everything that belongs to them nested inside, in HSDS's JSON form; some hundred at a time.

What is left out of a row is left out of the record, except texts the standard requires: those are empty. Numbers are numbers.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.directory.cleaning import SCHEMAS, numeric
from bot.directory.tables import RESOURCES, TABLES

Record = dict[str, Any]

#: What belongs to a record: the name it is nested under, its resource, and the column that names the owner.
#: Source: the array properties of the standard's schemas (HSDS 3.1).
CHILDREN: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "organization": (
        ("additional_websites", "url", "organization_id"),
        ("funding", "funding", "organization_id"),
        ("contacts", "contact", "organization_id"),
        ("phones", "phone", "organization_id"),
        ("locations", "location", "organization_id"),
        ("programs", "program", "organization_id"),
        ("organization_identifiers", "organization_identifier", "organization_id"),
    ),
    "service": (
        ("additional_urls", "url", "service_id"),
        ("phones", "phone", "service_id"),
        ("schedules", "schedule", "service_id"),
        ("service_areas", "service_area", "service_id"),
        ("service_at_locations", "service_at_location", "service_id"),
        ("languages", "language", "service_id"),
        ("funding", "funding", "service_id"),
        ("cost_options", "cost_option", "service_id"),
        ("required_documents", "required_document", "service_id"),
        ("contacts", "contact", "service_id"),
        ("capacities", "service_capacity", "service_id"),
    ),
    "service_at_location": (
        ("service_areas", "service_area", "service_at_location_id"),
        ("contacts", "contact", "service_at_location_id"),
        ("phones", "phone", "service_at_location_id"),
        ("schedules", "schedule", "service_at_location_id"),
    ),
    "location": (
        ("languages", "language", "location_id"),
        ("addresses", "address", "location_id"),
        ("contacts", "contact", "location_id"),
        ("accessibility", "accessibility", "location_id"),
        ("phones", "phone", "location_id"),
        ("schedules", "schedule", "location_id"),
    ),
    "contact": (("phones", "phone", "contact_id"),),
    "phone": (("languages", "language", "phone_id"),),
}
#: Single records nested in another: the name, the resource, the column that holds its id.
PARENTS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "service": (("organization", "organization", "organization_id"), ("program", "program", "program_id")),
    "service_at_location": (("location", "location", "location_id"),),
    "attribute": (("taxonomy_term", "taxonomy_term", "taxonomy_term_id"),),
    "taxonomy_term": (("taxonomy_detail", "taxonomy", "taxonomy_id"),),
    "service_capacity": (("unit", "unit", "unit_id"),),
}
#: Everything but these may carry attributes and metadata.
_BARE: Final = frozenset({"attribute", "metadata", "meta_table_description", "taxonomy", "taxonomy_term", "unit"})
_ASKED: Final = 500


@cache
def _shape(resource: str) -> tuple[dict[str, Callable[[str], Any]], tuple[str, ...]]:
    """How the texts of a resource become values, and which texts the standard requires."""
    schema = json.loads((SCHEMAS / f"{resource}.json").read_text("utf-8"))
    kinds = {name: rules.get("type") for name, rules in schema["properties"].items()}
    required = tuple(name for name in schema.get("required", ()) if kinds.get(name) == "string" and name != "id")
    return dict.fromkeys(numeric(resource), _number), required


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def plain(resource: str, row: Any) -> Record:
    """A row as a record without anything nested."""
    numbers, required = _shape(resource)
    record: Record = {}
    for name in ("id", *RESOURCES[resource].columns):
        value = row[name]
        if value is not None:
            record[name] = numbers[name](value) if name in numbers else value
        elif name in required:
            record[name] = ""
    return record


class Nesting:
    """Reads rows of one session and nests them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def records(self, resource: str, ids: Sequence[str]) -> list[Record]:
        """The records with these ids in their order, with nothing nested. Ids that lead nowhere are left out."""
        found = {record["id"]: record for record in self._rows(resource, "id", ids)}
        return [found[key] for key in ids if key in found]

    def basic(self, resource: str, ids: Sequence[str]) -> list[Record]:
        """The records as the standard's lists give them: with the single records that belong to them."""
        records = self.records(resource, ids)
        self._parents(resource, records, full=False)
        if resource == "service_at_location":
            services = self._by_id("service", records, "service_id")
            self._parents("service", list(services.values()), full=False)
            _attach(records, "service", "service_id", services)
        return records

    def full(self, resource: str, ids: Sequence[str], services: str = "") -> list[Record]:
        """The records with everything nested. `services` says what an organization tells of its services: nothing (""),
        their "ids" or all of them ("full")."""
        records = self.records(resource, ids)
        self.complete(resource, records)
        if resource == "service_at_location":
            nested = self._by_id("service", records, "service_id")
            self.complete("service", list(nested.values()), without=frozenset({"service_at_locations"}))
            _attach(records, "service", "service_id", nested)
        if resource == "organization" and services:
            self._services(records, services)
        return records

    def _services(self, organizations: list[Record], how: str) -> None:
        own = self._rows("service", "organization_id", [record["id"] for record in organizations])
        if how == "full":
            self.complete("service", own)
        by_owner = _grouped(own, "organization_id")
        for record in organizations:
            told = by_owner.get(record["id"], [])
            if told:
                record["services"] = (
                    told if how == "full" else [{name: one[name] for name in ("id", "name", "status")} for one in told]
                )

    def complete(self, resource: str, records: list[Record], without: frozenset[str] = frozenset()) -> None:
        """Put into records what belongs to them, and into that what belongs to it."""
        if not records:
            return
        ids = [record["id"] for record in records]
        self._parents(resource, records, full=True)
        for name, child, column in CHILDREN.get(resource, ()):
            if name in without:
                continue
            members = self._rows(child, column, ids)
            self.complete(child, members)
            by_owner = _grouped(members, column)
            for record in records:
                if record["id"] in by_owner:
                    record[name] = by_owner[record["id"]]
        if resource not in _BARE:
            self._notes(resource, records, ids)

    def _notes(self, resource: str, records: list[Record], ids: list[str]) -> None:
        """Attributes and metadata, which name their owner each in a way of its own."""
        attributes = self._rows("attribute", "link_id", ids)
        if attributes:
            self._parents("attribute", attributes, full=True)
        for name, column, members in (
            ("attributes", "link_id", attributes),
            ("metadata", "resource_id", self._rows("metadata", "resource_id", ids)),
        ):
            by_owner = _grouped(members, column)
            for record in records:
                told = [one for one in by_owner.get(record["id"], ()) if _about(one, resource)]
                if told:
                    record[name] = told

    def _parents(self, resource: str, records: list[Record], full: bool) -> None:
        for name, parent, column in PARENTS.get(resource, ()):
            found = self._by_id(parent, records, column)
            if full and parent == "location":
                self.complete(parent, list(found.values()))
            else:
                self._parents(parent, list(found.values()), full)
            _attach(records, name, column, found)

    def _by_id(self, resource: str, records: list[Record], column: str) -> dict[str, Record]:
        ids = list(dict.fromkeys(record[column] for record in records if record.get(column)))
        return {record["id"]: record for record in self._rows(resource, "id", ids)}

    def _rows(self, resource: str, column: str, ids: Sequence[str]) -> list[Record]:
        table = TABLES[resource]
        found: list[Record] = []
        for start in range(0, len(ids), _ASKED):
            part = ids[start : start + _ASKED]
            rows = self._session.execute(select(table).where(table.c[column].in_(part)).order_by(table.c.id))
            found += [plain(resource, row._mapping) for row in rows]
        return found


def _attach(records: list[Record], name: str, column: str, found: dict[str, Record]) -> None:
    for record in records:
        if parent := found.get(record.get(column, "")):
            record[name] = parent


def _grouped(records: Iterable[Record], column: str) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record[column]].append(record)
    return groups


def _about(note: Record, resource: str) -> bool:
    """Whether an attribute or metadata is about this resource; ids are unique within one resource only."""
    told = str(note.get("link_entity") or note.get("resource_type") or "").strip().lower().replace(" ", "_")
    return not told or told.removesuffix("s") == resource.removesuffix("s")
