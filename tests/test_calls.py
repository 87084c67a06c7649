"""Golden calls: the real application with the real Rasa, at a set time, as the caller hears it.

Each is a file of tests/calls. `--update` writes what is said now; read the difference before you commit it.

    when: 2026-11-24T10:00
    > press 1          > say I need food      > mumble …      > wait      > answered / unanswered      > message 20
    < what is heard, a line each, with its language and voice where that changes
"""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from actions import base
from bot.careline import Careline
from bot.settings import LANGUAGES
from tests.callers import caller
from tests.rasa import InProcessRasa
from webhooks.app import create_app
from webhooks.caller import Caller, Turn

FOLDER = Path(__file__).parent / "calls"
pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def rasa(model: Path) -> InProcessRasa:
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    return InProcessRasa(model)


@pytest.fixture
def calling(careline: Careline, rasa: InProcessRasa, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    careline.settings = replace(careline.settings, staff_phones=("+441632960010",))
    monkeypatch.setattr(base, "careline", lambda: careline)
    app = create_app(careline, rasa)
    app.testing = True
    return app.test_client()


def act(phone: Caller, action: str) -> Turn:
    kind, _, value = action.partition(" ")
    match kind:
        case "press":
            return phone.press(value)
        case "say":
            return phone.say(value)
        case "mumble":
            return phone.say(value, confidence=0.2)
        case "answered" | "unanswered":
            return phone.connect(kind == "answered")
        case "message":
            return phone.record(int(value))
    assert kind == "wait", action
    return phone.wait()


def written(turn: Turn) -> list[str]:
    lines, before = [], ""
    for one in turn.heard:
        by = f"[{one.language} {one.voice or 'espeak-ng'}] "
        # A code is another one every time.
        text = re.sub(r"\d \d \d, \d \d \d(?!,)(?=\.)", "6 5 4, 3 2 1", one.text) if "code" in one.text else one.text
        lines.append(f"< {by if by != before else ''}{text}")
        before = by
    after = {"dial": f"< (rings {', '.join(turn.numbers)})", "record": "< (tone)", "end": "< (the call has ended)"}
    return [*lines, after[turn.waits]] if turn.waits in after else lines


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_call(path: Path, calling: FlaskClient, golden: Callable[[Path, str], None]) -> None:
    phone = caller(calling)
    when = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London"))
    said: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("when: "):
            when = datetime.fromisoformat(line.removeprefix("when: ")).replace(tzinfo=ZoneInfo("Europe/London"))
            said.append(line)
        elif line.startswith("> "):
            action = line.removeprefix("> ")
            with time_machine.travel(when, tick=False):
                turn = phone.call() if action == "call" else act(phone, action)
            said += [line, *written(turn)]
        elif not line.startswith("<"):
            said.append(line)
    golden(path, "\n".join(said) + "\n")


def test_there_is_a_call_in_every_language() -> None:
    assert {path.stem.rpartition("_")[2] for path in FOLDER.glob("*.txt")} >= set(LANGUAGES)
