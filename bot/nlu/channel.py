"""Rasa's REST channel, for our own web server alone: it shows a token that only holders of the service's key can make.

Loopback keeps the network out; the token keeps out other programs on the same machine.
"""

import hmac
import os
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.rest import RestInput
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.encryption import open_vault
from bot.settings import Settings, ours


@cache
def _expected() -> bytes:
    settings = Settings.from_env(ours(os.environ))
    return f"Bearer {open_vault(settings.secret_key, settings.home).token('rasa')}".encode()


def allowed(authorization: str) -> bool:
    """Whether a request shows our token."""
    return hmac.compare_digest(authorization.encode("utf-8", "surrogateescape"), _expected())


class GuardedRest(RestInput):
    """The REST channel at its usual address; without the token a message is refused (401)."""

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Rasa's own addresses, with the guard before them."""
        guarded = super().blueprint(on_new_message)

        @guarded.middleware("request")  # type: ignore[untyped-decorator]
        async def check(request: Request) -> HTTPResponse | None:
            if request.method == "POST" and not allowed(request.headers.get("Authorization", "")):
                return response.json({"status": "refused"}, status=401)
            return None

        return guarded
