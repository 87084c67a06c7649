"""Telephone calls: how far each one has come, and how somebody who agreed to it likes to be spoken to.

A call is a conversation of its own: a number may be a family's, or withheld, so nothing of an earlier call is ever said in a
later one. What is kept of a call's number and of what was said is encrypted.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.conversation import Conversation
from bot.db import Base, Database, Moment
from bot.encryption import Sealed, vault

#: A call that nothing was heard of for this long has ended, whatever the provider says.
LONGEST = timedelta(hours=4)


class Call(Base):
    """One telephone call. `serial` counts the documents it was given, `document` is the last of them: the same request that
    arrives twice gets it again. `waiting_since` is set while the caller waits for a person."""

    __tablename__ = "voice_call"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str | None] = mapped_column(Sealed)
    serial: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Sealed, default="{}")
    document: Mapped[str | None] = mapped_column(Sealed)
    waiting_since: Mapped[datetime | None] = mapped_column(Moment)
    started_at: Mapped[datetime] = mapped_column(Moment, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class CallPreference(Base):
    """How somebody who said yes to it is spoken to when they call again: no name, no topic."""

    __tablename__ = "call_preference"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    language: Mapped[str] = mapped_column(String(8))
    slow: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(Moment, default=now)


@dataclass(frozen=True)
class Line:
    """A call as its flow sees it."""

    id: str
    conversation_id: str
    number: str | None
    serial: int
    state: dict[str, Any]
    document: str | None


def answer(database: Database, provider_id: str, number: str | None) -> Line:
    """The call with the provider's id, begun if it is new. Raises DatabaseUnavailable."""
    found = find(database, provider_id)
    if found is not None:
        return found
    try:
        with database.begin() as session:
            conversation = Conversation(channel="voice")  # without its number: every call is its own
            session.add(conversation)
            session.flush()
            session.add(Call(conversation_id=conversation.id, provider_id=provider_id, number=number))
    except IntegrityError:
        pass  # the same request, twice at once
    begun = find(database, provider_id)
    assert begun is not None
    return begun


def find(database: Database, provider_id: str) -> Line | None:
    """The call with the provider's id. Raises DatabaseUnavailable."""
    with database.read() as session:
        call = session.scalar(select(Call).where(Call.provider_id == provider_id))
        if call is None:
            return None
        return Line(call.id, call.conversation_id, call.number, call.serial, json.loads(call.state), call.document)


def keep(database: Database, line: Line, state: dict[str, Any], document: str, waiting: bool) -> bool:
    """Keep what the call was given last. False if another process went on with this call meanwhile.

    Raises DatabaseUnavailable.
    """
    with database.begin() as session:
        since = func.coalesce(Call.waiting_since, now()) if waiting else None
        result = session.execute(
            update(Call)
            .where(Call.id == line.id, Call.serial == line.serial)
            .values(serial=line.serial + 1, state=json.dumps(state), document=document, waiting_since=since)
        )
        return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def ended(database: Database, provider_id: str) -> None:
    """The caller has hung up: what was said is not kept ready any longer. Raises DatabaseUnavailable."""
    with database.begin() as session:
        session.execute(
            update(Call)
            .where(Call.provider_id == provider_id)
            .values(ended_at=now(), waiting_since=None, document=None, number=None, state="{}")
        )


def ahead(session: Session, call_id: str) -> int:
    """How many callers have been waiting for a person for longer than this one."""
    since = select(Call.waiting_since).where(Call.id == call_id).scalar_subquery()
    waiting = Call.waiting_since.is_not(None) & Call.ended_at.is_(None) & (Call.started_at > now() - LONGEST)
    before = (Call.waiting_since < since) | since.is_(None)
    return session.scalar(select(func.count()).select_from(Call).where(waiting, Call.id != call_id, before)) or 0


def preference(session: Session, number: str | None) -> CallPreference | None:
    """How the person at this number has asked to be spoken to."""
    return session.get(CallPreference, _hash(number)) if number else None


def prefer(session: Session, number: str, language: str, slow: bool) -> None:
    """Keep, with their consent, how the person at this number wants to be spoken to."""
    session.merge(CallPreference(number_hash=_hash(number), language=language, slow=slow, since=now()))


def forget_preference(session: Session, number: str) -> None:
    """Speak to this number as to anybody again."""
    session.execute(delete(CallPreference).where(CallPreference.number_hash == _hash(number)))


def _hash(number: str) -> str:
    return vault().hash(f"call:{number}")
