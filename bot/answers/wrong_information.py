"""A number, address or time is wrong: whoever keeps the record is told which one."""

from bot import escalation
from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.directory.search import card
from bot.reply import Phrase, Reply


def answer(careline: Careline, asked: Asked) -> Answer:
    """Open a task about the service spoken of last; without one, ask which it is."""
    service_id = asked.service or asked.memory.current
    with careline.database.begin() as session:
        found = card(session, service_id, asked.moment, careline.settings) if service_id else None
        case = escalation.open_case(
            session,
            careline.settings,
            asked.conversation_id,
            "wrong_information",
            asked.language,
            topic=asked.memory.topic,
            record_id=found.id if found else None,
        )
    opening = Phrase("wrong_information.noted", {"name": found.name}) if found else Phrase("wrong_information.which")
    # The case is for the people who keep the list; the person is not made to wait for them.
    assert case is not None
    reply = Reply(opening=(opening,), closing=(Phrase("more.or_person"),), topic="wrong_information")
    return Answer(reply, asked.memory)
