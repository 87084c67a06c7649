"""Who may speak to Rasa: our own web server and worker, which show a token that only holders of a municipality's key can make.

Of several municipalities the token says which one asks, so that nobody can ask as another.

Loopback keeps the network out; the token keeps out other programs on the same machine.
"""

import hmac
import os
from functools import cache

from bot import municipalities
from bot.encryption import open_vault


@cache
def _expected() -> dict[str, bytes]:
    return {
        name: f"Bearer {open_vault(own.secret_key, own.home).token('rasa')}".encode()
        for name, own in municipalities.settings(os.environ).items()
    }


def asking(authorization: str) -> str | None:
    """The municipality whose token a request's Authorization header shows; None for a stranger."""
    shown = authorization.encode("utf-8", "surrogateescape")
    found = [name for name, expected in _expected().items() if hmac.compare_digest(shown, expected)]
    return found[0] if found else None
