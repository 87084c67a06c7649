"""Numbers that are not answered, on an administrator's word; kept by keyed hash. Danger is answered all the same."""

from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import vault


class BlockedNumber(Base):
    """A number that gets no answer."""

    __tablename__ = "blocked_number"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment, default=now)


def _hash(number: str) -> str:
    return vault().hash(f"blocked:{number}")


def block(session: Session, number: str) -> None:
    """Answer `number` no more."""
    session.merge(BlockedNumber(number_hash=_hash(number), since=now()))


def unblock(session: Session, number: str) -> bool:
    """Answer `number` again. False if it was not blocked."""
    gone = session.execute(delete(BlockedNumber).where(BlockedNumber.number_hash == _hash(number)))
    return bool(gone.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every DELETE


def blocked(session: Session, number: str) -> bool:
    """Whether `number` is blocked."""
    return session.scalar(select(BlockedNumber.number_hash).where(BlockedNumber.number_hash == _hash(number))) is not None
