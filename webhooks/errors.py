"""Errors become answers here: application/problem+json (RFC 9457), nothing of ours inside."""

import logging

from flask import Flask, Response, abort, json, request
from werkzeug.exceptions import HTTPException

from bot.errors import CarelineError

_log = logging.getLogger(__name__)


def problem(status: int, title: str, detail: str | None = None) -> Response:
    """A problem document."""
    body = {"type": "about:blank", "title": title, "status": status} | ({"detail": detail} if detail else {})
    return Response(json.dumps(body), status=status, mimetype="application/problem+json")


def register(app: Flask) -> None:
    """Answer every error of the application."""

    @app.before_request
    def _no_null() -> None:
        """No browser sends the character NUL, and PostgreSQL takes it nowhere. What a provider sends is cleaned instead."""
        if request.blueprint in ("sms", "voice", "bridges"):
            return
        fields = (*request.args.items(multi=True), *request.form.items(multi=True))
        if "\0" in request.path or any("\0" in name or "\0" in value for name, value in fields):
            abort(400, "The character NUL is in no text.")

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        response = problem(error.code or 500, error.name, error.description)
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                response.headers[name] = value
        return response

    @app.errorhandler(CarelineError)
    def _ours(error: CarelineError) -> Response:
        _log.error("%s: %s", type(error).__name__, error)
        response = problem(503 if error.retry else 500, "Service Unavailable" if error.retry else "Internal Server Error")
        if error.retry:
            response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(Exception)
    def _other(error: Exception) -> Response:
        # Only where it happened: the message of a foreign error may quote what a person wrote.
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _log.error("%s at %s", type(error).__name__, where)
        return problem(500, "Internal Server Error")
