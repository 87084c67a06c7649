"""The answer to somebody in danger: one thing to do, the numbers to call, and a person alerted at once."""

from bot import escalation
from bot.careline import Careline
from bot.errors import DatabaseUnavailable
from bot.phone import written
from bot.reply import Escalation, Phrase, Reply


def reply(careline: Careline, conversation_id: str, topic: str, language: str) -> Reply:
    """The fixed answer to a crisis topic; opens the most urgent case there is.

    A database that fails does not keep the numbers from the person.
    """
    alerted: Escalation | None
    try:
        with careline.database.begin() as session:
            alerted = escalation.open_case(
                session, careline.settings, conversation_id, "crisis", language, topic=topic, urgent=True
            )
    except DatabaseUnavailable:
        alerted = None
    return Reply(opening=(_phrase(careline, topic),), topic=topic, urgent=True, escalation=alerted)


def stay(careline: Careline, last: Reply) -> Reply:
    """The answer to an unclear message that follows an emergency: never a menu."""
    topic = last.topic or "crisis_medical"
    numbers = _numbers(careline, topic)
    key = "crisis.stay_emergency" if numbers["line"] == numbers["emergency"] else "crisis.stay"
    return Reply(opening=(Phrase(key, numbers),), topic=topic, urgent=True, escalation=last.escalation)


def _phrase(careline: Careline, topic: str) -> Phrase:
    return Phrase(topic.replace("_", ".", 1), _numbers(careline, topic))


def _numbers(careline: Careline, topic: str) -> dict[str, str | int]:
    settings = careline.settings
    lines = {
        "crisis_suicide": settings.crisis_number,
        "crisis_violence": settings.refuge_number,
        "crisis_child": settings.child_number,
    }
    line = lines.get(topic, settings.emergency_number)
    return {"emergency": settings.emergency_number, "line": written(line, settings.country)}
