"""Timetables and the office that keeps them: split days, past midnight, holidays, languages and channels."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import timetable
from bot.office import Office
from bot.settings import Settings
from bot.staff import Team

ZONE = ZoneInfo("Europe/London")


def office(text: str, language: str | None = None, channel: str | None = None) -> Office:
    return Office(timetable.parse(text).of(language, channel), ZONE, "GB")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("hours", "when", "there", "reason"),
    [
        ("mon-fri 09:00-12:30 13:30-18:00", "2026-11-23T13:00", False, "lunch"),
        ("mon-fri 09:00-12:30 13:30-18:00", "2026-11-23T13:30", True, "after lunch"),
        ("sat 22:00-02:00", "2026-11-29T01:59", True, "Saturday night goes on into Sunday"),
        ("sat 22:00-02:00", "2026-11-28T01:59", False, "Friday night does not"),
        ("sat 22:00-02:00", "2026-11-29T02:00", False, "and ends at two"),
        ("mon-sun 00:00-24:00", "2026-11-29T23:59", True, "day and night"),
        ("mon-fri 09:00-18:00; holidays 10:00-12:00", "2026-12-25T11:00", True, "open on Christmas, a Friday"),
        ("mon-fri 09:00-18:00", "2026-12-25T11:00", False, "closed on Christmas"),
        ("mon-fri 09:00-18:00\n2026-11-23..2026-11-24 closed", "2026-11-24T11:00", False, "two days off"),
        ("mon-fri 09:00-18:00\n2026-11-28 10:00-14:00", "2026-11-28T11:00", True, "a Saturday of its own"),
        ("fri-mon 09:00-18:00", "2026-11-29T11:00", True, "a stretch over the weekend"),
        ("09:00-18:00", "2026-11-27T17:00", True, "Monday to Friday, in short"),
    ],
)
def test_when_somebody_is_there(hours: str, when: str, there: bool, reason: str) -> None:
    assert office(hours).staffed(at(when)) is there, reason


def test_hours_of_a_language_and_a_channel() -> None:
    hours = "mon-fri 09:00-18:00; [ne] tue 10:00-12:00; [voice] mon-sun 08:00-20:00; 2026-12-01 closed"
    assert office(hours, "en", "voice").staffed(at("2026-11-29T08:30"))
    assert not office(hours, "en", "sms").staffed(at("2026-11-29T08:30"))
    assert office(hours, "ne", "sms").staffed(at("2026-11-24T11:00"))
    assert not office(hours, "ne", "sms").staffed(at("2026-11-24T12:00"))
    assert not office(hours, "ne", "voice").staffed(at("2026-12-01T11:00")), "a closed day is closed for all"


def test_a_team_keeps_its_own_hours() -> None:
    settings = Settings.from_env({})
    night = Team(name="Night", hours="mon-sun 20:00-08:00")
    assert Office.of(settings, night).staffed(at("2026-11-29T03:00"))
    assert not Office.of(settings).staffed(at("2026-11-29T03:00"))
    assert Office.of(settings, Team(name="Day", hours="")).staffed(at("2026-11-23T10:00"))


@pytest.mark.parametrize(
    ("hours", "asked", "opens"),
    [
        ("mon-fri 09:00-18:00", "2026-11-27T19:00", "2026-11-30T09:00"),
        ("mon-fri 09:00-12:00 13:00-18:00", "2026-11-27T12:15", "2026-11-27T13:00"),
        ("mon-fri 09:00-18:00", "2026-11-27T10:00", "2026-11-27T10:00"),
        ("sat 22:00-02:00", "2026-11-29T01:00", "2026-11-29T01:00"),
    ],
)
def test_when_it_opens(hours: str, asked: str, opens: str) -> None:
    assert office(hours).opens(at(asked)) == at(opens)


def test_an_office_that_never_opens() -> None:
    closed = office("")
    assert closed.opens(at("2026-11-27T10:00")) is None
    assert closed.after(at("2026-11-27T10:00"), timedelta(hours=2)) > at("2027-01-20T10:00")


@pytest.mark.parametrize(
    "wrong", ["mon", "mon 9-18", "someday 09:00-10:00", "2026-13-01 closed", "2026-01-02..2026-01-01 closed", "mon 25:00-26:00"]
)
def test_what_cannot_be_read_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timetable.parse(wrong)


@given(st.text(alphabet="monfri-satun 0123456789:,;\n[]vceholidays.#", max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        found = timetable.parse(text)
    except ValueError:
        return
    Office(found, ZONE, "GB").staffed(datetime(2026, 11, 23, 10, tzinfo=UTC))


_times = st.times().map(lambda one: one.replace(second=0, microsecond=0))


@given(
    st.dictionaries(st.integers(0, 6), st.lists(st.tuples(_times, _times), min_size=1, max_size=2).map(tuple), min_size=1),
    # Whole seconds: of a smaller part the last may be left for the next morning, less than a second after the door opens.
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(lambda one: one.replace(microsecond=0)),
    st.integers(1, 600),
)
def test_work_passes_only_while_somebody_is_there(
    weekly: dict[int, tuple[tuple[time, time], ...]], naive: datetime, minutes: int
) -> None:
    asked = naive.replace(tzinfo=ZONE)
    place = Office(timetable.Timetable(weekly), ZONE, "GB")
    done = place.after(asked, timedelta(minutes=minutes))
    assert (
        done >= asked + timedelta(minutes=minutes) or done.utctimetuple() >= (asked + timedelta(minutes=minutes)).utctimetuple()
    )
    if done < asked.astimezone(UTC) + timedelta(days=59):
        assert place.staffed(done - timedelta(seconds=1))
    opens = place.opens(asked)
    if opens is not None:
        assert place.staffed(opens)
        assert opens >= asked.astimezone(UTC)


def test_public_holidays_are_the_country_s() -> None:
    boxing_day = datetime(2026, 12, 28, 10, tzinfo=ZONE)  # moved to the Monday in Britain
    assert not office("09:00-18:00").staffed(boxing_day)
    assert Office(timetable.parse("09:00-18:00"), ZONE, "NL").staffed(boxing_day)
    assert date(2026, 12, 28).weekday() == 0
