"""What machines ask: /healthz (this process lives), /readyz (each part, truthfully), /metrics (Prometheus)."""

from datetime import datetime

import requests
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from bot import heartbeat, metrics
from bot.clock import now
from bot.conversation import Message
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.outbox import OutboxMessage
from webhooks.current import careline

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Which parts answer; 503 if one does not."""
    parts = _parts()
    missing = [name for name, ready in parts.items() if not ready]
    return jsonify(status="missing" if missing else "ok", parts=parts, missing=missing), 503 if missing else 200


def _parts() -> dict[str, bool]:
    settings = careline().settings
    database, worker = _database_and_worker()
    parts = {"database": database, "worker": worker}
    addresses = [address.strip().rstrip("/") for address in settings.rasa_url.split(",")]
    for number, address in enumerate(addresses, 1):
        parts["rasa" if len(addresses) == 1 else f"rasa {number}"] = _answers(f"{address}/webhooks/rest/")
    if settings.actions_url:
        parts["actions"] = _answers(f"{settings.actions_url.removesuffix('/webhook')}/health")
    if settings.redis_url:
        parts["redis"] = _redis_answers(settings.redis_url)
    return parts


@blueprint.get("/metrics")
def figures() -> Response:
    """Figures for Prometheus, of all processes of this machine; no personal data."""
    registry = CollectorRegistry()
    up = Gauge("careline_up", "Whether a part answers", ("part",), registry=registry)
    for part, ready in _parts().items():
        up.labels(part).set(ready)
    owed = Gauge("careline_owed", "What is owed to people at this moment", ("what",), registry=registry)
    waited = Gauge("careline_owed_seconds", "How long the oldest of it has been owed", ("what",), registry=registry)
    try:
        for what, (count, oldest) in _owed().items():
            owed.labels(what).set(count)
            waited.labels(what).set((now() - oldest).total_seconds() if oldest else 0)
    except DatabaseUnavailable:
        up.labels("database").set(0)
    return Response(metrics.exposition(registry), content_type=CONTENT_TYPE_LATEST)


def _owed() -> dict[str, tuple[int, datetime | None]]:
    """How many answers, texts and cases wait, and the oldest of each."""
    queries = {
        "answer": (Message.received_at, Message.state == "late"),
        "text": (OutboxMessage.created_at, OutboxMessage.status.in_(("queued", "sending"))),
        "case": (Case.opened_at, Case.status == "open"),
        "urgent case": (Case.opened_at, (Case.status == "open") & Case.urgent),
    }
    with careline().database.read() as session:
        found: dict[str, tuple[int, datetime | None]] = {}
        for what, (at, condition) in queries.items():
            count, oldest = session.execute(select(func.count(), func.min(at)).where(condition)).one()
            found[what] = (count, oldest)
        return found


def _redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as connection:
            return bool(connection.ping())
    except RedisError:
        return False


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
