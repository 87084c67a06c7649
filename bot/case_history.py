"""What happened to a case: opened, taken, forwarded, noted, rung. One row for each, by its number in the order it happened."""

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import Sealed

Kind = Literal[
    "opened", "reopened", "raised", "claimed", "taken_over", "released", "quiet", "answered", "closed", "forwarded", "note",
    "called", "reminded", "rang", "went_up", "helped", "consent", "bridged",
]  # fmt: skip


class CaseEvent(Base):
    """One thing that happened. `staff_id` is empty where nobody of the staff did it; `text` is a note's words, sealed."""

    __tablename__ = "case_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("escalation_case.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    kind: Mapped[str] = mapped_column(String(12))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    detail: Mapped[str | None] = mapped_column(String(120))
    text: Mapped[str | None] = mapped_column(Sealed)


def add(
    session: Session, case_id: str, kind: Kind, staff_id: int | None = None, detail: str | None = None, text: str | None = None
) -> None:
    """Write down what happened, in the caller's transaction."""
    session.add(CaseEvent(case_id=case_id, kind=kind, staff_id=staff_id, detail=detail, text=text, at=now()))


def of(session: Session, case_id: str) -> list[CaseEvent]:
    """What happened to a case, in order."""
    return list(session.scalars(select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)))


def note(session: Session, case_id: str, staff_id: int, text: str) -> None:
    """A note for colleagues; the person never sees it."""
    add(session, case_id, "note", staff_id, text=text)
