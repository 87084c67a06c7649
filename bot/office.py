"""When a person is there: office hours, Monday to Friday, closed on public holidays."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from bot.settings import Settings


@dataclass(frozen=True)
class Office:
    """The hours of the people who answer. Times are local to `zone`."""

    opens: time
    closes: time
    zone: ZoneInfo
    country: str

    @classmethod
    def of(cls, settings: Settings) -> "Office":
        """The office that the settings describe."""
        return cls(*settings.office_hours, zone=settings.time_zone, country=settings.country)

    def works_on(self, day: date) -> bool:
        """Whether anybody works on that day."""
        return day.weekday() < 5 and day not in _public_holidays(self.country)

    def staffed(self, moment: datetime) -> bool:
        """Whether somebody is there at `moment` (aware)."""
        local = moment.astimezone(self.zone)
        return self.works_on(local.date()) and self.opens <= local.time() < self.closes

    def after(self, moment: datetime, work: timedelta) -> datetime:
        """The moment (UTC) at which `work` of office time has passed since `moment` (aware)."""
        local = moment.astimezone(self.zone)
        left = work
        while True:
            start = max(local, datetime.combine(local.date(), self.opens, self.zone))
            end = datetime.combine(local.date(), self.closes, self.zone)
            if self.works_on(local.date()) and start < end:
                if start + left <= end:
                    return (start + left).astimezone(UTC)
                left -= end - start
            local = datetime.combine(local.date() + timedelta(days=1), time.min, self.zone)


@cache
def _public_holidays(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)
