"""Danger that the model recognised where the phrases of `bot.crisis` did not."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, crisis
from bot.careline import Careline


class ActionCrisis(CarelineAction):
    """Answers every `crisis` topic."""

    action = "action_crisis"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return Answer(crisis.reply(service, asked.conversation_id, topic, asked.language, asked.text), asked.memory)
