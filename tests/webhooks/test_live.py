"""Live answers: what changed is told, to so many pages at once, and never to one that has no such conversation."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.careline import Careline
from bot.conversation import Conversation
from tests.conftest import Texter
from tests.webhooks.test_kiosk import Visitor, staff_writes
from webhooks import live

STREAM = {"Accept": "text/event-stream"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def waiting(client: FlaskClient) -> Visitor:
    visitor = Visitor(client)
    visitor.press("topic", "human")
    return visitor


def seen(visitor: Visitor) -> dict[str, str]:
    version = visitor.page.split('data-version="')[1].split('"')[0]
    return {"conversation": visitor.conversation or "", "seen": version}


def test_a_page_that_asks(waiting: Visitor, careline: Careline) -> None:
    asked = seen(waiting)
    assert waiting.client.post("/live", data=asked, headers=JSON).json == {"event": None, "again": 5}
    staff_writes(careline, asked["conversation"], "Come to desk 2")
    assert waiting.client.post("/live", data=asked, headers=JSON).json == {"event": "changed", "again": 5}


def test_a_stream_tells_at_once(waiting: Visitor, careline: Careline) -> None:
    asked = seen(waiting)
    response = waiting.client.post("/live", data=asked, headers=STREAM)
    assert response.mimetype == "text/event-stream"
    pieces: Iterator[bytes] = response.iter_encoded()
    assert next(pieces).startswith(b"retry:")
    assert next(pieces) == b":\n\n"
    staff_writes(careline, asked["conversation"], "Come to desk 2")
    assert next(pieces) == b"event: changed\ndata: changed\n\n"
    response.close()


def test_so_many_at_once(waiting: Visitor, careline: Careline, app: Flask) -> None:
    asked = seen(waiting)
    limit = careline.settings.live_connections
    open_ones = [waiting.client.post("/live", data=asked, headers=STREAM) for _ in range(limit)]
    refused = waiting.client.post("/live", data=asked, headers=STREAM)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    open_ones[0].close()  # even one that was never read gives its place back
    again = waiting.client.post("/live", data=asked, headers=STREAM)
    assert again.status_code == 200
    for one in (*open_ones, again):
        one.close()


def test_a_stream_does_not_last_for_ever(waiting: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LASTS", 0)
    assert waiting.client.post("/live", data=seen(waiting), headers=STREAM).text == "retry: 5000\n\n"


@pytest.mark.parametrize("conversation", ["", "no such", "x" * 400])
def test_no_such_conversation(client: FlaskClient, conversation: str) -> None:
    answer = client.post("/live", data={"conversation": conversation, "seen": ""}, headers=STREAM)
    assert "event: gone" in answer.text


def test_a_thread_by_telephone_is_none(texter: Texter, client: FlaskClient, careline: Careline) -> None:
    texter("I need food")
    with careline.database.read() as session:
        conversation = session.scalars(select(Conversation.id)).one()
    assert "gone" in client.post("/live", data={"conversation": conversation, "seen": ""}, headers=STREAM).text
