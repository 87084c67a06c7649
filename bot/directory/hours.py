"""Opening hours: from HSDS schedule rows to whether a place is open, and to the hours of one day.

Times are what a clock on the wall shows where the service is. The standard's `timezone` is a bare offset that cannot
follow summer time, so it is kept for export and not reckoned with. What the rows mean:

- `freq` WEEKLY or MONTHLY with `byday` and the other RFC 5545 fields: regular hours. `byday` without `freq` is weekly.
- `closes_at` not later than `opens_at`: open past midnight; the day is the day of opening. 23:59 is the end of the day.
- dates without `freq` and `byday`: an exception, which outranks regular rows on its days; closed if it has no times.
  Where exceptions overlap, the one for fewer days counts.
- regular rows that have all ended, rows without days or times, no rows: the hours are unknown.
- a public holiday for which there is no exception: unknown, unless the place is open on every day of the week.
"""

import json
import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays as holiday_calendars
from dateutil import rrule

from bot.reply import DayHours, Opening

#: How far ahead the next opening is looked for.
HORIZON: Final = timedelta(days=60)
#: A place that stays open for this long is said to be open day and night.
ALWAYS: Final = timedelta(days=7)

_DAY: Final = timedelta(days=1)
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BYDAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_END_OF_DAY: Final = time(23, 59)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Schedule:
    """One schedule row, read. `byday` holds (weekday with Monday 0, which one of the month or 0) pairs."""

    freq: str | None = None
    interval: int = 1
    count: int | None = None
    wkst: int = 0
    byday: tuple[tuple[int, int], ...] = ()
    bymonthday: tuple[int, ...] = ()
    byweekno: tuple[int, ...] = ()
    byyearday: tuple[int, ...] = ()
    dtstart: date | None = None
    first: date | None = None
    last: date | None = None
    opens: time | None = None
    closes: time | None = None

    @property
    def exception(self) -> bool:
        """Whether the row is for certain dates only, against the regular hours."""
        return self.freq is None

    @property
    def plain(self) -> bool:
        """Whether the row names weekdays of every week, and nothing else."""
        special = self.interval != 1 or self.count or self.bymonthday or self.byweekno or self.byyearday
        return self.freq == "WEEKLY" and not special and bool(self.byday) and not any(which for _, which in self.byday)

    def covers(self, day: date) -> bool:
        """Whether the day lies between the row's first and last."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def spans(self, day: date) -> list[Span]:
        """When it opens on a day that it applies to; nothing if it is closed."""
        if self.opens is None or self.closes is None:
            return []
        start = datetime.combine(day, self.opens)
        if self.closes >= _END_OF_DAY:
            return [(start, datetime.combine(day + _DAY, time()))]
        return [(start, datetime.combine(day if self.closes > self.opens else day + _DAY, self.closes))]


def read_schedule(row: Mapping[str, str | None]) -> Schedule | None:
    """Read an HSDS schedule row. None if it does not say on which days, or not at what times, a place opens."""
    found = [match.groups() for match in _BYDAY.finditer((row.get("byday") or "").upper())]
    byday = tuple((_DAYS.index(day), int(which or 0)) for which, day in found)
    freq = (row.get("freq") or ("WEEKLY" if byday else "")).upper() or None
    opens, closes = _time(row.get("opens_at")), _time(row.get("closes_at"))
    dtstart = _date(row.get("dtstart"))
    starts = [day for day in (_date(row.get("valid_from")), dtstart) if day]
    ends = [day for day in (_date(row.get("valid_to")), _date(row.get("until"))) if day]
    if freq is None and dtstart and not ends:
        ends = [dtstart]  # an event that is not repeated
    schedule = Schedule(
        freq=freq,
        interval=max(1, _whole(row.get("interval")) or 1),
        count=_whole(row.get("count")),
        wkst=_DAYS.index(row["wkst"].upper()) if (row.get("wkst") or "").upper() in _DAYS else 0,  # type: ignore[union-attr]
        byday=byday,
        bymonthday=_numbers(row.get("bymonthday")),
        byweekno=_numbers(row.get("byweekno")),
        byyearday=_numbers(row.get("byyearday")),
        dtstart=dtstart,
        first=max(starts, default=None),
        last=min(ends, default=None),
        opens=opens,
        closes=closes,
    )
    return schedule if _says_enough(schedule, bool(row.get("valid_from") or row.get("valid_to"))) else None


def _says_enough(schedule: Schedule, has_validity: bool) -> bool:
    if schedule.exception:
        dated = has_validity or schedule.dtstart is not None
        return dated and (schedule.opens is None) == (schedule.closes is None)
    if schedule.freq not in {"WEEKLY", "MONTHLY"} or schedule.opens is None or schedule.closes is None:
        return False
    if (schedule.interval > 1 or schedule.count) and schedule.first is None:
        return False  # every second week of what?
    if schedule.freq == "WEEKLY" and any(which for _, which in schedule.byday):
        return False
    return bool(schedule.byday or schedule.bymonthday or schedule.byweekno or schedule.byyearday or schedule.dtstart)


def read_schedules(rows: Iterable[Mapping[str, str | None]]) -> tuple[Schedule, ...]:
    """Read those rows that can be read."""
    return tuple(schedule for schedule in map(read_schedule, rows) if schedule is not None)


@lru_cache(maxsize=20_000)
def load_schedules(text: str) -> tuple[Schedule, ...]:
    """The schedules of a JSON list of rows, as kept in the table service_card."""
    return read_schedules(json.loads(text))


def opening(schedules: Sequence[Schedule], moment: datetime, zone: ZoneInfo, holidays: Container[date] = ()) -> Opening:
    """Whether a place is open at an aware moment, until when, or when it next opens within 60 days.

    `zone` is the time zone of the place, `holidays` its public holidays.
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    today = local.date()
    end = _open_until(schedules, local, holidays)
    if end is not None:
        return Opening("always") if end - local >= ALWAYS else Opening("open", until=end)
    spans = spans_on(schedules, today, holidays)
    if spans is None:
        return Opening("unknown")
    closed_today = not spans
    for ahead in range(HORIZON.days + 1):
        later = [start for start, _ in spans_on(schedules, today + ahead * _DAY, holidays) or () if start > local]
        if later:
            return Opening("closed", opens=min(later), closed_today=closed_today)
    return Opening("closed", closed_today=closed_today)


def _open_until(schedules: Sequence[Schedule], local: datetime, holidays: Container[date]) -> datetime | None:
    """When it closes, with spans that touch taken together; None if it is not open."""
    spans = _around(schedules, local.date(), holidays)
    end = max((end for start, end in spans if start <= local < end), default=None)
    while end is not None and end - local < ALWAYS:
        spans = _around(schedules, end.date(), holidays)
        further = max((stop for start, stop in spans if start <= end < stop), default=None)
        if further is None:
            break
        end = further
    return end


def _around(schedules: Sequence[Schedule], day: date, holidays: Container[date]) -> list[Span]:
    """What begins on a day or on the day before, and may last into it."""
    return [span for begun in (day - _DAY, day) for span in spans_on(schedules, begun, holidays) or ()]


def open_at(schedules: Sequence[Schedule], local: datetime, holidays: Container[date] = ()) -> bool:
    """Whether a place is known to be open at a local time without zone."""
    return _open_until(schedules, local, holidays) is not None


def on_day(schedules: Sequence[Schedule], day: date, holidays: Container[date] = ()) -> DayHours:
    """The hours of one day: those of the openings that begin on it. A whole day is 00:00 to 23:59."""
    spans = spans_on(schedules, day, holidays)
    if spans is None:
        return DayHours(day, known=False)
    return DayHours(day, tuple((start.time(), _closing(start, end)) for start, end in spans))


def _closing(start: datetime, end: datetime) -> time:
    return _END_OF_DAY if end - start >= _DAY else end.time()


def spans_on(schedules: Sequence[Schedule], day: date, holidays: Container[date] = ()) -> list[Span] | None:
    """From when to when it is open, for openings that begin on a day: in order, apart; None if that is not known."""
    exceptions = [row for row in schedules if row.exception and row.covers(day)]
    if exceptions:
        shortest = min(_length(row) for row in exceptions)
        return _joined(span for row in exceptions if _length(row) == shortest for span in row.spans(day))
    regular = [row for row in schedules if not row.exception]
    if all(row.last is not None and row.last < day for row in regular):
        return None
    spans = _joined(span for row in regular if _occurs(row, day) for span in row.spans(day))
    if spans and day in holidays and not _every_day(regular, day):
        return None
    return spans


def _length(row: Schedule) -> timedelta:
    return (row.last or date.max) - (row.first or date.min)


def _every_day(regular: Sequence[Schedule], day: date) -> bool:
    return len({weekday for row in regular if row.plain and row.covers(day) for weekday, _ in row.byday}) == len(_DAYS)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _occurs(row: Schedule, day: date) -> bool:
    if not row.covers(day):
        return False
    if row.plain:  # nearly all rows, and rrule takes a hundred times as long for the same answer
        return any(weekday == day.weekday() for weekday, _ in row.byday)
    return occurs_by_rule(row, day)


@lru_cache(maxsize=50_000)
def occurs_by_rule(row: Schedule, day: date) -> bool:
    """Whether the row's RFC 5545 rule gives this day."""
    begin = row.dtstart or row.first
    if begin is None or not (row.interval > 1 or row.count or row.dtstart):
        # Without interval and count the beginning changes nothing: a late one spares counting up from the past.
        begin = day.replace(day=1) if row.freq == "MONTHLY" else day - timedelta(days=day.weekday())
    elif row.interval == 1 and not row.count and (row.byday or row.bymonthday):
        begin = max(begin, day.replace(day=1) - timedelta(days=7))
    weekdays = [rrule.weekday(weekday, which or None) for weekday, which in row.byday]
    rule = rrule.rrule(
        rrule.MONTHLY if row.freq == "MONTHLY" else rrule.WEEKLY,
        dtstart=datetime.combine(begin, time()),
        interval=row.interval,
        wkst=row.wkst,
        count=row.count,
        byweekday=weekdays or None,
        bymonthday=row.bymonthday or None,
        byweekno=row.byweekno or None,
        byyearday=row.byyearday or None,
    )
    start = datetime.combine(day, time())
    return bool(rule.between(start, start, inc=True))


@lru_cache(maxsize=8)
def public_holidays(country: str) -> Container[date]:
    """The public holidays of a whole country (ISO 3166 code); none for a country without a calendar."""
    try:
        calendar: Container[date] = holiday_calendars.country_holidays(country)
    except NotImplementedError:
        return frozenset()
    return calendar


def _time(text: str | None) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        return None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[+-]?\d{1,3}", text or "") if int(number))


def relevant_rows(
    levels: Iterable[Collection[Mapping[str, str | None]]],
) -> list[Mapping[str, str | None]]:
    """The rows that count, of those linked to a service at a location, to the service, to the location, in this order.

    Regular hours are those of the first level that has any; exceptions hold from wherever they come.
    """
    chosen: list[Mapping[str, str | None]] = []
    regular_found = False
    for rows in levels:
        regular = [row for row in rows if row.get("freq") or row.get("byday")]
        chosen += [row for row in rows if not (row.get("freq") or row.get("byday"))]
        if regular and not regular_found:
            chosen += regular
            regular_found = True
    return chosen
