"""Searching the demo directory, and small ones made for one question each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory.importer import import_package
from bot.directory.listings import current_cost
from bot.directory.search import WEIGHTS, Candidate, Query, Result, _Finder, card, rank, search
from bot.directory.tables import TABLES
from bot.filters import Filters
from bot.places import Place, Places
from bot.reply import Cost, Opening, Price, ServiceCard, converter
from bot.settings import Settings
from tests.bot.directory.packages import KITCHEN, Rows, kitchen

At = Callable[[str], datetime]
Package = Callable[[dict[str, Rows]], Path]

QUERIES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[2] / "data" / "search.yml").read_text("utf-8"))


def is_it(found: ServiceCard, expected: str) -> bool:
    name, _, area = (part.strip() for part in expected.partition("@"))
    return found.name == name and area in ("", found.area)


def asked(session: Session, row: dict[str, Any]) -> Query:
    filters = {name: tuple(value) if isinstance(value, list) else value for name, value in row.get("filters", {}).items()}
    near = Places.load(session).find(row["place"]) if "place" in row else None
    assert ("place" in row) == (near is not None)
    return Query(row["topic"], near, Filters(**filters))


@pytest.mark.parametrize("row", QUERIES, ids=lambda row: row["reason"])
def test_query(session: Session, settings: Settings, at: At, row: dict[str, Any]) -> None:
    result = search(session, asked(session, row), at(row["at"]), settings)
    names = [f"{found.name} @ {found.area}" for found in result.cards]
    first = row.get("first", [])
    assert result.fits == row.get("fits", True)
    assert len(first) <= len(names), names
    assert all(map(is_it, result.cards, first)), names
    assert bool(names) or not row.get("has")
    for expected in row.get("has", []):
        assert any(is_it(found, expected) for found in result.cards), names
    for unwanted in row.get("never", []):
        assert not any(is_it(found, unwanted) for found in result.cards), names


def topics(session: Session) -> list[str]:
    return list(session.scalars(select(TABLES["taxonomy_term"].c.code)))


EASTGATE = Place("Eastgate", 50.4969, -2.2628, "neighbourhood", "Port Amity")
NOON = "2026-11-23 12:00"


@pytest.mark.parametrize("near", [None, EASTGATE])
def test_every_topic_has_an_answer_that_holds_together(session: Session, settings: Settings, at: At, near: Place | None) -> None:
    for topic in topics(session):
        query = Query(topic, near)
        result = search(session, query, at(NOON), settings)
        assert result == search(session, query, at(NOON), settings)
        assert result.cards, topic
        assert result.fits
        assert len({found.id for found in result.cards}) == len(result.cards)
        services = {found.service_id for found in search(session, Query(topic, near, limit=100), at(NOON), settings).cards}
        assert len({found.service_id for found in result.cards}) == min(3, len(services))
        for found in result.cards:
            assert found.phones, found.name
            assert converter.structure(converter.unstructure(found), ServiceCard) == found
            assert card(session, found.id, at(NOON), settings, near) == found


def test_more_until_there_is_no_more(session: Session, settings: Settings, at: At) -> None:
    shown: tuple[str, ...] = ()
    names: list[str] = []
    while True:
        result = search(session, Query("health_clinic", exclude=shown), at(NOON), settings)
        shown += tuple(found.id for found in result.cards)
        names += [found.name for found in result.cards]
        if not result.more:
            break
    everything = search(session, Query("health_clinic", limit=100), at(NOON), settings)
    assert len(shown) == len(set(shown)) == len(everything.cards)  # nothing twice, and nothing denied
    services = set(names)
    assert set(names[: len(services)]) == services  # another branch comes only after all other services
    assert not everything.more


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    told: list[str] = []

    def tell(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        told.append(statement)

    event.listen(database.engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(database.engine, "before_cursor_execute", tell)


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters(open_now=True, languages=("ne",)), Filters(women=True, free=True, age=3, open_now=True)],
)
def test_a_search_asks_the_database_a_handful_of_times(demo: Database, settings: Settings, at: At, filters: Filters) -> None:
    with demo.read() as session, statements(demo) as told:
        search(session, Query("health_clinic", EASTGATE, filters), at("2026-11-23 03:00"), settings)
    assert len(told) <= 8


def test_the_confidential_refuge_is_nowhere(session: Session, settings: Settings, at: At) -> None:
    result = search(session, Query("violence_refuge", EASTGATE, limit=50), at(NOON), settings)
    refuge = next(found for found in result.cards if found.name == "Siempre Refuge")
    assert refuge.address is refuge.area is refuge.latitude is refuge.longitude is refuge.distance_m is None
    assert refuge.phones


def test_facts_of_a_card(session: Session, settings: Settings, at: At) -> None:
    result = search(session, Query("library", EASTGATE, Filters(day=date(2026, 11, 28))), at(NOON), settings)
    found = result.cards[0]
    assert (found.name, found.organization, found.area) == ("Eastgate Library", "Port Amity Libraries", "Eastgate")
    assert found.address is not None
    assert "ZZ" not in found.address  # the street only
    assert found.opening.state == "open"
    assert found.hours_on is not None
    assert found.hours_on.day == date(2026, 11, 28)
    assert found.cost == Cost(0.0, "GBP")
    assert "en" in found.languages
    assert "Hearing loop" in found.accessibility
    assert found.required_documents == ("None",)
    assert found.verified_on is not None
    assert not found.stale
    assert found.distance_m is not None
    assert 100 < found.distance_m < 1000


def test_stale_after_180_days(session: Session, settings: Settings, at: At) -> None:
    found = search(session, Query("library", limit=1), at(NOON), settings).cards[0]
    assert not found.stale
    later = card(session, found.id, at("2027-11-23 12:00"), settings)
    assert later is not None
    assert later.stale


def test_temporarily_closed_comes_last_and_says_why(session: Session, settings: Settings, at: At) -> None:
    result = search(session, Query("community_activities", limit=100), at(NOON), settings)
    assert [found.name for found in result.cards].index("Swimming for Everyone") == len(result.cards) - 1
    closed = result.cards[-1]
    assert closed.opening == Opening("closed")
    assert closed.description == "Closed for repairs until spring 2027."
    assert "Southmead Toy Exchange" not in {found.name for found in result.cards}


def test_an_unknown_topic_or_id_gives_nothing(session: Session, settings: Settings, at: At) -> None:
    assert search(session, Query("dragons"), at(NOON), settings) == Result()
    assert card(session, "no such id", at(NOON), settings) is None
    stopped = session.scalar(select(TABLES["service"].c.id).where(TABLES["service"].c.status == "inactive"))
    assert card(session, str(stopped), at(NOON), settings) is None


def test_when_nothing_fits_the_closest_come(session: Session, settings: Settings, at: At) -> None:
    filters = Filters(languages=("ja",), free=True, open_now=True)
    result = search(session, Query("debt_advice", filters=filters), at("2026-11-23 03:00"), settings)
    assert not result.fits
    assert len(result.cards) == 3


def test_near_a_place_branches_come_after_all_other_services(session: Session, settings: Settings, at: At) -> None:
    result = search(session, Query("health_clinic", EASTGATE, limit=50), at(NOON), settings)
    ids = [found.service_id for found in result.cards]
    assert len(set(ids[: len(set(ids))])) == len(set(ids)) < len(ids)


# One reason at a time

NOW = datetime(2026, 11, 23, 12)

BASE = Candidate(
    id="b", service_id="s", area="Eastgate", distance=500.0, topic_rank=1, city_wide=True, other_town=False,
    closed_for_now=False, age_group=False,
    asks_papers=False, verified_on=date(2026, 11, 1), cost=0, opening=Opening("open"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        ({"distance": 1500.0}, "farther than a walk"),
        ({"distance": 3500.0}, "far"),
        ({"distance": None}, "no place, where one was asked for"),
        ({"topic_rank": 2}, "a side topic"),
        ({"opening": Opening("closed")}, "closed"),
        ({"opening": Opening("unknown")}, "hours unknown"),
        ({"verified_on": date(2026, 4, 1)}, "checked long ago"),
        ({"verified_on": None}, "never checked"),
        ({"cost": 1}, "free for some"),
        ({"cost": 2}, "by income"),
        ({"cost": 3}, "has a price"),
        ({"lacking": 1.0}, "not the thing named"),
        ({"passing": 1.0}, "the thing in passing"),
        ({"special": True}, "for something that was not named"),
        ({"unlike": 0.2}, "less like the message"),
        ({"other_group": True}, "for women, and nobody said so"),
        ({"not_for_group": 1.0}, "for everybody, and there is one for this group"),
        ({"branch": True}, "another branch of what is shown"),
        ({"age_group": True}, "for some ages only"),
        ({"asks_papers": True}, "asks for papers"),
        ({"other_town": True}, "for people of another town"),
        ({"unmet": 1}, "not what was asked for"),
        ({"closed_for_now": True}, "closed for repairs"),
    ],
)
def test_what_makes_an_answer_worse(worse: dict[str, Any], reason: str) -> None:
    assert rank(BASE, True, NOW) == 0
    assert rank(replace(BASE, **worse), True, NOW) > 0, reason


def test_what_outranks_what() -> None:
    def loss(**changes: Any) -> float:
        return rank(replace(BASE, **changes), True, NOW)

    shut = Opening("closed", opens=datetime(2026, 11, 24, 9))
    assert loss(distance=4000.0) > loss(opening=shut) > 0  # an open door is worth a bus ride
    assert loss(distance=4000.0, opening=shut) < loss(unmet=1)
    soon = Opening("closed", opens=datetime(2026, 11, 23, 14))
    assert loss(opening=soon) < loss(opening=shut) < loss(opening=Opening("closed"))
    assert loss(distance=None) < loss(opening=shut)  # a line that answers before a near door that is shut
    everything_wrong = loss(distance=20_000.0, unmet=3, topic_rank=3, cost=3, verified_on=None, opening=Opening("closed"))
    assert loss(closed_for_now=True) > everything_wrong
    assert WEIGHTS["near"] < WEIGHTS["far"] < WEIGHTS["away"]


FREE = {"option": "free", "amount": "0"}
INCOME = {"option": "sliding scale"}
SCALE, A_MEAL, HELD = Price(None, None, "sliding scale"), Price(2.0, None, "per meal"), Price(10.0, None, "deposit")
MEAL = {"option": "per meal", "amount": "2"}
DAY = {"option": "per day", "amount": "3.00", "currency": "GBP"}
OLD_DAY = {"option": "per day", "amount": "2.50", "valid_to": "2026-01-01"}
MONTH = {"option": "per month", "amount": "90"}
DEPOSIT = {"option": "deposit", "amount": "10"}


@pytest.mark.parametrize(
    ("rows", "fees", "expected", "reason"),
    [
        ([], None, None, "nothing is said"),
        ([], "Ask us", Cost(None, note="Ask us"), "words only"),
        ([FREE], None, Cost(0.0), "free"),
        ([{"option": "free"}], None, Cost(0.0), "free without a number"),
        ([DAY], None, Cost(3.0, "GBP", "per day"), "a price"),
        ([FREE, INCOME], "By income.", Cost(0.0, note="By income.", others=(SCALE,)), "not free for everybody"),
        ([FREE, MEAL], "Lunch costs 2.", Cost(0.0, note="Lunch costs 2.", others=(A_MEAL,)), "lunch is something besides"),
        ([DEPOSIT, MONTH], None, Cost(90.0, None, "per month", others=(HELD,)), "a deposit is not the price"),
        ([OLD_DAY, DAY], None, Cost(3.0, "GBP", "per day"), "last year's price"),
    ],
)
def test_cost(rows: list[dict[str, str]], fees: str | None, expected: Cost | None, reason: str) -> None:
    assert current_cost(rows, fees, date(2026, 11, 23)) == expected, reason


@pytest.mark.parametrize(
    ("phones", "expected", "reason"),
    [
        ([{"id": "p", "organization_id": "o1", "number": "1"}], ("1",), "the organization's, if there is no other"),
        (
            [{"id": "p", "organization_id": "o1", "number": "1"}, {"id": "q", "service_id": "s1", "number": "2"}],
            ("2",),
            "the service's own",
        ),
        (
            [
                {"id": "p", "service_id": "s1", "number": "1"},
                {"id": "q", "service_at_location_id": "x1", "number": "2"},
            ],
            ("2",),
            "that of the service here",
        ),
        (
            [
                {"id": "p", "service_id": "s1", "number": "1", "type": "text"},
                {"id": "q", "service_id": "s1", "number": "2"},
            ],
            ("2",),
            "one to call",
        ),
        (
            [{"id": "p", "service_id": "s1", "number": "1", "type": "text"}],
            ("1",),
            "better a number for texts than none",
        ),
        ([{"id": "p", "service_id": "s1", "number": "1", "extension": "7"}], ("1 ext. 7",), "an extension"),
    ],
)
def test_phones(
    database: Database,
    package: Package,
    settings: Settings,
    at: At,
    phones: Rows,
    expected: tuple[str, ...],
    reason: str,
) -> None:
    import_package(database, package(kitchen(phones=phones)))
    with database.read() as session:
        found = card(session, "x1", at(NOON), settings)
    assert found is not None
    assert found.phones == expected, reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://soup.example", "https://soup.example"), ("ftp://soup.example", None), ("javascript:alert(1)", None)],
)
def test_only_web_addresses_are_given_out(
    database: Database, package: Package, settings: Settings, at: At, url: str, expected: str | None
) -> None:
    import_package(database, package(kitchen(services=[KITCHEN["services"][0] | {"url": url}])))
    with database.read() as session:
        found = card(session, "x1", at(NOON), settings)
    assert found is not None
    assert found.url == expected


def test_a_directory_with_gaps_is_still_searched(database: Database, package: Package, settings: Settings, at: At) -> None:
    keep = ("services", "taxonomy_terms", "attributes")
    import_package(database, package({name: KITCHEN[name] for name in keep}))
    with database.read() as session:
        [found] = search(session, Query("food", EASTGATE), at(NOON), settings).cards
    assert (found.id, found.organization, found.opening.state, found.phones) == ("s1", "", "unknown", ())


@pytest.mark.parametrize("moment", ["2026-11-24T10:00", "2026-11-24T23:30", "2026-11-29T06:00"])
@pytest.mark.parametrize("place", [None, "Eastgate", "Market Quarter"])
def test_hours_that_are_not_looked_up_would_change_nothing(
    session: Session, settings: Settings, at: At, monkeypatch: pytest.MonkeyPatch, moment: str, place: str | None
) -> None:
    near = Places.load(session).find(place) if place else None
    for topic in topics(session):
        for limit in (1, 3):
            query = Query(topic, near, limit=limit, text="my grandmother is 82")
            quick = search(session, query, at(moment), settings)
            with monkeypatch.context() as patched:
                patched.setattr(_Finder, "asks_for_time", True)  # then all hours are worked out first
                assert quick == search(session, query, at(moment), settings)
