"""What follows an answer: the next places, another area, one more fact."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, more
from bot.careline import Careline


class ActionMore(CarelineAction):
    """Answers `more` and questions that only make sense after an answer."""

    action = "action_more"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return more.answer(service, asked)
