"""Say it again: the last answer, in easier words where there are any."""

from dataclasses import replace

from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.conversation import last_replies
from bot.reply import Phrase, Reply


def answer(careline: Careline, asked: Asked) -> Answer:
    """The last reply of the conversation once more."""
    with careline.database.read() as session:
        last = next(iter(last_replies(session, asked.conversation_id)), None)
    if last is None:
        return Answer(Reply(opening=(Phrase("repeat.nothing"),), closing=(Phrase("person.offer"),), topic="repeat"), asked.memory)
    if last.article is not None and last.article.easy:
        last = replace(last, article=replace(last.article, short=last.article.easy))
    return Answer(last, asked.memory)
