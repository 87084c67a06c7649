"""A number, address or time is wrong: whoever keeps the record is told which one, and what the person wrote."""

from dataclasses import replace

from bot import escalation
from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.directory import reports
from bot.directory.search import card
from bot.reply import Phrase, Reply


def answer(careline: Careline, asked: Asked) -> Answer:
    """Take down a report about the service named in the message, else the one spoken of last; without any, ask which it is.

    Each message is a report of its own, so that a second one about another place is not lost in the first.
    """
    memory = asked.memory
    with careline.database.begin() as session:
        service_id = asked.service or reports.named(session, asked.text, memory.shown) or memory.current
        found = card(session, service_id, asked.moment, careline.settings) if service_id else None
        record_id = found.id if found else None
        reports.add(session, record_id, asked.conversation_id, asked.language, memory.topic)
        escalation.open_case(
            session,
            careline.settings,
            asked.conversation_id,
            "wrong_information",
            asked.language,
            topic=memory.topic,
            record_id=record_id,
        )
    opening = Phrase("wrong_information.noted", {"name": found.name}) if found else Phrase("wrong_information.which")
    # The case is for the people who keep the list; the person is not made to wait for them.
    reply = Reply(opening=(opening,), closing=(Phrase("more.or_person"),), topic="wrong_information")
    return Answer(reply, replace(memory, current=found.id) if found else memory)
