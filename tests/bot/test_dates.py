"""Days of the calendar in messages: which day is meant, and which we must not pretend to know."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.filters import parse
from bot.filters.dates import find

TODAY = date(2026, 11, 18)  # a Wednesday
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=ZoneInfo("Europe/London"))

CHRISTMAS = "2026-12-25"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("open on 24 December?", "2026-12-24"),
        ("24th of december", "2026-12-24"),
        ("Dec 24", "2026-12-24"),
        ("december 24th", "2026-12-24"),
        ("25/12", CHRISTMAS),
        ("25/12/2026", CHRISTMAS),
        ("25.12.26", CHRISTMAS),
        ("2026-12-25", CHRISTMAS),
        ("on the 20th", "2026-11-20"),
        ("on the 3rd", "2026-12-03"),
        ("le 15 août", "2027-08-15"),
        ("le 1er janvier c'est ouvert ?", "2027-01-01"),
        ("el 6 de enero", "2027-01-06"),
        ("24 de diciembre", "2026-12-24"),
        ("dia 24 de dezembro", "2026-12-24"),
        ("24 december open?", "2026-12-24"),
        ("op 5 mei", "2027-05-05"),
        ("٢٥ ديسمبر", CHRISTMAS),
        ("25 كانون الأول", CHRISTMAS),
        ("25 دسمبر", CHRISTMAS),
        ("डिसेम्बर २५", CHRISTMAS),
        ("२५ डिसेम्बरमा", CHRISTMAS),
        ("tarehe 24 Desemba", "2026-12-24"),
        ("ika-24 ng Disyembre", "2026-12-24"),
        ("Disyembre 24", "2026-12-24"),
        ("12月25日开门吗", CHRISTMAS),
        ("１２月２５日は開いてますか", CHRISTMAS),
        ("20号", "2026-11-20"),
        ("christmas day", CHRISTMAS),
        ("open at xmas?", CHRISTMAS),
        ("¿abren en Navidad?", CHRISTMAS),
        ("Noël", CHRISTMAS),
        ("no natal abre?", CHRISTMAS),
        ("eerste kerstdag", CHRISTMAS),
        ("عيد الميلاد", CHRISTMAS),
        ("کرسمس پر کھلا ہے", CHRISTMAS),
        ("क्रिसमसमा खुल्छ", CHRISTMAS),
        ("krismasi", CHRISTMAS),
        ("pasko", CHRISTMAS),
        ("圣诞节开门吗", CHRISTMAS),
        ("クリスマスは開いていますか", CHRISTMAS),
        ("boxing day", "2026-12-26"),
        ("new year's day", "2027-01-01"),
        ("new years eve", "2026-12-31"),
        ("good friday", "2027-03-26"),
        ("easter monday", "2027-03-29"),
        ("lundi de Pâques", "2027-03-29"),
        ("viernes santo", "2027-03-26"),
        ("29 February", "2028-02-29"),
    ],
)
def test_the_day_that_is_meant(text: str, day: str) -> None:
    assert [found.date for found in find(text, TODAY, "GB")] == [date.fromisoformat(day)]


@pytest.mark.parametrize(
    "text",
    [
        "open on eid?", "ramadan", "عيد الفطر", "عید پر کھلا ہے؟", "bank holiday", "31/2", "31 November", "१५ गते", "春节开门吗",
        "chinese new year", "दशैंमा खुल्छ", "sikukuu", "días festivos", "jours fériés", "next week", "el mes que viene", "来週",
        "祝日", "Dashain",
    ],
)  # fmt: skip
def test_a_day_that_is_named_and_not_known(text: str) -> None:
    assert [found.date for found in find(text, TODAY, "GB")] == [None]
    filters = parse(text, NOW, country="GB").filters
    assert filters.day is None
    assert filters.day_unknown


def test_holidays_of_the_citys_own_country_are_known() -> None:
    assert [day.date for day in find("lundi de Pentecôte", TODAY, "FR")] == [date(2027, 5, 17)]
    assert [day.date for day in find("spring bank holiday", TODAY, "GB")] == [date(2027, 5, 31)]
    assert [day.date for day in find("thanksgiving", TODAY, "US")] == [date(2026, 11, 26)]
    assert [day.date for day in find("thanksgiving", TODAY, "GB")] == []


def test_the_order_of_month_and_day_is_the_countrys() -> None:
    assert find("12/5", TODAY, "US")[0].date == date(2026, 12, 5)
    assert find("12/5", TODAY, "GB")[0].date == date(2027, 5, 12)
    assert find("12/25", TODAY, "GB")[0].date == date(2026, 12, 25)


@pytest.mark.parametrize(
    "text",
    [
        "open 24/7", "1/2 price", "born 25/12/1960", "5 years ago", "2 out of 3", "we may 5 people come", "01632 960123",
        "call 07700 900123", "9-5", "at 17:30", "since christmas i am ill", "last easter he hit me", "depuis Noël",
        "desde navidad",
        "£5.50", "3 set meals", "room 12", "10 kids", "ZZ7 1AA", "my son is 4", "3楼",
    ],
)  # fmt: skip
def test_what_is_no_day(text: str) -> None:
    assert find(text, TODAY, "GB") == []


@pytest.mark.parametrize(
    ("text", "day"), [("thursday 24 december", date(2026, 12, 24)), ("is the library open on christmas eve?", date(2026, 12, 24))]
)
def test_a_date_counts_before_a_weekday(text: str, day: date) -> None:
    assert parse(text, NOW, country="GB").filters.day == day


@pytest.mark.parametrize("text", ["24 December?", "open on christmas day?", "et le 25 décembre ?", "y el 25/12?", "圣诞节开门吗"])
def test_a_date_alone_is_a_follow_up(text: str) -> None:
    assert parse(text, NOW, country="GB").follow_up


@given(st.text(max_size=200), st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["", "GB", "US", "NP", "XX"]))
def test_never_raises_and_lies_ahead(text: str, today: date, country: str) -> None:
    days = find(text, today, country)
    for day, after in pairwise(days):
        assert day.end <= after.start
    assert all(day.date is None or day.date >= today for day in days)
    assert all(0 <= day.start < day.end <= len(text) for day in days)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.sampled_from(["{d}/{m}/{y}", "{y}-{m:02}-{d:02}", "{m}月{d}日"]))
def test_every_day_of_the_year_can_be_written(day: date, pattern: str) -> None:
    written = pattern.format(d=day.day, m=day.month, y=day.year)
    assert [found.date for found in find(written, day, "GB")] == [day]
