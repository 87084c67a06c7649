"""A person is asked for."""

from actions.base import CarelineAction
from bot.answers import Answer, Asked, escalation
from bot.careline import Careline


class ActionEscalation(CarelineAction):
    """Answers `human`."""

    action = "action_escalation"

    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        return Answer(escalation.reply(service, asked.conversation_id, asked.language), asked.memory)
