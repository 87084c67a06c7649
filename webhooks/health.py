"""What machines ask: /healthz (this process lives), /readyz (each part, truthfully), /metrics (Prometheus)."""

import os

import requests
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis import Redis
from redis.exceptions import RedisError

from bot import heartbeat
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
    database, worker = _database_and_worker()
    parts = {"database": database, "worker": worker}
    addresses = [address.strip().rstrip("/") for address in settings.rasa_url.split(",")]
    for number, address in enumerate(addresses, 1):
        parts["rasa" if len(addresses) == 1 else f"rasa {number}"] = _answers(f"{address}/webhooks/rest/")
    if settings.actions_url:
        parts["actions"] = _answers(f"{settings.actions_url.removesuffix('/webhook')}/health")
    if settings.redis_url:
        parts["redis"] = _redis_answers(settings.redis_url)
    missing = [name for name, ready in parts.items() if not ready]
    return jsonify(status="missing" if missing else "ok", parts=parts, missing=missing), 503 if missing else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus; no personal data."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


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
