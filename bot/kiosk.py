"""Kiosks: the machines a steward has registered, each at a branch of the library.

Three secrets, of which only hashes are kept: a code that makes one browser the kiosk (used once, an hour long), the token
that browser then carries as its only cookie, and a PIN with which staff at the desk open the assist bar.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Select, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.directory.search import card
from bot.directory.tables import LISTING, TABLES
from bot.encryption import vault
from bot.errors import CarelineError
from bot.reply import ServiceCard
from bot.settings import Settings

#: How long a registration code may be used.
CODE_LASTS = timedelta(hours=1)
#: No letter or digit that is taken for another one.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's smaller choice: a PIN is tried rarely


class Kiosk(Base):
    """One machine. `location_id` is the HSDS location it stands in, `languages` codes with a space between them (none: all)."""

    __tablename__ = "kiosk"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    location_id: Mapped[str] = mapped_column(String(100))
    branch: Mapped[str] = mapped_column(String(200))
    languages: Mapped[str] = mapped_column(String(80), default="")
    printer: Mapped[bool] = mapped_column(default=False)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_until: Mapped[datetime | None] = mapped_column(Moment)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    pin_hash: Mapped[str] = mapped_column(String(200))
    registered_at: Mapped[datetime] = mapped_column(Moment, default=now)


@dataclass(frozen=True)
class Secrets:
    """What the steward is shown once: the code to type at the machine, and the PIN for the staff beside it."""

    code: str
    pin: str


def register(session: Session, name: str, branch: str, languages: tuple[str, ...] = (), printer: bool = False) -> Secrets:
    """Register a machine, or register it anew: its browser and its PIN are changed. Raises CarelineError for an unknown branch.

    `branch` is the name or the id of a location of the directory.
    """
    location = TABLES["location"]
    rows = session.execute(select(location.c.id, location.c.name)).all()
    found = [row for row in rows if row.id == branch or (row.name or "").casefold() == branch.strip().casefold()]
    if len(found) != 1:
        raise CarelineError(
            f"The directory has {len(found) or 'no'} locations called {branch!r}: give the name of one, or its id."
        )
    code = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    pin = f"{secrets.randbelow(10**6):06d}"
    kiosk = session.scalar(select(Kiosk).where(Kiosk.name == name)) or Kiosk(name=name)
    kiosk.location_id, kiosk.branch = found[0].id, found[0].name
    kiosk.languages, kiosk.printer = " ".join(languages), printer
    kiosk.code_hash, kiosk.code_until, kiosk.token_hash = _hashed("code", code), now() + CODE_LASTS, None
    kiosk.pin_hash = _hasher.hash(pin)
    session.add(kiosk)
    session.flush()
    return Secrets(code, pin)


def remove(session: Session, name: str) -> bool:
    """Forget a machine; its cookie opens nothing any more. False if there is none of that name."""
    return bool(session.execute(delete(Kiosk).where(Kiosk.name == name)).rowcount)  # type: ignore[attr-defined]


def all_kiosks(session: Session) -> list[Kiosk]:
    """Every registered machine, by name."""
    return list(session.scalars(select(Kiosk).order_by(Kiosk.name)))


def enrol(session: Session, code: str) -> str | None:
    """The token for the browser in which a valid code was typed; the code is used up. None for any other code."""
    typed = "".join(character for character in code.upper() if character in _ALPHABET)
    kiosk = session.scalar(select(Kiosk).where(Kiosk.code_hash == _hashed("code", typed)))
    if kiosk is None or kiosk.code_until is None or kiosk.code_until < now():
        return None
    token = secrets.token_urlsafe(32)
    kiosk.code_hash, kiosk.code_until, kiosk.token_hash = None, None, _hashed("token", token)
    return token


def of_token(session: Session, token: str | None) -> Kiosk | None:
    """The machine whose browser carries this token."""
    return session.scalar(select(Kiosk).where(Kiosk.token_hash == _hashed("token", token))) if token else None


def opens(kiosk: Kiosk, pin: str) -> bool:
    """Whether this is the PIN of the machine. Takes 19 MB and some milliseconds; whoever calls it counts the attempts."""
    try:
        return _hasher.verify(kiosk.pin_hash, pin)
    except (VerifyMismatchError, InvalidHashError):
        return False


def services(session: Session, location_id: str, moment: datetime, settings: Settings) -> tuple[ServiceCard, ...]:
    """What is offered in the building itself, by name, with the hours of this day, as at an aware moment."""
    place = TABLES["service_at_location"]
    return _cards(session, select(place.c.id).where(place.c.location_id == location_id), moment, settings)


def of_topic(session: Session, topic: str, moment: datetime, settings: Settings) -> tuple[ServiceCard, ...]:
    """Every place whose main topic this is, by name, with the hours of this day, as at an aware moment."""
    return _cards(session, select(LISTING.c.listing_id).where(LISTING.c.topic == topic, LISTING.c.rank == 1), moment, settings)


def _cards(session: Session, ids: Select[Any], moment: datetime, settings: Settings) -> tuple[ServiceCard, ...]:
    day = moment.astimezone(settings.time_zone).date()
    found = [card(session, listing_id, moment, settings, day=day) for listing_id in session.scalars(ids).all()]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.name, one.id)))


def _hashed(purpose: str, secret: str) -> str:
    return vault().hash(f"kiosk {purpose}: {secret}")
