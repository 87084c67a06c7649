"""Who may speak to Rasa: our own web server and worker, which show a token that only holders of the service's key can make.

Loopback keeps the network out; the token keeps out other programs on the same machine.
"""

import hmac
import os
from functools import cache

from bot.encryption import open_vault
from bot.settings import Settings, ours


@cache
def _expected() -> bytes:
    settings = Settings.from_env(ours(os.environ))
    return f"Bearer {open_vault(settings.secret_key, settings.home).token('rasa')}".encode()


def allowed(authorization: str) -> bool:
    """Whether a request's Authorization header shows our token."""
    return hmac.compare_digest(authorization.encode("utf-8", "surrogateescape"), _expected())
