"""Another language is asked for."""

from actions.base import CarelineAction
from bot import language
from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.reply import Phrase, Reply


class ActionLanguage(CarelineAction):
    """Answers `change_language`, where the message names a language and where it does not."""

    action = "action_language"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        wanted = language.mentioned(asked.text, service.settings.languages)
        key = "language.changed" if wanted else "language.which"
        return Answer(Reply(opening=(Phrase(key),), topic=topic, language=wanted), asked.memory)
