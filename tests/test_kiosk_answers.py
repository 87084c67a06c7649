"""Golden answers of the JSON API, which the kiosk shows: the real application with the real Rasa, at a set time.

Each is a file of tests/kiosk. `--update` writes what is answered now; read the difference before you commit it.

    when: 2026-11-24T10:00
    language: es
    > what somebody types or says at the kiosk, each in a conversation of its own
    < what is shown
    - a service, with what stands in its box
    = a source
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from actions import base
from bot.careline import Careline
from tests.rasa import InProcessRasa
from webhooks.app import create_app

FOLDER = Path(__file__).parent / "kiosk"
pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def rasa(model: Path) -> InProcessRasa:
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    return InProcessRasa(model)


@pytest.fixture
def page(careline: Careline, rasa: InProcessRasa, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(base, "careline", lambda: careline)
    app = create_app(careline, rasa)
    app.testing = True
    return app.test_client()


def shown(message: dict[str, Any]) -> Iterator[str]:
    urgent = " (urgent)" if message["urgent"] else ""
    yield f"topic: {message['topic']}{urgent}"
    yield from (f"< {line}" for line in message["text"].splitlines())
    for service in message["services"]:
        told = (service["address"], service["opens"], service["cost"], *service["required_documents"], service["eligibility"])
        yield f"- {service['name']}: " + "; ".join(part for part in (*told, *service["phones"]) if part)
    yield from (f"= {source['title']} <{source['url']}>" for source in message["sources"])
    if message["escalation"]:
        yield f"escalation: {message['escalation']['status']}, {message['escalation']['expected_at']}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_kiosk_answers(path: Path, page: FlaskClient, golden: Callable[[Path, str], None]) -> None:
    when, language = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London")), "en"
    said: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        name, _, rest = line.partition(": ")
        if name == "when":
            when = datetime.fromisoformat(rest).replace(tzinfo=ZoneInfo("Europe/London"))
            said.append(line)
        elif name == "language":
            language = rest
            said.append(line)
        elif line.startswith("> "):
            with time_machine.travel(when, tick=False):
                asked = {"text": line.removeprefix("> "), "conversation": None, "language": language, "place": None}
                answer = page.post("/api/chat", json=asked)
            assert answer.status_code == 200, answer.text
            assert answer.json["language"] == language
            said += [line, *(row for message in answer.json["messages"] for row in shown(message))]
        elif line.startswith("#"):
            said.append(line)
    golden(path, "\n".join(said) + "\n")
