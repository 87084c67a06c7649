"""When a person is there, and by when they answer."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import timetable
from bot.office import Office

ZONE = ZoneInfo("Europe/London")
OFFICE = Office(timetable.parse("09:00-18:00"), ZONE, "GB")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("asked", "answered", "reason"),
    [
        ("2026-11-23T10:00", "2026-11-23T12:00", "Monday morning"),
        ("2026-11-23T17:00", "2026-11-24T10:00", "an hour is left today"),
        ("2026-11-23T03:00", "2026-11-23T11:00", "before they open"),
        ("2026-11-27T22:00", "2026-11-30T11:00", "Friday night: Monday"),
        ("2026-12-24T17:30", "2026-12-29T10:30", "Christmas, Boxing Day moved to Monday"),
        ("2026-03-28T12:00", "2026-03-30T11:00", "the clocks change on Sunday"),
    ],
)
def test_two_working_hours_later(asked: str, answered: str, reason: str) -> None:
    assert OFFICE.after(at(asked), timedelta(hours=2)) == at(answered), reason


def test_staffed() -> None:
    assert OFFICE.staffed(at("2026-11-23T09:00"))
    assert not OFFICE.staffed(at("2026-11-23T18:00"))
    assert not OFFICE.staffed(at("2026-11-22T12:00"))
    assert not OFFICE.staffed(at("2026-12-25T12:00"))


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)), st.integers(1, 40))
def test_the_promise_is_never_before_the_question_nor_outside_hours(naive: datetime, hours: int) -> None:
    asked = naive.replace(tzinfo=ZONE)
    promised = OFFICE.after(asked, timedelta(hours=hours)).astimezone(ZONE)
    assert promised > asked
    assert OFFICE.works_on(promised.date())
    assert time(9) < promised.time() <= time(18)
