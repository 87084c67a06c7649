"""A case goes to somebody else: a colleague, a team, or, with the person's consent, another organisation."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import case_history, outbox
from bot.clock import now
from bot.directory.tables import TABLES
from bot.escalation import Case
from bot.staff import Staff, Team


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
