"""What texts cost each day, and the cap on it: a warning to the administrator before, short answers after.

Counted in segments handed to the provider. Past the cap danger, STOP and people at the desk still go out; everybody else is
told once how to reach a person.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from prometheus_client import Gauge
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import metrics, municipalities
from bot.clock import now
from bot.db import Base, Database
from bot.render.segments import measure
from bot.settings import Settings

#: Share of the cap at which the administrator is warned.
WARN_AT: Final = 0.8
_spent = Gauge("careline_spent_today", "What today's texts have cost, in CARELINE_CURRENCY.", (metrics.WHOSE,))


class SpentDay(Base):
    """The segments of one day. `warned`: 1 after the first warning, 2 after the one that the cap is reached."""

    __tablename__ = "spent_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    segments: Mapped[int] = mapped_column(default=0)
    warned: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class SpendWarning:
    """What the administrator should hear: how much of the cap is spent."""

    spent: float
    cap: float
    reached: bool


def today(settings: Settings) -> date:
    """The day, where the service is."""
    return now().astimezone(settings.time_zone).date()


def count(database: Database, settings: Settings, text: str) -> None:
    """Add a text that is handed to the provider. Raises DatabaseUnavailable."""
    if not text:
        return
    segments, day = measure(text).segments, today(settings)
    with database.begin() as session:
        if _add(session, day, segments):
            return
    try:
        with database.begin() as session:
            session.add(SpentDay(day=day, segments=segments))
    except IntegrityError:  # another process began the day
        with database.begin() as session:
            _add(session, day, segments)


def _add(session: Session, day: date, segments: int) -> bool:
    added = session.execute(update(SpentDay).where(SpentDay.day == day).values(segments=SpentDay.segments + segments))
    return bool(added.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def spent(session: Session, settings: Settings) -> float:
    """What today's texts have cost, in the settings' currency."""
    segments = session.scalar(select(SpentDay.segments).where(SpentDay.day == today(settings))) or 0
    cost = round(segments * settings.segment_price, 4)
    _spent.labels(municipalities.current()).set(cost)
    return cost


def exhausted(session: Session, settings: Settings) -> bool:
    """Whether today's cap is reached. Never without a cap."""
    return settings.daily_cap > 0 and spent(session, settings) >= settings.daily_cap


def warning(database: Database, settings: Settings) -> SpendWarning | None:
    """A warning that is due now: each at most once a day, whichever process asks. Raises DatabaseUnavailable."""
    if settings.daily_cap <= 0:
        return None
    with database.begin() as session:
        cost = spent(session, settings)
        share = round(cost / settings.daily_cap, 6)
        level = 2 if share >= 1 else 1 if share >= WARN_AT else 0
        raised = update(SpentDay).where(SpentDay.day == today(settings), SpentDay.warned < level).values(warned=level)
        if not level or not session.execute(raised).rowcount:  # type: ignore[attr-defined]  # as above
            return None
        return SpendWarning(cost, settings.daily_cap, reached=level == 2)
