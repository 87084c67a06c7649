"""Answers that are owed: the dialogue was down, or the process that had the message died."""

import logging
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import escalation, logs, outbox, render, spans
from bot.careline import Careline, Dialogue
from bot.clock import now
from bot.conversation import Conversation, Message, Recorded, lease_unanswered, recorded_message
from bot.errors import DatabaseUnavailable
from bot.inbound import Inbound
from bot.render import sms
from bot.turn import Decision, decide

_log = logging.getLogger(__name__)

#: How long one worker has a message to itself.
LEASE = timedelta(seconds=60)
#: After this long without an answer a person is asked to give it.
PERSON_AFTER = timedelta(minutes=15)


def answer_waiting(careline: Careline, dialogue: Dialogue) -> list[str]:
    """Answer what can be answered by now; the answers stand in the outbox. Returns the ids of their outbox messages.

    Raises DatabaseUnavailable.
    """
    queued = [_answer_safely(careline, dialogue, message_id) for message_id in lease_unanswered(careline.database, LEASE)]
    return [outbox_id for outbox_id in queued if outbox_id is not None]


def _answer_safely(careline: Careline, dialogue: Dialogue, message_id: int) -> str | None:
    """One message that cannot be answered must not keep those behind it waiting. Raises DatabaseUnavailable."""
    try:
        return _answer(careline, dialogue, message_id)
    except DatabaseUnavailable:
        raise
    except Exception:  # it stays leased, and is tried again
        _log.exception("A waiting message could not be answered")
        return None


def _answer(careline: Careline, dialogue: Dialogue, message_id: int) -> str | None:
    with careline.database.read() as session:
        message = session.get(Message, message_id)
        if message is None:
            return None
        conversation = session.get_one(Conversation, message.conversation_id)
        inbound = Inbound(
            channel=conversation.channel,  # type: ignore[arg-type]  # one of the channels, or the constraint is broken
            text=message.text,
            number=conversation.number,
            conversation_id=conversation.id,
            language=message.language,
            place=message.place,
        )
        recorded = recorded_message(session, message)
        received_at = message.received_at
        trace = message.trace
    # Below the turn that promised it; a message whose process died may have none.
    with logs.traced(trace or logs.new_trace()), spans.span("late answer", first=trace is None) as part:
        decision = decide(careline, dialogue, inbound, recorded)
        part.say(outcome="late" if decision.late else "answered")
        if decision.late:
            _wait(careline, message_id, recorded.conversation_id, decision.language, now() - received_at)
            return None
        return _queue(careline, message_id, inbound, recorded, decision)


def _queue(careline: Careline, message_id: int, inbound: Inbound, recorded: Recorded, decision: Decision) -> str | None:
    """Put the answer into the outbox; the id it has there."""
    text = sms.render(decision.reply, render.facts(careline, decision.language, inbound.channel))
    with careline.database.begin() as session:
        message = session.get(Message, message_id)
        if message is None or message.state == "answered":
            return None
        message.store(decision.reply, decision.language, "answered")
        if inbound.channel == "voice":
            return None  # the call is over, and nobody agreed to a text
        queued = outbox.put(session, recorded.conversation_id, text, origin=f"message {message_id}") if text else None
        return queued.id if queued else None


def _wait(careline: Careline, message_id: int, conversation_id: str, language: str, waited: timedelta) -> None:
    """Try again in a while; when it has taken too long, a person answers."""
    with careline.database.begin() as session:
        again = now() + timedelta(seconds=10)
        session.execute(update(Message).where(Message.id == message_id).values(leased_until=again))
        if waited > PERSON_AFTER:
            escalation.open_case(session, careline.settings, conversation_id, "unavailable", language)


def waiting(session: Session) -> bool:
    """Whether any message is still owed an answer."""
    return session.scalar(select(Message.id).where(Message.state == "late").limit(1)) is not None
