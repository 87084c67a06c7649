"""The database takes nothing: another connection holds it, and really does."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.careline import Careline
from bot.settings import Settings
from tests.conftest import Texter, environment
from tests.fakes import FakeDialogue
from webhooks.app import create_app


@pytest.fixture
def held(careline: Careline, tmp_path: Path, database_server: str) -> Iterator[Careline]:
    """A service whose database is locked by somebody else for the whole test."""
    if database_server:
        pytest.skip("PostgreSQL is restarted in tests/faults instead")
    opened = Careline.open(
        Settings.from_env(environment(tmp_path) | {"CARELINE_SQLITE_WAIT": "0.2"}), careline.wording, careline.rights
    )
    opened.places()
    holder = sqlite3.connect(tmp_path / "careline.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield opened
    holder.execute("ROLLBACK")
    holder.close()
    opened.database.engine.dispose()


@pytest.fixture
def texter(held: Careline) -> Texter:
    app = create_app(held, FakeDialogue())
    app.testing = False
    return Texter(app.test_client())


@pytest.mark.parametrize("text", ["my husband is hitting me", "mi marido me esta pegando", "我不想活了"])
def test_danger_is_answered_all_the_same(texter: Texter, held: Careline, text: str) -> None:
    (answer,) = texter(text)
    assert held.settings.emergency_number in answer


def test_other_messages_are_sent_again_by_the_provider(texter: Texter) -> None:
    response = texter.post({"Body": "food", "MessageSid": "SM1"})
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("where can I get food for my children", "write again later"), ("donde hay comida gratis", "Escribe más tarde")],
)
def test_the_last_try_gets_an_honest_answer(texter: Texter, held: Careline, text: str, says: str) -> None:
    response = texter.post({"Body": text, "MessageSid": "SM2", "ErrorCode": "11200", "ErrorUrl": "https://care.example.org/sms"})
    (message,) = ElementTree.fromstring(response.text).iter("Message")
    assert says in (message.text or "")
    assert held.settings.emergency_number in (message.text or "")
