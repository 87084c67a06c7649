"""What browsers are told with every answer: load nothing from elsewhere, keep nothing, tell nobody where you were."""

from flask import Flask, Response, request

#: Scripts and styles only from our own files, no frames, no plug-ins (https://www.w3.org/TR/CSP3/).
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
}


#: Browsers come back by https only, for two years (RFC 6797).
STRICT = "max-age=63072000"


def cookie(name: str, https: bool) -> str:
    """The name of a cookie: where people reach us by https, with the prefix that makes browsers refuse it from any other host
    and without encryption (draft-ietf-httpbis-rfc6265bis, "__Host-" prefix)."""
    return f"__Host-{name}" if https else name


def register(app: Flask, https: bool) -> None:
    """Send the headers with every answer of the application. `https`: people reach it by https."""

    @app.after_request
    def _add(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", STRICT)
        if request.endpoint != "static":
            # Pages and answers hold what people wrote: not in a cache, not behind the Back button.
            response.headers.setdefault("Cache-Control", "no-store")
        return response
