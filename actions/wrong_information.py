"""A record is wrong."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, wrong_information
from bot.careline import Careline


class ActionWrongInformation(CarelineAction):
    """Answers `wrong_information`."""

    action = "action_wrong_information"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return wrong_information.answer(service, asked)
