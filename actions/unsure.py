"""A message the model is not sure of."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, unsure
from bot.careline import Careline


class ActionUnsure(CarelineAction):
    """Answers what fell below the threshold of config.yml."""

    action = "action_unsure"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return unsure.answer(service, asked)
