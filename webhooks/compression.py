"""Text is sent compressed (gzip), for a kiosk on a slow line. A proxy may do the same; then this does nothing.

Nothing a page holds is a secret that another site could make a browser send, so a compressed length tells nothing (BREACH).
"""

import gzip
from typing import Final

from flask import Flask, Response, request

KINDS: Final = frozenset(
    {"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json", "application/manifest+json"}
)
#: Shorter answers only grow.
SHORTEST: Final = 600


def register(app: Flask) -> None:
    """Compress what the browser takes compressed. The desk's pages are left alone: they carry the form's token."""

    @app.after_request
    def _compress(response: Response) -> Response:
        if response.mimetype not in KINDS or (response.is_streamed and request.endpoint != "static"):
            return response
        response.vary.add("Accept-Encoding")
        wanted = request.accept_encodings.quality("gzip") > 0 and "gzip" in request.headers.get("Accept-Encoding", "")
        if not wanted or response.status_code != 200 or "Content-Encoding" in response.headers:
            return response
        if (request.blueprint or "").startswith("desk"):
            return response
        if request.range is not None:
            return response
        response.direct_passthrough = False
        body = response.get_data()
        if len(body) < SHORTEST:
            return response
        response.set_data(gzip.compress(body, compresslevel=6))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag:
            response.set_etag(etag, weak=True)  # RFC 9110, 8.8.3.3: other bytes need another strong tag
        return response
