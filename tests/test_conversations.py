"""Golden conversations: texts to the real application with the real Rasa, at a set time.

Each is a file of tests/conversations that reads as it was said. `--update` writes what is answered now; read the difference
before you commit it.

    when: 2026-11-24T10:00
    # a comment, kept
    > what the person texts
    < what comes back, a line each
"""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from actions import base
from bot.careline import Careline
from bot.render.segments import measure
from bot.render.sms import BUDGET
from tests.conftest import Texter
from tests.rasa import InProcessRasa
from webhooks.app import create_app

FOLDER = Path(__file__).parent / "conversations"
#: Rasa and what it pins warn in their hundreds.
pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def rasa(model: Path) -> InProcessRasa:
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    return InProcessRasa(model)


@pytest.fixture
def texting(careline: Careline, rasa: InProcessRasa, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(base, "careline", lambda: careline)
    monkeypatch.setattr("bot.erasure.new_receipt", lambda: "ABCDEFGH")
    app = create_app(careline, rasa)
    app.testing = True  # an error fails the test where it happened
    return app.test_client()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_conversation(path: Path, texting: FlaskClient, golden: Callable[[Path, str], None]) -> None:
    texter = Texter(texting)
    when = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London"))
    said: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("when: "):
            when = datetime.fromisoformat(line.removeprefix("when: ")).replace(tzinfo=ZoneInfo("Europe/London"))
            said.append(line)
        elif line.startswith("> "):
            with time_machine.travel(when, tick=False):
                answers = texter(line.removeprefix("> "))
            said += [line, *(f"< {part}" for answer in answers for part in answer.splitlines())]
            for answer in answers:
                size = measure(answer)
                assert size.segments <= BUDGET[size.encoding], answer
        elif not line.startswith("<"):
            said.append(line)
    golden(path, "\n".join(said) + "\n")
