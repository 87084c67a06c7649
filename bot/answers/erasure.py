"""Erasing what is kept of a person: asked for, confirmed, done."""

from bot.careline import Careline, Dialogue
from bot.conversation import forget
from bot.errors import DatabaseUnavailable, DialogueUnavailable
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
    """Erase the conversation with its messages, cases and outbox, and what the dialogue keeps of it."""
    try:
        dialogue.forget(conversation_id)
        forget(careline.database, conversation_id)
    except (DialogueUnavailable, DatabaseUnavailable):
        return Reply(opening=(Phrase("delete.failed"),), closing=(Phrase("person.offer"),), topic="delete_my_data")
    return Reply(opening=(Phrase("delete.done"),), topic="delete_my_data")
