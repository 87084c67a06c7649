"""Not sure is an answer: up to three choices, then a person."""

from dataclasses import replace

from bot import escalation
from bot.answers import Answer, Asked
from bot.answers.escalation import call
from bot.careline import Careline
from bot.reply import Choice, Phrase, Reply


def answer(careline: Careline, asked: Asked) -> Answer:
    """Offer what was likely meant; the second time in a row, ask a person to help."""
    memory = replace(asked.memory, unsure=asked.memory.unsure + 1)
    likely = asked.topics[:3]
    choices = tuple(Choice(payload=f"/{topic}", phrase=Phrase(f"topic.{topic}"), topic=topic) for topic in likely)
    if memory.unsure >= 2:
        with careline.database.begin() as session:
            case = escalation.open_case(session, careline.settings, asked.conversation_id, "not_understood", asked.language)
        reply = Reply(opening=(Phrase("unsure.person"),), choices=choices, escalation=case, closing=(call(careline),))
        return Answer(reply, replace(memory, unsure=0))
    question = Phrase("unsure.choose" if choices else "unsure.again")
    return Answer(Reply(opening=(question,), choices=choices, closing=(Phrase("person.offer"),)), memory)
