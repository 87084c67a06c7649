"""How often signing in may fail before one has to wait: kept in the database, so that it holds for every process."""

from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import vault

#: Failures after which a name at one address waits, and after which an address waits whatever the name.
PER_NAME, PER_ADDRESS = 5, 30
WAIT = timedelta(minutes=5)


class Attempt(Base):
    """One attempt that has not succeeded. `who` and `address` are keyed hashes: the log of failures names nobody."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("sign_in_attempt_who", "who", "at"), Index("sign_in_attempt_address", "address", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment, default=now)


def begin(session: Session, name: str, address: str) -> int | None:
    """Whether one more attempt is allowed: its id, or None when one has to wait.

    It counts as failed until `succeeded` is called, so that many at once do not slip by.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE sign_in_attempt IN EXCLUSIVE MODE"))  # SQLite's writers take turns anyway
    moment = now()
    session.execute(delete(Attempt).where(Attempt.at < moment - WAIT))
    who, where = _hash(f"{name.casefold()} {address}"), _hash(address)
    if _count(session, Attempt.who == who) >= PER_NAME or _count(session, Attempt.address == where) >= PER_ADDRESS:
        return None
    attempt = Attempt(who=who, address=where, at=moment)
    session.add(attempt)
    session.flush()
    return attempt.id


def succeeded(session: Session, name: str, address: str) -> None:
    """Forget the failures of a name at an address."""
    session.execute(delete(Attempt).where(Attempt.who == _hash(f"{name.casefold()} {address}")))


def _count(session: Session, condition: object) -> int:
    return session.scalar(select(func.count()).select_from(Attempt).where(condition)) or 0  # type: ignore[arg-type]


def _hash(text: str) -> str:
    return vault().hash(f"sign-in:{text}")
