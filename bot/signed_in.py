"""Who is signed in at the desk: sessions kept on our side, so that signing out, a new password and time really end them."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import vault
from bot.staff import Staff

#: After this long without a click, and after this long in any case, one signs in again.
IDLE, LASTS = timedelta(hours=1), timedelta(hours=12)
#: Being there is noted this often.
NOTED = timedelta(minutes=1)


class StaffSession(Base):
    """One browser somebody is signed in with. The id is a keyed hash: whoever reads the table cannot use it.

    `password` changes with the account's password, so that a new one ends every session, however it was set.
    """

    __tablename__ = "staff_session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    password: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    seen_at: Mapped[datetime] = mapped_column(Moment, default=now)


def begin(session: Session, staff_id: int) -> str:
    """Sign somebody in; returns the secret for their browser's cookie. Sessions that are over are swept away."""
    token = secrets.token_urlsafe(32)
    moment = now()
    over = (StaffSession.created_at < moment - LASTS) | (StaffSession.seen_at < moment - IDLE)
    session.execute(delete(StaffSession).where(over))
    password = _password(session.get_one(Staff, staff_id))
    session.add(StaffSession(id=_hash(token), staff_id=staff_id, password=password, created_at=moment, seen_at=moment))
    session.flush()
    return token


def find(session: Session, token: str) -> tuple[Staff, datetime] | None:
    """Who has this session and when they were last seen; None when it is over or the account closed."""
    moment = now()
    row = session.execute(
        select(Staff, StaffSession.seen_at, StaffSession.password)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.id == _hash(token),
            StaffSession.created_at > moment - LASTS,
            StaffSession.seen_at > moment - IDLE,
            Staff.active,
        )
    ).first()
    if row is None or row[2] != _password(row[0]):
        return None
    return row[0], row[1]


def seen(session: Session, token: str) -> None:
    """The person is there."""
    session.execute(update(StaffSession).where(StaffSession.id == _hash(token)).values(seen_at=now()))


def end(session: Session, token: str) -> None:
    """Sign out."""
    session.execute(delete(StaffSession).where(StaffSession.id == _hash(token)))


def end_all(session: Session, staff_id: int, but: str = "") -> None:
    """Sign somebody out everywhere, `but` in the browser with this token, which goes on under a new password too."""
    kept = _hash(but) if but else ""
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.id != kept))
    password = _password(session.get_one(Staff, staff_id))
    session.execute(update(StaffSession).where(StaffSession.id == kept).values(password=password))


def of(session: Session, staff_id: int) -> list[StaffSession]:
    """Where somebody is signed in, the newest first."""
    query = select(StaffSession).where(StaffSession.staff_id == staff_id).order_by(StaffSession.created_at.desc())
    return list(session.scalars(query))


def _hash(token: str) -> str:
    return vault().hash(f"staff session:{token}")


def _password(staff: Staff) -> str:
    return vault().hash(f"staff:{staff.password_hash}")[:16]
