"""What time does to cases: overdue ones remind, untaken crises ring again and go up, and quiet ones go back to the queue."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import alerts, audit, case_history, escalation, helped, outbox, render
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.escalation import Case
from bot.staff import Team

#: An overdue case reminds this often; after GOES_UP reminders it is shown to every team.
REMINDS = (timedelta(0), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
GOES_UP = 2
#: A crisis rings this often at most; after SECOND_LINE rings the second line is texted too, and every team sees it.
MOST_RINGS, SECOND_LINE = 24, 3


def sweep(careline: Careline) -> bool:
    """Do all that is due; whether something has been put where the worker has to send it. Raises DatabaseUnavailable."""
    with careline.database.begin() as session:
        rang = _ring(session, careline)
        _remind(session)
        spoke = _quiet(session, careline)
        audit.sweep(session)
    return bool(rang + spoke + helped.ask(careline) + helped.follow_up(careline))


def _remind(session: Session) -> None:
    moment = now()
    waiting = (Case.status == "open") & ~Case.urgent & (Case.due_at <= moment) & (Case.reminders < len(REMINDS))
    for case in session.scalars(select(Case).where(waiting)):
        if case.due_at + REMINDS[case.reminders] > moment:
            continue
        count = case.reminders + 1
        up = count >= GOES_UP and case.level == 0
        if not _mine(session, case, Case.reminders == case.reminders, reminders=count, **({"level": 1} if up else {})):
            continue
        case_history.add(session, case.id, "reminded", detail=str(count))
        if up:
            case_history.add(session, case.id, "went_up", detail="every team")


def _ring(session: Session, careline: Careline) -> int:
    settings, moment = careline.settings, now()
    silent = Case.rung_at.is_(None) | (Case.rung_at <= moment - timedelta(minutes=settings.ring_minutes))
    rang = 0
    for case in session.scalars(select(Case).where(Case.status == "open", Case.urgent, silent, Case.rings < MOST_RINGS)):
        count = case.rings + 1
        up = count >= SECOND_LINE
        if not _mine(session, case, Case.rings == case.rings, rings=count, rung_at=moment, level=1 if up else case.level):
            continue
        case_history.add(session, case.id, "rang", detail=str(count))
        if up and count == SECOND_LINE:
            case_history.add(session, case.id, "went_up", detail="second line")
        team = session.get(Team, case.team_id) if case.team_id is not None else None
        numbers = [(team.duty_number if team is not None else None) or settings.duty_number]
        numbers += [settings.second_line_number] if up else []
        words = render.facts(careline, settings.default_language, "sms").words
        minutes = max(1, int((moment - case.opened_at).total_seconds() // 60))
        text = words("duty.crisis") if count == 1 else words("duty.again", minutes=minutes)
        # A case that is opened anew rings anew: its opening is part of what makes a ring one of its own.
        origin = f"{case.id} {int(case.opened_at.timestamp())} {count}"
        for number in dict.fromkeys(number for number in numbers if number):
            rang += alerts.put(session, case.id, number, text, f"{origin} {number[-4:]}")
    return rang


def _quiet(session: Session, careline: Careline) -> int:
    """Give back what its owner has left; whoever wrote in the meantime is told so at once."""
    return sum(_step_back(session, careline, case) for case in escalation.gone_quiet(session, careline.settings))


def step_back(careline: Careline, case_id: str) -> bool:
    """Tell somebody who waits that the person helping them has left. Whether there was anything to tell.

    Raises DatabaseUnavailable.
    """
    with careline.database.begin() as session:
        case = session.get(Case, case_id)
        return case is not None and bool(_tell(session, careline, case))


def _step_back(session: Session, careline: Careline, case: Case) -> int:
    return _tell(session, careline, case) if escalation.quiet(session, case) else 0


def _tell(session: Session, careline: Careline, case: Case) -> int:
    """Whoever wrote to a person and got no answer is told that the person is gone; everybody else hears it next time."""
    conversation = session.get_one(Conversation, case.conversation_id)
    if case.active_at is None or conversation.last_message_at <= case.active_at or conversation.channel == "voice":
        return 0
    last = session.scalar(
        select(Message.id).where(Message.conversation_id == conversation.id).order_by(Message.id.desc()).limit(1)
    )
    words = render.facts(careline, conversation.language or case.language, "sms").words
    told = outbox.put(session, conversation.id, words("person.stepped_away"), origin=f"back {case.id} {last}")
    session.execute(update(Case).where(Case.id == case.id).values(back_untold=False))
    return 1 if told else 0


def _mine(session: Session, case: Case, unchanged: object, **values: object) -> bool:
    """Change a case unless another worker has done so already."""
    claim = update(Case).where(Case.id == case.id, Case.status == "open", unchanged)  # type: ignore[arg-type]
    return bool(session.execute(claim.values(**values)).rowcount)  # type: ignore[attr-defined]  # a CursorResult
