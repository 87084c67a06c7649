"""Staff: who may sign in at the desk."""

from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.errors import CarelineError

_hasher = PasswordHasher()
#: Checked when the name is unknown, so that the answer takes as long as for a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8"


class Staff(Base):
    """One person who answers at the desk."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


def add(session: Session, name: str, password: str) -> Staff:
    """A new account, or a new password for an old one. Raises CarelineError for a password under 12 characters."""
    if len(password) < 12:
        raise CarelineError("The password needs at least 12 characters.")
    staff = session.scalar(select(Staff).where(Staff.name == name)) or Staff(name=name)
    staff.password_hash = _hasher.hash(password)
    session.add(staff)
    session.flush()
    return staff


def sign_in(session: Session, name: str, password: str) -> Staff | None:
    """The account that name and password open, None if they open none."""
    staff = session.scalar(select(Staff).where(Staff.name == name, Staff.active))
    try:
        _hasher.verify(staff.password_hash if staff else _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return staff
