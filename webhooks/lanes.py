"""Lanes into one process: streams that stay open wait in theirs and take no place from requests that are answered.

A text that finds no place free does not wait for one, as the provider gives up after 15 s: it goes on marked as crowded, and
webhooks.sms says what becomes of it.
"""

import threading
from collections.abc import Iterable
from typing import Any

#: How addresses of streams end.
STREAM = "/live"
#: Where texts come in.
TEXTS = "/sms"
#: The mark, in the WSGI environment.
CROWDED = "careline.crowded"


class Lanes:
    """WSGI middleware: at most `requests` ordinary requests at once, however many threads keep streams open."""

    def __init__(self, application: Any, requests: int) -> None:
        self._application = application
        self._places = threading.BoundedSemaphore(requests)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.endswith(STREAM):
            streamed: Iterable[bytes] = self._application(environ, start_response)
            return streamed
        if not self._places.acquire(blocking=path != TEXTS):
            environ[CROWDED] = True
            kept: Iterable[bytes] = self._application(environ, start_response)
            return kept
        try:
            answered: Iterable[bytes] = self._application(environ, start_response)
            return answered
        finally:
            self._places.release()
