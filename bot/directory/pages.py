"""The directory as the standard's API gives it: records by id, and lists in pages with search and filters.

What the parameters mean is in the standard's OpenAPI file (bot/directory/schema/openapi). Where it leaves room: pages
count from 1; a page number or size out of range is taken as the nearest one in it; records that do not say when they were
modified count as modified since any date, so that whoever keeps a copy misses nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from bot.directory.nested import Nesting, Record
from bot.directory.tables import TABLES

PER_PAGE: Final = 50
MOST_PER_PAGE: Final = 500
_EARTH_M: Final = 6_371_000

#: The lists there are, with the resource in each and the columns a search looks into.
LISTS: Final = {
    "services": ("service", ("name", "alternate_name", "description")),
    "organizations": ("organization", ("name", "alternate_name", "description")),
    "service_at_locations": ("service_at_location", ()),
    "locations": ("location", ("name", "alternate_name", "description")),
    "taxonomies": ("taxonomy", ("name", "description")),
    "taxonomy_terms": ("taxonomy_term", ("name", "description", "code")),
}


@dataclass(frozen=True)
class Asked:
    """What is asked of a list. `proximity` is in metres and counts with `postcode` only."""

    page: int = 1
    per_page: int = PER_PAGE
    search: str = ""
    full: bool = False
    full_service: bool = False
    minimal: bool = False
    taxonomy_term_id: str = ""
    taxonomy_id: str = ""
    organization_id: str = ""
    modified_after: datetime | None = None
    postcode: str = ""
    proximity: float | None = None
    parent_id: str = ""
    top_only: bool = False


def page(session: Session, name: str, asked: Asked) -> Record:
    """One page of a list, with the counts around it."""
    query = _query(session, name, asked)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    size = min(max(1, asked.per_page), MOST_PER_PAGE)
    pages = max(1, math.ceil(total / size))
    number = min(max(1, asked.page), 2**31)
    table = TABLES[LISTS[name][0]]
    ids = list(session.scalars(query.order_by(table.c.id).limit(size).offset((number - 1) * size))) if number <= pages else []
    contents = _contents(session, name, asked, ids)
    return {
        "total_items": total,
        "total_pages": pages if total else 0,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": contents,
    }


def everything(session: Session, name: str, asked: Asked) -> Iterator[Record]:
    """All records of a list, however many there are."""
    table, last = TABLES[LISTS[name][0]], ""
    query = _query(session, name, asked).order_by(table.c.id).limit(MOST_PER_PAGE // 2)
    while ids := list(session.scalars(query.where(table.c.id > last))):
        yield from _contents(session, name, asked, ids)
        last = ids[-1]


def record(session: Session, name: str, record_id: str, full_service: bool = False) -> Record | None:
    """One record with everything nested; None if there is none of this id."""
    resource, _ = LISTS[name]
    nesting = Nesting(session)
    if resource in {"taxonomy", "taxonomy_term"}:
        found = nesting.basic(resource, [record_id])
    else:
        found = nesting.full(resource, [record_id], services="full" if full_service else "ids")
    return found[0] if found else None


def _contents(session: Session, name: str, asked: Asked, ids: list[str]) -> list[Record]:
    resource, _ = LISTS[name]
    nesting = Nesting(session)
    if name == "services" and asked.minimal:
        kept = ("id", "last_modified")
        return [{key: one[key] for key in kept if key in one} for one in nesting.records(resource, ids)]
    if asked.full or asked.full_service:
        return nesting.full(resource, ids, services="full" if asked.full_service else "ids")
    return nesting.basic(resource, ids)


def _query(session: Session, name: str, asked: Asked) -> Select[str]:
    """The ids of the records that are asked for."""
    resource, columns = LISTS[name]
    table = TABLES[resource]
    service, place = TABLES["service"], TABLES["service_at_location"]
    query = select(table.c.id)
    if name == "service_at_locations":
        query = query.join(service, service.c.id == place.c.service_id)
        searched = [service.c[column] for column in LISTS["services"][1]]
    else:
        searched = [table.c[column] for column in columns]
    for word in asked.search.split()[:10]:
        query = query.where(or_(*(column.ilike(f"%{_escaped(word)}%", escape="\\") for column in searched)))
    if name in {"services", "service_at_locations"}:
        if asked.organization_id:
            query = query.where(service.c.organization_id == asked.organization_id)
        if asked.modified_after is not None:
            since = asked.modified_after.astimezone(UTC).isoformat()[:19]
            query = query.where(or_(service.c.last_modified.is_(None), service.c.last_modified >= since))
    if asked.taxonomy_term_id or asked.taxonomy_id:
        query = query.where(_tagged(name, asked))
    if name == "service_at_locations" and asked.postcode:
        query = query.where(_near(session, asked.postcode, asked.proximity))
    if name == "taxonomy_terms":
        if asked.parent_id:
            query = query.where(table.c.parent_id == asked.parent_id)
        if asked.top_only:
            query = query.where(table.c.parent_id.is_(None))
    return query


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _tagged(name: str, asked: Asked) -> ColumnElement[bool]:
    """Whether a record, or a service of it, has a term of a taxonomy."""
    attribute, term = TABLES["attribute"], TABLES["taxonomy_term"]
    service, place = TABLES["service"], TABLES["service_at_location"]
    if name == "taxonomy_terms":
        return term.c.taxonomy_id == asked.taxonomy_id if asked.taxonomy_id else term.c.id == asked.taxonomy_term_id
    linked = select(attribute.c.link_id).where(attribute.c.link_id.is_not(None))
    if asked.taxonomy_term_id:
        linked = linked.where(attribute.c.taxonomy_term_id == asked.taxonomy_term_id)
    if asked.taxonomy_id:
        linked = linked.join(term, term.c.id == attribute.c.taxonomy_term_id).where(term.c.taxonomy_id == asked.taxonomy_id)
    if name == "service_at_locations":
        return or_(place.c.id.in_(linked), place.c.service_id.in_(linked))
    if name == "organizations":
        of_services = select(service.c.organization_id).where(service.c.id.in_(linked))
        return or_(TABLES["organization"].c.id.in_(linked), TABLES["organization"].c.id.in_(of_services))
    return TABLES[LISTS[name][0]].c.id.in_(linked)


def _near(session: Session, postcode: str, proximity: float | None) -> ColumnElement[bool]:
    """Whether a place has this postcode or serves it; with a proximity, whether it lies so near to its middle."""
    place, location, address = TABLES["service_at_location"], TABLES["location"], TABLES["address"]
    area = TABLES["service_area"]
    plain = postcode.replace(" ", "").upper()
    same = func.upper(func.replace(address.c.postal_code, " ", "")) == plain
    there = select(address.c.location_id).where(same)
    if proximity is None:
        serves = select(area.c.service_id).where(func.upper(func.replace(area.c.name, " ", "")) == plain)
        return or_(place.c.location_id.in_(there), place.c.service_id.in_(serves))
    points = session.execute(select(location.c.latitude, location.c.longitude).where(location.c.id.in_(there))).all()
    known = [(float(latitude), float(longitude)) for latitude, longitude in points if latitude and longitude]
    if not known:
        return place.c.id.is_(None)  # nobody knows where that is
    middle = tuple(sum(axis) / len(known) for axis in zip(*known, strict=True))
    return place.c.location_id.in_(_within(session, middle[0], middle[1], proximity))


def _within(session: Session, latitude: float, longitude: float, metres: float) -> list[str]:
    """The locations within a distance of a point."""
    location = TABLES["location"]
    rows = session.execute(
        select(location.c.id, location.c.latitude, location.c.longitude).where(
            and_(location.c.latitude.is_not(None), location.c.longitude.is_not(None))
        )
    )
    return [key for key, north, east in rows if _metres(latitude, longitude, float(north), float(east)) <= metres][:20_000]


def _metres(latitude: float, longitude: float, north: float, east: float) -> float:
    """The distance of two points in metres (haversine)."""
    first, second = math.radians(latitude), math.radians(north)
    half = math.sin((second - first) / 2) ** 2
    half += math.cos(first) * math.cos(second) * math.sin(math.radians(east - longitude) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))
