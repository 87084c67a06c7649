"""A person wants their data erased."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, erasure
from bot.careline import Careline


class ActionErasure(CarelineAction):
    """Answers `delete_my_data` with the question whether it is meant."""

    action = "action_erasure"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return Answer(erasure.question(), asked.memory)
