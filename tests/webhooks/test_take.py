"""Taking the answer along: a text only with a tick, a limit to how many, a code that opens the answer alone."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot import opt_out
from bot.careline import Careline
from bot.outbox import OutboxMessage
from tests.fakes import FakeDialogue
from tests.webhooks.test_kiosk import FOOD, Visitor

NUMBER = "07700 900123"


@pytest.fixture
def visitor(client: FlaskClient, dialogue: FakeDialogue) -> Visitor:
    dialogue.answer = FOOD
    visitor = Visitor(client)
    visitor.ask("food")
    return visitor


def text_to(visitor: Visitor, number: str, consent: str = "yes") -> str:
    fields = {"conversation": visitor.conversation or "", "once": re.findall(r'name="once" value="([^"]+)"', visitor.page)[0]}
    visitor.page = visitor.client.post(
        "/", data={**fields, "action": "to_phone", "number": number, "consent": consent, "shown_in": "en"}
    ).text
    return visitor.page


def queued(careline: Careline) -> int:
    with careline.database.read() as session:
        return len(session.scalars(select(OutboxMessage)).all())


@pytest.mark.parametrize("number", ["", "12", "0", "hello", "anonymous", "07700", "07700 900123; 07700 900124", "266696687"])
def test_what_is_no_number(visitor: Visitor, careline: Careline, number: str) -> None:
    assert "does not look like a telephone number" in text_to(visitor, number)
    assert queued(careline) == 0


@pytest.mark.parametrize("consent", ["", "no"])
def test_not_without_a_tick(visitor: Visitor, careline: Careline, consent: str) -> None:
    assert "tick that you want the text" in text_to(visitor, NUMBER, consent)
    assert queued(careline) == 0


def test_sent_and_masked(visitor: Visitor, careline: Careline) -> None:
    page = text_to(visitor, NUMBER)
    assert "ending in 23" in page
    assert "900123" not in page
    assert queued(careline) == 1


def test_only_so_many(visitor: Visitor, careline: Careline) -> None:
    for last in range(3):
        text_to(visitor, f"07700 90012{last}")
    assert "enough texts" in text_to(visitor, "07700 900129")
    assert queued(careline) == 3


def test_one_telephone_is_not_flooded(client: FlaskClient, dialogue: FakeDialogue, careline: Careline) -> None:
    dialogue.answer = FOOD
    for _ in range(4):
        visitor = Visitor(client)
        visitor.ask("food")
        text_to(visitor, NUMBER)
    assert queued(careline) == 3


def test_stopped(visitor: Visitor, careline: Careline) -> None:
    with careline.database.begin() as session:
        opt_out.stop(session, "+447700900123")
    assert "asked us not to text" in text_to(visitor, NUMBER)


def test_a_code_shows_the_answer_and_nothing_else(visitor: Visitor, client: FlaskClient) -> None:
    page = visitor.press("action", "take_code")
    found = re.search("Your code: \u2068(\\d{3}) (\\d{3})", page)
    assert found is not None
    assert "<svg" in page
    other = client.get(f"/?code={found[1]}{found[2]}").text
    assert "Riverside &lt;Pantry&gt;" in other
    assert 'name="conversation"' not in other
    assert "“food”" not in other
    assert ">food</q>" not in other
    assert 'name="send"' not in other  # what goes on from an answer needs its conversation


def test_guessing_is_limited(client: FlaskClient) -> None:
    for _ in range(4):
        assert "opens nothing" in client.post("/", data={"action": "open_code", "code": "000000"}).text
    assert "Too many wrong codes" in client.post("/", data={"action": "open_code", "code": "000000"}).text


def test_without_a_public_address_there_is_no_picture(visitor: Visitor, careline: Careline) -> None:
    object.__setattr__(careline.settings, "public_url", "")
    page = visitor.press("action", "take_code")
    assert "Your code:" in page
    assert "qrline" not in page
