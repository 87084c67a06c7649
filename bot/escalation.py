"""Bringing in a person: a case is opened, the person is told honestly by when somebody answers, and staff answer it."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, Index, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from bot import case_history, outbox
from bot import reply as replies
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.db import Base, Moment
from bot.office import Office
from bot.outbox import OutboxMessage
from bot.reply import Escalation, Reply
from bot.settings import Settings
from bot.staff import Staff, Team

Reason = Literal[
    "asked", "crisis", "not_understood", "not_helpful", "wrong_information", "abuse", "anger", "topic", "unavailable",
    "call_back", "voicemail",
]  # fmt: skip
#: Says that the person's language is not served; its parameter `code` is that language.
UNSERVED = "language.unserved"
#: Messages that are looked through for it.
_LOOKED_AT = 20
#: Reasons for which nobody waits: the case is for whoever keeps the records.
FOR_US = ("wrong_information",)
#: Working hours for those, and the share of the usual time for what should not wait long.
RECORD_HOURS, SOON = 24, 0.5
#: Topics that should not wait long.
SOON_TOPICS = ("violence_refuge", "rights_violence", "rights_complaint", "shelter")


class Case(Base):
    """Somebody needs a person. `status`: open → claimed → answered → closed.

    At most one case of a conversation is not closed. `active_at` is when whoever has the case last did something in it;
    `back_untold`: the bot answers again, and has not said so yet; `level` counts how far an untaken crisis has gone up, `rings`
    how often it rang; `helped` is the person's own answer, `follow_up_at` a day they agreed to be asked again.
    """

    __tablename__ = "escalation_case"  # "case" is a word of SQL
    __table_args__ = (Index("escalation_case_external", "external_id"),)

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
    team_id: Mapped[int | None]
    active_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    back_untold: Mapped[bool] = mapped_column(default=False)
    reminders: Mapped[int] = mapped_column(default=0)
    rings: Mapped[int] = mapped_column(default=0)
    rung_at: Mapped[datetime | None] = mapped_column(Moment)
    level: Mapped[int] = mapped_column(default=0)
    asked_helped_at: Mapped[datetime | None] = mapped_column(Moment)
    helped: Mapped[str | None] = mapped_column(String(12))
    follow_up_at: Mapped[datetime | None] = mapped_column(Moment)
    external_id: Mapped[str | None] = mapped_column(String(80))


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
    was answered is opened again.

    `language` is the one answered in. Where the person writes one that is not served, the case is in that one, and goes to a
    team that speaks it if there is one.
    """
    moment = now()
    channel = session.scalar(select(Conversation.channel).where(Conversation.id == conversation_id))
    answered_in, language = language, _written(session, settings, conversation_id, language)
    team = team_for(session, reason, topic, language) or team_for(session, reason, topic, answered_in)
    office = Office.of(settings, team, language, channel)
    due = moment if urgent else office.after(moment, _work(settings, reason, topic))
    case = session.scalar(select(Case).where(Case.conversation_id == conversation_id, Case.status != "closed"))
    happened: case_history.Kind | None = None
    if case is None:
        case = Case(conversation_id=conversation_id, reason=reason, language=language, topic=topic, due_at=due, opened_at=moment)
        case.team_id = team.id if team is not None else None
        session.add(case)
        happened = "opened"
    elif case.status == "answered" or (case.reason in FOR_US and reason not in FOR_US and case.status == "open"):
        # Somebody who reported a wrong number and now asks for help for themselves waits as one who asked.
        case.status, case.claimed_by, case.opened_at, case.due_at = "open", None, moment, due
        case.reason, case.topic, case.language, case.urgent, case.record_id = reason, topic, language, False, record_id
        case.team_id = team.id if team is not None else case.team_id
        case.reminders, case.rings, case.level, case.rung_at = 0, 0, 0, None
        happened = "reopened"
    if urgent and not case.urgent:
        case.urgent, case.reason, case.topic, case.due_at = True, reason, topic, due
        case.team_id = team.id if team is not None else case.team_id
        happened = happened or "raised"
    case.record_id = case.record_id or record_id
    session.flush()
    if happened is not None:
        case_history.add(session, case.id, happened, detail=reason)
    return standing(settings, case, office, moment)


def _written(session: Session, settings: Settings, conversation_id: str, language: str) -> str:
    """The language the person writes, as far as the conversation tells: `language`, or the unserved one we apologised for."""
    if language not in settings.languages:
        return language
    newest = (
        select(Message.reply)
        .where(Message.conversation_id == conversation_id, Message.reply.is_not(None))
        .order_by(Message.id.desc())
        .limit(_LOOKED_AT)
    )
    for stored in session.scalars(newest):
        reply = replies.load(json.loads(stored or "null"))
        for phrase in reply.opening:
            if phrase.key == UNSERVED and "code" in phrase.params:
                return str(phrase.params["code"])
        if reply.topic == "change_language":
            return language  # asked for since
    return language


def standing(settings: Settings, case: Case, office: Office, moment: datetime) -> Escalation:
    """What the person is told of a case: by when, and whether somebody is there now."""
    staffed = office.staffed(moment)
    return Escalation(
        status="claimed" if case.status == "claimed" else "open",
        expected_at=None if case.urgent else case.due_at,
        staffed=staffed,
        opens_at=None if staffed else office.opens(moment),
    )


def team_for(session: Session, reason: str, topic: str | None, language: str) -> Team | None:
    """The team that answers this: one that names the topic (or reason) before one that names none, and among those one that
    speaks the language. None means everybody."""
    best: tuple[int, Team] | None = None
    for team in session.scalars(select(Team).where(Team.active).order_by(Team.id)):
        topics, languages = json.loads(team.topics), json.loads(team.languages)
        if (topics and topic not in topics and reason not in topics) or (languages and language not in languages):
            continue
        fit = (2 if topics else 0) + (1 if languages else 0)
        if best is None or fit > best[0]:
            best = (fit, team)
    return best[1] if best is not None else None


def _work(settings: Settings, reason: str, topic: str | None) -> timedelta:
    """How much office time an answer may take."""
    if reason in FOR_US:
        return timedelta(hours=RECORD_HOURS)
    soon = reason == "abuse" or topic in SOON_TOPICS
    return timedelta(hours=settings.answer_hours) * (SOON if soon else 1)


def waiting_for(session: Session, settings: Settings, conversation_id: str) -> tuple[Escalation, bool] | None:
    """The case of this conversation that nobody has taken yet, as the person is told of it, and whether it is overdue.

    None if there is none, or it is not them who wait.
    """
    moment = now()
    row = session.execute(
        select(Case, Conversation.channel)
        .join(Conversation, Conversation.id == Case.conversation_id)
        .where(Case.conversation_id == conversation_id, Case.status == "open", Case.reason.not_in(FOR_US))
    ).first()
    if row is None:
        return None
    case, channel = row
    team = session.get(Team, case.team_id) if case.team_id is not None else None
    office = Office.of(settings, team, case.language, channel)
    return standing(settings, case, office, moment), not case.urgent and case.due_at <= moment


def claimed(session: Session, conversation_id: str) -> bool:
    """Whether a person has taken this conversation over, so that the bot must be silent."""
    query = select(Case.id).where(Case.conversation_id == conversation_id, Case.status == "claimed")
    return session.scalar(query) is not None


def gone_quiet(session: Session, settings: Settings, conversation_id: str | None = None) -> list[Case]:
    """Cases whose owner has said nothing for the quiet time, of one conversation where asked: the bot may answer again."""
    before = now() - timedelta(minutes=settings.quiet_minutes)
    query = select(Case).where(Case.status == "claimed", Case.active_at < before)
    if conversation_id is not None:
        query = query.where(Case.conversation_id == conversation_id)
    return list(session.scalars(query))


def quiet(session: Session, case: Case) -> bool:
    """Give back a case that has gone quiet; it waits for a person as before. False if its owner was faster."""
    unchanged = (Case.status == "claimed") & (Case.claimed_by == case.claimed_by) & (Case.active_at == case.active_at)
    if not _change(session, case.id, unchanged, status="open", claimed_by=None, back_untold=True):
        return False
    case_history.add(session, case.id, "quiet", case.claimed_by)
    return True


def is_back(session: Session, conversation_id: str) -> bool:
    """Whether the bot is back after a person and has not said so yet."""
    untold = (Case.conversation_id == conversation_id) & Case.back_untold & (Case.status != "claimed")
    return session.scalar(select(Case.id).where(untold).limit(1)) is not None


def back(session: Session, conversation_id: str) -> bool:
    """Whether the bot is back after a person and has to say so; True once only."""
    untold = (Case.conversation_id == conversation_id) & Case.back_untold & (Case.status != "claimed")
    result = session.execute(update(Case).where(untold).values(back_untold=False))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def emergency(session: Session, conversation_id: str, lasts: timedelta) -> str | None:
    """The crisis topic of an emergency in this conversation that is younger than `lasts` and not closed, else None."""
    query = select(Case.topic).where(
        Case.conversation_id == conversation_id, Case.urgent, Case.status != "closed", Case.due_at > now() - lasts
    )
    return session.scalar(query)


def conversation_of(session: Session, case: Case) -> Conversation:
    """The conversation a case is about."""
    return session.get_one(Conversation, case.conversation_id)


def writes(case: Case, conversation: Conversation, served: Collection[str]) -> str:
    """The language the person writes, for whoever answers: one that the bot does not serve, else the one it answers in."""
    return case.language if case.language not in served else conversation.language or case.language


@dataclass(frozen=True)
class Waiting:
    """A case as it stands in the queue. `wrote_again`: the person has written since staff last answered."""

    case: Case
    channel: str
    staff: str | None
    wrote_again: bool
    team: str | None = None


def queue(session: Session, limit: int = 300, case_ids: Collection[str] | None = None) -> list[Waiting]:
    """Every case that is not closed: the urgent first, then by when the answer is due. Only `case_ids` where asked."""
    answered_at = (
        select(func.max(OutboxMessage.created_at))
        .where(OutboxMessage.conversation_id == Case.conversation_id, OutboxMessage.author == "staff")
        .scalar_subquery()
    )
    query = (
        select(Case, Conversation.channel, Staff.name, Conversation.last_message_at > answered_at, Team.name)
        .join(Conversation, Conversation.id == Case.conversation_id)
        .outerjoin(Staff, Staff.id == Case.claimed_by)
        .outerjoin(Team, Team.id == Case.team_id)
        .where(Case.status != "closed")
        .order_by(Case.urgent.desc(), Case.due_at, Case.id)
        .limit(limit)
    )
    if case_ids is not None:
        query = query.where(Case.id.in_(case_ids))
    return [Waiting(case, channel, name, bool(again), team) for case, channel, name, again, team in session.execute(query)]


def sees(case: Case, teams: Collection[int], everything: bool) -> bool:
    """Whether somebody in `teams` has to do with a case: those of no team and those gone up are everybody's."""
    return everything or case.team_id is None or case.team_id in teams or case.level > 0


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
    if _change(session, case_id, free, status="claimed", claimed_by=staff_id, active_at=now()):
        case_history.add(session, case_id, "claimed", staff_id)
        return True
    return _mine(session, case_id, staff_id)


def take_over(session: Session, case_id: str, staff_id: int, colleague_id: int) -> bool:
    """Take a case from a colleague who cannot finish it. False if it is not theirs any more."""
    theirs = (Case.status == "claimed") & (Case.claimed_by == colleague_id)
    if not _change(session, case_id, theirs, claimed_by=staff_id, active_at=now()):
        return False
    case_history.add(session, case_id, "taken_over", staff_id, detail=f"from {colleague_id}")
    return True


def release(session: Session, case_id: str, staff_id: int) -> bool:
    """Give a case back to the queue; the bot answers again. False if it was not this person's."""
    if not _change(session, case_id, _claimed_by(staff_id), status="open", claimed_by=None, back_untold=True):
        return False
    case_history.add(session, case_id, "released", staff_id)
    return True


def close(session: Session, case_id: str, staff_id: int) -> bool:
    """Nothing is left to do. False if a colleague has the case, or nobody has answered it."""
    done = (Case.status == "answered") | _claimed_by(staff_id)
    was_mine = _mine(session, case_id, staff_id)
    values: dict[str, object] = {"status": "closed", "closed_at": now()} | ({"back_untold": True} if was_mine else {})
    if not _change(session, case_id, done, **values):
        return False
    case_history.add(session, case_id, "closed", staff_id)
    return True


def reopen(session: Session, case_id: str, staff_id: int) -> bool:
    """Take a closed case up again. False if it is not closed, or another case of the conversation is under way."""
    conversation = select(Case.conversation_id).where(Case.id == case_id).scalar_subquery()
    under_way = select(Case.id).where(Case.conversation_id == conversation, Case.status != "closed", Case.id != case_id)
    if session.scalar(under_way) is not None:
        return False
    taken = {"status": "claimed", "claimed_by": staff_id, "active_at": now(), "closed_at": None, "back_untold": False}
    if not _change(session, case_id, Case.status == "closed", **taken):
        return False
    case_history.add(session, case_id, "reopened", staff_id)
    return True


def answer(session: Session, case_id: str, staff_id: int, text: str, once: str, stay: bool = False) -> bool:
    """Send the person an answer and mark the case answered, or keep it if the staff member wants to `stay`.

    `once` is unique to the form that was sent: sending it twice answers once. False if the case is not this person's.
    """
    origin = f"case {case_id} {once}"
    if session.scalar(select(OutboxMessage.id).where(OutboxMessage.origin == origin)) is not None:
        return True
    moment = now()
    values: dict[str, object] = {"status": "claimed" if stay else "answered", "active_at": moment, "answered_at": moment}
    if not _change(session, case_id, _claimed_by(staff_id), **values, **({} if stay else {"back_untold": True})):
        return False
    case = session.get_one(Case, case_id)
    outbox.put(session, case.conversation_id, text, origin=origin, author="staff")
    case_history.add(session, case_id, "answered", staff_id)
    return True


def urgent(session: Session, conversation_id: str) -> bool:
    """Whether there is an emergency in this conversation that is not closed."""
    query = select(Case.id).where(Case.conversation_id == conversation_id, Case.urgent, Case.status != "closed")
    return session.scalar(query) is not None


def spoken(session: Session, conversation_id: str) -> bool:
    """Somebody of staff has talked with the person by telephone: an open case is answered. False if there is none."""
    return bool(
        session.execute(
            update(Case)
            .where(Case.conversation_id == conversation_id, Case.status == "open", Case.urgent.is_(False))
            .values(status="answered")
        ).rowcount  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
    )


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
