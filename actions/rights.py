"""A right: an article with its source, and where to get help."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, rights
from bot.careline import Careline


class ActionRights(CarelineAction):
    """Answers every `right` topic."""

    action = "action_rights"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return rights.answer(service, asked, topic)
