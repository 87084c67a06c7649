"""A pick-up code: six digits that show one answer again at any kiosk, for one day.

Said on the telephone or written in a text, keyed in at a library. It leads to the answer alone, never to the conversation
or the number it came from. The code itself is not kept, only its keyed hash; guessing is limited.
"""

import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import reply as replies
from bot.clock import now
from bot.db import Base, Database, Moment
from bot.encryption import Sealed, vault
from bot.reply import Reply

#: How many digits a code has, and how long it works.
DIGITS = 6
LASTS = timedelta(days=1)
#: Wrong codes within this time that one source, and all together, may try. All together would need five days of nothing
#: else to come across one of a hundred codes.
WINDOW = timedelta(minutes=10)
PER_SOURCE = 5
IN_ALL = 200


class Pickup(Base):
    """One answer that waits to be picked up."""

    __tablename__ = "pickup"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reply: Mapped[str] = mapped_column(Sealed)
    language: Mapped[str] = mapped_column(String(8))
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class WrongCode(Base):
    """A code that opened nothing; `source_hash` says who tried, for as long as it counts."""

    __tablename__ = "pickup_wrong_code"
    __table_args__ = (Index("pickup_wrong_code_source", "source_hash", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


def issue(database: Database, reply: Reply, language: str) -> str:
    """Keep an answer for a day and return its code, six digits. Raises DatabaseUnavailable."""
    # Choices and promises belong to the conversation, which the code does not open.
    kept = json.dumps(replies.dump(replace(reply, choices=(), escalation=None)))
    while True:
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        try:
            with database.begin() as session:
                session.execute(delete(Pickup).where(Pickup.expires_at <= now()))
                session.add(Pickup(code_hash=_hash(code), reply=kept, language=language, expires_at=now() + LASTS))
            return code
        except IntegrityError:
            continue  # this code waits for somebody else already


def redeem(database: Database, code: str, source: str = "") -> tuple[Reply, str] | None:
    """The answer behind a code and its language; None for a wrong or old one, and for a source that guesses.

    `source` tells guessers apart: a kiosk's name, an address. Spaces and dashes in the code do not matter, and digits may be
    of any script. Raises DatabaseUnavailable.
    """
    digits = digits_of(code)
    with database.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("LOCK TABLE pickup_wrong_code IN EXCLUSIVE MODE"))  # SQLite's writers take turns anyway
        if _limited(session, source):
            return None
        found = session.get(Pickup, _hash(digits)) if len(digits) == DIGITS else None
        if found is not None and found.expires_at > now():
            return replies.load(json.loads(found.reply)), found.language
        session.execute(delete(WrongCode).where(WrongCode.at <= now() - WINDOW))
        session.add(WrongCode(source_hash=_hash(source)))
    return None


def digits_of(text: str) -> str:
    """The digits in a text, of any script, as 0 to 9."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def limited(database: Database, source: str = "") -> bool:
    """Whether `source` has to wait before it may try another code. Raises DatabaseUnavailable."""
    with database.read() as session:
        return _limited(session, source)


def _limited(session: Session, source: str) -> bool:
    recent = select(func.count()).select_from(WrongCode).where(WrongCode.at > now() - WINDOW)
    mine = session.scalar(recent.where(WrongCode.source_hash == _hash(source))) or 0
    return mine >= PER_SOURCE or (session.scalar(recent) or 0) >= IN_ALL


def _hash(text: str) -> str:
    return vault().hash(f"pickup:{text}")
