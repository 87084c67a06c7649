"""Tables and columns of HSDS 1 and 2, and of tools that follow them (Ohana, Open Referral UK), told in the words of HSDS 3.

One row may become several: a weekday of HSDS 1 is a weekly schedule, "Spanish, Tagalog" in a service's row are two
languages. Sources: the HSDS 1.1 and 2.0 data dictionaries, Ohana API's CSV documentation, Open Referral UK's 2.0 model.
"""

import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from bot.directory.tables import RESOURCES

Values = dict[str, str]


@dataclass(frozen=True)
class Made:
    """A row in the words of HSDS 3. One that `fills` belongs to a row told elsewhere, and adds what that does not say."""

    resource: str
    values: Values
    fills: bool = False


#: Names of tables in HSDS 1 and 2 that hold a resource of HSDS 3, with what is known of every row in them.
TABLES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "physical_address": ("address", {"address_type": "physical"}),
    "physical_addresses": ("address", {"address_type": "physical"}),
    "postal_address": ("address", {"address_type": "postal"}),
    "postal_addresses": ("address", {"address_type": "postal"}),
    "mail_address": ("address", {"address_type": "postal"}),
    "mail_addresses": ("address", {"address_type": "postal"}),
    "regular_schedule": ("schedule", {}),
    "regular_schedules": ("schedule", {}),
    "holiday_schedule": ("holiday", {}),
    "holiday_schedules": ("holiday", {}),
    "services_at_location": ("service_at_location", {}),
    "services_at_locations": ("service_at_location", {}),
    "service_taxonomy": ("attribute", {"link_entity": "service"}),
    "service_taxonomys": ("attribute", {"link_entity": "service"}),
    "service_taxonomies": ("attribute", {"link_entity": "service"}),
    "services_taxonomy": ("attribute", {"link_entity": "service"}),
    "service_attribute": ("attribute", {"link_entity": "service"}),
    "service_attributes": ("attribute", {"link_entity": "service"}),
    "other_attribute": ("attribute", {}),
    "other_attributes": ("attribute", {}),
    "link_taxonomy": ("attribute", {}),
    "link_taxonomies": ("attribute", {}),
    "link_taxonomys": ("attribute", {}),
    "eligibility": ("eligibility", {}),
    "eligibilities": ("eligibility", {}),
    "eligibilitys": ("eligibility", {}),
    "accessibility_for_disabilities": ("accessibility", {}),
    "accessibility_for_disabilitie": ("accessibility", {}),
    "fundings": ("funding", {}),
    "organization_identifier": ("organization_identifier", {}),
}

#: Older names of columns, by resource.
RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "organization": {"url": "website", "date_incorporated": "year_incorporated"},
    "service": {"website": "url", "eligibility": "eligibility_description"},
    "location": {"website": "url"},
    "phone": {"number_type": "type"},
    "language": {"language": "name"},
    "accessibility": {"accessibility": "description"},
    "service_area": {"service_area": "name"},
    "taxonomy_term": {"term": "name", "vocabulary": "taxonomy"},
    "attribute": {"service_id": "link_id", "taxonomy_id": "taxonomy_term_id"},
    "cost_option": {"cost_type": "option"},
    "organization_identifier": {"scheme": "identifier_scheme", "type": "identifier_type"},
}

#: Columns beyond the standard's that are understood, by resource.
UNDERSTOOD: Final[Mapping[str, frozenset[str]]] = {
    "service": frozenset(
        {"location_id", "audience", "languages", "required_documents", "service_areas", "funding_sources", "taxonomy_ids"}
    ),
    "location": frozenset({"accessibility", "languages", "short_desc", "virtual"}),
    "phone": frozenset({"department", "language", "country_prefix"}),
    "address": frozenset({"organization_id"}),
    "schedule": frozenset({"weekday"}),
    "taxonomy_term": frozenset({"taxonomy_id", "parent_name"}),
    "holiday": frozenset(
        ("id", "service_id", "location_id", "service_at_location_id", "start_date", "end_date", "closed", "opens_at", "closes_at")
    ),
    "eligibility": frozenset(("id", "service_id", "eligibility", "minimum_age", "maximum_age")),
}

#: Beginnings of tables that share a table of HSDS 3 with another: where rows are just numbered, both have a number 1.
_SHARED: Final = ("postal", "mail", "holiday", "other")
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SPACE: Final = uuid.UUID("6f2b1c6e-52a7-4a7e-9f39-3d0d7a0e4f11")


def made_id(resource: str, values: Mapping[str, str]) -> str:
    """An id for a row that came without: always the same for the same content (a UUID of RFC 4122, version 5)."""
    told = json.dumps(sorted((name, value) for name, value in values.items() if name != "id"), ensure_ascii=False)
    return str(uuid.uuid5(_SPACE, f"{resource}:{told}"))


def resource_of(stem: str, columns: Collection[str]) -> str | None:
    """What a table of this name holds: a resource of HSDS 3, "holiday" or "eligibility"; None if it is no table of HSDS.

    A table `taxonomy` holds taxonomies in HSDS 3, and terms before.
    """
    stem = stem.lower()
    if stem in {"taxonomy", "taxonomies"} and {"parent_id", "parent_name", "vocabulary", "taxonomy_id"} & set(columns):
        return "taxonomy_term"
    if stem in {"schedule", "schedules"} and "weekday" in columns:
        return "schedule"
    found = _stems().get(stem)
    return found or (TABLES[stem][0] if stem in TABLES else None)


@cache
def _stems() -> Mapping[str, str]:
    stems: dict[str, str] = {}
    for name, resource in RESOURCES.items():
        stems |= {name: name, f"{name}s": name, resource.file.removesuffix(".csv"): name}
    return stems


def understood(resource: str) -> frozenset[str]:
    """The columns of a table that are read: the standard's, its older names, and those that are taken apart."""
    standard = {"id", *RESOURCES[resource].columns} if resource in RESOURCES else set()
    return frozenset(standard | UNDERSTOOD.get(resource, frozenset()) | set(RENAMED.get(resource, {})))


def told_anew(stem: str, resource: str, values: Mapping[str, str]) -> Iterator[Made]:
    """A row of a table as rows of HSDS 3."""
    known = dict(TABLES.get(stem.lower(), ("", {}))[1])
    row: Values = {}
    for name, value in values.items():
        row.setdefault(_renamed(resource, name, values), value)
    if prefix := next((word for word in _SHARED if stem.lower().startswith(word)), None):
        row |= {"id": f"{prefix}-{row['id']}"} if row.get("id", "").isascii() and row.get("id", "").isdigit() else {}
    convert = _CONVERTERS.get(resource)
    if convert is None:
        yield Made(resource, known | row)
    else:
        yield from convert(known | row)


def _renamed(resource: str, name: str, values: Mapping[str, str]) -> str:
    if resource == "taxonomy_term" and name == "taxonomy_id" and "id" not in values:
        return "id"  # Ohana's table of terms
    new = RENAMED.get(resource, {}).get(name, name)
    return name if new in values else new


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in re.split(r"[,;\n]", text or "") if part.strip()]


def _taken(row: Values, *names: str) -> list[str]:
    return [row.pop(name, "") for name in names]


def _service(row: Values) -> Iterator[Made]:
    location, audience, languages, documents, areas, funding, terms = _taken(
        row, "location_id", "audience", "languages", "required_documents", "service_areas", "funding_sources", "taxonomy_ids"
    )
    if audience:
        said = row.get("eligibility_description", "")
        row["eligibility_description"] = "; ".join(part for part in (said, audience) if part and part.lower() != "none")
    yield Made("service", row)
    service = row.get("id", "")
    if not service:
        return
    if location:
        yield Made("service_at_location", {"service_id": service, "location_id": location})
    for name in _listed(languages):
        yield Made("language", {"service_id": service, "name": name})
    if documents:  # commas also stand inside of one document's description
        yield Made("required_document", {"service_id": service, "document": documents})
    for name in _listed(areas):
        yield Made("service_area", {"service_id": service, "name": name})
    for name in _listed(funding):
        yield Made("funding", {"service_id": service, "source": name})
    for term in _listed(terms):
        yield Made("attribute", {"link_id": service, "link_entity": "service", "taxonomy_term_id": term})


def _organization(row: Values) -> Iterator[Made]:
    if (year := re.search(r"\b(1[89]|20)\d\d\b", row.get("year_incorporated", ""))) and not row["year_incorporated"].isdigit():
        row["year_incorporated"] = year[0]  # of a whole date
    yield Made("organization", row)


def _location(row: Values) -> Iterator[Made]:
    access, languages, short, virtual = _taken(row, "accessibility", "languages", "short_desc", "virtual")
    if short and not row.get("description"):
        row["description"] = short
    if virtual and "location_type" not in row:
        row["location_type"] = "virtual" if virtual.strip().lower() in {"true", "yes", "1"} else "physical"
    yield Made("location", row)
    location = row.get("id", "")
    for name in _listed(access) if location else ():
        yield Made("accessibility", {"location_id": location, "description": name.replace("_", " ")})
    for name in _listed(languages) if location else ():
        yield Made("language", {"location_id": location, "name": name})


def _phone(row: Values) -> Iterator[Made]:
    department, language, prefix = _taken(row, "department", "language", "country_prefix")
    if department and not row.get("description"):
        row["description"] = department
    if prefix and row.get("number") and not row["number"].startswith("+"):
        row["number"] = f"{prefix} {row['number']}"
    yield Made("phone", row)
    for name in _listed(language):
        yield Made("language", {"phone_id": row.get("id") or made_id("phone", row), "name": name})


def _address(row: Values) -> Iterator[Made]:
    """An organization's own address, which HSDS 3 keeps in a location."""
    [organization] = _taken(row, "organization_id")
    if organization and not row.get("location_id"):
        kind = row.get("address_type", "postal")
        place = {"organization_id": organization, "location_type": kind}
        place["id"] = made_id("location", place)
        row["location_id"] = place["id"]
        yield Made("location", place)
    yield Made("address", row)


def _schedule(row: Values) -> Iterator[Made]:
    [weekday] = _taken(row, "weekday")
    if weekday and "byday" not in row:
        row["byday"] = days(weekday)
        row.setdefault("freq", "WEEKLY")
    if weekday and row.get("opens_at", "closed").strip().lower() == "closed":
        return  # HSDS 3 says nothing of days on which a place is closed
    yield Made("schedule", row)


def days(text: str) -> str:
    """Weekdays as RFC 5545 writes them: "Monday", "Mon-Fri", "1" and "MO" are known; others come back as they are."""
    found: list[str] = []
    for part in re.split(r"[,;/&]| and ", text):
        ends = [_weekday(end) for end in re.split(r"\s*(?:-|–|\bto\b)\s*", part.strip())]
        if not ends or None in ends or len(ends) > 2:
            return text
        first, last = ends[0] or 0, ends[-1] or 0
        found += [_WEEKDAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    return ",".join(dict.fromkeys(found))


def _weekday(text: str) -> int | None:
    """Monday is 0; Ohana counts from Monday as 1."""
    plain = text.strip().upper()
    if plain.isascii() and plain.isdigit():
        return int(plain) - 1 if 1 <= int(plain) <= 7 else None
    return _WEEKDAYS.index(plain[:2]) if plain[:2] in _WEEKDAYS else None


def _holiday(row: Values) -> Iterator[Made]:
    """Days with other hours, or closed: an exception of certain dates without repetition."""
    first, last, closed = _taken(row, "start_date", "end_date", "closed")
    row |= {name: value for name, value in (("valid_from", first), ("valid_to", last or first)) if value}
    if closed.strip().lower() in {"true", "yes", "1", "t", "y"}:
        row.pop("opens_at", None)
        row.pop("closes_at", None)
    yield Made("schedule", row)


def _eligibility(row: Values) -> Iterator[Made]:
    names = {"eligibility": "eligibility_description", "minimum_age": "minimum_age", "maximum_age": "maximum_age"}
    filled = {new: row[old] for old, new in names.items() if row.get(old)}
    if row.get("service_id") and filled:
        yield Made("service", {"id": row["service_id"]} | filled, fills=True)


def _attribute(row: Values) -> Iterator[Made]:
    kind = row.get("link_type", "").strip().lower().replace(" ", "_")
    if "link_entity" not in row and kind.removesuffix("s") in RESOURCES:
        row["link_entity"] = row.pop("link_type")
    row.pop("taxonomy_detail", None)
    yield Made("attribute", row)


def _term(row: Values) -> Iterator[Made]:
    row.pop("parent_name", None)
    yield Made("taxonomy_term", row)


_CONVERTERS: Final[Mapping[str, Callable[[Values], Iterator[Made]]]] = {
    "organization": _organization,
    "service": _service,
    "location": _location,
    "phone": _phone,
    "address": _address,
    "schedule": _schedule,
    "holiday": _holiday,
    "eligibility": _eligibility,
    "attribute": _attribute,
    "taxonomy_term": _term,
}
