"""What machines ask: /healthz (this process lives), /readyz (each part, truthfully), /metrics (Prometheus)."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import cast

import requests
from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from sqlalchemy import func, select, update

from bot import heartbeat, metrics, municipalities, synthesis
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message
from bot.encryption import vault
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.heartbeat import Heartbeat
from bot.outbox import OutboxMessage
from bot.settings import ROWS, Settings
from webhooks.current import carelines
from webhooks.probes import Probes

blueprint = Blueprint("health", __name__)

#: Bytes that must fit on the disk: what a message, its answer and their log lines take, many times over.
ROOM = 1_000_000
#: The number that stands in the example; it is nobody's.
_EXAMPLE = next(row.default for row in ROWS if row.attribute == "sms_number")


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Which parts work, each asked at this moment; 503 if one does not. `why` names settings that are missing."""
    parts = _parts()
    unset = {label("provider", name): _unset(one.settings) for name, one in carelines().items()}
    why = {part: names for part, names in unset.items() if names}
    # Said, but no reason to take the service away from everybody: calls go on without the voice, in fewer languages; and a city
    # may have kiosks alone, and no number at all.
    optional = {"espeak-ng": synthesis.installed()} | {part: False for part in unset if part not in parts}
    missing = [name for name, ready in parts.items() if not ready]
    status = "missing" if missing else "ok"
    return jsonify(status=status, parts=parts, missing=missing, optional=optional, why=why), 503 if missing else 200


def label(part: str, municipality: str) -> str:
    """What a part is called, where each municipality has its own."""
    return f"{part} {municipality}".strip()


def _parts() -> dict[str, bool]:
    served = carelines()
    checks: dict[str, Callable[[], bool]] = {}
    for name, one in served.items():
        checks[label("database", name)] = partial(_database_writes, one)
        checks[label("worker", name)] = partial(_worker_beats, one)
        checks[label("disk", name)] = partial(_disk_takes, one.settings.home)
        if _has_provider(one.settings):
            checks[label("provider", name)] = partial(_provider_is_set, one.settings)
    settings = next(iter(served.values())).settings  # what follows is the machine's, and the same for all
    addresses = [address.strip().rstrip("/") for address in settings.rasa_url.split(",")]
    for number, address in enumerate(addresses, 1):
        part = "rasa" if len(addresses) == 1 else f"rasa {number}"
        checks[part] = partial(_rasa_takes_our_messages, f"{address}/webhooks/rest/", list(served))
    if settings.actions_url:
        checks["actions"] = partial(_answers, f"{settings.actions_url.removesuffix('/webhook')}/health")
    if settings.redis_url:
        checks["redis"] = partial(_redis_writes, settings.redis_url)
    return cast(Probes, current_app.extensions.setdefault("probes", Probes())).ask(checks)


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


def _database_writes(one: Careline) -> bool:
    with one.database.begin() as session:
        # Changes nothing, and is refused where nothing may be changed: by a standby, or while another holds the file.
        session.execute(update(Heartbeat).where(Heartbeat.part == "nobody").values(at=now()))
    return True


def _worker_beats(one: Careline) -> bool:
    with one.database.read() as session:
        return heartbeat.alive(session, "worker")


def _disk_takes(home: Path) -> bool:
    with tempfile.TemporaryFile(dir=home) as file:
        file.write(bytes(ROOM))
    return True


def _has_provider(settings: Settings) -> bool:
    return bool(settings.twilio_account_sid or settings.twilio_auth_token)


def _provider_is_set(settings: Settings) -> bool:
    return not _unset(settings)


def _unset(settings: Settings) -> list[str]:
    """Settings without which texts are neither taken nor sent. A simulator, or a server in the provider's place, needs fewer."""
    needed = {"TWILIO_AUTH_TOKEN": settings.twilio_auth_token, "CARELINE_PUBLIC_URL": settings.public_url}
    if not settings.simulator:
        needed["TWILIO_ACCOUNT_SID"] = settings.twilio_account_sid
    if not settings.simulator and not settings.twilio_api_url:
        needed["CARELINE_SMS_NUMBER"] = settings.sms_number if settings.sms_number != _EXAMPLE else ""
    return sorted(name for name, value in needed.items() if not value)


def _rasa_takes_our_messages(url: str, served: list[str]) -> bool:
    for name in served:
        with municipalities.at(name):
            token = vault().token("rasa")  # one with other keys would refuse every message
        if not _answers(url, {"Authorization": f"Bearer {token}"}):
            return False
    return True


def _redis_writes(url: str) -> bool:
    with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as connection:
        # One that is full, or a replica, answers and takes no lock.
        return bool(connection.set("careline:ready", "1", ex=60))


def _answers(url: str, headers: dict[str, str] | None = None) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=2, headers=headers).ok
    except requests.RequestException:
        return False
