"""A person is asked to help, and the reply says honestly by when."""

from bot import escalation
from bot.careline import Careline
from bot.escalation import Reason
from bot.reply import Phrase, Reply


def reply(careline: Careline, conversation_id: str, language: str, reason: Reason = "asked", topic: str = "human") -> Reply:
    """Open a case and say so. Raises DatabaseUnavailable."""
    with careline.database.begin() as session:
        case = escalation.open_case(session, careline.settings, conversation_id, reason, language)
    return Reply(opening=(Phrase("escalation.done"),), escalation=case, closing=(call(careline),), topic=topic)


def call(careline: Careline) -> Phrase:
    """Where a person can be called, and when: in the usual words, or with the whole week where the days differ."""
    return Phrase("office.call" if careline.settings.office_hours.weekdays() else "office.call_week")
