"""The directory as an open API, as the Human Services Data Specification 3.1 describes it; for reading, by anybody."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request, url_for
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from bot.directory import changes, pages
from bot.directory.cleaning import SCHEMAS
from bot.directory.export import VERSION
from webhooks.current import careline

blueprint = Blueprint("hsds", __name__, url_prefix="/hsds")

#: Seconds for which a copy may be used without asking again.
FRESH = 60
_LISTS = ", ".join(pages.LISTS).replace(", ", ",")
_READING = "GET, HEAD, POST, OPTIONS"


@blueprint.after_request
def _open(response: Response) -> Response:
    """Pages of others may read this: it is public, and no cookie counts."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _READING
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since, Content-Type"
        response.headers["Access-Control-Max-Age"] = "86400"
    if response.status_code in {200, 304}:
        response.headers["Cache-Control"] = f"public, max-age={FRESH}"
    return response


@blueprint.get("/")
def about() -> Response:
    """What this is."""
    return jsonify(
        version=VERSION,
        profile="https://docs.openreferral.org",
        openapi_url=url_for("hsds.openapi", _external=True),
    )


@blueprint.get("/health")
def health() -> Response:
    """Whether the directory can be read, and how new it is."""
    with careline().database.read() as session:
        changed = changes.changed_at(session)
    response = jsonify(status="ok", changed_at=changed.isoformat() if changed else None)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The standard's own description, with what is particular to this place."""
    described = json.loads((SCHEMAS / "openapi" / "openapi.json").read_text("utf-8"))
    settings = careline().settings
    described["info"] = {
        "title": f"Care services of {settings.municipality}",
        "version": VERSION,
        "summary": "The service directory behind Careline, in the Human Services Data Specification.",
    }
    described["servers"] = [{"url": f"{settings.public_url.rstrip('/')}/hsds" if settings.public_url else "/hsds"}]
    return jsonify(described)


@blueprint.route(f"/<any({_LISTS}):name>", methods=["GET", "POST"])
def many(name: str) -> Response:
    """A page of a list, or all of it a record a line."""
    asked = _asked()
    with careline().database.read() as session:
        unchanged, response = _conditional(session)
        if unchanged:
            return response
        if request.args.get("format", "json").lower() == "ndjson":
            response.response = _lines(name, asked)
            response.mimetype = "application/x-ndjson"
            return response
        response.set_data(json.dumps(pages.page(session, name, asked), ensure_ascii=False))
    return response


@blueprint.get(f"/<any({_LISTS}):name>/<path:record_id>")
def one(name: str, record_id: str) -> Response:
    """One record with everything that belongs to it."""
    with careline().database.read() as session:
        unchanged, response = _conditional(session)
        if unchanged:
            return response
        found = pages.record(session, name, record_id, full_service=_flag("full_service"))
    if found is None:
        abort(404, "There is no record with this id.")
    response.set_data(json.dumps(found, ensure_ascii=False))
    return response


def _lines(name: str, asked: pages.Asked) -> Iterator[str]:
    # Opened when the answer is on its way: the request's own session is closed by then.
    database = careline().database

    def lines() -> Iterator[str]:
        with database.read() as session:
            for record in pages.everything(session, name, asked):
                yield json.dumps(record, ensure_ascii=False) + "\n"

    return lines()


def _conditional(session: Session) -> tuple[bool, Response]:
    """The answer's beginning: empty and 304 if the reader's copy of this very address is still good (RFC 9110, 13)."""
    version, changed = changes.version(session), changes.changed_at(session)
    tag = hashlib.sha256(f"{version}:{changed}:{request.method}:{request.full_path}".encode()).hexdigest()[:24]
    response = Response(mimetype="application/json")
    response.set_etag(tag)
    if changed is not None:
        response.headers["Last-Modified"] = http_date(changed.replace(microsecond=0))
    if request.method in {"GET", "HEAD"}:
        response.make_conditional(request)
    return response.status_code == 304, response


def _asked() -> pages.Asked:
    """The parameters of a list; aborts with 400 if one cannot be what it is."""
    told: dict[str, Any] = {}
    for name in ("page", "per_page"):
        if value := request.args.get(name, ""):
            try:
                told[name] = int(value)
            except ValueError:
                abort(400, f"{name} must be a whole number.")
    for name in ("full", "full_service", "minimal", "top_only"):
        told[name] = _flag(name)
    for name in ("search", "taxonomy_term_id", "taxonomy_id", "organization_id", "postcode", "parent_id"):
        told[name] = request.args.get(name, "").replace("\x00", "")[:200]
    if since := request.args.get("modified_after", ""):
        try:
            moment = datetime.fromisoformat(since.replace(" ", "+"))
            told["modified_after"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            abort(400, "modified_after must be a date and time of ISO 8601.")
    if distance := request.args.get("proximity", ""):
        try:
            told["proximity"] = float(distance)
        except ValueError:
            abort(400, "proximity must be a number of metres.")
    return pages.Asked(**told)


def _flag(name: str) -> bool:
    value = request.args.get(name, "").lower()
    if value not in {"", "true", "false", "1", "0", "yes", "no"}:
        abort(400, f"{name} must be true or false.")
    return value in {"true", "1", "yes"}
