"""Rasa's side, in our words: its REST channel and the state it keeps of a conversation."""

import json
from datetime import datetime
from typing import Any

import requests
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from bot import reply as replies
from bot.careline import Question
from bot.encryption import vault
from bot.errors import DialogueUnavailable
from bot.reply import Choice, Phrase, Reply


class RasaDialogue:
    """The dialogue, over Rasa's REST channel on loopback.

    `timeout` is in seconds. With its action server down, Rasa answers 200 and an empty list: that is a failure too.
    """

    def __init__(self, url: str, timeout: float, tracker_url: str) -> None:
        self._address = f"{url.rstrip('/')}/webhooks/rest/webhook"
        self._timeout = timeout
        self._tracker_url = tracker_url
        self._session = requests.Session()
        self._session.trust_env = False  # loopback never goes through a proxy

    def respond(self, question: Question) -> Reply:
        """The reply to a question. Raises DialogueUnavailable."""
        try:
            headers = {"Authorization": f"Bearer {vault().token('rasa')}"}
            response = self._session.post(
                self._address, json=body_of(question), headers=headers, timeout=self._timeout, allow_redirects=False
            )
            response.raise_for_status()
            messages = response.json()
        except (requests.RequestException, ValueError) as error:
            raise DialogueUnavailable(f"Rasa does not answer ({type(error).__name__}): is it running?") from error
        return reply_of(messages)

    def forget(self, conversation_id: str) -> None:
        """Erase Rasa's state of a conversation. Raises DialogueUnavailable."""
        self._erase("DELETE FROM events WHERE sender_id = :sender", sender=conversation_id)

    def forget_before(self, moment: datetime) -> None:
        """Erase Rasa's state that is older than `moment` (aware). Raises DialogueUnavailable."""
        self._erase("DELETE FROM events WHERE timestamp < :moment", moment=moment.timestamp())

    def _erase(self, statement: str, **values: Any) -> None:
        try:
            engine = create_engine(self._tracker_url)
            with engine.begin() as connection:
                if inspect(connection).has_table("events"):
                    connection.execute(text(statement), values)
            engine.dispose()
        except SQLAlchemyError as error:
            raise DialogueUnavailable("Rasa's conversation state cannot be reached.") from error


def reply_of(messages: object) -> Reply:
    """The reply among the messages of Rasa's REST channel. Raises DialogueUnavailable if there is none."""
    if not isinstance(messages, list):
        raise DialogueUnavailable("Rasa answered with something that is no list of messages.")
    for message in messages:
        if isinstance(message, dict) and isinstance(message.get("custom"), dict):
            return _reply(message["custom"])
    raise DialogueUnavailable("Rasa answered with nothing: is the action server running?")


def body_of(question: Question) -> dict[str, Any]:
    """What Rasa's REST channel is sent for a question. No telephone number is in it."""
    return {
        "sender": question.conversation_id,
        "message": question.payload or unescaped(question.text),
        "input_channel": question.channel,
        "metadata": {
            "text": question.text,
            "language": question.language,
            "channel": question.channel,
            "place": question.place,
            "topic": question.topic,
        },
    }


def unescaped(message: str) -> str:
    """The message with no leading slash, which would be an order to Rasa ("/restart")."""
    return message.lstrip("/ \t\n") or "?"


def _reply(custom: dict[str, Any]) -> Reply:
    """The Reply an action made, or the one a response in domain.yml points to."""
    try:
        if "reply" not in custom:
            return replies.load(custom)
        choice = custom.get("choice")
        return Reply(
            opening=(Phrase(custom["reply"]),),
            closing=(Phrase(custom["closing"]),) if "closing" in custom else (),
            choices=(Choice(choice["payload"], phrase=Phrase(choice["phrase"])),) if choice else (),
            topic=custom.get("topic"),
        )
    except Exception as error:  # cattrs raises groups of whatever went wrong
        raise DialogueUnavailable(f"Rasa answered with no reply of ours: {json.dumps(custom)[:80]}") from error
