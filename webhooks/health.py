"""What machines ask: /healthz (this process lives), /readyz (each part, truthfully), /metrics (Prometheus)."""

from collections.abc import Iterator
from datetime import datetime

import requests
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from bot import heartbeat, metrics, municipalities, synthesis
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.outbox import OutboxMessage
from webhooks.current import carelines

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Which parts answer; 503 if one does not."""
    parts = _parts()
    # Calls go on without it, in fewer languages: said, but no reason to take the service away from everybody.
    optional = {"espeak-ng": synthesis.installed()}
    missing = [name for name, ready in parts.items() if not ready]
    status = "missing" if missing else "ok"
    return jsonify(status=status, parts=parts, missing=missing, optional=optional), 503 if missing else 200


def _parts() -> dict[str, bool]:
    served = carelines()
    parts: dict[str, bool] = {}
    for name, one in served.items():
        database, worker = _database_and_worker(one)
        parts |= {f"database {name}".strip(): database, f"worker {name}".strip(): worker}
    settings = next(iter(served.values())).settings  # what follows is the machine's, and the same for all
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
    registry.register(_State(carelines()))
    return Response(metrics.exposition(registry), content_type=CONTENT_TYPE_LATEST)


class _State(Collector):
    """What is so at this moment, asked for when Prometheus asks; nothing that a process counts."""

    def __init__(self, served: dict[str, Careline]) -> None:
        self._served = served

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("careline_up", "Whether a part answers", labels=["part"])
        for part, ready in _parts().items():
            up.add_metric([part], float(ready))
        yield up
        labels = ["what", metrics.WHOSE]
        owed = GaugeMetricFamily("careline_owed", "What is owed to people at this moment", labels=labels)
        waited = GaugeMetricFamily("careline_owed_seconds", "How long the oldest of it has been owed", labels=labels)
        for name, one in self._served.items():
            try:
                found = _owed(name, one)
            except DatabaseUnavailable:
                continue
            for what, (count, oldest) in found.items():
                owed.add_metric([what, name], count)
                waited.add_metric([what, name], (now() - oldest).total_seconds() if oldest else 0.0)
        yield owed
        yield waited


def _owed(name: str, one: Careline) -> dict[str, tuple[int, datetime | None]]:
    """How many answers, texts and cases wait, and the oldest of each."""
    queries = {
        "answer": (Message.received_at, Message.state == "late"),
        "text": (OutboxMessage.created_at, OutboxMessage.status.in_(("queued", "sending"))),
        "case": (Case.opened_at, Case.status == "open"),
        "urgent case": (Case.opened_at, (Case.status == "open") & Case.urgent),
    }
    with municipalities.at(name), one.database.read() as session:
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


def _database_and_worker(one: Careline) -> tuple[bool, bool]:
    try:
        with one.database.read() as session:
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
