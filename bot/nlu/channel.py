"""Rasa's REST channel for `rasa run`, for our own processes alone (bot.nlu.caller) and one municipality; `careline up` runs
actions.server."""

from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.rest import RestInput
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.nlu.caller import asking


class GuardedRest(RestInput):
    """The REST channel at its usual address; without the token a message is refused (401)."""

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Rasa's own addresses, with the guard before them."""
        guarded = super().blueprint(on_new_message)

        @guarded.middleware("request")  # type: ignore[untyped-decorator]
        async def check(request: Request) -> HTTPResponse | None:
            if request.method == "POST" and asking(request.headers.get("Authorization", "")) is None:
                return response.json({"status": "refused"}, status=401)
            return None

        return guarded
