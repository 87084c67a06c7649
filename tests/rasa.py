"""The real Rasa with the real actions, in this process, so that a test can set the clock."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from bot.careline import Question
from bot.reply import Reply
from webhooks.rasa import body_of, reply_of


class InProcessRasa:
    """A dialogue: Rasa's agent with the trained model; its actions run here too."""

    def __init__(self, model: Path) -> None:
        from rasa.core.agent import Agent
        from rasa_sdk.executor import ActionExecutor

        executor = ActionExecutor()
        executor.register_package("actions")
        self._loop = asyncio.new_event_loop()
        self._agent = Agent.load(str(model), action_endpoint=_Actions(executor))

    def respond(self, question: Question) -> Reply:
        from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

        body = body_of(question)
        channel = CollectingOutputChannel()
        message = UserMessage(
            body["message"], channel, body["sender"], input_channel=body["input_channel"], metadata=body["metadata"]
        )
        self._loop.run_until_complete(self._agent.handle_message(message))
        return reply_of(channel.messages)

    def forget(self, conversation_id: str) -> None:
        self._agent.tracker_store._tracker_store.store.pop(conversation_id, None)  # in memory, as nothing else was asked for

    def forget_before(self, moment: datetime) -> None:
        raise NotImplementedError("kept in memory, for one conversation")


class _Actions:
    """Takes the place of the action server's address."""

    url = "in this process"
    kwargs: ClassVar[dict[str, Any]] = {}

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    async def request(self, json: dict[str, Any], **ignored: Any) -> Any:
        return _through_json(await self._executor.run(_through_json(json)))


def _through_json(data: Any) -> Any:
    return json.loads(json.dumps(data))
