"""One trace goes through web, Rasa and worker: real processes, and a collector that reads what they really send."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import encryption
from bot.conversation import Message
from bot.db import Database
from bot.directory.importer import import_package
from bot.outbox import OutboxMessage
from bot.settings import Settings
from bot.training import ROOT
from tests import parts, servers
from tests.faults.provider import Provider
from webhooks.phone import send_text

pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("ignore")]
TOKEN = "a token for tests only"
NUMBER = "+447700900731"
#: What a person writes, and must be in no span: names, places, needs.
WORDS = ("Ermintrude", "Riverside", "hungry", "7700900731")


@dataclass
class Service:
    machine: parts.Machine
    env: dict[str, str]
    settings: Settings
    database: Database
    spans: Path
    provider: Provider

    @property
    def address(self) -> str:
        return f"http://{self.env['WEB_LISTEN']}"

    def sent(self) -> list[dict[str, Any]]:
        """The spans that the collector has got so far."""
        return [json.loads(line) for line in self.spans.read_text().splitlines()] if self.spans.exists() else []

    def logged(self) -> list[dict[str, Any]]:
        """The log lines of all parts."""
        texts = [part.log.read_text() for part in self.machine.parts.values()]
        return [json.loads(line) for text in texts for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("traced")
    machine = parts.Machine("alone", "127.0.0.1", folder / "home")
    (machine.home / "models").mkdir(parents=True)
    shutil.copy(model, machine.home / "models" / model.name)
    provider, spans, port = Provider(TOKEN, seed=1), folder / "spans.jsonl", servers.free_port()
    provider.failing = 0.0
    collector = subprocess.Popen([sys.executable, "-m", "tests.collector", str(port), str(spans)], cwd=ROOT)
    web, rasa = servers.free_port(), servers.free_port()
    env = {
        "CARELINE_SECRET_KEY": "a key for tests only",
        "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "CARELINE_RASA_URL": f"http://127.0.0.1:{rasa}",
        "CARELINE_RASA_WORKERS": "1",
        "CARELINE_TELEMETRY_URL": f"http://127.0.0.1:{port}",
        "CARELINE_LOG_LEVEL": "DEBUG",
        "CARELINE_TWILIO_API_URL": provider.address,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WEB_LISTEN": f"127.0.0.1:{web}",
    }
    settings = Settings.from_env(
        {name: value for name, value in env.items() if not name.endswith("_LISTEN")} | {"CARELINE_HOME": str(machine.home)}
    )
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(settings.database)
    database.migrate()
    import_package(database, ROOT / "data" / "directory")
    try:
        for unit in ("careline-web", "careline-worker@"):
            machine.start(unit, env)
        found = Service(machine, env, settings, database, spans, provider)
        parts.until("web and worker", 60, lambda: (parts.ready(found.address) or {}).get("missing") == ["rasa"], machine)
        yield found
    finally:
        machine.end()
        collector.terminate()
        collector.wait(10)
        provider.stop()
        database.engine.dispose()


def test_one_trace_goes_through_web_worker_and_rasa(service: Service) -> None:
    """Rasa is down at first, so that the answer is the worker's: the longest way that a message can take."""
    (promise,) = send_text(service.settings, service.address, NUMBER, "My name is Ermintrude and I am hungry in Riverside")
    service.machine.start("careline-rasa", service.env)

    def sent() -> bool:
        with service.database.read() as session:
            return session.scalar(select(func.count()).where(OutboxMessage.status.in_(("sent", "delivered")))) == 1

    parts.until("the late answer", 120, sent, service.machine)
    parts.until("the span of sending it", 20, lambda: any(span["name"] == "send" for span in service.sent()), service.machine)
    parts.until("Rasa's spans", 20, lambda: any(span["name"] == "dialogue" for span in service.sent()), service.machine)
    ((_, text),) = next(iter(service.provider.taken.values()))
    assert text != promise

    (turn,) = [span for span in service.sent() if span["name"] == "turn"]
    mine = [span for span in service.sent() if span["trace"] == turn["trace"]]
    found = {(span["part"], span["name"]) for span in mine}
    assert found >= {
        ("web", "turn"),
        ("web", "ask rasa"),
        ("worker", "late answer"),
        ("worker", "ask rasa"),
        ("rasa", "dialogue"),
        ("rasa", "action_search"),
        ("worker", "send"),
    }
    by_id = {span["id"]: span for span in mine}
    assert len(by_id) == len(mine)
    above = {(span["name"], span["part"]): by_id[span["parent"]]["name"] for span in mine if span["parent"]}
    assert turn["parent"] == ""
    assert above[("late answer", "worker")] == "turn"
    assert above[("dialogue", "rasa")] == "ask rasa"
    assert above[("action_search", "rasa")] == "dialogue"
    assert above[("send", "worker")] == "turn"
    assert [span["facts"]["error.type"] for span in mine if (span["part"], span["name"]) == ("web", "ask rasa")] == [
        "DialogueUnavailable"
    ]
    logged = {line["part"] for line in service.logged() if line.get("trace") == turn["trace"]}
    assert {"web", "rasa"} <= logged, "the log lines carry the same trace"


def test_a_turn_that_is_answered_at_once(service: Service) -> None:
    parts.until("Rasa", 60, lambda: (parts.ready(service.address) or {}).get("missing") == [], service.machine)
    (answer,) = send_text(service.settings, service.address, NUMBER, "i am hungry, food in Riverside")
    assert "Riverside" in answer

    def complete() -> list[dict[str, Any]]:
        turns = [span for span in service.sent() if span["name"] == "turn" and span["facts"]["careline.outcome"] == "answered"]
        mine = [span for span in service.sent() if turns and span["trace"] == turns[0]["trace"]]
        return mine if {"turn", "ask rasa", "dialogue", "action_search"} <= {span["name"] for span in mine} else []

    mine = parts.until("its spans", 20, complete, service.machine)
    seconds = {span["name"]: span["seconds"] for span in mine}
    assert seconds["turn"] >= seconds["ask rasa"] >= seconds["dialogue"] >= seconds["action_search"] > 0
    (turn,) = [span for span in mine if span["name"] == "turn"]
    assert turn["facts"] == {"careline.channel": "sms", "careline.outcome": "answered", "careline.language": "en"}


def test_nothing_of_a_person_is_sent(service: Service) -> None:
    raw = service.spans.with_suffix(".raw").read_bytes()
    assert raw
    for word in WORDS:
        assert word.encode() not in raw, word
    with service.database.read() as session:
        for conversation, provider_id in session.execute(select(Message.conversation_id, Message.provider_id)):
            assert conversation.encode() not in raw
            assert provider_id.encode() not in raw
        assert session.scalars(select(Message.trace)).all() == [None, None], "nothing leads from the trace to a person"
        assert session.scalars(select(OutboxMessage.trace)).all() == [None]
    assert all(span["events"] == [] for span in service.sent())


def test_a_collector_that_is_gone_costs_nobody_an_answer(service: Service) -> None:
    web = service.machine.parts["careline-web"]
    web.end()
    gone = f"http://127.0.0.1:{servers.free_port()}"
    service.machine.start("careline-web", {**service.env, "CARELINE_TELEMETRY_URL": gone})
    parts.until("web", 60, lambda: (parts.ready(service.address) or {}).get("missing") == [], service.machine)
    (answer,) = send_text(service.settings, service.address, NUMBER, "food in Eastgate")
    assert "Eastgate" in answer
    for word in WORDS:
        assert word not in service.machine.parts["careline-web"].log.read_text()


def _where_it_is_not_installed(code: str) -> "subprocess.CompletedProcess[str]":
    hidden = "import sys; sys.modules['opentelemetry'] = None\nfrom bot import logs, spans; from bot.settings import Settings\n"
    return subprocess.run([sys.executable, "-c", hidden + code], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_without_a_collector_nothing_of_it_is_needed() -> None:
    done = _where_it_is_not_installed(
        "import webhooks.app, webhooks.worker, actions.base\n"
        "spans.start('web', Settings.from_env({}))\n"
        "with logs.traced(logs.new_trace()), spans.span('turn', first=True) as part: part.say(outcome='answered')\n"
        "print(spans.carried())"
    )
    assert (done.returncode, done.stdout) == (0, "{}\n"), done.stderr


def test_a_collector_without_what_speaks_to_it_is_said_in_a_sentence() -> None:
    done = _where_it_is_not_installed("spans.check(Settings.from_env({'CARELINE_TELEMETRY_URL': 'http://127.0.0.1:4318'}))")
    assert "SettingsError" in done.stderr.splitlines()[-1]
    assert "uv sync --group telemetry" in done.stderr.splitlines()[-1]
