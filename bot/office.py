"""When a person is there: the timetable of the municipality or of a team, for a language and a channel, in local time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from bot import timetable
from bot.settings import Settings
from bot.staff import Team
from bot.timetable import Timetable

#: An office closed for longer than this is not waited for.
LONGEST = timedelta(days=60)


@dataclass(frozen=True)
class Office:
    """The hours of the people who answer. Times of the timetable are local to `zone`."""

    hours: Timetable
    zone: ZoneInfo
    country: str

    @classmethod
    def of(
        cls, settings: Settings, team: Team | None = None, language: str | None = None, channel: str | None = None
    ) -> "Office":
        """The office that answers somebody who speaks `language` on `channel`: the team's hours, else the municipality's."""
        hours = timetable.parse(team.hours) if team is not None and team.hours.strip() else settings.office_hours
        return cls(hours.of(language, channel), settings.time_zone, settings.country)

    def works_on(self, day: date) -> bool:
        """Whether anybody begins work on that day."""
        return bool(self._on(day))

    def staffed(self, moment: datetime) -> bool:
        """Whether somebody is there at `moment` (aware)."""
        return any(start <= moment < end for start, end in self._spans(moment, 1))

    def opens(self, moment: datetime) -> datetime | None:
        """When somebody is there next (UTC): `moment` itself if they are, None if nobody is for LONGEST."""
        for start, end in self._spans(moment, LONGEST.days):
            if end > moment:
                return max(start, moment).astimezone(UTC)
        return None

    def after(self, moment: datetime, work: timedelta) -> datetime:
        """The moment (UTC) at which `work` of office time has passed since `moment` (aware).

        An office that is never open promises nothing earlier than LONGEST.
        """
        left = work
        for start, end in self._spans(moment, LONGEST.days):
            start = max(start, moment.astimezone(UTC))
            if end <= start:
                continue
            if start + left <= end:
                return start + left
            left -= end - start
        return moment.astimezone(UTC) + LONGEST

    def _on(self, day: date) -> tuple[timetable.Interval, ...]:
        return self.hours.on(day, day in _public_holidays(self.country))

    def _spans(self, moment: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of work from the day before `moment` on, in UTC and in order, those that meet or overlap made one."""
        first = moment.astimezone(self.zone).date() - timedelta(days=1)
        current: tuple[datetime, datetime] | None = None
        for number in range(days + 2):
            day = first + timedelta(days=number)
            for opens, closes in self._on(day):
                start = datetime.combine(day, opens, self.zone).astimezone(UTC)
                ends_on = day if closes > opens else day + timedelta(days=1)
                end = datetime.combine(ends_on, closes, self.zone).astimezone(UTC)
                if current is not None and start <= current[1]:
                    current = (current[0], max(current[1], end))
                    continue
                if current is not None:
                    yield current
                current = (start, end)
        if current is not None:
            yield current


@cache
def _public_holidays(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)
