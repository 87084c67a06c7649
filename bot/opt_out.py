"""Who has told us to stop: kept by hashed number, asked at the last moment before anything is sent."""

from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import vault


class OptOut(Base):
    """A number that must not be texted."""

    __tablename__ = "opt_out"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment, default=now)


def _hash(number: str) -> str:
    return vault().hash(f"opt-out:{number}")


def stop(session: Session, number: str) -> None:
    """Never text `number` again until it says START."""
    session.merge(OptOut(number_hash=_hash(number), since=now()))


def start(session: Session, number: str) -> None:
    """Allow texts to `number` again."""
    session.execute(delete(OptOut).where(OptOut.number_hash == _hash(number)))


def stopped(session: Session, number: str) -> bool:
    """Whether `number` has told us to stop."""
    return session.scalar(select(OptOut.number_hash).where(OptOut.number_hash == _hash(number))) is not None
