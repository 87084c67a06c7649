"""The worker's sign of life, for /readyz."""

from datetime import datetime, timedelta

from sqlalchemy import String, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment

#: A part that has not been heard of for this long is taken to be down.
SILENT = timedelta(seconds=30)


class Heartbeat(Base):
    """When a part of the service last said it was alive."""

    __tablename__ = "heartbeat"

    part: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


def beat(session: Session, part: str) -> None:
    """Say that `part` is alive."""
    moment = now()
    seen = session.execute(update(Heartbeat).where(Heartbeat.part == part).values(at=moment))
    if seen.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
        return
    try:
        with session.begin_nested():
            session.execute(insert(Heartbeat).values(part=part, at=moment))
    except IntegrityError:
        return  # of several workers that start together another said so first


def alive(session: Session, part: str) -> bool:
    """Whether `part` has been heard of lately."""
    row = session.get(Heartbeat, part)
    return row is not None and now() - row.at < SILENT
