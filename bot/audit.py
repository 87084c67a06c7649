"""What was done at the desk, by whom: written once, never changed.

Triggers in the database refuse to change an entry, and to remove one before KEPT_DAYS: the application cannot, whatever
happens in it. No word of what people wrote, and no number, stands here.
"""

from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment

#: Days an entry is kept; the triggers of the migration name the same number.
KEPT_DAYS = 400


class AuditEntry(Base):
    """One thing done. `staff_id` is empty where nobody was signed in; `subject` names a case, an account or a team by id."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_staff", "staff_id", "at"), Index("audit_subject", "subject"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    staff_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(80))
    detail: Mapped[str | None] = mapped_column(String(200))


def record(session: Session, staff_id: int | None, action: str, subject: str | None = None, detail: str | None = None) -> None:
    """Write down that something was done, in the caller's transaction: both happen or neither."""
    session.add(AuditEntry(at=now(), staff_id=staff_id, action=action, subject=subject, detail=detail))


def entries(
    session: Session, staff_id: int | None = None, subject: str | None = None, before: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """The newest entries, of somebody or about something where asked."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if staff_id is not None:
        query = query.where((AuditEntry.staff_id == staff_id) | (AuditEntry.subject == f"staff {staff_id}"))
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(query))


def sweep(session: Session) -> None:
    """Remove what is older than it may be kept."""
    session.execute(delete(AuditEntry).where(AuditEntry.at < now() - timedelta(days=KEPT_DAYS)))
