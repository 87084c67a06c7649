"""Another language is asked for."""

from actions.base import CarelineAction
from bot import foreign, language, spoken
from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.reply import Phrase, Reply

#: Names of languages that are given as examples.
_EXAMPLES = 4


class ActionLanguage(CarelineAction):
    """Answers `change_language`, where the message names a language, one that is not served, and where it names none."""

    action = "action_language"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        served = service.settings.languages
        wanted = language.mentioned(asked.text, served)
        if wanted is not None:
            return Answer(Reply(opening=(Phrase("language.changed"),), topic=topic, language=wanted), asked.memory)
        unserved = foreign.mentioned(asked.text, served)
        if unserved is not None:
            opening = spoken.sorry(service, unserved, asked.language)
            return Answer(Reply(opening=opening, closing=(Phrase("person.offer"),), topic=topic), asked.memory)
        others = [foreign.own_name(code) for code in served if code != asked.language]
        names = Phrase("language.which", {"languages": ", ".join((others or [foreign.own_name(asked.language)])[:_EXAMPLES])})
        return Answer(Reply(opening=(names,), topic=topic), asked.memory)
