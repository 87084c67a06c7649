"""Searching the directory: the services for a topic, the best ones first.

Candidates come from one indexed table, nearest first, in batches; opening hours are worked out for those only, and all
facts are loaded for the winners only.
"""

import json
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import Session

from bot.directory.hours import Schedule, load_schedules, on_day, open_at, opening, public_holidays
from bot.directory.listings import OFFERED, current_cost, slug
from bot.directory.needs import belongs, described, elsewhere, needs, special
from bot.directory.ranking import ASKED_BY, NEAR, STALE, WEIGHTS, Candidate, rank
from bot.directory.tables import CARD, LISTING, TABLES
from bot.filters import Filters
from bot.places import Place
from bot.reply import Opening, ServiceCard, converter
from bot.settings import Settings

#: A lower age limit up to here is for grown-up people in general.
ADULT: Final = 18
#: How many candidates are looked at: first these, then so many more if too few of them satisfy the filters.
_BATCHES: Final = (200, 800)
#: For how many candidates opening hours are worked out at a time, the likeliest first.
_HOURS: Final = 16
#: How many of those that have the thing named are looked at, however far they are.
_NAMED: Final = 60
#: From this share of the candidates on, a thing is what all of them are for ("doctor"): it need not stand in the name.
_COMMON: Final = 0.4
#: Words of a message that say too little to compare meanings by.
_SHORTEST: Final = 2
_EARTH_RADIUS: Final = 6_371_000


@dataclass(frozen=True)
class Query:
    """What is looked for. `exclude` holds ids of cards that were shown before.

    `text` is what the person wrote, in `language`: what it names and whom it speaks of orders the services of the topic.
    With `services` only these, given by their ids, whatever they are about.
    """

    topic: str
    near: Place | None = None
    filters: Filters = field(default_factory=Filters)
    limit: int = 3
    exclude: tuple[str, ...] = ()
    text: str = ""
    language: str | None = None
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The best cards; whether they satisfy all filters, or else come closest; whether there are more.

    `named` says whether the message named a thing that the directory has: None if it named none.
    """

    cards: tuple[ServiceCard, ...] = ()
    fits: bool = False
    more: bool = False
    named: bool | None = None


class Likeness(Protocol):
    """How like a message services are: see `bot.directory.vectors.Meanings`."""

    def likeness(self, session: Session, text: str, services: Mapping[str, str]) -> dict[str, float]:
        """Centred cosines between a message and services, given as id and description."""
        ...


def search(session: Session, query: Query, moment: datetime, settings: Settings, meanings: Likeness | None = None) -> Result:
    """The best services for a query at an aware moment; none for a topic that no service has.

    With `meanings`, services whose description is like the message come first among equals.
    """
    finder = _Finder(session, query, moment, settings, meanings)
    chosen, more = finder.choose(strictly=True)
    fits = bool(chosen)
    if not fits and finder.narrows:
        chosen, more = finder.choose(strictly=False)
    ids = [candidate.id for candidate in chosen]
    found = {row.id: row for row in session.execute(select(CARD).where(CARD.c.id.in_(ids)))} if ids else {}
    cards = tuple(finder.card(found[id]) for id in ids if id in found)
    named = any(candidate.lacking < 1 for candidate in chosen) if finder.needs else None
    return Result(cards, fits, more, named)


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


#: What a candidate loses, what settles a draw, and the candidate.
Ranked = tuple[float, tuple[float, int, str], Candidate]


class _Finder:
    """One search: the query, the moment, and what follows from them."""

    def __init__(
        self, session: Session, query: Query, moment: datetime, settings: Settings, meanings: Likeness | None = None
    ) -> None:
        self.session = session
        self.query = query
        self.filters = query.filters
        self.moment = moment
        self.zone = settings.time_zone
        self.now = moment.astimezone(settings.time_zone).replace(tzinfo=None)
        self.today = self.now.date()
        self.holidays: Container[date] = public_holidays(settings.country)
        self.meanings = meanings
        named = needs().find(query.text) if query.text else frozenset()
        self.needs = named & special() or named  # a "tooth doctor" is a dentist
        age = self.filters.age
        self.groups = belongs(query.text, query.language, age) | _told(self.filters)
        self.likely = self.groups | ASKED_BY.get(query.topic, frozenset())
        self.shown_services = self._services_of(query.exclude)
        self.elsewhere = query.near is None and bool(query.text) and elsewhere(query.text)

    @property
    def narrows(self) -> bool:
        """Whether any filter is set that a service may fail."""
        return replace(self.filters, near=False, day_unknown=None) != Filters()

    @property
    def asks_for_time(self) -> bool:
        """Whether a service may fail for its hours."""
        wanted = self.filters
        return wanted.open_now or any(one is not None for one in (wanted.day, wanted.at, wanted.before))

    def _services_of(self, ids: Sequence[str]) -> frozenset[str]:
        if not ids:
            return frozenset()
        return frozenset(self.session.scalars(select(CARD.c.service_id).where(CARD.c.id.in_(ids))))

    def choose(self, strictly: bool) -> tuple[list[Candidate], bool]:
        """The best candidates, and whether there are more. `strictly` takes those only that satisfy all filters."""
        pool: dict[str, Candidate] = {}
        for batch in self._batches(strictly):
            judged = self._judged([row for row in batch if row.listing_id not in pool], strictly)
            pool |= {candidate.id: candidate for candidate in judged if not (strictly and candidate.unmet)}
            if len(pool) > self.query.limit + len(self.shown_services):
                break
        compared = self._compared(list(pool.values()))
        chosen = self._best(compared)[0] if self.asks_for_time else self._first(compared)
        return chosen[: self.query.limit], len(chosen) > self.query.limit

    def _first(self, pool: Sequence[Candidate]) -> list[Candidate]:
        """The best of candidates whose hours are not known yet; worked out only for those that may be among them.

        Being closed can only lose: once the last one chosen loses less than what any other loses at least, nothing changes.
        """
        waiting = sorted(pool, key=lambda candidate: (self._loss(candidate), candidate.order))
        ready: list[Candidate] = []
        chosen: list[Candidate] = []
        for start in range(0, len(waiting), _HOURS):
            ready += self._with_hours(waiting[start : start + _HOURS])
            chosen, worst = self._best(ready)
            rest = waiting[start + _HOURS :]
            if len(chosen) > self.query.limit and rest and worst < self._loss(rest[0]):
                break
        return chosen

    def _with_hours(self, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
        schedules = self._schedules([candidate.id for candidate in candidates])
        for candidate in candidates:
            hours = schedules.get(candidate.id, ())
            yield replace(candidate, opening=self._opening(hours, candidate.closed_for_now))

    def _schedules(self, ids: Sequence[str]) -> dict[str, Sequence[Schedule]]:
        found = self.session.execute(select(CARD.c.id, CARD.c.schedules).where(CARD.c.id.in_(ids)))
        return {row.id: load_schedules(row.schedules) for row in found}

    def _opening(self, hours: Sequence[Schedule], closed_for_now: bool) -> Opening:
        return Opening("closed") if closed_for_now else opening(hours, self.moment, self.zone, self.holidays)

    def _compared(self, pool: list[Candidate]) -> list[Candidate]:
        """The candidates with what can only be told beside the others: who has the thing named, who is likest."""
        if not pool:
            return pool
        had = {need for candidate in pool for need in candidate.has} | {need for candidate in pool for need in candidate.tells}
        asked = self.needs & had
        services = {one.service_id: one.has | one.tells for one in pool}
        common = {need for need in asked if sum(need in things for things in services.values()) >= _COMMON * len(services)}
        served = frozenset[str]().union(*(candidate.groups for candidate in pool)) & self.groups
        likeness = self._likeness(pool)
        best = max(likeness.values(), default=0.0)
        compared = []
        for candidate in pool:
            lacking = len(asked - candidate.has - candidate.tells) / len(asked) if asked else 0.0
            passing = len((asked - common) & candidate.tells) / len(asked) if asked else 0.0
            compared.append(
                replace(
                    candidate,
                    lacking=lacking if asked or not self.needs else 1.0,
                    passing=passing,
                    special=bool(candidate.has & special() - self.needs),
                    unlike=best - likeness.get(candidate.service_id, best),
                    not_for_group=len(served - candidate.groups) / len(served) if served else 0.0,
                )
            )
        return compared

    def _likeness(self, pool: Sequence[Candidate]) -> dict[str, float]:
        if self.meanings is None or len(self.query.text.strip()) < _SHORTEST:
            return {}
        ids = sorted({candidate.service_id for candidate in pool})
        service = TABLES["service"].c
        rows = self.session.execute(select(service.id, service.name, service.description).where(service.id.in_(ids)))
        texts = {row.id: described(row.name or "", row.description) for row in rows}
        return self.meanings.likeness(self.session, self.query.text, texts)

    def _loss(self, candidate: Candidate) -> float:
        other_day = self.filters.day is not None and self.filters.day != self.today
        later = other_day or any((self.filters.at, self.filters.before, self.filters.day_unknown))
        return rank(candidate, self.query.near is not None, self.now, self.filters.near, later)

    def _best(self, pool: Sequence[Candidate]) -> tuple[list[Candidate], float]:
        """One more than asked for, the best first, and what the worst of them loses; other branches of a service only after
        all other services."""
        ranked = sorted(((self._loss(one), one.order, one) for one in pool), key=lambda row: row[:2])
        marked = [(self._loss(one) if one.branch else loss, order, one) for (loss, order, _), one in self._branches(ranked)]
        marked.sort(key=lambda row: row[:2])
        wanted = self.query.limit + 1
        if self.query.near is not None:
            best = marked[:wanted]
            return [one for _, _, one in best], best[-1][0] if best else 0.0
        chosen: list[Candidate] = []
        worst = 0.0
        areas: dict[str, int] = {}
        while marked and len(chosen) < wanted:
            # Without a place, those in one neighbourhood after the other are not all shown.
            scored = (
                (loss + WEIGHTS["same area"] * areas.get(one.area or "", 0), order, at)
                for at, (loss, order, one) in enumerate(marked)
            )
            loss, _, at = min(scored)
            worst = max(worst, loss)
            best_one = marked.pop(at)[2]
            chosen.append(best_one)
            if best_one.area:
                areas[best_one.area] = areas.get(best_one.area, 0) + 1
        return chosen, worst

    def _branches(self, ranked: Iterable[Ranked]) -> Iterator[tuple[Ranked, Candidate]]:
        """The candidates, with all but the best place of each service marked as another branch."""
        services = set(self.shown_services)
        for row in ranked:
            candidate = row[2]
            yield row, replace(candidate, branch=True) if candidate.service_id in services else candidate
            services.add(candidate.service_id)

    def _batches(self, strictly: bool) -> Iterator[Sequence[Any]]:
        """Rows of service_listing, the likeliest first; before them those that have the thing named, however far."""
        offered = select(LISTING).where(LISTING.c.status.in_(OFFERED))
        if self.query.exclude:
            offered = offered.where(LISTING.c.listing_id.not_in(self.query.exclude))
        if strictly:
            offered = offered.where(*self._conditions().values())
        statement = offered.where(self._about())
        order = (*self._likeliest(), LISTING.c.listing_id)
        first: list[Any] = []
        if self.needs:
            codes = [f" {need}{mark} " for need in self.needs for mark in ("", "~")]
            has = or_(*(LISTING.c.needs.contains(code, autoescape=True) for code in codes))
            first = list(self.session.execute(statement.where(has).order_by(*order).limit(_NAMED)).all())
        offset = 0
        for size in _BATCHES:
            rows = self.session.execute(statement.order_by(*order).offset(offset).limit(size)).all()
            known = {row.listing_id for row in first}
            together = [*first, *(row for row in rows if row.listing_id not in known)]
            if together:
                yield together
            first = []
            if len(rows) < size:
                return
            offset += size

    def _about(self) -> ColumnElement[bool]:
        if not self.query.services:
            return LISTING.c.topic == self.query.topic
        return LISTING.c.service_id.in_(self.query.services)

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
            conditions["free"] = c.cost <= 1
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
        if wanted.ways:
            conditions["ways"] = or_(*(c.ways.contains(f" {way} ", autoescape=True) for way in wanted.ways))
        return conditions

    def _judged(self, rows: Sequence[Any], strictly: bool) -> Iterator[Candidate]:
        ids = [row.listing_id for row in rows]
        timed = self.asks_for_time
        schedules = self._schedules(ids) if timed else {}
        unmet = {} if strictly else self._unmet(ids)
        place = self.query.near
        town = slug(place.town) if place and place.town else ""
        for row in rows:
            hours = schedules.get(row.listing_id, ())
            closed_for_now = row.status != OFFERED[0]
            state = self._opening(hours, closed_for_now) if timed else None
            late = self._times_unmet(hours, state, closed_for_now) if state is not None else 0
            away = None
            if place is not None and row.latitude is not None and row.longitude is not None:
                away = distance(row.latitude, row.longitude, place)
            has, tells = _split(row.needs)
            groups = frozenset(row.groups.split())
            yield Candidate(
                has=has,
                tells=tells,
                groups=groups,
                other_group=bool(groups) and not groups & self.likely,
                id=row.listing_id,
                service_id=row.service_id,
                area=row.area,
                distance=away,
                topic_rank=row.rank,
                city_wide=row.city_wide,
                other_town=bool(town and row.towns.strip() and f" {town} " not in row.towns),
                one_town=self.elsewhere and len(row.towns.split()) < 2,
                closed_for_now=closed_for_now,
                age_group=self.filters.age is None and not groups & self.groups and _by_age(row),
                asks_papers=not row.no_papers,
                verified_on=row.verified_on,
                cost=row.cost,
                opening=state,
                unmet=unmet.get(row.listing_id, 0) + late,
            )

    def _unmet(self, ids: Sequence[str]) -> dict[str, int]:
        """How many of SQL's filters each listing fails."""
        conditions = list(self._conditions().values())
        if not conditions:
            return {}
        failures: ColumnElement[int] = literal(0)
        for condition in conditions:
            failures = failures + case((condition, 0), else_=1)
        here = select(LISTING.c.listing_id, failures.label("failures")).where(LISTING.c.listing_id.in_(ids), self._about())
        return {row.listing_id: row.failures for row in self.session.execute(here)}

    def _times_unmet(self, hours: Sequence[Schedule], state: Opening, closed_for_now: bool) -> int:
        wanted, unmet = self.filters, 0
        if wanted.open_now and state.state not in {"open", "always"}:
            unmet += 1
        day = wanted.day or self.today
        if wanted.before is not None:
            intervals = on_day(hours, day, self.holidays).intervals
            unmet += closed_for_now or not any(opens < wanted.before for opens, _ in intervals)
        if wanted.at is not None:
            at = datetime.combine(day, wanted.at.replace(tzinfo=None))
            is_open = open_at(hours, at, self.holidays) or (
                wanted.later and any(opens >= wanted.at for opens, _ in on_day(hours, day, self.holidays).intervals)
            )
            unmet += closed_for_now or not is_open
        elif wanted.day is not None and wanted.before is None:
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


def _told(filters: Filters) -> frozenset[str]:
    """The groups that filters tell of."""
    told = {"women"} if filters.women else set()
    if "sign_language_interpreter" in filters.accessibility:
        told.add("deaf")
    if "wheelchair_access" in filters.accessibility:
        told.add("disabled")
    return frozenset(told)


def _by_age(row: Any) -> bool:
    return row.maximum_age is not None or (row.minimum_age or 0) > ADULT


def _split(needs: str) -> tuple[frozenset[str], frozenset[str]]:
    """The things that a name tells, and those that only a description does."""
    codes = needs.split()
    told = frozenset(code[:-1] for code in codes if code.endswith("~"))
    return frozenset(code for code in codes if not code.endswith("~")), told
