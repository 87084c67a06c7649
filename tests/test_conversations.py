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
from sqlalchemy import select

from actions import base
from bot import local_words
from bot.careline import Careline
from bot.directory.editing import By
from bot.directory.tables import TABLES
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


def test_the_citys_own_words_count_at_once_but_not_over_a_crisis(careline: Careline, texting: FlaskClient) -> None:
    def add(kind: local_words.Kind, target: str, word: str) -> None:
        with careline.database.begin() as session:
            local_words.add_word(session, By(1, "flora", local_words.SUBJECT), careline.places(), kind, target, word)

    with time_machine.travel(datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London")), tick=False):
        before = " ".join(Texter(texting, "+447700900201")("do you have zumbalele in the rec?"))
        add("topic", "community_activities", "Zumbalele")
        add("place", "Westbrook", "the Rec")
        texter = Texter(texting, "+447700900202")
        after = " ".join(texter("do you have zumbalele in the rec?"))
        assert "Westbrook" not in before
        assert "Free Yoga and Movement" in after
        assert "Westbrook (" in after  # with its distance: the place was understood
        assert "I have told the people" in " ".join(texter("the zumbalele number is wrong"))
        assert "112" in " ".join(texter("zumbalele, my son is not breathing"))
        with careline.database.begin() as session:
            by = By(1, "flora", local_words.SUBJECT)
            choir = session.scalar(select(TABLES["service"].c.id).where(TABLES["service"].c.name == "Community Choir")) or ""
            local_words.add_topic(session, by, {"en": "Tralala Club"}, "community_activities", [choir])
        answer = Texter(texting, "+447700900203")("what is the tralala club")[0]
        assert answer.startswith("Community Choir")
