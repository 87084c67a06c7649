"""A need: services from the directory."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, search
from bot.careline import Careline


class ActionSearch(CarelineAction):
    """Answers every `need` topic."""

    action = "action_search"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return search.answer(service, asked, topic)
