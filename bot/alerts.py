"""Texts to the people on duty: that a crisis waits, and nothing about whose. Kept in a table and sent by the worker.

STOP counts for their telephones too; the log then says so.
"""

import logging
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import opt_out
from bot.clock import now
from bot.db import Base, Database, Moment
from bot.encryption import Sealed
from bot.errors import RecipientOptedOut, SendError
from bot.outbox import BACK_OFF, LEFT_BEHIND, Sender

_log = logging.getLogger(__name__)


class Alert(Base):
    """One text to a telephone of the service's own. `origin` is unique: the same ring is never sent twice."""

    __tablename__ = "alert"
    __table_args__ = (Index("alert_due", "status", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("escalation_case.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str] = mapped_column(String(80), unique=True)
    number: Mapped[str] = mapped_column(Sealed)
    text: Mapped[str] = mapped_column(Sealed)
    status: Mapped[str] = mapped_column(String(12), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now)
    error: Mapped[str | None] = mapped_column(String(40))


def put(session: Session, case_id: str, number: str, text: str, origin: str) -> bool:
    """Queue an alert in the caller's transaction. False if `origin` has been queued before, or there is no number."""
    if not number or session.scalar(select(Alert.id).where(Alert.origin == origin)) is not None:
        return False
    session.add(Alert(case_id=case_id, number=number, text=text, origin=origin, due_at=now()))
    session.flush()
    return True


def deliver(database: Database, sender: Sender) -> int:
    """Send every alert whose time has come, each once; returns how many went out. Raises DatabaseUnavailable."""
    moment = now()
    waiting = (Alert.status == "queued") & (Alert.due_at <= moment)
    stuck = (Alert.status == "sending") & (Alert.due_at <= moment - LEFT_BEHIND)
    with database.read() as session:
        ids = list(session.scalars(select(Alert.id).where(waiting | stuck).order_by(Alert.due_at).limit(50)))
    return sum(_send(database, sender, alert_id) for alert_id in ids)


def _send(database: Database, sender: Sender, alert_id: int) -> bool:
    moment = now()
    with database.begin() as session:
        alert = session.get_one(Alert, alert_id)
        stuck = alert.status == "sending" and alert.due_at <= moment - LEFT_BEHIND
        if not stuck and alert.status != "queued":
            return False
        if opt_out.stopped(session, alert.number, "alerts"):
            alert.status, alert.error = "failed", "opted out"
            _log.error(
                "The telephone on duty has told us to stop: nobody was texted about case %s. Enter another.", alert.case_id
            )
            return False
        number, text, attempts = alert.number, alert.text, alert.attempts  # before the change, which changes the object too
        mine = update(Alert).where(Alert.id == alert_id, Alert.status == alert.status, Alert.attempts == alert.attempts)
        taken = session.execute(mine.values(status="sending", attempts=alert.attempts + 1, due_at=moment))
        if not taken.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
            return False
    values: dict[str, object] = {"status": "sent", "error": None}
    try:
        sender.send(number, text, reference=f"alert-{alert_id}")
    except SendError as error:
        if isinstance(error, RecipientOptedOut):
            with database.begin() as session:  # the provider heard a STOP that we did not
                opt_out.stop(session, number, source="provider")
        again = error.retry and attempts < len(BACK_OFF)
        values = {"status": "queued" if again else "failed", "error": type(error).__name__}
        if again:
            values["due_at"] = now() + BACK_OFF[attempts]
    with database.begin() as session:
        session.execute(update(Alert).where(Alert.id == alert_id).values(**values))
    return values["status"] == "sent"
