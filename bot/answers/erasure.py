"""Erasing what is kept of a person: asked for, confirmed, done, with a receipt."""

from bot import erasure
from bot.careline import Careline, Dialogue
from bot.errors import DatabaseUnavailable
from bot.reply import Choice, Phrase, Reply

#: What the first choice of the question stands for; the turn itself carries it out.
CONFIRMED = "/erase"


def question() -> Reply:
    """Ask before anything is erased."""
    return Reply(
        opening=(Phrase("delete.confirm"),),
        choices=(Choice(payload=CONFIRMED, phrase=Phrase("delete.yes")),),
        closing=(Phrase("person.offer"),),
        topic="delete_my_data",
    )


def erase(careline: Careline, dialogue: Dialogue, conversation_id: str) -> Reply:
    """Erase all conversations of the person with their messages, cases and outbox; what the dialogue keeps of them now if
    it can be reached, and the rest, the provider's copies too, through the worker."""
    try:
        with careline.database.begin() as session:
            receipt = erasure.erase(session, conversation_id)
        with careline.database.read() as session:
            tasks = erasure.due(session, receipt)
        for task in tasks:
            erasure.carry_out(careline.database, dialogue, None, task)
    except DatabaseUnavailable:
        return Reply(opening=(Phrase("delete.failed"),), closing=(Phrase("person.offer"),), topic="delete_my_data")
    return Reply(opening=(Phrase("delete.done"), Phrase("erasure.receipt", {"receipt": receipt})), topic="delete_my_data")
