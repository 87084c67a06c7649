"""Telling the administrator: what is wrong, once when it begins, again while it lasts, and when it is over.

No personal data: counts and times only.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message
from bot.db import Base, Moment
from bot.escalation import Case
from bot.outbox import OutboxMessage

#: Told again after this long while it lasts.
AGAIN = timedelta(minutes=30)
#: From when on something is worth telling.
ANSWER_WAITS = timedelta(minutes=2)
TEXT_WAITS = timedelta(minutes=5)
URGENT_WAITS = timedelta(minutes=5)
MANY = 20
FAILED_WITHIN = timedelta(hours=1)
#: Free disk below this share, or this many bytes.
DISK_SHARE, DISK_BYTES = 0.05, 500_000_000


class KnownProblem(Base):
    """Something that is wrong at this moment, since when, and when the administrator was told last."""

    __tablename__ = "known_problem"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
    told_at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence for the administrator."""

    kind: str
    text: str


def found(careline: Careline, rasa_silent: Callable[[], Sequence[str]]) -> list[Problem]:
    """What is wrong at this moment; `rasa_silent` gives the addresses of Rasa that do not answer. Raises DatabaseUnavailable."""
    with careline.database.read() as session:
        found = [*_waiting(session), *_sending(session), *_urgent(session)]
    silent = rasa_silent()
    if len(silent) >= len(careline.settings.rasa_url.split(",")):
        found.append(Problem("rasa", "Rasa does not answer: people are promised an answer for later."))
    elif silent:
        found.append(Problem("rasa machine", f"Rasa does not answer at {', '.join(silent)}: its questions go to the others."))
    disk = shutil.disk_usage(careline.settings.home)
    if disk.free < min(DISK_BYTES, disk.total * DISK_SHARE):
        found.append(Problem("disk", f"The disk is nearly full: {disk.free // 1_000_000} MB are left."))
    return found


def _waiting(session: Session) -> Iterator[Problem]:
    moment = now()
    late = Message.state == "late"
    count, oldest = session.execute(select(func.count(), func.min(Message.received_at)).where(late)).one()
    recent = session.scalar(select(func.count()).where(late, Message.received_at > moment - timedelta(minutes=1))) or 0
    if oldest is not None and moment - oldest > ANSWER_WAITS:
        minutes = int((moment - oldest).total_seconds() // 60)
        yield Problem("waiting", f"{count} messages wait for their answer, the oldest for {minutes} minutes.")
    if recent >= MANY:
        yield Problem("busy", f"More people write than can be answered at once: {recent} in the last minute wait.")


def _sending(session: Session) -> Iterator[Problem]:
    moment = now()
    overdue = (OutboxMessage.status == "queued") & (OutboxMessage.created_at < moment - TEXT_WAITS)
    stuck = session.scalar(select(func.count()).select_from(OutboxMessage).where(overdue)) or 0
    lost = (OutboxMessage.status == "failed") & (OutboxMessage.error != "opted out")
    failed = session.scalar(
        select(func.count()).select_from(OutboxMessage).where(lost, OutboxMessage.created_at > moment - FAILED_WITHIN)
    )
    if stuck:
        yield Problem("outbox", f"{stuck} texts could not be sent for {TEXT_WAITS.seconds // 60} minutes: look at the provider.")
    if failed:
        yield Problem("failed", f"{failed} texts of the last hour failed for good; the desk shows which.")


def _urgent(session: Session) -> Iterator[Problem]:
    old = (Case.status == "open") & Case.urgent & (Case.opened_at < now() - URGENT_WAITS)
    count = session.scalar(select(func.count()).select_from(Case).where(old)) or 0
    if count:
        yield Problem("urgent", f"{count} urgent cases have been open for {URGENT_WAITS.seconds // 60} minutes: take them.")


def tell(careline: Careline, found: list[Problem], say: Callable[[str], None]) -> None:
    """Say what is new, what lasts, and what is over; of several workers exactly one says it. Raises DatabaseUnavailable."""
    moment = now()
    for problem in found:
        if _mine(careline, problem.kind, moment):
            say(f"Careline: {problem.text}")
    kinds = [problem.kind for problem in found]
    with careline.database.read() as session:
        over = list(session.scalars(select(KnownProblem.kind).where(KnownProblem.kind.not_in(kinds))))
    for kind in over:
        with careline.database.begin() as session:
            gone = session.execute(delete(KnownProblem).where(KnownProblem.kind == kind)).rowcount  # type: ignore[attr-defined]
        if gone:
            say(f"Careline: this is over: {kind}.")


def _mine(careline: Careline, kind: str, moment: datetime) -> bool:
    """Whether this process is the one to say it now."""
    with careline.database.begin() as session:
        due = (KnownProblem.kind == kind) & (KnownProblem.told_at < moment - AGAIN)
        if session.execute(update(KnownProblem).where(due).values(told_at=moment)).rowcount:  # type: ignore[attr-defined]
            return True
        if session.get(KnownProblem, kind) is not None:
            return False
    try:
        with careline.database.begin() as session:
            session.execute(insert(KnownProblem).values(kind=kind, since=moment, told_at=moment))
        return True
    except IntegrityError:
        return False
