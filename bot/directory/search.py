"""Searching the directory: the services for a topic, the best ones first.

Candidates come from one indexed table, nearest first, in batches; opening hours are worked out for those only, and all
facts are loaded for the winners only.
"""

import json
import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import Session

from bot.directory.hours import Schedule, load_schedules, on_day, open_at, opening, public_holidays
from bot.directory.listings import OFFERED, current_cost, slug
from bot.directory.tables import CARD, LISTING
from bot.filters import Filters
from bot.places import Place
from bot.reply import Opening, ServiceCard, converter
from bot.settings import Settings

#: A record that nobody checked for longer is stale.
STALE: Final = timedelta(days=180)
#: What opens within this time is worth waiting for.
SOON: Final = timedelta(hours=3)
#: A lower age limit up to here is for grown-up people in general.
ADULT: Final = 18
#: Metres that people walk, that are near, and that are still in or around the town.
WALK: Final = 1_000
NEAR: Final = 3_000
AROUND: Final = 10_000

#: What a listing loses in `rank`. A larger number matters more; they add up.
WEIGHTS: Final = {
    "filter": 20.0,  # each filter that it does not satisfy
    "temporarily closed": 200.0,
    "near": 2.0,  # 1 to 3 km away
    "far": 5.0,  # 3 to 10 km
    "away": 9.0,  # farther
    "placeless": 1.5,  # a telephone line or a secret address, where a place was asked for
    "other town": 6.0,  # serves named towns, and not the one asked about
    "side topic": 3.0,  # for each step that the topic is not the service's main one
    "opens soon": 1.0,  # within the next hours
    "closed": 2.0,
    "hours unknown": 1.5,
    "stale": 2.0,
    "by income": 0.5,  # or not known
    "has a price": 1.0,
    "asks papers": 1.5,  # or does not say that it asks for none: whoever has none must not be sent there first
    "age group": 1.0,  # for the young or the old only, when nobody said how old they are
    "one place": 0.5,  # when no place was asked for: not a service for the whole town
    "same area": 1.5,  # when no place was asked for: for each better one in the same neighbourhood
}

#: How many candidates are looked at: first these, then so many more if too few of them satisfy the filters.
_BATCHES: Final = (200, 800)
_EARTH_RADIUS: Final = 6_371_000


@dataclass(frozen=True)
class Query:
    """What is looked for. `exclude` holds ids of cards that were shown before."""

    topic: str
    near: Place | None = None
    filters: Filters = field(default_factory=Filters)
    limit: int = 3
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The best cards; whether they satisfy all filters, or else come closest; whether there are more."""

    cards: tuple[ServiceCard, ...] = ()
    fits: bool = False
    more: bool = False


@dataclass(frozen=True)
class Candidate:
    """A listing with what its rank depends on. `unmet` counts the filters it does not satisfy."""

    id: str
    service_id: str
    area: str | None
    distance: float | None
    topic_rank: int
    city_wide: bool
    other_town: bool
    closed_for_now: bool
    age_group: bool
    asks_papers: bool
    verified_on: date | None
    cost: int
    opening: Opening
    unmet: int = 0

    @property
    def order(self) -> tuple[float, int, str]:
        """What settles a draw: the nearer, the one checked last, the id; so the same question has the same answer."""
        checked = 0 if self.verified_on is None else self.verified_on.toordinal()
        return (math.inf if self.distance is None else self.distance, -checked, self.id)


def rank(candidate: Candidate, near: bool, now: datetime) -> float:
    """How far a listing is from being the best answer: 0 is best. All that decides the order is here and in WEIGHTS.

    With a place, its distance counts in classes: a five minutes longer walk matters less than an open door. Without
    one, services for the whole town come first, and `search` adds "same area" so that the others are spread over it.
    `now` is the local time, without zone.
    """
    loss = WEIGHTS["filter"] * candidate.unmet
    loss += WEIGHTS["temporarily closed"] * candidate.closed_for_now
    loss += WEIGHTS["side topic"] * max(0, candidate.topic_rank - 1)
    loss += WEIGHTS["age group"] * candidate.age_group
    loss += WEIGHTS["asks papers"] * candidate.asks_papers
    loss += WEIGHTS["stale"] * (candidate.verified_on is None or now.date() - candidate.verified_on > STALE)
    loss += (0.0, WEIGHTS["by income"], WEIGHTS["has a price"])[candidate.cost]
    loss += _opening_loss(candidate.opening, now)
    if not near:
        return loss + WEIGHTS["one place"] * (not candidate.city_wide)
    loss += WEIGHTS["other town"] * candidate.other_town
    if candidate.distance is None:
        return loss + WEIGHTS["placeless"]
    for limit, name in ((WALK, None), (NEAR, "near"), (AROUND, "far")):
        if candidate.distance < limit:
            return loss + (WEIGHTS[name] if name else 0.0)
    return loss + WEIGHTS["away"]


def _opening_loss(state: Opening, now: datetime) -> float:
    if state.state in {"open", "always"}:
        return 0.0
    if state.state == "unknown":
        return WEIGHTS["hours unknown"]
    return WEIGHTS["opens soon" if state.opens and state.opens - now <= SOON else "closed"]


def search(session: Session, query: Query, moment: datetime, settings: Settings) -> Result:
    """The best services for a query at an aware moment; none for a topic that no service has."""
    finder = _Finder(session, query, moment, settings)
    chosen, more = finder.choose(strictly=True)
    fits = bool(chosen)
    if not fits and query.filters != Filters():
        chosen, more = finder.choose(strictly=False)
    ids = [candidate.id for candidate in chosen]
    found = {row.id: row for row in session.execute(select(CARD).where(CARD.c.id.in_(ids)))} if ids else {}
    cards = tuple(finder.card(found[id]) for id in ids if id in found)
    return Result(cards, fits, more)


def card(
    session: Session,
    id: str,
    moment: datetime,
    settings: Settings,
    near: Place | None = None,
    day: date | None = None,
) -> ServiceCard | None:
    """The card with an id, as at an aware moment, with the hours of `day` if given. None if there is none now."""
    row = session.execute(select(CARD).where(CARD.c.id == id)).first()
    if row is None:
        return None
    return _Finder(session, Query("", near, Filters(day=day)), moment, settings).card(row)


def distance(latitude: float, longitude: float, place: Place) -> float:
    """Metres in a straight line."""
    a, b = math.radians(latitude), math.radians(place.latitude)
    half_lat, half_lon = (b - a) / 2, math.radians(place.longitude - longitude) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(a) * math.cos(b) * math.sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS * math.asin(math.sqrt(min(1.0, chord)))


class _Finder:
    """One search: the query, the moment, and what follows from them."""

    def __init__(self, session: Session, query: Query, moment: datetime, settings: Settings) -> None:
        self.session = session
        self.query = query
        self.filters = query.filters
        self.moment = moment
        self.zone = settings.time_zone
        self.now = moment.astimezone(settings.time_zone).replace(tzinfo=None)
        self.today = self.now.date()
        self.holidays: Container[date] = public_holidays(settings.country)

    def choose(self, strictly: bool) -> tuple[list[Candidate], bool]:
        """The best candidates, and whether there are more. `strictly` takes those only that satisfy all filters."""
        pool: list[Candidate] = []
        for batch in self._batches(strictly):
            pool += [candidate for candidate in self._judged(batch, strictly) if not (strictly and candidate.unmet)]
            if len(self._apart(pool)) > self.query.limit:
                break
        chosen = self._best(pool)
        return chosen[: self.query.limit], len(chosen) > self.query.limit

    def _best(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """One more than asked for, the best first."""
        near = self.query.near is not None
        ranked = sorted(pool, key=lambda candidate: (rank(candidate, near, self.now), candidate.order))
        ranked = self._apart(ranked)
        if near:
            return ranked[: self.query.limit + 1]
        chosen: list[Candidate] = []
        areas: dict[str, int] = {}
        while ranked and len(chosen) <= self.query.limit:
            best = min(
                ranked,
                key=lambda candidate: (
                    rank(candidate, near, self.now) + WEIGHTS["same area"] * areas.get(candidate.area or "", 0),
                    candidate.order,
                ),
            )
            ranked.remove(best)
            chosen.append(best)
            if best.area:
                areas[best.area] = areas.get(best.area, 0) + 1
        return chosen

    def _apart(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """One location for each service; near a place, all those within a walk."""
        kept: list[Candidate] = []
        services: set[str] = set()
        for candidate in candidates:
            walk = candidate.distance is not None and candidate.distance < WALK
            if candidate.service_id not in services or walk:
                kept.append(candidate)
            services.add(candidate.service_id)
        return kept

    def _batches(self, strictly: bool) -> Iterator[Sequence[Any]]:
        """Rows of service_listing, the likeliest first."""
        statement = select(LISTING).where(LISTING.c.topic == self.query.topic, LISTING.c.status.in_(OFFERED))
        if self.query.exclude:
            statement = statement.where(LISTING.c.listing_id.not_in(self.query.exclude))
            if self.query.near is None:  # another branch of what was shown is no new answer
                shown = select(CARD.c.service_id).where(CARD.c.id.in_(self.query.exclude))
                statement = statement.where(LISTING.c.service_id.not_in(shown))
        if strictly:
            statement = statement.where(*self._conditions().values())
        statement = statement.order_by(*self._likeliest(), LISTING.c.listing_id)
        offset = 0
        for size in _BATCHES:
            rows = self.session.execute(statement.offset(offset).limit(size)).all()
            if rows:
                yield rows
            if len(rows) < size:
                return
            offset += size

    def _likeliest(self) -> list[ColumnElement[Any]]:
        closed = LISTING.c.status != OFFERED[0]
        place = self.query.near
        if place is None:
            return [closed, LISTING.c.rank, LISTING.c.city_wide.desc(), LISTING.c.verified_on.desc()]
        # Degrees are enough for the order; a listing without a place stands where WEIGHTS puts it.
        squeeze = math.cos(math.radians(place.latitude))
        north = LISTING.c.latitude - place.latitude
        east = (LISTING.c.longitude - place.longitude) * squeeze
        placeless = math.degrees(NEAR / _EARTH_RADIUS) ** 2
        return [closed, func.coalesce(north * north + east * east, placeless)]

    def _conditions(self) -> dict[str, ColumnElement[bool]]:
        """The filters that SQL can tell, by name."""
        wanted, c = self.filters, LISTING.c
        conditions: dict[str, ColumnElement[bool]] = {}
        if wanted.free:
            conditions["free"] = c.cost == 0
        if wanted.women:
            conditions["women"] = c.women.is_(True)
        if wanted.no_papers:
            conditions["no_papers"] = c.no_papers.is_(True)
        if wanted.age is not None:
            conditions["age"] = (func.coalesce(c.minimum_age, wanted.age) <= wanted.age) & (
                func.coalesce(c.maximum_age, wanted.age) >= wanted.age
            )
        for code in wanted.accessibility:
            conditions[f"accessibility {code}"] = c.accessibility.contains(f" {slug(code)} ", autoescape=True)
        if wanted.languages:
            conditions["languages"] = or_(
                *(c.languages.contains(f" {code.lower()} ", autoescape=True) for code in wanted.languages)
            )
        return conditions

    def _judged(self, rows: Sequence[Any], strictly: bool) -> Iterator[Candidate]:
        ids = [row.listing_id for row in rows]
        found = self.session.execute(select(CARD.c.id, CARD.c.schedules).where(CARD.c.id.in_(ids)))
        schedules = {row.id: load_schedules(row.schedules) for row in found}
        unmet = {} if strictly else self._unmet(ids)
        place = self.query.near
        town = slug(place.town) if place and place.town else ""
        for row in rows:
            hours = schedules.get(row.listing_id, ())
            closed_for_now = row.status != OFFERED[0]
            state = Opening("closed") if closed_for_now else opening(hours, self.moment, self.zone, self.holidays)
            away = None
            if place is not None and row.latitude is not None and row.longitude is not None:
                away = distance(row.latitude, row.longitude, place)
            yield Candidate(
                id=row.listing_id,
                service_id=row.service_id,
                area=row.area,
                distance=away,
                topic_rank=row.rank,
                city_wide=row.city_wide,
                other_town=bool(town and row.towns.strip() and f" {town} " not in row.towns),
                closed_for_now=closed_for_now,
                age_group=self.filters.age is None and (row.maximum_age is not None or (row.minimum_age or 0) > ADULT),
                asks_papers=not row.no_papers,
                verified_on=row.verified_on,
                cost=row.cost,
                opening=state,
                unmet=unmet.get(row.listing_id, 0) + self._times_unmet(hours, state, closed_for_now),
            )

    def _unmet(self, ids: Sequence[str]) -> dict[str, int]:
        """How many of SQL's filters each listing fails."""
        conditions = list(self._conditions().values())
        if not conditions:
            return {}
        failures: ColumnElement[int] = literal(0)
        for condition in conditions:
            failures = failures + case((condition, 0), else_=1)
        here = select(LISTING.c.listing_id, failures.label("failures")).where(
            LISTING.c.listing_id.in_(ids), LISTING.c.topic == self.query.topic
        )
        return {row.listing_id: row.failures for row in self.session.execute(here)}

    def _times_unmet(self, hours: Sequence[Schedule], state: Opening, closed_for_now: bool) -> int:
        wanted, unmet = self.filters, 0
        if wanted.open_now and state.state not in {"open", "always"}:
            unmet += 1
        if wanted.at is not None:
            at = datetime.combine(wanted.day or self.today, wanted.at.replace(tzinfo=None))
            unmet += closed_for_now or not open_at(hours, at, self.holidays)
        elif wanted.day is not None:
            unmet += closed_for_now or not on_day(hours, wanted.day, self.holidays).intervals
        return unmet

    def card(self, row: Any) -> ServiceCard:
        """The card of a row of service_card."""
        facts = json.loads(row.facts)
        stored: ServiceCard = converter.structure(facts["card"], ServiceCard)
        hours = load_schedules(row.schedules)
        closed_for_now = facts["status"] != OFFERED[0]
        away = None
        if self.query.near and stored.latitude is not None and stored.longitude is not None:
            away = round(distance(stored.latitude, stored.longitude, self.query.near))
        day = self.filters.day
        return replace(
            stored,
            distance_m=away,
            opening=Opening("closed") if closed_for_now else opening(hours, self.moment, self.zone, self.holidays),
            hours_on=on_day(() if closed_for_now else hours, day, self.holidays) if day else None,
            cost=current_cost(facts["costs"], facts["fees"], self.today),
            stale=stored.verified_on is not None and self.today - stored.verified_on > STALE,
        )
