"""What people say is wrong in the directory: every report is a task for a steward, with the record it is about.

What the person wrote stays in their message, where it is sealed and erased with the rest of the conversation; the report
only points to it.
"""

from dataclasses import dataclass
from datetime import datetime

from rapidfuzz import fuzz
from sqlalchemy import ForeignKey, String, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import now
from bot.conversation import Message
from bot.db import Base, Moment
from bot.directory.tables import CARD, ID_LENGTH, TABLES
from bot.folding import fold

#: How well a name must stand in a message to be meant (of 100).
NAMED = 88
#: Words shorter than this say little about which place is meant.
_TELLING = 4
#: Names compared at most.
_COMPARED = 400


class RecordReport(Base):
    """Somebody says that a record is wrong. `status`: open → done (mended) or dismissed (it is right).

    `record_id` is the id of a listing (a service at a location, or a service without one); None if it is not known.
    """

    __tablename__ = "record_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    service_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"), index=True)
    language: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str | None] = mapped_column(String(40))
    reported_at: Mapped[datetime] = mapped_column(Moment, default=now)
    status: Mapped[str] = mapped_column(String(10), default="open", index=True)
    handled_at: Mapped[datetime | None] = mapped_column(Moment)
    handled_by: Mapped[str | None] = mapped_column(String(80))


@dataclass(frozen=True)
class Told:
    """A report as a steward reads it. `reason` is what the person wrote; None once it is erased. `name` is the record's."""

    report: RecordReport
    name: str | None
    reason: str | None


def add(session: Session, record_id: str | None, conversation_id: str, language: str, topic: str | None = None) -> RecordReport:
    """Take down a report, about the record or about none that is known; the reason is the conversation's last message.

    Every message counts, also several about one record, but a message that is worked on twice counts once.
    """
    message_id = session.scalar(select(func.max(Message.id)).where(Message.conversation_id == conversation_id))
    if message_id is not None:
        same = select(RecordReport).where(RecordReport.message_id == message_id, RecordReport.record_id == record_id)
        if (before := session.scalar(same)) is not None:
            return before
    service_id = session.scalar(select(CARD.c.service_id).where(CARD.c.id == record_id)) if record_id else None
    report = RecordReport(record_id=record_id, service_id=service_id, message_id=message_id, language=language, topic=topic)
    session.add(report)
    session.flush()
    return report


def named(session: Session, text: str, among: tuple[str, ...] = ()) -> str | None:
    """The listing whose service, location or organization is named in a message: first `among` these, then anywhere.

    None if none is named, or several are equally.
    """
    folded = fold(text)
    if among and (found := _best(folded, _names(session, among))):
        return found
    words = sorted({word for word in folded.split() if len(word) >= _TELLING}, key=len, reverse=True)
    return _best(folded, _anywhere(session, words[:6]))


@dataclass(frozen=True)
class _Called:
    """What a listing may be called. The name of its service says more than that of the house, which it shares."""

    listing: str
    service: str
    name: str
    weight: float


def _best(text: str, names: list[_Called]) -> str | None:
    """The one listing whose name stands in the text; of a service at several places the first."""
    scored: dict[str, float] = {}
    services = {called.listing: called.service for called in names}
    for called in names:
        plain = fold(called.name)
        if len(plain) >= _TELLING and len(plain) <= len(text) + 2:
            score = fuzz.partial_ratio(plain, text) * min(1, 0.9 + len(plain) / 200) * called.weight
            scored[called.listing] = max(scored.get(called.listing, 0), score)
    best = max(scored.values(), default=0)
    found = sorted(listing for listing, score in scored.items() if score == best)
    return found[0] if best >= NAMED and len({services[listing] for listing in found}) == 1 else None


def _names(session: Session, listings: tuple[str, ...]) -> list[_Called]:
    """What some listings may be called: by their service, and by their location."""
    place, service, location = TABLES["service_at_location"], TABLES["service"], TABLES["location"]
    rows = session.execute(
        select(CARD.c.id, service.c.id, service.c.name, location.c.name)
        .join(service, service.c.id == CARD.c.service_id)
        .outerjoin(place, place.c.id == CARD.c.id)
        .outerjoin(location, location.c.id == place.c.location_id)
        .where(CARD.c.id.in_(listings))
    )
    return [
        _Called(listing, owner, name, weight)
        for listing, owner, own, house in rows
        for name, weight in ((own, 1.0), (house, 0.96))
        if name
    ]


def _anywhere(session: Session, words: list[str]) -> list[_Called]:
    """The same of listings whose service or location has one of these words in its name."""
    if not words:
        return []
    place, service, location = TABLES["service_at_location"], TABLES["service"], TABLES["location"]
    like = [column.ilike(f"%{word}%") for word in words for column in (service.c.name, location.c.name)]
    rows = session.scalars(
        select(CARD.c.id)
        .join(service, service.c.id == CARD.c.service_id)
        .outerjoin(place, place.c.id == CARD.c.id)
        .outerjoin(location, location.c.id == place.c.location_id)
        .where(or_(*like))
        .limit(_COMPARED)
    )
    return _names(session, tuple(rows))


def waiting(session: Session, limit: int = 300) -> list[Told]:
    """Reports nobody has dealt with yet, the oldest first."""
    return _told(session, select(RecordReport).where(RecordReport.status == "open").order_by(RecordReport.id).limit(limit))


def about(session: Session, service_id: str, limit: int = 50) -> list[Told]:
    """The reports about a service, the newest first."""
    query = select(RecordReport).where(RecordReport.service_id == service_id).order_by(RecordReport.id.desc()).limit(limit)
    return _told(session, query)


def _told(session: Session, query: object) -> list[Told]:
    result = []
    for report in session.scalars(query):  # type: ignore[call-overload]
        message = session.get(Message, report.message_id) if report.message_id else None
        name = session.scalar(select(TABLES["service"].c.name).where(TABLES["service"].c.id == report.service_id))
        result.append(Told(report, name, message.text if message else None))
    return result


def handle(session: Session, report_id: int, staff: str, dismissed: bool = False) -> bool:
    """Mark a report as dealt with. False if it was already."""
    done = session.execute(
        update(RecordReport)
        .where(RecordReport.id == report_id, RecordReport.status == "open")
        .values(status="dismissed" if dismissed else "done", handled_at=now(), handled_by=staff)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
