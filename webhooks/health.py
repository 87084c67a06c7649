"""What machines ask: /healthz (this process lives), /readyz (each part, truthfully), /metrics (Prometheus)."""

import requests
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import heartbeat, synthesis
from bot.errors import DatabaseUnavailable
from webhooks.current import careline

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Which parts answer; 503 if one does not."""
    settings = careline().settings
    actions = settings.actions_url.removesuffix("/webhook")
    database, worker = _database_and_worker()
    parts = {
        "database": database,
        "worker": worker,
        "rasa": _answers(f"{settings.rasa_url.rstrip('/')}/webhooks/rest/"),
        "actions": _answers(f"{actions}/health"),
    }
    # Calls go on without it, in fewer languages: said, but no reason to take the service away from everybody.
    optional = {"espeak-ng": synthesis.installed()}
    missing = [name for name, ready in parts.items() if not ready]
    status = "missing" if missing else "ok"
    return jsonify(status=status, parts=parts, missing=missing, optional=optional), 503 if missing else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus; no personal data."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database_and_worker() -> tuple[bool, bool]:
    try:
        with careline().database.read() as session:
            return True, heartbeat.alive(session, "worker")
    except DatabaseUnavailable:
        return False, False


def _answers(url: str) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=2).ok
    except requests.RequestException:
        return False
