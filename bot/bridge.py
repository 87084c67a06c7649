"""Bridges: a city that has a desk of its own gets our cases there, and its answers come back through ours.

What is to be passed on stands in a table, one row for each thing, and the worker sends it, in order for each case, again and
again until it is taken or given up. A `Bridge` is the other desk's side.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import case_history, escalation, outbox
from bot.clock import now
from bot.conversation import Message
from bot.db import Base, Database, Moment
from bot.encryption import Sealed
from bot.errors import CarelineError
from bot.escalation import Case
from bot.outbox import BACK_OFF, LEFT_BEHIND


class BridgeError(CarelineError):
    """The other desk did not take it; `retry` says whether it may yet."""

    def __init__(self, message: str, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


@dataclass(frozen=True)
class Parcel:
    """One thing for the other desk: a case opened ("case") or something said in it ("message").

    `reference` is what the other desk calls the case, once it has it; `once` is the same however often it is sent.
    """

    kind: str
    once: str
    case_id: str
    reference: str | None
    data: dict[str, Any]


class Bridge(Protocol):
    """The other desk."""

    def pass_on(self, parcel: Parcel) -> str | None:
        """Hand a parcel over; returns the other desk's name for the case, where it gives one. Raises BridgeError."""
        ...


class BridgeParcel(Base):
    """A parcel on its way. `status`: queued → sending → sent, or failed."""

    __tablename__ = "bridge_parcel"
    __table_args__ = (Index("bridge_parcel_due", "status", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("escalation_case.id", ondelete="CASCADE"), index=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    data: Mapped[str] = mapped_column(Sealed)
    status: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now)


def collect(session: Session) -> None:
    """Make parcels of what is new: cases that wait, and what their people have written since. Each once."""
    for case in session.scalars(select(Case).where(Case.status.in_(("open", "claimed")))):
        known = set(session.scalars(select(BridgeParcel.once).where(BridgeParcel.case_id == case.id)))
        opened = f"case {case.id} {int(case.opened_at.timestamp())}"
        if opened not in known:
            data = {
                "reason": case.reason, "urgent": case.urgent, "topic": case.topic, "language": case.language,
                "channel": escalation.conversation_of(session, case).channel, "due_at": case.due_at.isoformat(),
            }  # fmt: skip
            _add(session, case.id, opened, "case", data)
        said = select(Message).where(Message.conversation_id == case.conversation_id).order_by(Message.id)
        for message in session.scalars(said):
            once = f"message {message.id} {case.id}"
            if once not in known:
                data = {"text": message.text, "language": message.language, "at": message.received_at.isoformat()}
                _add(session, case.id, once, "message", data)


def deliver(database: Database, bridge: Bridge) -> int:
    """Hand over what is due, the oldest of each case first; returns how many went. Raises DatabaseUnavailable."""
    sent = 0
    with database.begin() as session:
        collect(session)
    with database.read() as session:
        waiting = BridgeParcel.status.in_(("queued", "sending"))
        rows = session.execute(select(BridgeParcel.id, BridgeParcel.case_id).where(waiting).order_by(BridgeParcel.id)).all()
    held: set[str] = set()
    for parcel_id, case_id in rows:
        if case_id in held:
            continue  # what comes later waits for what came before
        done = _hand_over(database, bridge, parcel_id)
        sent += done
        if not done:
            held.add(case_id)
    return sent


def answer(session: Session, reference: str, text: str, once: str) -> bool:
    """An answer from the other desk goes to the person, once. False if there is no such case, or it is closed."""
    case = session.scalar(select(Case).where(Case.external_id == reference).order_by(Case.opened_at.desc()).limit(1))
    if case is None or case.status == "closed":
        return False
    if outbox.put(session, case.conversation_id, text, origin=f"bridge {once}"[:80], author="staff") is not None:
        moment = now()
        case.status, case.claimed_by, case.active_at, case.answered_at = "answered", None, moment, moment
        case.back_untold = True
        case_history.add(session, case.id, "answered", detail="at the city's own desk")
    return True


def resolve(session: Session, reference: str) -> bool:
    """The other desk is done with a case. False if there is none that is under way."""
    case = session.scalar(select(Case).where(Case.external_id == reference, Case.status != "closed"))
    if case is None:
        return False
    case.status, case.closed_at = "closed", now()
    case_history.add(session, case.id, "closed", detail="at the city's own desk")
    return True


def _add(session: Session, case_id: str, once: str, kind: str, data: dict[str, Any]) -> None:
    session.add(BridgeParcel(case_id=case_id, once=once, kind=kind, data=json.dumps(data), due_at=now()))
    session.flush()  # the order they are added in is the order they are sent in


def _hand_over(database: Database, bridge: Bridge, parcel_id: int) -> bool:
    moment = now()
    with database.begin() as session:
        row = session.get(BridgeParcel, parcel_id)
        stuck = row is not None and row.status == "sending" and row.due_at <= moment - LEFT_BEHIND
        if row is None or (not stuck and (row.status != "queued" or row.due_at > moment)):
            return False
        attempts, reference = row.attempts, session.get_one(Case, row.case_id).external_id
        parcel = Parcel(row.kind, row.once, row.case_id, reference, json.loads(row.data))
        mine = update(BridgeParcel).where(
            BridgeParcel.id == parcel_id, BridgeParcel.status == row.status, BridgeParcel.attempts == attempts
        )
        taken = session.execute(mine.values(status="sending", attempts=attempts + 1, due_at=moment))
        if not taken.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
            return False
    values: dict[str, object] = {"status": "sent"}
    named: str | None = None
    try:
        named = bridge.pass_on(parcel)
    except BridgeError as error:
        again = error.retry and attempts < len(BACK_OFF)
        values = {"status": "queued", "due_at": now() + BACK_OFF[attempts]} if again else {"status": "failed"}
    with database.begin() as session:
        session.execute(update(BridgeParcel).where(BridgeParcel.id == parcel_id).values(**values))
        if named is not None:
            session.execute(update(Case).where(Case.id == parcel.case_id).values(external_id=named))
        if values["status"] == "sent" and parcel.kind == "case":
            case_history.add(session, parcel.case_id, "bridged")
    return values["status"] == "sent"
