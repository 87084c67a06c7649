"""Two lanes into one process: streams that stay open wait in theirs and take no place from requests that are answered."""

import threading
from collections.abc import Iterable
from typing import Any

#: How addresses of streams end.
STREAM = "/live"


class Lanes:
    """WSGI middleware: at most `requests` ordinary requests at once, however many threads keep streams open."""

    def __init__(self, application: Any, requests: int) -> None:
        self._application = application
        self._places = threading.BoundedSemaphore(requests)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if str(environ.get("PATH_INFO", "")).endswith(STREAM):
            streamed: Iterable[bytes] = self._application(environ, start_response)
            return streamed
        with self._places:
            answered: Iterable[bytes] = self._application(environ, start_response)
            return answered
