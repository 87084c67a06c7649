"""Opening hours, from what schedule rows say to what a person is told."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.directory.hours import (
    ALWAYS,
    Schedule,
    _occurs,
    occurs_by_rule,
    on_day,
    open_at,
    opening,
    public_holidays,
    read_schedule,
    read_schedules,
    relevant_rows,
)
from bot.reply import DayHours

LONDON = ZoneInfo("Europe/London")

WEEKDAYS = {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR", "opens_at": "09:00", "closes_at": "17:00"}
EVERY_DAY = "MO,TU,WE,TH,FR,SA,SU"
ROUND_THE_CLOCK = {"freq": "WEEKLY", "byday": EVERY_DAY, "opens_at": "00:00", "closes_at": "23:59"}
NIGHTLY = {"freq": "WEEKLY", "byday": EVERY_DAY, "opens_at": "20:00", "closes_at": "08:00"}
SPLIT = [
    {"freq": "WEEKLY", "byday": "MO,TU", "opens_at": "09:00", "closes_at": "12:00"},
    {"freq": "WEEKLY", "byday": "MO,TU", "opens_at": "14:00", "closes_at": "18:00"},
]
NIGHT_PHARMACY = [
    {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR,SA", "opens_at": "18:00", "closes_at": "02:00"},
    {"freq": "WEEKLY", "byday": "SU", "opens_at": "10:00", "closes_at": "00:00"},
]
WINTER = NIGHTLY | {"valid_from": "2026-11-01", "valid_to": "2027-03-31"}
CHRISTMAS = {"valid_from": "2026-12-25", "valid_to": "2026-12-28"}
SHORT_EVE = {"valid_from": "2026-12-24", "valid_to": "2026-12-24", "opens_at": "09:00", "closes_at": "12:00"}


def local(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("rows", "moment", "state", "until", "opens", "reason"),
    [
        ([WEEKDAYS], "2026-11-23 10:00", "open", "2026-11-23 17:00", None, "in the hours"),
        ([WEEKDAYS], "2026-11-23 09:00", "open", "2026-11-23 17:00", None, "the first minute is open"),
        ([WEEKDAYS], "2026-11-23 17:00", "closed", None, "2026-11-24 09:00", "the last one is over"),
        ([WEEKDAYS], "2026-11-23 08:59", "closed", None, "2026-11-23 09:00", "later today"),
        ([WEEKDAYS], "2026-11-27 18:00", "closed", None, "2026-11-30 09:00", "over the weekend"),
        (SPLIT, "2026-11-23 13:00", "closed", None, "2026-11-23 14:00", "at lunch"),
        (SPLIT, "2026-11-23 10:00", "open", "2026-11-23 12:00", None, "until lunch, not until evening"),
        ([NIGHTLY], "2026-11-23 03:00", "open", "2026-11-23 08:00", None, "opened yesterday"),
        ([NIGHTLY], "2026-11-23 23:00", "open", "2026-11-24 08:00", None, "past midnight"),
        ([NIGHTLY], "2026-11-23 12:00", "closed", None, "2026-11-23 20:00", "between nights"),
        (NIGHT_PHARMACY, "2026-11-22 23:59", "open", "2026-11-23 00:00", None, "00:00 is the end of the day"),
        (NIGHT_PHARMACY, "2026-11-23 00:00", "closed", None, "2026-11-23 18:00", "and not one minute more"),
        (NIGHT_PHARMACY, "2026-11-22 01:00", "open", "2026-11-22 02:00", None, "Saturday night is on Sunday morning"),
        ([ROUND_THE_CLOCK], "2026-11-23 23:59", "always", None, None, "no gap in the last minute"),
        ([ROUND_THE_CLOCK], "2026-12-25 12:00", "always", None, None, "also on a holiday"),
        ([WINTER], "2027-04-01 02:00", "open", "2027-04-01 08:00", None, "the night that began on the last day"),
        ([WINTER], "2027-04-01 21:00", "unknown", None, None, "all that was known is over"),
        ([WINTER], "2026-10-31 21:00", "closed", None, "2026-11-01 20:00", "not begun yet"),
        ([WINTER], "2026-07-01 21:00", "closed", None, None, "too far ahead to say"),
        ([WEEKDAYS, CHRISTMAS], "2026-12-25 10:00", "closed", None, "2026-12-29 09:00", "exceptions outrank the week"),
        ([WEEKDAYS, SHORT_EVE], "2026-12-24 13:00", "closed", None, "2026-12-29 09:00", "early, then a holiday"),
        ([WEEKDAYS], "2026-12-25 10:00", "unknown", None, None, "a holiday that the directory says nothing about"),
        ([NIGHTLY], "2026-12-25 21:00", "open", "2026-12-26 08:00", None, "open every day of the week, so on holidays"),
        ([{"description": "Opens when the city calls for it."}], "2026-11-23 10:00", "unknown", None, None, "no days"),
        ([], "2026-11-23 10:00", "unknown", None, None, "no rows"),
        ([CHRISTMAS], "2026-11-23 10:00", "unknown", None, None, "only exceptions, and not today"),
        ([WEEKDAYS | {"freq": None}], "2026-11-23 10:00", "open", "2026-11-23 17:00", None, "no freq: weekly"),
        ([WEEKDAYS | {"closes_at": None}], "2026-11-23 10:00", "unknown", None, None, "half a row"),
        ([WEEKDAYS | {"opens_at": "08:00:00Z"}], "2026-11-23 08:30", "open", "2026-11-23 17:00", None, "wall clock"),
        ([WEEKDAYS | {"until": "2026-11-20"}], "2026-11-23 10:00", "unknown", None, None, "the rule has ended"),
    ],
)  # fmt: skip
def test_opening(rows: list[dict[str, Any]], moment: str, state: str, until: str | None, opens: str | None, reason: str) -> None:
    aware = datetime.fromisoformat(moment).replace(tzinfo=LONDON)
    got = opening(read_schedules(rows), aware, LONDON, public_holidays("GB"))
    assert (got.state, got.until, got.opens) == (state, local(until), local(opens)), reason


@pytest.mark.parametrize(
    ("rows", "moment", "closed_today", "reason"),
    [
        ([WEEKDAYS], "2026-11-28 10:00", True, "a Saturday: not at all"),
        ([WEEKDAYS], "2026-11-27 18:00", False, "it was open today"),
        ([WEEKDAYS], "2026-11-27 08:00", False, "it will be open today"),
        ([WEEKDAYS, CHRISTMAS], "2026-12-25 10:00", True, "an exception"),
        ([NIGHTLY], "2026-11-23 12:00", False, "it opens tonight"),
    ],
)
def test_closed_today(rows: list[dict[str, Any]], moment: str, closed_today: bool, reason: str) -> None:
    aware = datetime.fromisoformat(moment).replace(tzinfo=LONDON)
    assert opening(read_schedules(rows), aware, LONDON, public_holidays("GB")).closed_today == closed_today, reason


@pytest.mark.parametrize(
    ("row", "days", "reason"),
    [
        ({"freq": "MONTHLY", "byday": "1SA"}, ["2026-11-07", "2026-12-05", "2027-01-02"], "the first Saturday"),
        ({"freq": "MONTHLY", "byday": "-1TH"}, ["2026-11-26", "2026-12-31"], "the last Thursday"),
        ({"freq": "MONTHLY", "byday": "1MO,3MO"}, ["2026-11-02", "2026-11-16", "2026-12-07"], "two in a month"),
        ({"freq": "MONTHLY", "bymonthday": "15"}, ["2026-11-15", "2026-12-15"], "a day of the month"),
        ({"freq": "MONTHLY", "bymonthday": "-1"}, ["2026-11-30", "2026-12-31"], "the last day of it"),
        (
            {"freq": "WEEKLY", "byday": "MO", "interval": "2", "dtstart": "2026-09-07"},
            ["2026-11-02", "2026-11-16", "2026-11-30"],
            "every second week, counted from the first",
        ),
        (
            {"freq": "WEEKLY", "byday": "MO,WE", "interval": "2", "dtstart": "2026-09-09"},
            ["2026-11-02", "2026-11-04", "2026-11-16"],
            "weeks are counted, not days",
        ),
        (
            {"freq": "WEEKLY", "byday": "MO", "count": "2", "dtstart": "2026-11-09"},
            ["2026-11-09", "2026-11-16"],
            "two times only",
        ),
        ({"freq": "WEEKLY", "dtstart": "2026-11-05"}, ["2026-11-05", "2026-11-12"], "the weekday of the first one"),
        ({"freq": "WEEKLY", "byday": "TU", "byweekno": "47"}, ["2026-11-17"], "one week of the year"),
        ({"freq": "MONTHLY", "byday": "1SA", "dtstart": "2019-01-05"}, ["2026-11-07", "2026-12-05"], "long running"),
    ],
)
def test_days_of_a_rule(row: dict[str, str], days: list[str], reason: str) -> None:
    schedules = read_schedules([row | {"opens_at": "10:00", "closes_at": "12:00"}])
    last = date.fromisoformat(days[-1])
    every = [date(2026, 11, 1) + timedelta(n) for n in range((last - date(2026, 11, 1)).days + 1)]
    assert [day.isoformat() for day in every if on_day(schedules, day).intervals] == days, reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"freq": "WEEKLY", "byday": "MO", "interval": "2"}, "every second week of what?"),
        ({"freq": "WEEKLY", "byday": "1MO"}, "a week has one Monday"),
        ({"freq": "WEEKLY"}, "on which day?"),
        ({"freq": "YEARLY", "byday": "MO"}, "not in the standard"),
        ({"opens_at": "10:00"}, "neither days nor dates"),
        ({"valid_from": "2026-12-24", "closes_at": ""}, "an exception that opens and never closes"),
    ],
)
def test_rows_that_do_not_say_enough(row: dict[str, str], reason: str) -> None:
    assert read_schedule({"opens_at": "10:00", "closes_at": "12:00"} | row) is None, reason


def test_hours_of_a_day() -> None:
    monday, sunday = date(2026, 11, 23), date(2026, 11, 29)
    assert on_day(read_schedules(SPLIT), monday).intervals == ((time(9), time(12)), (time(14), time(18)))
    assert on_day(read_schedules(SPLIT), sunday) == DayHours(sunday)
    assert on_day(read_schedules([NIGHTLY]), monday).intervals == ((time(20), time(8)),)
    assert on_day(read_schedules([ROUND_THE_CLOCK]), monday).intervals == ((time(0), time(23, 59)),)
    assert on_day(read_schedules([WEEKDAYS, CHRISTMAS]), date(2026, 12, 25), public_holidays("GB")).known
    assert not on_day(read_schedules([WEEKDAYS]), date(2026, 12, 25), public_holidays("GB")).known
    assert not on_day((), monday).known


def test_rows_that_overlap_or_touch_are_one_interval() -> None:
    rows = [
        WEEKDAYS,
        WEEKDAYS | {"opens_at": "12:00", "closes_at": "19:00"},
        WEEKDAYS | {"opens_at": "19:00", "closes_at": "20:00"},
    ]
    assert on_day(read_schedules(rows), date(2026, 11, 23)).intervals == ((time(9), time(20)),)


def test_an_event_that_is_not_repeated_is_on_its_day_only() -> None:
    schedules = read_schedules([{"dtstart": "2026-11-28", "opens_at": "10:00", "closes_at": "16:00"}])
    assert on_day(schedules, date(2026, 11, 28)).intervals == ((time(10), time(16)),)
    assert not on_day(schedules, date(2026, 11, 29)).known


def test_of_exceptions_the_one_for_fewer_days_counts() -> None:
    holidays = {"valid_from": "2026-12-20", "valid_to": "2027-01-06"}
    schedules = read_schedules([WEEKDAYS, holidays, SHORT_EVE])
    assert on_day(schedules, date(2026, 12, 24)).intervals == ((time(9), time(12)),)
    assert on_day(schedules, date(2026, 12, 23)) == DayHours(date(2026, 12, 23))


def test_the_moment_may_be_in_any_zone_and_the_place_in_another() -> None:
    schedules = read_schedules([WEEKDAYS])
    moment = datetime(2026, 7, 6, 8, 30, tzinfo=UTC)  # 9:30 in London's summer
    assert opening(schedules, moment, LONDON).state == "open"
    assert opening(schedules, moment, ZoneInfo("America/Bogota")).state == "closed"


def test_hours_stay_on_the_wall_clock_when_the_clocks_change() -> None:
    before, after = datetime(2026, 10, 24, 22, tzinfo=LONDON), datetime(2026, 10, 25, 5, tzinfo=LONDON)
    for moment in (before, after):
        assert opening(read_schedules([NIGHTLY]), moment, LONDON).until == datetime(2026, 10, 25, 8)


def test_a_country_without_a_calendar_has_no_holidays() -> None:
    assert date(2026, 12, 25) not in public_holidays("XX")


def test_rows_of_the_nearest_level_count_and_exceptions_of_all() -> None:
    weekend = WEEKDAYS | {"byday": "SA,SU"}
    assert relevant_rows([[], [WEEKDAYS, CHRISTMAS], [weekend]]) == [CHRISTMAS, WEEKDAYS]
    assert relevant_rows([[weekend], [WEEKDAYS, CHRISTMAS], []]) == [weekend, CHRISTMAS]


# What holds for whatever a directory says

times = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
days = st.dates(date(2026, 10, 1), date(2027, 3, 31))
moments = st.datetimes(datetime(2026, 10, 1), datetime(2027, 3, 31)).map(lambda moment: moment.replace(tzinfo=LONDON))
regular = st.builds(
    lambda byday, opens, closes, first: Schedule("WEEKLY", byday=tuple(byday), first=first, opens=opens, closes=closes),
    st.sets(st.tuples(st.integers(0, 6), st.just(0)), min_size=1),
    times,
    times,
    st.none() | days,
)
exceptions = st.builds(
    lambda first, length, hours: Schedule(first=first, last=first + timedelta(length), opens=hours[0], closes=hours[1]),
    days,
    st.integers(0, 5),
    st.just((None, None)) | st.tuples(times, times),
)
plans = st.lists(regular, min_size=1, max_size=4).flatmap(
    lambda rows: st.lists(exceptions, max_size=2).map(lambda more: (*rows, *more))
)


@given(plans, moments)
def test_open_until_and_not_longer(schedules: tuple[Schedule, ...], moment: datetime) -> None:
    state = opening(schedules, moment, LONDON)
    now = moment.replace(tzinfo=None)
    assert open_at(schedules, now) == (state.state in {"open", "always"})
    if state.state == "open":
        assert state.until is not None
        assert now < state.until < now + ALWAYS
        assert open_at(schedules, state.until - timedelta(seconds=1))
        assert not open_at(schedules, state.until)


@given(plans, moments, st.data())
def test_closed_until_it_opens(schedules: tuple[Schedule, ...], moment: datetime, data: st.DataObject) -> None:
    state = opening(schedules, moment, LONDON)
    now = moment.replace(tzinfo=None)
    assume(state.state == "closed" and state.opens is not None)
    assert state.opens is not None
    assert state.opens > now
    assert open_at(schedules, state.opens)
    between = data.draw(st.datetimes(now, state.opens - timedelta(microseconds=1)))
    assert not open_at(schedules, between)


@given(plans, days)
def test_intervals_are_in_order_and_apart(schedules: tuple[Schedule, ...], day: date) -> None:
    intervals = on_day(schedules, day).intervals
    starts = [opens for opens, _ in intervals]
    assert starts == sorted(set(starts))
    for (_, closes), (opens, _) in pairwise(intervals):
        assert closes < opens


@given(plans, days)
def test_what_a_day_says_is_when_it_is_open(schedules: tuple[Schedule, ...], day: date) -> None:
    for opens, _ in on_day(schedules, day).intervals:
        assert open_at(schedules, datetime.combine(day, opens))


@given(regular, days)
def test_the_short_way_for_plain_weeks_agrees_with_rrule(schedule: Schedule, day: date) -> None:
    assume(schedule.covers(day))
    assert schedule.plain
    assert _occurs(schedule, day) == occurs_by_rule(schedule, day)


texts = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(["MO", "1SA", "WEEKLY", "MONTHLY", "2", "-5", "08:00", "2026-11-01", "1e999"])
)
fields = ("freq", "byday", "interval", "count", "bymonthday", "byweekno", "byyearday", "wkst", "dtstart", "until",
          "valid_from", "valid_to", "opens_at", "closes_at", "timezone")  # fmt: skip


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, texts)), max_size=3), moments)
def test_no_row_is_too_odd(rows: list[dict[str, Any]], moment: datetime) -> None:
    schedules = read_schedules(rows)
    opening(schedules, moment, LONDON)
    on_day(schedules, moment.date())
