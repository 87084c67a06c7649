"""Days of the calendar in a message: "24 December", "25/12", "le 15 août", "12月25日", "Christmas day".

Month names are CLDR's in every language served, names of holidays those of data/filters/holidays.yml and of the country's
own calendar (`holidays`). A day that is named but cannot be placed ("Eid", "31/2", a Nepali "१५ गते") is found too, without a
date, so that nobody is told the hours of another day.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import holidays as calendars
import regex
import yaml
from babel import Locale, UnknownLocaleError
from dateutil.easter import easter

from bot.errors import DataError
from bot.folding import fold

DATA: Final = Path(__file__).resolve().parents[2] / "data" / "filters" / "holidays.yml"
#: CLDR's locales whose month names are known: two more for Arabic, which has three sets of them.
_LOCALES: Final = ("en", "es", "fr", "pt", "nl", "ar", "ar_LB", "ar_MA", "ur", "ne", "sw", "fil", "ja", "zh")
#: Short forms of months that are other words beside a number: "5 years ago", "one set", "2 out of 3".
_OTHER_WORDS: Final = frozenset({"ago", "set", "out"})
#: Months that may follow their day only: "we may 5", "mar 3".
_DAY_FIRST: Final = frozenset({"may", "mar", "mai", "march"})
#: Fractions and the round clock, written like dates.
_NO_DATES: Final = frozenset({(24, 7), (1, 2), (1, 3), (2, 3), (1, 4), (3, 4)})
_MOST: Final = 2000
_LEFT, _RIGHT = r"(?<![\p{L}\p{M}\p{N}])", r"(?![\p{Latin}\p{N}])"
#: What tells that a day is over: "since Christmas", "last Easter".
_OVER: Final = regex.compile(
    r"(?:since|last|past|desde|pasad[oa]|passad[oa]|depuis|dernier|derniere|sinds|vorige|afgelopen|tangu|noong|منذ|من)\s+"
    r"(?:the |el |la |le |o |a |de |het |l )?$"
)


@dataclass(frozen=True)
class Day:
    """A day named in a text from `start` to before `end`; `date` is None where it cannot be placed in the calendar."""

    start: int
    end: int
    date: date | None
    name: str


def find(text: str, today: date, country: str = "") -> list[Day]:
    """The days that a text names, in order, apart. A day without a year is the next one. Never raises for any text."""
    flat = _flat(text[:_MOST])
    found = [*_written(flat, today, country), *_named(flat, today, country)]
    kept: list[Day] = []
    for day in sorted(found, key=lambda day: (day.start - day.end, day.start)):
        if not any(day.start < other.end and other.start < day.end for other in kept):
            kept.append(day)
    days = [day for day in sorted(kept, key=lambda day: day.start) if not _OVER.search(flat[: day.start])]
    return [Day(day.start, day.end, day.date, text[day.start : day.end].strip()) for day in days]


def _flat(text: str) -> str:
    """The text folded character by character, so that every character stays where it is."""
    return "".join(_flat_character(character) for character in text)


@lru_cache(maxsize=8192)
def _flat_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character in "/.-:?!,;":
        return character
    folded = fold(character)
    return folded if len(folded) == 1 else character.lower() if len(character.lower()) == 1 and folded else " "


# Dates in figures and with the names of months


@cache
def _months() -> dict[str, int]:
    months: dict[str, int] = {}
    for code in _LOCALES:
        kinds = Locale.parse(code).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in kinds[context][width].items():
                    plain = _flat(name).strip(" .")
                    if len(plain) > 2 and not any(character.isdigit() for character in plain) and plain not in _OTHER_WORDS:
                        months.setdefault(plain, number)
    return months


@cache
def _patterns() -> list[Any]:
    names = "|".join(sorted(map(regex.escape, _months()), key=len, reverse=True))
    first = "|".join(sorted(map(regex.escape, _months().keys() - _DAY_FIRST), key=len, reverse=True))
    year = r"(?:,?\s*(?:de |del |of )?(?P<y>\d{4})(?!\d))?"
    ordinal = r"(?:st|nd|rd|th|er|e|o|a|ste|de|\.)?"
    texts = [
        r"(?<![\d/.:-])(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d/])",
        r"(?<![\d/.:-])(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<y>\d{4}|\d{2})(?![\d/])",
        r"(?<![\d/.:-])(?P<one>\d{1,2})/(?P<two>\d{1,2})(?![\d/])",
        r"(?:(?P<y>\d{4}) ?年)?(?<!\d)(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?[日号號]?",
        rf"{_LEFT}(?P<d>\d{{1,2}}){ordinal}(?:\s*(?:of|de|del|d|ng|ya|mwezi wa)\s)?[\s-]*(?P<name>{names})\.?{_RIGHT}{year}",
        rf"{_LEFT}(?:ika[ -]?)?(?P<d>\d{{1,2}}) ng (?P<name>{names}){_RIGHT}{year}",
        rf"{_LEFT}(?P<name>{first})\.?\s+(?:ika[ -])?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.h/]|\s*(?:am|pm|h\b)){year}",
        rf"{_LEFT}(?:the|on the)\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th){_RIGHT}",
        rf"{_LEFT}(?:el dia|dia|tarehe|op de|petsa)\s+(?P<d>\d{{1,2}})(?:e|ste)?{_RIGHT}(?!\s*(?:de|del)\s)",
        r"(?<!\d)(?P<d>\d{1,2}) ?[号號](?!\p{Han}{0,1}[楼院线])",
        rf"{_LEFT}(?P<bs>\d{{1,2}}) ?(?:गते|gate)",
    ]
    return [regex.compile(text) for text in texts]


def _written(flat: str, today: date, country: str) -> Iterator[Day]:
    for pattern in _patterns():
        for match in pattern.finditer(flat):
            parts = match.groupdict()
            if parts.get("bs"):  # a day of the Nepali calendar
                yield Day(match.start(), match.end(), None, "")
            else:
                yield from _read(match, parts, today, country)


def _read(match: Any, parts: dict[str, str | None], today: date, country: str) -> Iterator[Day]:
    if parts.get("one"):
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        if not parts.get("y") and (one, two) in _NO_DATES:
            return
        day, month = (two, one) if (_month_first(country) and one <= 12) or two > 12 >= one else (one, two)
    else:
        day = int(parts["d"] or 0)
        month = _months()[parts["name"] or ""] if parts.get("name") else int(parts.get("m") or 0)
    if not 1 <= day <= 31 or not 0 <= month <= 12 or (month == 0 and not _by_day_only(parts)):
        return
    written = parts.get("y")
    year = int(written) if written else None
    year = year + 2000 if year is not None and year < 100 else year
    if year is not None and not today.year <= year <= today.year + 2:
        return  # a date of birth, or a date in a story
    found = _next(day, month, today) if year is None else _date(year, month, day)
    if year is not None and found is not None and found < today:
        return
    yield Day(match.start(), match.end(), found, "")


def _by_day_only(parts: dict[str, str | None]) -> bool:
    return not parts.get("m") and not parts.get("name") and not parts.get("one")


def _next(day: int, month: int, today: date) -> date | None:
    """The next such day from today on; with month 0, of this month or the ones after."""
    if month:
        coming = [_date(year, month, day) for year in range(today.year, today.year + (9 if (month, day) == (2, 29) else 2))]
    else:
        months = [divmod(today.month - 1 + ahead, 12) for ahead in range(3)]
        coming = [_date(today.year + years, index + 1, day) for years, index in months]
    return next((found for found in coming if found is not None and found >= today), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _month_first(country: str) -> bool:
    """Whether people in a country write the month before the day (CLDR)."""
    try:
        pattern = Locale.parse(f"en_{country}" if country else "en_GB").date_formats["short"].pattern
    except UnknownLocaleError:
        return False
    return bool(pattern.lower().index("m") < pattern.lower().index("d"))


# Days with a name


@cache
def _holidays() -> list[tuple[str, str]]:
    """Names, the longest first, with when the day is."""
    try:
        data = yaml.safe_load(DATA.read_text(encoding="utf-8"))
        rows = [(_flat(word), str(row["when"])) for row in data.values() for word in row["words"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{DATA} cannot be used: {error!r}") from error
    return rows


def _named(flat: str, today: date, country: str) -> Iterator[Day]:
    when, pattern = _names(country, today.year)
    for match in pattern.finditer(flat):
        yield Day(match.start(), match.end(), _resolve(when[match["name"]], today, country), "")


@lru_cache(maxsize=16)
def _names(country: str, year: int) -> tuple[dict[str, str], Any]:
    """When each name is, and a pattern of all names. Names of our own list count before those of the country's calendar."""
    when = {_flat(name).strip(): f"={name}" for name in _own(country, year)}
    for name, meant in _holidays():
        if not (meant == "unknown" and name in when):
            when[name.strip()] = meant
    names = "|".join(regex.escape(name) for name in sorted(when, key=len, reverse=True) if len(name) > 1)
    cjk = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
    return when, regex.compile(rf"(?:{_LEFT}|(?<={cjk})|(?={cjk}))(?P<name>{names})(?:{_RIGHT})")


@lru_cache(maxsize=16)
def _own(country: str, year: int) -> dict[str, tuple[date, ...]]:
    """Holidays of a country in the languages its calendar has, by name; those on estimated days have none."""
    found: dict[str, tuple[date, ...]] = {}
    try:
        languages: Iterable[str | None] = calendars.country_holidays(country).supported_languages or (None,)
    except NotImplementedError:
        return found
    for language in languages:
        for day, names in sorted(calendars.country_holidays(country, years=(year, year + 1), language=language).items()):
            for name in names.split(";"):
                plain = regex.sub(r"\s*\(.*?\)", "", name).strip()
                certain = "(" not in name
                short = plain.removesuffix(" Day")
                for known in {plain, short if len(short) > 7 else plain} if len(plain) > 3 else ():
                    found[known] = (*found.get(known, ()), *((day,) if certain else ()))
    return found


def _resolve(when: str, today: date, country: str) -> date | None:
    if when == "unknown":
        return None
    if when.startswith("easter"):
        after = timedelta(int(when.removeprefix("easter")))
        return min(day for year in (today.year, today.year + 1) if (day := easter(year) + after) >= today)
    if when[0].isdigit():
        month, day_of_month = map(int, when.split("-"))
        return _next(day_of_month, month, today)
    name = when.removeprefix("=")
    own = _own(country, today.year)
    meant = [known for known in own if known == name or (when == name and known.startswith(name))]
    return min((day for known in meant for day in own[known] if day >= today), default=None)
