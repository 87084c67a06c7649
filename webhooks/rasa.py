"""Rasa's side, in our words: its REST channel and the state it keeps of a conversation."""

import http.client
import itertools
import json
import random
import time
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import TextClause, bindparam, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from bot import logs, spans
from bot import reply as replies
from bot.careline import Question
from bot.db import Moment, connect
from bot.encryption import vault
from bot.errors import DialogueUnavailable
from bot.reply import Choice, Phrase, Reply

#: Seconds one of several machines may take to accept a connection: on a network of one's own that is plenty.
CONNECT = 1.0
#: Seconds a machine that could not be reached, or did not answer in time, is asked last.
REST = 10.0


class RasaDialogue:
    """The dialogue, over Rasa's REST channel: on loopback, or on several machines (`url`, comma separated).

    `timeout` is in seconds. With its action server down, Rasa answers 200 and an empty list: that is a failure too.
    """

    def __init__(self, url: str, timeout: float, tracker_url: str) -> None:
        self._addresses = [urlsplit(address.strip()) for address in url.split(",") if address.strip()]
        self._next = itertools.count(random.randrange(1000))
        #: Until when an address is asked last, by the clock of this process.
        self._resting: dict[str, float] = {}
        self._timeout = timeout
        self._tracker_url = tracker_url

    def respond(self, question: Question) -> Reply:
        """The reply to a question. Raises DialogueUnavailable."""
        with spans.span("ask rasa", kind="CLIENT"):
            return self._ask(json.dumps(body_of(question)).encode())

    def _ask(self, body: bytes) -> Reply:
        addresses = self._in_turn()
        for number, address in enumerate(addresses, 1):
            # The last one has all the time there is: nobody is left who could be quicker.
            patience = self._timeout if number == len(addresses) else min(CONNECT, self._timeout)
            try:
                connection = _connected(address, patience)
            except OSError as error:
                refused = error  # nobody has the message yet: another machine may take it
                self._resting[address.netloc] = time.monotonic() + REST
                continue
            self._resting.pop(address.netloc, None)
            try:
                return reply_of(self._post(connection, address.path, body))
            except (OSError, ValueError, http.client.HTTPException) as error:
                if isinstance(error, TimeoutError):
                    self._resting[address.netloc] = time.monotonic() + REST
                raise DialogueUnavailable(f"Rasa does not answer ({type(error).__name__}): is it running?") from error
        raise DialogueUnavailable("Rasa does not answer: is it running?") from refused

    def _in_turn(self) -> list[SplitResult]:
        """The addresses, beginning with another each time; those that could not be reached lately come last."""
        first = next(self._next) % len(self._addresses)
        turned = self._addresses[first:] + self._addresses[:first]
        moment = time.monotonic()
        return sorted(turned, key=lambda address: self._resting.get(address.netloc, 0.0) > moment)

    def silent(self) -> list[str]:
        """The addresses that do not answer, or that refuse us, as HOST:PORT."""
        return [address.netloc for address in self._addresses if not self._answers(address)]

    def _answers(self, address: SplitResult) -> bool:
        try:
            connection = _connected(address, 2)
        except OSError:
            return False
        try:
            headers = {"Authorization": f"Bearer {vault().token('rasa')}"}
            connection.request("GET", f"{address.path.rstrip('/')}/webhooks/rest/", headers=headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _post(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> object:
        assert connection.sock is not None
        connection.sock.settimeout(self._timeout)
        try:
            headers = {
                "Content-Type": "application/json",
                "Connection": "close",
                "Authorization": f"Bearer {vault().token('rasa')}",
                **spans.carried(),
            }
            connection.request("POST", f"{path.rstrip('/')}/webhooks/rest/webhook", body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise http.client.HTTPException(f"status {response.status}")
        return json.loads(content)

    def forget(self, conversation_id: str) -> None:
        """Erase Rasa's state of a conversation. Raises DialogueUnavailable."""
        statement = text("DELETE FROM dialogue WHERE conversation_id = :conversation")
        self._erase(statement.bindparams(conversation=conversation_id))

    def forget_before(self, moment: datetime) -> None:
        """Erase Rasa's state that is older than `moment` (aware). Raises DialogueUnavailable."""
        statement = text("DELETE FROM dialogue WHERE changed_at < :moment")
        self._erase(statement.bindparams(bindparam("moment", moment, type_=Moment)))

    def _erase(self, statement: TextClause) -> None:
        try:
            engine = connect(self._tracker_url)
            with engine.execution_options(careline_writes=True).begin() as connection:
                if inspect(connection).has_table("dialogue"):
                    connection.execute(statement)
            engine.dispose()
        except SQLAlchemyError as error:
            raise DialogueUnavailable("Rasa's conversation state cannot be reached.") from error


def _connected(address: SplitResult, seconds: float) -> http.client.HTTPConnection:
    """A connection for one message: the next free process takes it. On loopback it costs less than choosing would.

    Raises OSError if there is none within `seconds`.
    """
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port or 5005, timeout=seconds)
    try:
        connection.connect()
    except OSError:
        connection.close()
        raise
    return connection


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
            "trace": logs.trace(),
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
