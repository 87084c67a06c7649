"""A person is asked to help, and the reply says honestly by when."""

from bot import escalation
from bot.careline import Careline
from bot.escalation import Reason
from bot.reply import Phrase, Reply


def reply(careline: Careline, conversation_id: str, language: str, reason: Reason = "asked", topic: str = "human") -> Reply:
    """Open a case and say so. Raises DatabaseUnavailable."""
    with careline.database.begin() as session:
        case = escalation.open_case(session, careline.settings, conversation_id, reason, language)
    return Reply(opening=(Phrase("escalation.done"),), escalation=case, closing=(Phrase("office.call"),), topic=topic)
