""" "Did this help?": asked once after a person's answer, where it is safe to; and a follow-up for those who agree to one."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot import case_history, outbox, render
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.escalation import Case
from bot.office import Office

#: Asked this long after the last answer, and not once it is older than the second.
AFTER, NOT_AFTER = timedelta(hours=2), timedelta(days=2)
#: How long an answer to the question is taken for one, and when we ask again.
WAITS, AGAIN = timedelta(days=3), timedelta(days=7)
#: Nobody is asked about these: a text that comes later may be read by somebody else.
NEVER = ("violence_refuge", "rights_violence", "crisis_violence", "crisis_child", "crisis_suicide")


def safe(case: Case) -> bool:
    """Whether it does no harm to write to this person of our own accord."""
    return case.topic not in NEVER and not case.urgent


def ask(careline: Careline) -> int:
    """Ask everybody whose turn it is, in office hours; returns how many were asked. Raises DatabaseUnavailable."""
    settings, moment = careline.settings, now()
    if not settings.ask_helped or not Office.of(settings).staffed(moment):
        return 0
    done = Case.status.in_(("answered", "closed")) & Case.asked_helped_at.is_(None) & Case.helped.is_(None)
    when = (Case.answered_at < moment - AFTER) & (Case.answered_at > moment - NOT_AFTER)
    asked = 0
    with careline.database.begin() as session:
        rows = session.execute(select(Case, Conversation).join(Conversation).where(done, when).limit(50)).all()
        for case, conversation in rows:
            wrote_since = case.answered_at is not None and conversation.last_message_at > case.answered_at
            possible = safe(case) and conversation.channel != "voice" and not wrote_since
            # Marked in any case, so that it is asked once or never.
            mine = update(Case).where(Case.id == case.id, Case.asked_helped_at.is_(None)).values(asked_helped_at=moment)
            if not session.execute(mine).rowcount or not possible:  # type: ignore[attr-defined]  # a CursorResult
                continue
            words = render.facts(careline, conversation.language or case.language, "sms").words
            outbox.put(session, conversation.id, words("helped.ask"), origin=f"helped {case.id}", purpose="followups")
            asked += 1
    return asked


def pending(session: Session, conversation_id: str, message_id: int) -> Case | None:
    """The case we have asked about and heard nothing since; `message_id` is the message at hand."""
    case = session.scalar(
        select(Case)
        .where(Case.conversation_id == conversation_id, Case.asked_helped_at > now() - WAITS, Case.helped.is_(None))
        .order_by(Case.asked_helped_at.desc())
        .limit(1)
    )
    if case is None or case.asked_helped_at is None or case.status not in ("answered", "closed") or not safe(case):
        return None
    earlier = select(func.max(Message.received_at)).where(Message.conversation_id == conversation_id, Message.id < message_id)
    last = session.scalar(earlier)
    return None if last is not None and last > case.asked_helped_at else case


def record(session: Session, case: Case, yes: bool) -> None:
    """Keep the person's own answer."""
    case.helped = "yes" if yes else "no"
    case_history.add(session, case.id, "helped", detail=case.helped)


def agree(session: Session, conversation_id: str) -> bool:
    """They want to be asked again in a week. False if there is nothing to ask about."""
    case = session.scalar(
        select(Case).where(Case.conversation_id == conversation_id, Case.helped == "yes").order_by(Case.opened_at.desc()).limit(1)
    )
    if case is None or not safe(case):
        return False
    case.follow_up_at = now() + AGAIN
    case_history.add(session, case.id, "consent", detail="follow-up")
    return True


def follow_up(careline: Careline) -> int:
    """Write to those who agreed and whose day has come, in office hours; returns to how many. Raises DatabaseUnavailable."""
    settings, moment = careline.settings, now()
    if not Office.of(settings).staffed(moment):
        return 0
    written = 0
    with careline.database.begin() as session:
        rows = session.execute(select(Case, Conversation).join(Conversation).where(Case.follow_up_at <= moment).limit(50)).all()
        for case, conversation in rows:
            mine = update(Case).where(Case.id == case.id, Case.follow_up_at.is_not(None)).values(follow_up_at=None)
            if not session.execute(mine).rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
                continue
            words = render.facts(careline, conversation.language or case.language, "sms").words
            if outbox.put(session, conversation.id, words("follow_up.ask"), f"follow-up {case.id}", purpose="followups"):
                written += 1
    return written
