"""A case goes to somebody else: a colleague, a team, or, with the person's consent, another organisation or municipality."""

from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import case_history, escalation, municipalities, opt_out, outbox
from bot.careline import Careline
from bot.case_history import CaseEvent
from bot.clock import now
from bot.conversation import Conversation, open_conversation
from bot.directory.tables import TABLES
from bot.escalation import Case
from bot.staff import Staff, Team

#: What came of handing a case to another municipality.
Handed = Literal["done", "not yours", "no consent", "no text", "stopped", "no team"]


def to_colleague(session: Session, case_id: str, staff_id: int, colleague_id: int) -> bool:
    """Hand a case of one's own to a colleague, who has it from now on. False if it is not one's own, or nobody is there."""
    colleague = session.get(Staff, colleague_id)
    if (
        colleague is None
        or not colleague.active
        or not _change(session, case_id, staff_id, claimed_by=colleague_id, active_at=now())
    ):
        return False
    case_history.add(session, case_id, "forwarded", staff_id, detail=f"to {colleague.name}"[:120])
    return True


def to_team(session: Session, case_id: str, staff_id: int, team_id: int | None) -> bool:
    """Give a case of one's own to a team, where it waits by the same promise; None for everybody."""
    team = session.get(Team, team_id) if team_id is not None else None
    if team_id is not None and (team is None or not team.active):
        return False
    values: dict[str, object] = {"status": "open", "claimed_by": None, "team_id": team_id, "back_untold": True, "level": 0}
    if not _change(session, case_id, staff_id, **values):
        return False
    case_history.add(session, case_id, "forwarded", staff_id, detail=f"to {team.name}"[:120] if team else "to everybody")
    return True


def to_organization(session: Session, case_id: str, staff_id: int, name: str, words: str, agreed: bool) -> bool:
    """Pass a question on to another organisation and tell the person (`words`). Only with their consent, which is recorded.

    False without consent, or where the case is not one's own.
    """
    if not agreed or not name:
        return False
    moment = now()
    if not _change(session, case_id, staff_id, status="answered", active_at=moment, answered_at=moment, back_untold=True):
        return False
    case = session.get_one(Case, case_id)
    case_history.add(session, case_id, "consent", staff_id, detail=f"to pass it to {name}"[:120])
    case_history.add(session, case_id, "forwarded", staff_id, detail=f"to {name}"[:120])
    outbox.put(session, case.conversation_id, words, origin=f"forwarded {case_id} {int(moment.timestamp())}", author="staff")
    return True


def to_partner(
    session: Session, here: str, case_id: str, staff_id: int, name: str, partner: Careline, team_id: int, words: str, agreed: bool
) -> Handed:
    """Hand one case to a team of another municipality (`name`, opened as `partner`), and tell the person (`words`).

    Only with their consent, which is recorded. What is handed over is the number, the language and what was said in this
    conversation; it becomes a case there, in their database and under their keys, and nothing else is seen of ours. `here` is
    what we are called. Doing it again after half of it failed makes no second case. Raises DatabaseUnavailable.
    """
    if not agreed:
        return "no consent"
    case = session.get(Case, case_id)
    conversation = session.get(Conversation, case.conversation_id) if case is not None else None
    moment = now()
    if case is None or conversation is None or case.status != "claimed" or case.claimed_by != staff_id:
        return "not yours"
    if conversation.channel != "sms" or conversation.number is None:
        return "no text"
    story = "\n".join(_lines(session, conversation.id))
    with municipalities.at(name), partner.database.begin() as theirs:
        team = theirs.get(Team, team_id)
        if team is None or not team.active:
            return "no team"
        if opt_out.stopped(theirs, conversation.number):
            return "stopped"
        _receive(theirs, partner, team, conversation, case, f"from {here}, case {case_id[:8]}", story)
    called = partner.settings.municipality
    if not _change(session, case_id, staff_id, status="answered", active_at=moment, answered_at=moment, back_untold=True):
        return "not yours"
    case_history.add(session, case_id, "consent", staff_id, detail=f"to hand it to {called}"[:120])
    case_history.add(session, case_id, "forwarded", staff_id, detail=f"to {called}"[:120])
    outbox.put(session, case.conversation_id, words, origin=f"forwarded {case_id} {int(moment.timestamp())}", author="staff")
    return "done"


def _receive(theirs: Session, partner: Careline, team: Team, ours: Conversation, case: Case, source: str, story: str) -> None:
    """Make it a case of theirs, or add it to the one that this person has there already."""
    found = open_conversation(theirs, "sms", None, ours.number)
    known = theirs.scalar(
        select(CaseEvent.id)
        .join(Case, Case.id == CaseEvent.case_id)
        .where(Case.conversation_id == found.id, CaseEvent.kind == "forwarded", CaseEvent.detail == source)
    )
    if known is not None:
        return
    found.language = found.language or ours.language
    if ours.sensitive_at is not None:  # what was safe with us is as safe with them, and no safer
        found.sensitive_at = ours.sensitive_at
        found.safe_to_contact = ours.safe_to_contact
    language = ours.language or case.language
    escalation.open_case(theirs, partner.settings, found.id, "asked", language, case.topic, urgent=case.urgent)
    taken = theirs.scalars(select(Case).where(Case.conversation_id == found.id, Case.status != "closed")).one()
    if taken.status == "open":
        taken.team_id = team.id
    case_history.add(theirs, taken.id, "forwarded", detail=source)
    case_history.add(theirs, taken.id, "note", text=story)


def _lines(session: Session, conversation_id: str) -> list[str]:
    """What was said, in the person's own words, so that they need not say it again."""
    who = {"person": "They", "staff": "We", "bot": "Careline"}
    lines = []
    for one in escalation.said(session, conversation_id):
        text = one.text or (f"(an answer about {one.reply.topic})" if one.reply is not None and one.reply.topic else "")
        if text:
            lines.append(f"{who[one.who]}: {text}")
    return lines


def organizations(session: Session, limit: int = 1000) -> list[tuple[str, str | None]]:
    """Organisations of the directory by name, each with a telephone if it has one."""
    organization, phone = TABLES["organization"], TABLES["phone"]
    first = select(phone.c.number).where(phone.c.organization_id == organization.c.id).limit(1).scalar_subquery()
    rows = session.execute(select(organization.c.name, first).order_by(organization.c.name).limit(limit))
    return [(name, number) for name, number in rows if name]


def _change(session: Session, case_id: str, staff_id: int, **values: object) -> bool:
    mine = (Case.id == case_id) & (Case.status == "claimed") & (Case.claimed_by == staff_id)
    result = session.execute(update(Case).where(mine).values(**values))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
