"""What was found in a message, as filters."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Final, cast

from bot.filters.asked import ORDINALS, PARTS, WEEKDAYS, Filters
from bot.filters.message import Message
from bot.filters.reading import Hit
from bot.reply import Detail


def detail_of(hits: list[Hit]) -> Detail | None:
    names = {hit.name for hit in hits if hit.key == "details"}
    names |= {"hours" for hit in hits if hit.key in {"open", "open_now", "closed"}}
    if not names:
        return None
    return cast(Detail, names.pop()) if len(names) == 1 else "all"


def which_of(hits: list[Hit]) -> int | None:
    """The one of several that is meant, from 1; none if several are."""
    found = {hit.name for hit in hits if hit.key == "which"}
    return ORDINALS.index(found.pop()) + 1 if len(found) == 1 else None


def filters_of(hits: list[Hit], now: datetime, message: Message, follow_up: bool) -> Filters:
    by_key: dict[str, list[Hit]] = {}
    for hit in hits:
        by_key.setdefault(hit.key, []).append(hit)
    is_open = by_key.get("open", []) + by_key.get("open_now", [])
    # In a story a date tells what happened, or will.
    dates = by_key.get("date", []) if follow_up or is_open or len(message.tokens) <= _SHORT else []
    day = _dated(dates) or (None if dates else _day(hits, now))
    unknown = dates[0].name if dates and day is None else None
    about_hours = follow_up or day is not None or bool(is_open)
    told = _time_of(by_key, now, about_hours, message.length)
    kinds = {hit.name for hit in by_key.get("time", ()) if hit.value == told}
    before = told is not None and "before" in kinds
    is_now = "open_now" in by_key or any(_beside(one, other) for one in is_open for other in by_key.get("now", ()))
    return Filters(
        day=day,
        at=None if before else told,
        before=told if before else None,
        later=told is not None and "after" in kinds,
        near="near" in by_key and not message.place,  # beside a place it says nothing new
        ways=_names(by_key.get("ways", ()), lambda hit: hit.name),
        day_unknown=unknown,
        open_now=is_now and unknown is None,
        free="free" in by_key,
        women="women" in by_key,
        age=_age(by_key),
        accessibility=_names(by_key.get("accessibility", ()), lambda hit: hit.name),
        languages=_names(by_key.get("speaks", []) + by_key.get("details", []), lambda hit: str(hit.value or "")),
        no_papers="no_papers" in by_key,
    )


def _names(hits: Iterable[Hit], name: Callable[[Hit], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for hit in hits if (found := name(hit))))


def _beside(one: Hit, other: Hit) -> bool:
    return one.start - other.end <= 3 and other.start - one.end <= 3


_DAYS: Final = {"today": 0, "tonight": 0, "this_evening": 0, "tomorrow": 1, "day_after_tomorrow": 2}


def _day(hits: list[Hit], now: datetime) -> date | None:
    """The first day named; a weekday is the next one with that name, which may be today."""
    today = now.date()
    weekend = False
    for hit in hits:
        if hit.key in _DAYS:
            return today + timedelta(days=_DAYS[hit.key])
        if hit.key == "weekdays":
            return today + timedelta(days=_ahead(hit.name, today))
        if hit.key == "next_weekday" and isinstance(hit.value, str):
            return today + timedelta(days=_ahead(hit.value, today) or 7)
        if hit.key == "open" and isinstance(hit.value, str):
            return today + timedelta(days=_ahead(hit.value, today))
        if hit.key == "workdays":
            return today + timedelta(days=(7 - today.weekday()) % 7 if today.weekday() > 4 else 0)
        weekend = weekend or hit.key == "weekend"
    if not weekend:
        return None
    return today if today.weekday() >= 5 else today + timedelta(days=5 - today.weekday())


def _dated(hits: Iterable[Hit]) -> date | None:
    """The first day of the calendar that was named and can be placed."""
    return next((date.fromisoformat(hit.value) for hit in hits if isinstance(hit.value, str)), None)


def _ahead(weekday: str, today: date) -> int:
    return (WEEKDAYS.index(weekday) - today.weekday()) % 7


_SHORT: Final = 12  # words; in a longer story "at 6pm" tells what happened


def _time_of(by_key: dict[str, list[Hit]], now: datetime, about_hours: bool, length: float) -> time | None:
    for hit in by_key.get("time", ()):
        if isinstance(hit.value, time) and (about_hours or length <= _SHORT):
            return hit.value
    if "this_evening" in by_key:
        return max(PARTS["evening"], now.time().replace(second=0, microsecond=0, tzinfo=None, fold=0))
    if about_hours:
        for hit in by_key.get("parts", ()):
            return PARTS[hit.name]
    return None


def _age(by_key: dict[str, list[Hit]]) -> int | None:
    """The age of whoever it is for; none if there are several, for nobody can tell which one counts."""
    found = {hit.value for hit in by_key.get("ages", ()) if isinstance(hit.value, int) and hit.value <= 120}
    found |= {hit.value // 12 for hit in by_key.get("months", ()) if isinstance(hit.value, int) and hit.value <= 36}
    return found.pop() if len(found) == 1 else None
