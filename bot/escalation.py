"""Bringing in a person: a case is opened, the person is told honestly by when somebody answers, and staff answer it."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from bot import outbox
from bot import reply as replies
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.db import Base, Moment
from bot.office import Office
from bot.outbox import OutboxMessage
from bot.reply import Escalation, Reply
from bot.settings import Settings
from bot.staff import Staff

Reason = Literal["asked", "crisis", "not_understood", "not_helpful", "wrong_information", "abuse", "unavailable"]


class Case(Base):
    """Somebody needs a person. `status`: open → claimed → answered → closed.

    At most one case of a conversation is not closed.
    """

    __tablename__ = "escalation_case"  # "case" is a word of SQL

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    urgent: Mapped[bool] = mapped_column(default=False)
    topic: Mapped[str | None] = mapped_column(String(40))
    record_id: Mapped[str | None] = mapped_column(String(100))
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
    """Ask for a person. A case that is open already is raised to the higher urgency rather than doubled, and one that
    was answered is opened again."""
    moment = now()
    office = Office.of(settings)
    due = moment if urgent else office.after(moment, timedelta(hours=settings.answer_hours))
    case = session.scalar(select(Case).where(Case.conversation_id == conversation_id, Case.status != "closed"))
    if case is None:
        case = Case(conversation_id=conversation_id, reason=reason, language=language, topic=topic, due_at=due)
        session.add(case)
    elif case.status == "answered":
        case.status, case.claimed_by, case.opened_at, case.due_at = "open", None, moment, due
        case.reason, case.topic, case.language, case.urgent, case.record_id = reason, topic, language, False, None
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


def emergency(session: Session, conversation_id: str, lasts: timedelta) -> str | None:
    """The crisis topic of an emergency in this conversation that is younger than `lasts` and not closed, else None."""
    query = select(Case.topic).where(
        Case.conversation_id == conversation_id, Case.urgent, Case.status != "closed", Case.due_at > now() - lasts
    )
    return session.scalar(query)


def conversation_of(session: Session, case: Case) -> Conversation:
    """The conversation a case is about."""
    return session.get_one(Conversation, case.conversation_id)


@dataclass(frozen=True)
class Waiting:
    """A case as it stands in the queue. `wrote_again`: the person has written since staff last answered."""

    case: Case
    channel: str
    staff: str | None
    wrote_again: bool


def queue(session: Session, limit: int = 300) -> list[Waiting]:
    """Every case that is not closed: the urgent first, then by when the answer is due."""
    answered_at = (
        select(func.max(OutboxMessage.created_at))
        .where(OutboxMessage.conversation_id == Case.conversation_id, OutboxMessage.author == "staff")
        .scalar_subquery()
    )
    rows = session.execute(
        select(Case, Conversation.channel, Staff.name, Conversation.last_message_at > answered_at)
        .join(Conversation, Conversation.id == Case.conversation_id)
        .outerjoin(Staff, Staff.id == Case.claimed_by)
        .where(Case.status != "closed")
        .order_by(Case.urgent.desc(), Case.due_at, Case.id)
        .limit(limit)
    )
    return [Waiting(case, channel, name, bool(again)) for case, channel, name, again in rows]


@dataclass(frozen=True)
class Said:
    """One thing said: the person's text, the bot's reply, or a text sent later (`status`: how far it has come)."""

    at: datetime
    who: Literal["person", "bot", "staff"]
    text: str = ""
    reply: Reply | None = None
    language: str | None = None
    status: str | None = None


def said(session: Session, conversation_id: str) -> list[Said]:
    """The conversation so far, the oldest first."""
    result: list[Said] = []
    messages = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id)
    for message in session.scalars(messages):
        result.append(Said(message.received_at, "person", message.text, language=message.language))
        if message.reply is not None:
            reply = replies.load(json.loads(message.reply))
            result.append(Said(message.received_at, "bot", reply=reply, language=message.language))
    for sent in session.scalars(select(OutboxMessage).where(OutboxMessage.conversation_id == conversation_id)):
        who: Literal["bot", "staff"] = "staff" if sent.author == "staff" else "bot"
        if not sent.origin.startswith("message "):  # the late answer stands with its question already
            result.append(Said(sent.created_at, who, sent.text, status=sent.status))
    return sorted(result, key=lambda one: one.at)


def claim(session: Session, case_id: str, staff_id: int) -> bool:
    """Take a case. Exactly one of those who do so at once gets it: True for that one, and when it is theirs already."""
    free = Case.status.in_(("open", "answered"))
    if _change(session, case_id, free, status="claimed", claimed_by=staff_id):
        return True
    return _mine(session, case_id, staff_id)


def take_over(session: Session, case_id: str, staff_id: int, colleague_id: int) -> bool:
    """Take a case from a colleague who cannot finish it. False if it is not theirs any more."""
    theirs = (Case.status == "claimed") & (Case.claimed_by == colleague_id)
    return _change(session, case_id, theirs, claimed_by=staff_id)


def release(session: Session, case_id: str, staff_id: int) -> bool:
    """Give a case back to the queue. False if it was not this person's."""
    return _change(session, case_id, _claimed_by(staff_id), status="open", claimed_by=None)


def close(session: Session, case_id: str, staff_id: int) -> bool:
    """Nothing is left to do. False if a colleague has the case, or nobody has answered it."""
    done = (Case.status == "answered") | _claimed_by(staff_id)
    return _change(session, case_id, done, status="closed", closed_at=now())


def answer(session: Session, case_id: str, staff_id: int, text: str, once: str, stay: bool = False) -> bool:
    """Send the person an answer and mark the case answered, or keep it if the staff member wants to `stay`.

    `once` is unique to the form that was sent: sending it twice answers once. False if the case is not this person's.
    """
    origin = f"case {case_id} {once}"
    if session.scalar(select(OutboxMessage.id).where(OutboxMessage.origin == origin)) is not None:
        return True
    if not _change(session, case_id, _claimed_by(staff_id), status="claimed" if stay else "answered"):
        return False
    case = session.get_one(Case, case_id)
    outbox.put(session, case.conversation_id, text, origin=origin, author="staff")
    return True


def awaited(session: Session, conversation_id: str) -> bool:
    """Whether a person has been asked to answer in this conversation and has not yet."""
    query = select(Case.id).where(Case.conversation_id == conversation_id, Case.status.in_(("open", "claimed")))
    return session.scalar(query) is not None


def _claimed_by(staff_id: int) -> ColumnElement[bool]:
    return (Case.status == "claimed") & (Case.claimed_by == staff_id)


def _mine(session: Session, case_id: str, staff_id: int) -> bool:
    return session.scalar(select(Case.id).where(Case.id == case_id, _claimed_by(staff_id))) is not None


def _change(session: Session, case_id: str, condition: ColumnElement[bool], **values: object) -> bool:
    """One UPDATE that decides and changes at once, so that two people cannot both do it."""
    result = session.execute(update(Case).where(Case.id == case_id, condition).values(**values))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
