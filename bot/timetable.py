"""Timetables: on which days and hours somebody is there, written on a line or several.

mon-fri 09:00-12:30 13:30-18:00     days, a stretch of days, or a list ("mon,wed"); split days; ";" ends a line too
sat 22:00-02:00                     past midnight: it belongs to the Saturday
holidays 10:00-12:00                public holidays; closed where nothing is said
2026-12-24..2026-12-27 closed       dates of their own, hours or "closed", before everything else
[ne] tue 10:00-12:00                only for people who speak this language, or for one channel: [voice] …
09:00-18:00                         short for Monday to Friday
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: A stretch of dates longer than this is a typing error.
LONGEST_CLOSURE = 400
Interval = tuple[time, time]

_HOURS = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True)
class Timetable:
    """Hours by weekday (0 is Monday), on public holidays, and on dates of their own; `parts` are for a language or channel.

    An interval that ends at or before it begins goes on past midnight.
    """

    weekly: Mapping[int, tuple[Interval, ...]] = field(default_factory=dict)
    holidays: tuple[Interval, ...] = ()
    dates: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)
    parts: Mapping[str, "Timetable"] = field(default_factory=dict)

    def on(self, day: date, holiday: bool) -> tuple[Interval, ...]:
        """The hours that begin on `day`."""
        if day in self.dates:
            return self.dates[day]
        return self.holidays if holiday else self.weekly.get(day.weekday(), ())

    def weekdays(self) -> tuple[Interval, ...]:
        """The hours that Monday to Friday have in common."""
        days = [self.weekly.get(day, ()) for day in range(5)]
        return tuple(interval for interval in days[0] if all(interval in day for day in days))

    def week(self) -> list[tuple[int, int, tuple[Interval, ...]]]:
        """The usual week, as (first day, last day, hours), days that follow each other with the same hours taken together."""
        result: list[tuple[int, int, tuple[Interval, ...]]] = []
        for day in range(7):
            hours = self.weekly.get(day, ())
            if hours and result and result[-1][1] == day - 1 and result[-1][2] == hours:
                result[-1] = (result[-1][0], day, hours)
            elif hours:
                result.append((day, day, hours))
        return result

    def of(self, language: str | None, channel: str | None) -> "Timetable":
        """The timetable for somebody who speaks `language` on `channel`: the language's own, else the channel's, else all.

        Closed dates of the whole hold for its parts.
        """
        for name in (language, channel):
            if name is not None and name in self.parts:
                part = self.parts[name]
                return Timetable(part.weekly, part.holidays or self.holidays, {**self.dates, **part.dates})
        return self


def parse(text: str) -> Timetable:
    """Read a timetable. Raises ValueError, naming what cannot be read."""
    drafts: dict[str | None, _Draft] = {None: _Draft()}
    for line in re.split(r"[;\n]", text):
        line = re.sub(r"#.*", "", line).strip().lower()
        found = re.match(r"\[(\w+)\]\s*(.*)", line)
        name, rest = (found[1], found[2]) if found else (None, line)
        if rest:
            drafts.setdefault(name, _Draft()).line(rest)
    whole = drafts.pop(None)
    return Timetable(whole.weekly, whole.holidays, whole.dates, {name or "": draft.done() for name, draft in drafts.items()})


class _Draft:
    def __init__(self) -> None:
        self.weekly: dict[int, tuple[Interval, ...]] = {}
        self.holidays: tuple[Interval, ...] = ()
        self.dates: dict[date, tuple[Interval, ...]] = {}

    def done(self) -> Timetable:
        return Timetable(self.weekly, self.holidays, self.dates)

    def line(self, line: str) -> None:
        when, _, hours = line.partition(" ")
        if _HOURS.fullmatch(when):
            when, hours = "mon-fri", line
        intervals = _intervals(hours)
        dates = _DATES.fullmatch(when)
        if dates:
            for day in _stretch(dates[1], dates[2] or dates[1]):
                self.dates[day] = intervals
        elif when == "holidays":
            self.holidays = intervals
        else:
            for day_number in _days(when):
                self.weekly[day_number] = self.weekly.get(day_number, ()) + intervals


def _intervals(text: str) -> tuple[Interval, ...]:
    if text.strip() == "closed":
        return ()
    words = text.replace(",", " ").split()
    if not words:
        raise ValueError("hours are missing: write 09:00-18:00, or closed")
    result = []
    for word in words:
        found = _HOURS.fullmatch(word)
        if not found:
            raise ValueError(f"{word!r} is no time: write 09:00-18:00")
        result.append((_clock(found[1]), _clock(found[2])))
    return tuple(sorted(result))


def _clock(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text.zfill(5))


def _days(text: str) -> list[int]:
    result: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"{part!r} is no day: write mon, mon-fri, holidays or 2026-12-24")
        start, end = DAYS.index(first), DAYS.index(last or first)
        result += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return result


def _stretch(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = (end - start).days + 1
    if not 0 < days <= LONGEST_CLOSURE:
        raise ValueError(f"{first}..{last} is no stretch of dates")
    return [start + timedelta(days=number) for number in range(days)]
