"""Filters and follow-up questions in plain words: what is found, and what must not be."""

import re
import time as clock
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.filters import ACCESSIBILITY, LANGUAGES, WEEKDAYS, Asked, FilterDataError, Filters, lexicon, parse
from bot.filters.asked import ORDINALS
from bot.filters.message import message_of
from bot.filters.reading import Reading
from bot.reply import Detail

TABLES = Path(__file__).resolve().parent.parent / "data" / "filters"
LONDON = ZoneInfo("Europe/London")
WEDNESDAY = datetime(2026, 11, 18, 10, 30, tzinfo=LONDON)
CODES = {*LANGUAGES, "pl", "ro", "ru", "uk", "hi", "bn", "so", "ti", "am"}
AT_LEAST = {"follow_ups": 25, "filters": 20, "neither": 15}


def read(language: str) -> dict[str, list[dict[str, Any]]]:
    table: dict[str, list[dict[str, Any]]] = yaml.safe_load((TABLES / f"{language}.yml").read_text(encoding="utf-8"))
    return table


def rows(section: str) -> list[Any]:
    return [
        pytest.param(text, row.get("expect", {}), row["why"], id=f"{language}: {text}")
        for language in LANGUAGES
        for row in read(language)[section]
        for text in row["texts"]
    ]


def ask(text: str, now: datetime = WEDNESDAY) -> Asked:
    """Parse a message in which [brackets] mark the place."""
    if not (place := re.search(r"\[(.*?)\]", text)):
        return parse(text, now, country="GB")
    plain = text.replace("[", "").replace("]", "")
    return parse(plain, now, (place.start(), place.start() + len(place[1])), "GB")


def plainly(asked: Asked) -> Asked:
    """Without what the tables leave unsaid: "after" beside a time."""
    return replace(asked, filters=replace(asked.filters, later=False))


def expected(expect: dict[str, Any]) -> Filters:
    found: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in expect.items() if key not in {"detail", "which"}
    }
    if "day" in found:
        ahead = (WEEKDAYS.index(found["day"]) - WEDNESDAY.weekday()) % 7
        found["day"] = WEDNESDAY.date() + timedelta(days=ahead)
    if "at" in found:
        found["at"] = time.fromisoformat(found["at"])
    return Filters(**found)


@pytest.mark.parametrize(("text", "expect", "why"), rows("follow_ups"))
def test_follow_up(text: str, expect: dict[str, Any], why: str) -> None:
    assert plainly(ask(text)) == Asked(expected(expect), expect.get("detail"), True, expect.get("which")), why


@pytest.mark.parametrize(("text", "expect", "why"), rows("filters"))
def test_filters_beside_a_need(text: str, expect: dict[str, Any], why: str) -> None:
    asked = plainly(ask(text))
    assert asked.filters == expected(expect), why
    assert not asked.follow_up, why


@pytest.mark.parametrize(("text", "expect", "why"), rows("neither"))
def test_neither(text: str, expect: dict[str, Any], why: str) -> None:
    asked = ask(text)
    assert asked.filters == Filters(), why
    assert not asked.follow_up, why


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_enough_rows(language: str) -> None:
    table = read(language)
    for section, least in AT_LEAST.items():
        assert sum(len(row["texts"]) for row in table[section]) >= least, section


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_everything(language: str) -> None:
    path = lexicon.DATA / f"{language}.yml"
    found = {(key, name) for key, name, _ in lexicon.entries(path)}
    needed = {("weekdays", day) for day in WEEKDAYS} | {("languages", code) for code in CODES}
    needed |= {("accessibility", name) for name in ACCESSIBILITY}
    needed |= {("details", name) for name in get_args(Detail)}
    needed |= {("which", name) for name in ORDINALS}
    needed |= {("numbers", str(number)) for number in range(1, 13)}
    needed |= {(key, "") for key in lexicon.LISTS if key not in {"at", "after", "after_number", "before", "before_number"}}
    assert needed - found == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_a_language_is_found(language: str) -> None:
    """In each file the name of every language leads to its code."""
    words = next(words for words in lexicon.lexicons() if words.language == language)
    for key, code, pattern in lexicon.entries(lexicon.DATA / f"{language}.yml"):
        if key == "languages":
            name = pattern.split("|")[0].replace("-", " ").replace("?", "")
            message = message_of(name, None)
            reading = Reading(message, words)
            assert (len(message.tokens), code) in list(reading._slot("{language}", 0)), name


class TestDays:
    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("on wednesday", 0),  # said on a Wednesday it may be today
            ("next wednesday", 7),
            ("today", 0),
            ("tomorrow", 1),
            ("the day after tomorrow", 2),
            ("saturday or sunday", 3),  # the first one named
            ("at the weekend", 3),
            ("tuesday", 6),
        ],
    )
    def test_days_from_a_wednesday(self, text: str, days: int) -> None:
        assert parse(text, WEDNESDAY).filters.day == WEDNESDAY.date() + timedelta(days=days)

    def test_weekend_on_a_sunday_is_today(self) -> None:
        sunday = WEDNESDAY + timedelta(days=4)
        assert parse("at the weekend", sunday).filters.day == sunday.date()

    def test_this_evening_is_now_once_it_has_begun(self) -> None:
        late = WEDNESDAY.replace(hour=20, minute=15)
        assert parse("this evening", late).filters.at == time(20, 15)
        assert parse("this evening", WEDNESDAY).filters.at == time(18)

    @pytest.mark.parametrize("text", ["since sunday i have pain", "last sunday he hit me", "pichle itwar se bukhar hai"])
    def test_days_that_are_over(self, text: str) -> None:
        assert parse(text, WEDNESDAY).filters.day is None


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("after 5", time(17)),
            ("after 8", time(20)),
            ("at 9", time(9)),
            ("at 9 in the evening", time(21)),
            ("at 7am", time(7)),
            ("at 12 noon", time(12)),
            ("at 17:45", time(17, 45)),
            ("at 6.30", time(18, 30)),
            ("１７：３０", time(17, 30)),  # full-width digits
            ("après ١٧ h", time(17)),
            ("saa tatu usiku", time(21)),  # Swahili: the third hour of the night
            ("saa kumi usiku", time(4)),
            ("om half zes", time(17, 30)),
            ("下午5点半", time(17, 30)),
            ("साढे", None),
        ],
    )
    def test_times(self, text: str, at: time | None) -> None:
        assert parse(text, WEDNESDAY).filters.at == at

    @pytest.mark.parametrize(
        "text",
        [
            "after 5 years without work",
            "he waits at 5 Park Road for food",
            "food for 5 people",
            "two kids, 3 and 5",
            "call 01632 960123 about my rent",
            "my husband comes home drunk every night and at 6pm yesterday he broke the door and the window again",
        ],
    )
    def test_numbers_that_are_no_times(self, text: str) -> None:
        assert parse(text, WEDNESDAY).filters.at is None


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("dentist for my 4 year old", 4),
        ("my sons are 4 years old and 9 years old, dentist", None),  # nobody can tell which one counts
        ("my mum is 150 years old", None),
        ("18 month old baby, vaccination", 1),
    ],
)
def test_ages(text: str, age: int | None) -> None:
    assert parse(text, WEDNESDAY).filters.age == age


def test_no_papers_alone_is_a_fear_and_no_follow_up() -> None:
    for text in ("no papers", "sin papeles", "sans papiers", "بدون أوراق", "没有证件"):
        assert parse(text, WEDNESDAY) == Asked(Filters(no_papers=True))


@pytest.mark.parametrize("text", ["sa7bti t7eb tmout", "3ayez 7ad yesa3edni", "fein 7ad yesa3edni"])
def test_digits_in_arabic_written_in_latin_letters(text: str) -> None:
    assert parse(text, WEDNESDAY).filters == Filters()


class TestPlaces:
    def test_a_place_alone_is_a_follow_up(self) -> None:
        assert parse("Eastgate", WEDNESDAY, (0, 8)).follow_up

    def test_but_not_beside_a_need(self) -> None:
        assert not parse("food in Eastgate", WEDNESDAY, (8, 16)).follow_up

    def test_words_of_a_place_are_no_filter(self) -> None:
        assert parse("Sunday Street", WEDNESDAY, (0, 13)).filters == Filters()

    @pytest.mark.parametrize("span", [(0, 0), (5, 2), (-3, 4), (3, 900), (900, 901)])
    def test_odd_spans(self, span: tuple[int, int]) -> None:
        parse("is it open", WEDNESDAY, span)


WORDS = """open sunday free after 5 : . pm at half the عمره بعد الساعة ५ बजे पछि 下午 五 点 以后 saa kumi na nusu usiku next
12 24 99 300 ː ˑ speak arabic years old months {n} | ? ~ ８：３０"""
texts = st.text(max_size=200) | st.lists(
    st.sampled_from(WORDS.split()),
    max_size=12,
).map(" ".join)


@given(
    text=texts,
    span=st.none() | st.tuples(st.integers(-5, 250), st.integers(-5, 250)),
    now=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(LONDON)),
)
def test_never_raises_and_stays_within_nine_years(text: str, span: tuple[int, int] | None, now: datetime) -> None:
    found = parse(text, now, span).filters
    assert found.day is None or timedelta(0) <= found.day - now.date() <= timedelta(days=9 * 366)
    assert found.at is None or found.at.tzinfo is None
    assert found.age is None or 0 <= found.age <= 120
    assert set(found.languages) <= CODES
    assert set(found.accessibility) <= set(ACCESSIBILITY)


def test_a_message_takes_under_a_millisecond() -> None:
    texts = ["is it open on sunday", "free dentist for my 4 year old on saturday after 5", "बुवालाई नुहाउन कोही आउँछ?", "在哪里"]
    parse("first", WEDNESDAY)
    start = clock.perf_counter()
    for _ in range(50):
        for text in texts:
            parse(text, WEDNESDAY)
    assert (clock.perf_counter() - start) / 200 < 0.005  # five times what is promised, for a busy machine


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("weekday: {}", "unknown key"),
            ("today: now", "not a list"),
            ("today: [1]", "put it in quotes"),
            ("weekdays: {someday: [x]}", "must be among"),
            ("today: ['a?']", "no word that must be there"),
            ("[]", "not a mapping"),
            ("today: [", "while parsing"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path: Path, content: str, said: str) -> None:
        for language in LANGUAGES:
            (tmp_path / f"{language}.yml").write_text(content, encoding="utf-8")
        with pytest.raises(FilterDataError, match=said):
            lexicon.load(tmp_path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(FilterDataError, match=r"en\.yml"):
            lexicon.load(tmp_path)
