"""What do you know about me: what is kept, for how long, and how to see or erase it."""

from bot.careline import Careline
from bot.conversation import Conversation
from bot.keywords import KeywordKind, word
from bot.reply import Phrase, Reply


def answer(careline: Careline, conversation_id: str, language: str) -> Reply:
    """The kinds of things kept of this conversation, none of what was said in it. Raises DatabaseUnavailable."""
    settings = careline.settings
    with careline.database.read() as session:
        conversation = session.get_one(Conversation, conversation_id)
        number = conversation.number is not None
    days: int = settings.keep_messages_days if number else settings.keep_kiosk_days
    return Reply(
        opening=(Phrase("my_data.number" if number else "my_data.page", {"days": days}),),
        closing=(Phrase("my_data.more", {"delete": word(KeywordKind.DELETE, language)}),),
        topic="rights_privacy",
    )
