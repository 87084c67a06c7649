"""Bringing in a person: a case is opened, and the person is told honestly by when somebody answers."""

import uuid
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.conversation import Conversation
from bot.db import Base, Moment
from bot.office import Office
from bot.reply import Escalation
from bot.settings import Settings

Reason = Literal["asked", "crisis", "not_understood", "not_helpful", "wrong_information", "abuse", "unavailable"]


class Case(Base):
    """Somebody needs a person. `status`: open → claimed → answered → closed. At most one case of a conversation is not closed."""

    __tablename__ = "escalation_case"  # "case" is a word of SQL

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    urgent: Mapped[bool] = mapped_column(default=False)
    topic: Mapped[str | None] = mapped_column(String(40))
    record_id: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(10), default="open", index=True)
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    opened_at: Mapped[datetime] = mapped_column(Moment, default=now)
    due_at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)


def open_case(
    session: Session,
    settings: Settings,
    conversation_id: str,
    reason: Reason,
    language: str,
    topic: str | None = None,
    record_id: str | None = None,
    urgent: bool = False,
) -> Escalation:
    """Ask for a person. A case that is open already is raised to the higher urgency rather than doubled."""
    moment = now()
    office = Office.of(settings)
    due = moment if urgent else office.after(moment, timedelta(hours=settings.answer_hours))
    case = session.scalar(select(Case).where(Case.conversation_id == conversation_id, Case.status != "closed"))
    if case is None:
        case = Case(conversation_id=conversation_id, reason=reason, language=language, topic=topic, due_at=due)
        session.add(case)
    if urgent and not case.urgent:
        case.urgent, case.reason, case.topic, case.due_at = True, reason, topic, due
    case.record_id = case.record_id or record_id
    session.flush()
    return Escalation(
        status="claimed" if case.status == "claimed" else "open",
        expected_at=None if case.urgent else case.due_at,
        staffed=office.staffed(moment),
    )


def claimed(session: Session, conversation_id: str) -> bool:
    """Whether a person has taken this conversation over, so that the bot must be silent."""
    query = select(Case.id).where(Case.conversation_id == conversation_id, Case.status == "claimed")
    return session.scalar(query) is not None


def conversation_of(session: Session, case: Case) -> Conversation:
    """The conversation a case is about."""
    return session.get_one(Conversation, case.conversation_id)
