"""Calling somebody back: asked for by the caller, or left as a spoken message. A task for staff with at most three attempts.

Nobody is called who has not said that calling this number is safe: `safe` is None where the question was not answered, and
then staff may listen but not call.
"""

import uuid
from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String, case, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import Sealed

#: After this many calls that nobody answered, nobody tries again.
ATTEMPTS = 3

Kind = Literal["callback", "voicemail"]


class Callback(Base):
    """One person to be called, or one spoken message to be heard. `status`: open → done, or unreachable after three attempts."""

    __tablename__ = "callback"
    __table_args__ = (Index("callback_open", "status", "created_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(8))
    number: Mapped[str | None] = mapped_column(Sealed)
    safe: Mapped[bool | None] = mapped_column()
    recording_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    seconds: Mapped[int | None] = mapped_column()
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(String(12), default="open")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    attempted_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def may_be_called(self) -> bool:
        """Whether the person agreed to be called, at a number we know."""
        return self.number is not None and bool(self.safe)


def ask(session: Session, conversation_id: str, language: str, number: str) -> Callback:
    """Somebody wants to be called back at a number that is safe. Asking twice in a call changes the number."""
    mine = (Callback.conversation_id == conversation_id) & (Callback.kind == "callback") & (Callback.status == "open")
    task = session.scalar(select(Callback).where(mine)) or Callback(
        conversation_id=conversation_id, kind="callback", language=language
    )
    task.number, task.safe, task.language = number, True, language
    session.add(task)
    session.flush()
    return task


def leave(session: Session, conversation_id: str, language: str, recording_id: str, seconds: int) -> Callback:
    """Somebody has spoken a message. The same recording is taken once."""
    found = session.scalar(select(Callback).where(Callback.recording_id == recording_id))
    if found is not None:
        return found
    task = Callback(
        conversation_id=conversation_id, kind="voicemail", language=language, recording_id=recording_id, seconds=seconds
    )
    session.add(task)
    session.flush()
    return task


def agree(session: Session, conversation_id: str, safe: bool, number: str | None) -> None:
    """What the person says about calling them on the message they left: whether it is safe, and at which number."""
    mine = (Callback.conversation_id == conversation_id) & (Callback.kind == "voicemail") & (Callback.status == "open")
    for task in session.scalars(select(Callback).where(mine)):
        task.safe, task.number = safe, number if safe else None


def waiting(session: Session, limit: int = 300) -> list[Callback]:
    """Whom to call and what to hear, the oldest first."""
    return list(session.scalars(select(Callback).where(Callback.status == "open").order_by(Callback.created_at).limit(limit)))


def attempt(session: Session, callback_id: str, reached: bool) -> bool:
    """Somebody has called: done if the person was reached, else one attempt fewer. False if there was nothing left to do."""
    count = Callback.attempts + 1
    status = "done" if reached else case((count >= ATTEMPTS, "unreachable"), else_="open")
    result = session.execute(
        update(Callback)
        .where(Callback.id == callback_id, Callback.status == "open", Callback.attempts < ATTEMPTS)
        .values(attempts=count, attempted_at=now(), status=status)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def finish(session: Session, callback_id: str) -> bool:
    """The message has been heard and nothing is left to do. False if that was so already."""
    result = session.execute(update(Callback).where(Callback.id == callback_id, Callback.status == "open").values(status="done"))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def forget_recordings(session: Session, before: datetime) -> list[str]:
    """Let go of the recordings of messages left before then; returns their ids, for the provider to erase them."""
    old = list(session.scalars(select(Callback).where(Callback.recording_id.is_not(None), Callback.created_at <= before)))
    found = [task.recording_id for task in old if task.recording_id is not None]
    for task in old:
        task.recording_id = None
    return found


def of_conversation(session: Session, conversation_id: str) -> list[Callback]:
    """The tasks of a conversation, the oldest first."""
    return list(
        session.scalars(select(Callback).where(Callback.conversation_id == conversation_id).order_by(Callback.created_at))
    )
