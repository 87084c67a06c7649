"""Erasing what is kept of a person, everywhere, even if half of it fails at first.

Our own rows go in one transaction, which also writes down what is left to do elsewhere: the dialogue's state of each
conversation, and the provider's copies of a number's texts, calls and recordings, or of one call or recording where no
number is kept. The worker does those and tries again until they are done; only then is the number forgotten here too. The
person gets a receipt to look it up with.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from sqlalchemy import ForeignKey, String, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.callback import Callback
from bot.calls import Call
from bot.careline import Dialogue
from bot.clock import now
from bot.conversation import Conversation, person_hash
from bot.db import Base, Database, Moment
from bot.encryption import Sealed
from bot.errors import CarelineError, SendError

Where = Literal["dialogue", "provider", "call", "recording"]
#: Waits before trying again; the last one is repeated until it works.
BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))
#: The provider refuses to erase a text that is still on its way: the answer that says "done" is one.
FIRST: Final = timedelta(minutes=2)
#: A worker that died has its task taken over after this long.
LEASE: Final = timedelta(minutes=5)
#: Letters and digits of receipts; none that look alike, so that they can be read out.
ALPHABET: Final = "ABCDEFGHJKMNPQRTUVWXY346789"


class Erasure(Base):
    """A request to erase, under its receipt. It names nobody."""

    __tablename__ = "erasure"

    receipt: Mapped[str] = mapped_column(String(12), primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(Moment, default=now)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class ErasureTask(Base):
    """Something still to be erased elsewhere. The row goes when it is done.

    `target` is a conversation's id for the dialogue, a number for the provider, whose own id it is of a call or a recording;
    `before` limits it to what is older.
    """

    __tablename__ = "erasure_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[str | None] = mapped_column(ForeignKey("erasure.receipt", ondelete="CASCADE"), index=True)
    place: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(Sealed)
    before: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    error: Mapped[str | None] = mapped_column(String(40))


class Provider(Protocol):
    """What holds copies of texts, calls and recordings: the provider's adapter."""

    def erase(self, number: str, before: datetime | None) -> bool:
        """Erase what the provider keeps of `number`, sent before `before` if given. False if some cannot go yet.

        Raises a SendError.
        """
        ...

    def erase_call(self, call_id: str) -> bool:
        """Erase a call with its recordings. False if it cannot go yet. Raises a SendError."""
        ...

    def erase_recording(self, recording_id: str) -> bool:
        """Erase one recording. False if it cannot go yet. Raises a SendError."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far an erasure has come. `left` are the places where something is still to be erased."""

    requested_at: datetime
    done_at: datetime | None
    left: frozenset[str]


def erase(session: Session, conversation_id: str) -> str:
    """Erase the person of a conversation in the caller's transaction, and write down the rest. Returns the receipt."""
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        return _request(session)
    if conversation.person_hash is None or conversation.number is None:
        return _erase(session, [conversation])
    mine = or_(Conversation.person_hash == conversation.person_hash, Conversation.id.in_(_calls_of(session, conversation.number)))
    return _erase(session, session.scalars(select(Conversation).where(mine)).all())


def erase_number(session: Session, number: str) -> str:
    """Erase all there is of a number, whether or not there is anything. Returns the receipt."""
    mine = or_(Conversation.person_hash == person_hash(number), Conversation.id.in_(_calls_of(session, number)))
    return _erase(session, session.scalars(select(Conversation).where(mine)).all(), {number})


def _erase(session: Session, conversations: Sequence[Conversation], also: Iterable[str] = ()) -> str:
    receipt = _request(session)
    for conversation in conversations:
        later(session, "dialogue", conversation.id, receipt=receipt)
    calls_later(session, [one.id for one in conversations], receipt, now() + FIRST)
    for number in {one.number for one in conversations if one.number is not None} | set(also):
        later(session, "provider", number, receipt=receipt, due_at=now() + FIRST)
    session.execute(delete(Conversation).where(Conversation.id.in_([one.id for one in conversations])))
    return receipt


def _calls_of(session: Session, number: str) -> set[str]:
    """Conversations by telephone in which a number was left, to be texted or called at, or that goes on with it just now.

    Calls carry no hash of their number, so that none is known from an earlier one; these few are opened one by one.
    """
    texted = select(Conversation.id, Conversation.number).where(Conversation.channel == "voice", Conversation.number.is_not(None))
    called = select(Callback.conversation_id, Callback.number).where(Callback.number.is_not(None))
    calling = select(Call.conversation_id, Call.number).where(Call.number.is_not(None))
    return {row[0] for query in (texted, called, calling) for row in session.execute(query) if row[1] == number}


def calls_later(
    session: Session, conversation_ids: Sequence[str], receipt: str | None = None, due_at: datetime | None = None
) -> None:
    """Write down that the provider's copies of the calls of these conversations go, in the caller's transaction."""
    for call_id in session.scalars(select(Call.provider_id).where(Call.conversation_id.in_(conversation_ids))):
        later(session, "call", call_id, receipt=receipt, due_at=due_at)


def new_receipt() -> str:
    """Eight letters that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


def _request(session: Session) -> str:
    receipt = new_receipt()
    session.add(Erasure(receipt=receipt))
    session.flush()
    return receipt


def later(
    session: Session,
    place: Where,
    target: str,
    before: datetime | None = None,
    receipt: str | None = None,
    due_at: datetime | None = None,
) -> None:
    """Write down something to erase elsewhere, in the caller's transaction."""
    session.add(ErasureTask(receipt=receipt, place=place, target=target, before=before, due_at=due_at or now()))


def due(session: Session, receipt: str | None = None, limit: int = 50) -> list[int]:
    """Tasks whose time has come, the oldest first; of one request if `receipt` is given."""
    query = select(ErasureTask.id).where(ErasureTask.due_at <= now()).order_by(ErasureTask.due_at).limit(limit)
    return list(session.scalars(query.where(ErasureTask.receipt == receipt) if receipt else query))


def carry_out(database: Database, dialogue: Dialogue, provider: Provider | None, task_id: int) -> bool:
    """Do one task; whether it is done. What fails is due again later. Without a `provider` its tasks stay.

    Nothing is held while the others are waited for. Doing a task twice does no harm. Raises DatabaseUnavailable.
    """
    with database.begin() as session:
        task = session.get(ErasureTask, task_id)
        if task is None or task.due_at > now() or (task.place != "dialogue" and provider is None):
            return False
        place, target, before, attempts = task.place, task.target, task.before, task.attempts
        claim = update(ErasureTask).where(ErasureTask.id == task_id, ErasureTask.attempts == attempts)
        claimed = session.execute(claim.values(attempts=attempts + 1, due_at=now() + LEASE))
        if not claimed.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
            return False
    error = None
    try:
        if place == "dialogue":
            dialogue.forget(target)
        elif provider is not None and not _gone(provider, place, target, before):
            error = "still on its way"
    except SendError as failure:
        error = f"{type(failure).__name__} {failure.code or ''}".strip()
    except CarelineError as failure:
        error = type(failure).__name__
    with database.begin() as session:
        task = session.get(ErasureTask, task_id)
        if task is None:
            return True
        if error is not None:
            task.error, task.due_at = error, now() + BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
            return False
        receipt = task.receipt
        session.delete(task)
        session.flush()
        if receipt is not None and not _left(session, receipt):
            session.get_one(Erasure, receipt).done_at = now()
        return True


def _gone(provider: Provider, place: str, target: str, before: datetime | None) -> bool:
    match place:
        case "call":
            return provider.erase_call(target)
        case "recording":
            return provider.erase_recording(target)
    return provider.erase(target, before)


def progress(session: Session, receipt: str) -> Progress | None:
    """How far the erasure with this receipt has come; None if there is none."""
    cleaned = "".join(letter for letter in receipt.upper() if letter in ALPHABET)
    found = session.get(Erasure, cleaned)
    return Progress(found.requested_at, found.done_at, _left(session, cleaned)) if found else None


def waiting(session: Session) -> int:
    """How many tasks are not done."""
    return session.scalar(select(func.count()).select_from(ErasureTask)) or 0


def _left(session: Session, receipt: str) -> frozenset[str]:
    return frozenset(session.scalars(select(ErasureTask.place).where(ErasureTask.receipt == receipt)))
