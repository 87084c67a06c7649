"""From the standard's tables to what a search needs: `service_listing` and `service_card`."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from bot.clock import now
from bot.directory.hours import relevant_rows
from bot.directory.needs import needs, service_groups, ways
from bot.directory.tables import CARD, LISTING, TABLES
from bot.directory.taxonomies import BY_WORDS, topics_of_term, topics_of_words
from bot.reply import Cost, Price, ServiceCard, converter

#: Services with any other status are never offered.
OFFERED: Final = ("active", "temporarily closed")
#: A service in so many places is one for the whole town.
MANY_PLACES: Final = 3
#: A barrier of a building is none for a service that comes to people or is on the telephone.
WITHOUT_BUILDING: Final = frozenset(
    {"wheelchair_access", "step_free_entrance", "accessible_toilet", "lift", "parking_for_disabled_people"}
)
_WOMEN: Final = re.compile(r"\b(women|woman|girls|mothers)\b", re.IGNORECASE)
_WOMEN_ONLY: Final = re.compile(r"\b(for women only|women only|only women)\b", re.IGNORECASE)
_TOPIC: Final = re.compile(r"[a-z]+(?:_[a-z]+)*")
_CALLED: Final = {"voice", "cell", "mobile", "hotline"}
#: Services listed at a time, and ids asked for at a time.
_BATCH: Final = 500
_ASKED: Final = 500
#: From this lower age limit on, a service is one for older people.
OLDER_FROM: Final = 50

Row = Mapping[str, Any]
Group = Mapping[str, list[Row]]


def slug(text: str) -> str:
    """A wording as a code: "Step-free entrance" is step_free_entrance."""
    return "_".join(re.findall(r"[^\W_]+", text.lower()))


def coded(codes: Iterable[str]) -> str:
    """Codes as one text with a space on both sides of each, so that LIKE '% es %' finds one."""
    unique = sorted(set(codes))
    return f" {' '.join(unique)} " if unique else " "


def rebuild(session: Session, progress: Callable[[int, int], None] | None = None) -> int:
    """Make both tables again from the standard's. How many listings there are. `progress` is told how many services are done."""
    session.execute(delete(LISTING))
    session.execute(delete(CARD))
    services = TABLES["service"]
    total = session.scalar(select(func.count()).select_from(services)) or 0
    terms = _terms(session)
    done, listings, last = 0, 0, ""
    while ids := session.scalars(select(services.c.id).where(services.c.id > last).order_by(services.c.id).limit(_BATCH)).all():
        listings += _list(session, ids, terms)
        done, last = done + len(ids), ids[-1]
        if progress is not None:
            progress(done, total)
    return listings


def refresh(session: Session, service_ids: Iterable[str]) -> None:
    """Make the listings of some services again, after something of theirs was changed."""
    ids = sorted(set(service_ids))
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        session.execute(delete(LISTING).where(LISTING.c.service_id.in_(part)))
        session.execute(delete(CARD).where(CARD.c.service_id.in_(part)))
        _list(session, part, _terms(session))


def _list(session: Session, service_ids: Sequence[str], terms: Mapping[str, frozenset[str]]) -> int:
    """Store the cards and listings of these services. How many listings they have."""
    source = _Source(session, service_ids, terms)
    listings: list[dict[str, Any]] = []
    cards: list[dict[str, Any]] = []
    for service in source.services:
        if service["status"] not in OFFERED:
            continue
        places: list[Row | None] = [*source.places.get(service["id"], ())]
        for place in places or [None]:
            card, listed = _listed(source, service, place)
            cards.append(card)
            listings += listed
    return _flush(session, listings, cards)


def _terms(session: Session) -> dict[str, frozenset[str]]:
    """The topics that each taxonomy term means."""
    terms: dict[str, Row] = {row.id: dict(row._mapping) for row in session.execute(select(TABLES["taxonomy_term"]))}
    return {key: topics_of_code(row["code"]) or frozenset(topics_of_term(row, terms)) for key, row in terms.items()}


def _flush(session: Session, listings: list[dict[str, Any]], cards: list[dict[str, Any]]) -> int:
    count = len(listings)
    if cards:
        session.connection().execute(insert(CARD), cards)
    if listings:
        session.connection().execute(insert(LISTING), listings)
    cards.clear()
    listings.clear()
    return count


class _Source:
    """The standard's rows about some services, grouped by what they belong to."""

    def __init__(self, session: Session, service_ids: Sequence[str], terms: Mapping[str, frozenset[str]]) -> None:
        self.session = session
        self.terms = terms
        self.services = self._rows("service", "id", service_ids)
        self.places = self._by("service_id", self._rows("service_at_location", "service_id", service_ids))
        place_ids = [row["id"] for rows in self.places.values() for row in rows]
        location_ids = list({row["location_id"]: None for rows in self.places.values() for row in rows})
        organization_ids = list({row["organization_id"]: None for row in self.services if row["organization_id"]})
        self.organizations = {row["id"]: row for row in self._rows("organization", "id", organization_ids)}
        self.locations = {row["id"]: row for row in self._rows("location", "id", location_ids)}
        self.addresses = self._by("location_id", self._rows("address", "location_id", location_ids))
        owners = {
            "service_at_location_id": place_ids,
            "service_id": service_ids,
            "location_id": location_ids,
            "organization_id": organization_ids,
        }
        levels = tuple(owners)
        self.phones = {level: self._by(level, self._rows("phone", level, owners[level])) for level in levels}
        self.schedules = {level: self._by(level, self._rows("schedule", level, owners[level])) for level in levels[:3]}
        self.languages = {level: self._by(level, self._rows("language", level, owners[level])) for level in levels[1:3]}
        self.accessibility = self._by("location_id", self._rows("accessibility", "location_id", location_ids))
        self.costs = self._by("service_id", self._rows("cost_option", "service_id", service_ids))
        self.documents = self._by("service_id", self._rows("required_document", "service_id", service_ids))
        self.areas = self._by("service_id", self._rows("service_area", "service_id", service_ids))
        self.topics = self._topics([*service_ids, *place_ids])

    def _rows(self, name: str, column: str, ids: Sequence[str]) -> list[Row]:
        """The rows whose `column` is one of `ids`, by their own id."""
        table = TABLES[name]
        found: list[Row] = []
        for start in range(0, len(ids), _ASKED):
            part = ids[start : start + _ASKED]
            found += [dict(row._mapping) for row in self.session.execute(select(table).where(table.c[column].in_(part)))]
        return sorted(found, key=lambda row: str(row["id"]))

    @staticmethod
    def _by(column: str, rows: Iterable[Row]) -> Group:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row[column]:
                groups[row[column]].append(row)
        return groups

    def _topics(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """The topics of each service or service_at_location, with their rank."""
        topics: dict[str, dict[str, int]] = defaultdict(dict)
        for row in self._rows("attribute", "link_id", ids):
            for topic in self.terms.get(row["taxonomy_term_id"], ()) if row["link_id"] else ():
                value = row["value"] or ""
                rank = int(value) if value.isascii() and value.isdigit() and len(value) < 4 else 1
                topics[row["link_id"]][topic] = min(rank, topics[row["link_id"]].get(topic, rank))
        return topics


def topics_of_code(code: str | None) -> frozenset[str]:
    """A term whose code is a word is a topic of ours, or one that a city added."""
    return frozenset({code[:40]}) if code and _TOPIC.fullmatch(code[:40]) else frozenset()


def _without_term(service: Row) -> dict[str, int]:
    """The topics that only the words of a service tell; none if these say nothing."""
    found = topics_of_words(service["name"] or "", service["description"])
    return {topic: BY_WORDS + number for number, topic in enumerate(found)}


def _listed(source: _Source, service: Row, place: Row | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The card and the listings of a service at a place, or of a service without one."""
    service_id = service["id"]
    location = source.locations.get(place["location_id"]) if place else None
    location_id = location["id"] if location else ""
    listing_id = place["id"] if place else service_id
    address = next(iter(_physical(source.addresses.get(location_id, []))), None)
    latitude, longitude = _coordinates(location)
    languages = _languages(source, service_id, location_id)
    access = sorted({row["description"] for row in source.accessibility.get(location_id, []) if row["description"]})
    documents = sorted({row["document"] for row in source.documents.get(service_id, []) if row["document"]})
    costs = [{name: value for name, value in row.items() if value} for row in source.costs.get(service_id, [])]
    areas = source.areas.get(service_id, [])
    minimum_age, maximum_age = _age(service["minimum_age"], math.floor), _age(service["maximum_age"], math.ceil)
    organization = source.organizations.get(service["organization_id"])
    temporarily_closed = service["status"] == "temporarily closed"
    card = ServiceCard(
        id=listing_id,
        service_id=service_id,
        name=service["name"],
        organization=organization["name"] if organization else "",
        address=address["address_1"] if address else None,
        area=address["region"] if address else None,
        latitude=latitude,
        longitude=longitude,
        phones=_phones(source, listing_id, service, location_id),
        languages=languages,
        accessibility=tuple(access),
        required_documents=tuple(documents),
        eligibility=service["eligibility_description"],
        minimum_age=minimum_age,
        maximum_age=maximum_age,
        description=service["alert"] if temporarily_closed and service["alert"] else service["description"],
        verified_on=_date(service["assured_date"]),
        url=service["url"] if (service["url"] or "").lower().startswith(("http://", "https://")) else None,
    )
    facts = {
        "card": converter.unstructure(card),
        "costs": costs,
        "fees": service["fees_description"] or service["fees"],
        "status": service["status"],
    }
    schedules = relevant_rows(
        [
            source.schedules["service_at_location_id"].get(listing_id, []),
            source.schedules["service_id"].get(service_id, []),
            source.schedules["location_id"].get(location_id, []),
        ]
    )
    kept = [{name: value for name, value in row.items() if value and not name.endswith("id")} for row in schedules]
    access_codes = {slug(text) for text in access} | (WITHOUT_BUILDING if location is None else frozenset())
    if "bfi" in languages or "sgn" in languages:
        access_codes.add("sign_language_interpreter")
    listing = {
        "listing_id": listing_id,
        "service_id": service_id,
        "latitude": latitude,
        "longitude": longitude,
        "area": card.area,
        "city_wide": latitude is None or bool(areas) or len(source.places.get(service_id, ())) >= MANY_PLACES,
        "towns": coded(slug(row["name"]) for row in areas if row["name"]),
        "verified_on": card.verified_on,
        "status": service["status"],
        "cost": cost_class(current_cost(costs, facts["fees"], now().date())),
        "minimum_age": minimum_age,
        "maximum_age": maximum_age,
        "no_papers": bool(documents) and all(text.lower() == "none" for text in documents),
        "women": _for_women(service, location),
        "languages": coded(languages),
        "accessibility": coded(access_codes),
        "needs": coded(_needs(service)),
        "groups": coded(_groups(service, minimum_age)),
        "ways": coded(_ways(service, place)),
    }
    topics = source.topics.get(service_id, {}) | (source.topics.get(listing_id, {}) if place else {})
    topics = topics or _without_term(service)
    stored = {
        "id": listing_id,
        "service_id": service_id,
        "facts": json.dumps(facts, ensure_ascii=False),
        "schedules": json.dumps(kept, ensure_ascii=False),
    }
    return stored, [listing | {"topic": topic, "rank": rank} for topic, rank in topics.items()]


def _needs(service: Row) -> list[str]:
    """The things that it has: those its name tells, and with ~ those only its description does."""
    named = needs().find(f"{service['name'] or ''} . {service['alternate_name'] or ''}")
    return [*named, *(f"{need}~" for need in needs().find(service["description"] or "") - named)]


def _groups(service: Row, minimum_age: int | None) -> frozenset[str]:
    told = f"{service['eligibility_description'] or ''} . {service['name'] or ''}"
    groups = service_groups().find(told) | _speakers(service["description"] or "")
    if "everyone" in groups:
        return _speakers(service["description"] or "")
    if "pregnant" in groups:
        groups -= {"women"}
    return groups | ({"older"} if minimum_age is not None and minimum_age >= OLDER_FROM else frozenset())


def _speakers(description: str) -> frozenset[str]:
    return frozenset(group for group in service_groups().find(description) if group.startswith("speakers_"))


def _ways(service: Row, place: Row | None) -> frozenset[str]:
    told = ways().find(f"{service['name'] or ''} . {service['description'] or ''}")
    return told | (frozenset() if place else {"by_phone"})


def _physical(addresses: Iterable[Row]) -> list[Row]:
    return [row for row in addresses if row["address_type"] in (None, "physical")]


def _coordinates(location: Row | None) -> tuple[float, float] | tuple[None, None]:
    if location is None or not location["latitude"] or not location["longitude"]:
        return None, None
    latitude, longitude = float(location["latitude"]), float(location["longitude"])
    return (latitude, longitude) if latitude or longitude else (None, None)  # 0, 0 is an unfilled form


def _languages(source: _Source, service_id: str, location_id: str) -> tuple[str, ...]:
    """Those spoken at the service; where it names none, those at the building's desk."""
    rows = source.languages["service_id"].get(service_id) or source.languages["location_id"].get(location_id, [])
    return tuple(sorted({row["code"].lower().split("-")[0] for row in rows if row["code"]}))


def _phones(source: _Source, place_id: str, service: Row, location_id: str) -> tuple[str, ...]:
    """Numbers to call: those closest to the service; a number for texts only if there is no other."""
    owners = (
        ("service_at_location_id", place_id),
        ("service_id", service["id"]),
        ("location_id", location_id),
        ("organization_id", service["organization_id"]),
    )
    for level, owner in owners:
        rows = source.phones[level].get(owner or "", [])
        called = [row for row in rows if (row["type"] or "voice").lower() in _CALLED] or rows
        if called:
            return tuple(dict.fromkeys(_number(row) for row in called))
    return ()


def _number(row: Row) -> str:
    return f"{row['number']} ext. {row['extension']}" if row["extension"] else str(row["number"])


def _for_women(service: Row, location: Row | None) -> bool:
    told = (service["eligibility_description"], service["name"])
    return any(_WOMEN.search(text or "") for text in told) or bool(location and _WOMEN_ONLY.search(location["description"] or ""))


def _age(text: str | None, rounded: Any) -> int | None:
    try:
        return int(rounded(float(text))) if text else None
    except (ValueError, OverflowError):
        return None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def current_cost(costs: Iterable[Row], fees: str | None, today: date) -> Cost | None:
    """What a service costs on a day, every part of it. None if the directory does not say.

    "Free" goes first, then by income, then prices, the lowest first, and a deposit last; what follows the first is in
    `others`. `note` is the directory's own explanation: where there is one, no amount says it all.
    """
    valid = [
        row for row in costs if (_date(row.get("valid_from")) or date.min) <= today <= (_date(row.get("valid_to")) or date.max)
    ]
    options: list[tuple[int, float, Cost]] = []
    for row in valid:
        option = (row.get("option") or "").strip()
        amount = float(row["amount"]) if row.get("amount") else 0.0 if option.lower() == "free" else None
        per = option or row.get("amount_description")
        order = 0 if amount == 0 else 1 if amount is None else 3 if option.lower() == "deposit" else 2
        note = fees or row.get("amount_description")
        options.append((order, amount or 0.0, Cost(amount, row.get("currency"), None if amount == 0 else per, note)))
    if options:
        options.sort(key=lambda option: option[:2])
        first = options[0][2]
        return replace(first, others=tuple(Price(cost.amount, cost.currency, cost.per) for _, _, cost in options[1:]))
    return Cost(None, note=fees) if fees else None


def cost_class(cost: Cost | None) -> int:
    """0 free, 1 free for some or in part, 2 by income or unknown, 3 has a price."""
    if cost is None:
        return 2
    if cost.amount == 0:
        return 1 if cost.others or cost.note else 0
    return 2 if cost.amount is None else 3
