"""The last answer once more."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, repeat
from bot.careline import Careline


class ActionRepeat(CarelineAction):
    """Answers `repeat`."""

    action = "action_repeat"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return repeat.answer(service, asked)
