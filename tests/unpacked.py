"""The application without compression: schemathesis asks for gzip over WSGI and does not unpack it."""

from collections.abc import Callable
from typing import Any


def unpacked(app: Any) -> Callable[..., Any]:
    """The WSGI application as somebody sees it who takes no packed answers."""

    def plain(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "HTTP_ACCEPT_ENCODING": "identity"}, start_response)

    return plain
