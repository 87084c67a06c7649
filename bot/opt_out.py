"""The STOP ledger: who has told us to stop, by hashed number and purpose, asked at the last moment before anything is sent.

STOP ends every purpose. A message of danger that comes after it is a new consent for answers to it, and for nothing else.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import vault

#: Why a text is sent: to answer a question, to ask later whether it helped, to warn many at once.
Purpose = Literal["answers", "followups", "alerts"]
PURPOSES: Final[tuple[Purpose, ...]] = ("answers", "followups", "alerts")
#: Who said so: the person's word, the provider (which heard it itself), or staff on the person's behalf.
Source = Literal["word", "provider", "staff"]


class OptOut(Base):
    """A purpose for which a number must not be texted."""

    __tablename__ = "opt_out"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), primary_key=True)
    source: Mapped[str] = mapped_column(String(10), default="word")
    since: Mapped[datetime] = mapped_column(Moment, default=now)


def _hash(number: str) -> str:
    return vault().hash(f"opt-out:{number}")


def stop(session: Session, number: str, purposes: Iterable[Purpose] = PURPOSES, source: Source = "word") -> None:
    """Never text `number` for `purposes` again until it says START."""
    for purpose in purposes:
        session.merge(OptOut(number_hash=_hash(number), purpose=purpose, source=source, since=now()))


def start(session: Session, number: str, purposes: Iterable[Purpose] = PURPOSES) -> None:
    """Allow texts to `number` again, for `purposes`."""
    session.execute(delete(OptOut).where(OptOut.number_hash == _hash(number), OptOut.purpose.in_(tuple(purposes))))


def stopped(session: Session, number: str, purpose: Purpose = "answers") -> bool:
    """Whether `number` has told us to stop for this purpose."""
    query = select(OptOut.number_hash).where(OptOut.number_hash == _hash(number), OptOut.purpose == purpose)
    return session.scalar(query) is not None


def purposes_stopped(session: Session, number: str) -> frozenset[str]:
    """All purposes for which `number` has told us to stop."""
    return frozenset(session.scalars(select(OptOut.purpose).where(OptOut.number_hash == _hash(number))))
