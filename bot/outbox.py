"""The outbox: whatever is sent later than its question, each exactly once.

A row is the truth; the task queue only wakes the worker, and a sweep finds what a crash left behind. `status` only
moves forward: queued → sending → sent → delivered, or undelivered, or failed.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import logs, opt_out, safety, spans, spending
from bot.clock import now
from bot.conversation import Conversation
from bot.db import Base, Database, Moment
from bot.encryption import Sealed
from bot.errors import RecipientOptedOut, SendError
from bot.opt_out import PURPOSES, Purpose
from bot.settings import Settings

#: How far along each status is; a callback that names an earlier one came late and is ignored.
RANK = {"queued": 0, "sending": 1, "sent": 2, "undelivered": 3, "failed": 3, "delivered": 4, "read": 5}
#: Waits before the next attempt; after the last one the message has failed.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 3600 * 4))
#: A message in "sending" this long was left behind by a worker that died.
LEFT_BEHIND = timedelta(minutes=2)


class OutboxMessage(Base):
    """One message to send, and how far it has come. `origin` is unique: the same thing is never queued twice.

    `purpose` is asked for in the STOP ledger and by `bot.safety` when it is sent.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "status", "due_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str] = mapped_column(String(80), unique=True)
    author: Mapped[str] = mapped_column(String(10), default="bot")
    purpose: Mapped[str] = mapped_column(String(10), default="answers")
    text: Mapped[str] = mapped_column(Sealed)
    status: Mapped[str] = mapped_column(String(12), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now)
    provider_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    error: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    #: What it is part of (`bot.logs`), until it is sent.
    trace: Mapped[str | None] = mapped_column(String(32))


class Sender(Protocol):
    """What can send a text: the provider's adapter."""

    def send(self, number: str, text: str, reference: str) -> str:
        """Hand `text` over for `number` (E.164) and return the provider's id. Raises a SendError."""
        ...


def put(
    session: Session, conversation_id: str, text: str, origin: str, author: str = "bot", purpose: Purpose = "answers"
) -> OutboxMessage | None:
    """Queue a text in the caller's transaction. None if `origin` has been queued before."""
    if session.scalar(select(OutboxMessage.id).where(OutboxMessage.origin == origin)) is not None:
        return None
    message = OutboxMessage(
        conversation_id=conversation_id, text=text, origin=origin, author=author, purpose=purpose, trace=logs.trace() or None
    )
    session.add(message)
    session.flush()
    return message


def due(session: Session, limit: int = 50) -> list[str]:
    """Ids of messages whose time has come, the oldest first, those of a dead worker among them."""
    moment = now()
    # A time farther ahead than any wait was written before the clock was set back.
    ahead = OutboxMessage.due_at > moment + BACK_OFF[-1] + LEFT_BEHIND
    waiting = (OutboxMessage.status == "queued") & ((OutboxMessage.due_at <= moment) | ahead)
    stuck = (OutboxMessage.status == "sending") & ((OutboxMessage.due_at <= moment - LEFT_BEHIND) | ahead)
    return list(session.scalars(select(OutboxMessage.id).where(waiting | stuck).order_by(OutboxMessage.due_at).limit(limit)))


def due_by_conversation(session: Session, limit: int = 200) -> list[list[str]]:
    """Like `due`, a list for each conversation: what goes to one person goes in order, to different people side by side."""
    ids = due(session, limit)
    rows = session.execute(select(OutboxMessage.id, OutboxMessage.conversation_id).where(OutboxMessage.id.in_(ids)))
    owners = {row.id: row.conversation_id for row in rows}
    found: dict[str, list[str]] = {}
    for message_id in ids:
        found.setdefault(owners[message_id], []).append(message_id)
    return list(found.values())


@dataclass(frozen=True)
class _Taken:
    number: str | None
    text: str
    attempts: int
    trace: str | None


def deliver(database: Database, sender: Sender, message_id: str, settings: Settings | None = None) -> None:
    """Send one message if it is still waiting, and record what became of it; with `settings`, count what it costs.

    Nothing is held while the provider is waited for. Raises DatabaseUnavailable.
    """
    taken = _take(database, message_id)
    if taken is None:
        return
    with logs.traced(taken.trace or logs.new_trace()), spans.span("send", first=taken.trace is None, kind="CLIENT") as part:
        part.say(outcome=_send(database, sender, message_id, taken, settings), attempt=taken.attempts + 1)


def _send(database: Database, sender: Sender, message_id: str, taken: _Taken, settings: Settings | None) -> str:
    """Send what was taken, and record what became of it; in a word."""
    try:
        if taken.number is None:
            _record(database, message_id, status="sent")  # a kiosk session fetches its messages itself
        else:
            provider_id = sender.send(taken.number, taken.text, reference=message_id)
            _record(database, message_id, status="sent", provider_id=provider_id)
            if settings is not None:
                spending.count(database, settings, taken.text)
        return "sent"
    except SendError as error:
        if isinstance(error, RecipientOptedOut) and taken.number is not None:
            with database.begin() as session:  # the provider heard a STOP that we did not
                opt_out.stop(session, taken.number, PURPOSES, source="provider")
        name = f"{type(error).__name__}" + (f" {error.code}" if error.code else "")
        if error.retry and taken.attempts < len(BACK_OFF):
            wait = BACK_OFF[taken.attempts]
            _record(database, message_id, status="queued", error=name, due_at=now() + wait)
            return "again"
        _record(database, message_id, status="failed", error=name)
        return "failed"


def _take(database: Database, message_id: str) -> _Taken | None:
    """Claim the message for this worker; None if another one has it, the person said STOP, or it is not safe to text."""
    moment = now()
    with database.begin() as session:
        message = session.get(OutboxMessage, message_id)
        if message is None:
            return None
        ahead = message.due_at > moment + BACK_OFF[-1] + LEFT_BEHIND
        stuck = message.status == "sending" and (message.due_at <= moment - LEFT_BEHIND or ahead)
        if not stuck and (message.status != "queued" or (message.due_at > moment and not ahead)):
            return None
        attempts = message.attempts  # before the UPDATE, which changes the object too
        claim = update(OutboxMessage).where(
            OutboxMessage.id == message_id,
            OutboxMessage.status == message.status,
            OutboxMessage.attempts == attempts,
        )
        conversation = session.get_one(Conversation, message.conversation_id)
        number = conversation.number
        if number is not None:
            purpose: Purpose = message.purpose  # type: ignore[assignment]  # one of them, or the row is broken
            refusal = "opted out" if opt_out.stopped(session, number, purpose) else None
            if refusal is None and not safety.may_text(conversation, purpose, moment):
                refusal = "not safe"
            if refusal is not None:
                session.execute(claim.values(status="failed", error=refusal))
                return None
        claimed = session.execute(claim.values(status="sending", attempts=attempts + 1, due_at=moment))
        if not claimed.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
            return None
        return _Taken(number, message.text, attempts, message.trace)


def _record(
    database: Database,
    message_id: str,
    status: str,
    provider_id: str | None = None,
    error: str | None = None,
    due_at: datetime | None = None,
) -> None:
    with database.begin() as session:
        message = session.get(OutboxMessage, message_id)
        if message is None:
            return  # erased meanwhile
        message.provider_id = provider_id or message.provider_id
        message.error = error
        message.due_at = due_at or message.due_at
        if status != "queued":
            message.trace = None
        # The provider's callback may have been faster than its answer to us.
        if status == "queued" or RANK[status] > RANK[message.status]:
            message.status = status


def advance(database: Database, provider_id: str, status: str, error: str | None = None, reference: str | None = None) -> bool:
    """Take in a delivery status from the provider, in whatever order they come. False if the message is unknown.

    `reference` is our own id of the message, for a callback that overtakes the answer that names the provider's id.
    Raises DatabaseUnavailable.
    """
    with database.begin() as session:
        message = session.scalar(select(OutboxMessage).where(OutboxMessage.provider_id == provider_id))
        if message is None and reference is not None:
            message = session.get(OutboxMessage, reference)
        if message is None:
            return False
        if status in RANK and RANK[status] > RANK[message.status]:
            message.status = status
            message.error = error
        return True


def for_kiosk(session: Session, conversation_id: str, again: bool = False) -> list[OutboxMessage]:
    """What a conversation without a number fetches itself, the oldest first: what it has not been given, or all `again`.

    A conversation with a number gets nothing here: an id that leaked must not open it.
    """
    mine = (OutboxMessage.conversation_id == conversation_id) & Conversation.number.is_(None)
    fresh = OutboxMessage.status.in_(("queued", "sending", "sent"))
    query = select(OutboxMessage).join(Conversation).where(mine).order_by(OutboxMessage.created_at, OutboxMessage.id)
    return list(session.scalars(query if again else query.where(fresh)))


def fetched(database: Database, messages: list[OutboxMessage]) -> None:
    """A kiosk has been given these messages. Raises DatabaseUnavailable."""
    late = [message.id for message in messages if RANK[message.status] < RANK["delivered"]]
    if late:
        with database.begin() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(late)).values(status="delivered"))


def waiting(session: Session) -> bool:
    """Whether any message is still to be sent."""
    return session.scalar(select(OutboxMessage.id).where(OutboxMessage.status.in_(("queued", "sending"))).limit(1)) is not None
