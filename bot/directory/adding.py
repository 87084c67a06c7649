"""A whole new service by hand: who offers it, what it is about, where, when, how to reach it. One change, undone at once."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.directory.editing import By, RefusedChange, add_all
from bot.directory.tables import TABLES

#: What is asked for a new service, by the row it goes into, in the order of the page.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "service": (
        "name", "description", "eligibility_description", "minimum_age", "maximum_age", "application_process", "fees_description",
        "url", "email",
    ),
    "phone": ("number",),
    "schedule": ("byday", "opens_at", "closes_at"),
    "address": ("address_1", "city", "region", "state_province", "postal_code", "country"),
    "location": ("latitude", "longitude"),
}  # fmt: skip


class _Sentences(NamedTuple):
    one: str
    missing: str
    unknown: str


_SENTENCES: Final = {
    "organization": _Sentences(
        "Name one organization: one that there is, or a new one.",
        "Name its organization.",
        "The directory has no organization “{name}”.",
    ),
    "location": _Sentences(
        "Name one place: one that there is, or a new one.",
        "Name its place.",
        "The directory has no place “{name}”.",
    ),
}

Rows = list[tuple[str, dict[str, str]]]


def add_service(session: Session, by_whom: By, told: Mapping[str, str], today: date, currency: str) -> str:
    """Add a service from a form's fields ("service-name", "phone-number", …); its id. Raises RefusedChange.

    `organization` and `location` name those that there are (name or id), `new-organization` and `new-location` new ones by name;
    `topic` is the id of a taxonomy term. What is in none of these belongs on the service's own page afterwards.
    """
    said = {name: text.strip() for name, text in told.items()}
    service = {"id": _id(), "status": "active"} | _given(said, "service")
    rows: Rows = []
    service["organization_id"] = _owner(session, rows, said, "organization")
    if said.get("checked"):
        service["assured_date"] = today.isoformat()
    rows.append(("service", service))
    place = _place(session, rows, said, service["id"])
    where = {"service_at_location_id": place} if place else {"service_id": service["id"]}
    if phone := _given(said, "phone"):
        rows.append(("phone", {"id": _id(), "service_id": service["id"], "type": "voice"} | phone))
    if not phone and not place:
        raise RefusedChange("Say where it is, or which number to call: else nobody can reach it.")
    if hours := _given(said, "schedule"):
        if len(hours) < len(FIELDS["schedule"]):
            raise RefusedChange("Hours need the days, when it opens and when it closes.")
        rows.append(("schedule", {"id": _id(), "freq": "WEEKLY", "timezone": "0"} | where | hours))
    if said.get("free"):
        cost = {"id": _id(), "service_id": service["id"], "option": "free", "amount": "0", "currency": currency}
        rows.append(("cost_option", cost))
    if said.get("no_papers"):
        rows.append(("required_document", {"id": _id(), "service_id": service["id"], "document": "None"}))
    if not said.get("topic"):
        raise RefusedChange("Say what it is about: else nobody finds it.")
    link = {"link_id": service["id"], "link_type": "taxonomy", "link_entity": "service", "value": "1"}
    rows.append(("attribute", {"id": _id(), "taxonomy_term_id": said["topic"]} | link))
    subject = By(by_whom.staff_id, by_whom.staff, f"service {service['id']}", by_whom.note)
    add_all(session, subject, rows)
    return service["id"]


def _owner(session: Session, rows: Rows, said: Mapping[str, str], kind: str) -> str:
    """The id of an organization or location that there is, or of a new one that is added to `rows`."""
    there, new = said.get(kind, ""), said.get(f"new-{kind}", "")
    if there and new:
        raise RefusedChange(_SENTENCES[kind].one)
    if new:
        own = {"id": _id(), "name": new}
        rows.append((kind, own))
        return own["id"]
    if not there:
        raise RefusedChange(_SENTENCES[kind].missing)
    table = TABLES[kind]
    ids = list(session.scalars(select(table.c.id).where((table.c.id == there) | (table.c.name == there)).limit(2)))
    if len(ids) != 1:
        if ids:
            raise RefusedChange("There are several with the name “{name}”: give the id of one.", name=there)
        raise RefusedChange(_SENTENCES[kind].unknown, name=there)
    return str(ids[0])


def _place(session: Session, rows: Rows, said: Mapping[str, str], service_id: str) -> str | None:
    """The id of the service at its location, whose rows are added to `rows`; None for a telephone line."""
    address, point = _given(said, "address"), _given(said, "location")
    if not said.get("location") and not said.get("new-location"):
        if address or point:
            raise RefusedChange("Give the new place a name.")
        return None
    before = len(rows)
    location_id = _owner(session, rows, said, "location")
    if said.get("new-location"):
        if "address_1" not in address or "latitude" not in point or "longitude" not in point:
            raise RefusedChange("A new place needs an address, latitude and longitude: else nobody finds the nearest.")
        rows[before][1].update({"location_type": "physical"} | point)
        rows.append(("address", {"id": _id(), "location_id": location_id, "address_type": "physical"} | address))
    elif address or point:
        raise RefusedChange("The address of a place that there is already is changed on its own page.")
    place = {"id": _id(), "service_id": service_id, "location_id": location_id}
    rows.append(("service_at_location", place))
    return place["id"]


def _given(said: Mapping[str, str], resource: str) -> dict[str, str]:
    return {name: text for name in FIELDS[resource] if (text := said.get(f"{resource}-{name}", ""))}


def _id() -> str:
    return str(uuid.uuid4())
