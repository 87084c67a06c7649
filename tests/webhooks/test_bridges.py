"""Bridges to a city's own desk: nothing is lost or doubled, nothing unsigned is believed, no number leaves."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema_rs
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.bridge import BridgeParcel
from bot.careline import Careline
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.training import ROOT
from tests.conftest import Texter
from tests.fakes import FakeDialogue, FakeSender
from webhooks.app import create_app
from webhooks.bridges import of, signature
from webhooks.worker import look

SECRET = "a secret of both sides"
DESCRIPTION = json.loads((ROOT / "tests" / "data" / "chatwoot.json").read_text("utf-8"))["paths"]


@dataclass
class OtherDesk:
    """A mock of Chatwoot made from its API description, and of a plain webhook: it checks what comes, and keeps it."""

    address: str = ""
    down: bool = False
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        if self.down:
            return 503, {}
        data = json.loads(body)
        if path == "/hook":
            return self._hook(headers, body, data)
        parts = path.removeprefix("/api/v1/accounts/7/").split("/")
        schema = {"type": "object", "additionalProperties": False, **DESCRIPTION[parts[-1]]}
        problems = [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(data)]
        if headers.get("api_access_token") != "token" or problems:
            self.refused += problems or ["token"]
            return 403 if not problems else 422, {"description": "refused", "errors": problems}
        self.taken.append(("/".join(parts), data))
        if parts == ["contacts"]:
            return 200, {"payload": {"contact": {"id": 31}, "contact_inbox": {"source_id": "a-source"}}}
        return 200, {"id": 42, "account_id": 7, "inbox_id": 3} if parts == ["conversations"] else {"id": len(self.taken)}

    def _hook(self, headers: dict[str, str], body: bytes, data: dict[str, Any]) -> tuple[int, object]:
        if headers.get("x-careline-signature") != signature(SECRET, headers.get("x-careline-timestamp", ""), body):
            self.refused.append("signature")
            return 403, {}
        self.taken.append((data["event"], data))
        return 204, None


@pytest.fixture
def other_desk() -> Iterator[OtherDesk]:
    desk = OtherDesk()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, found = desk.answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            data = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    desk.address = f"http://127.0.0.1:{server.server_port}"
    yield desk
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["webhook", "chatwoot"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bridged(careline: Careline, other_desk: OtherDesk, kind: str) -> Flask:
    url = f"{other_desk.address}/hook" if kind == "webhook" else other_desk.address
    chatwoot = {"chatwoot_account": "7", "chatwoot_inbox": "3", "chatwoot_token": "token"}
    careline.settings = replace(careline.settings, bridge=kind, bridge_url=url, bridge_secret=SECRET, **chatwoot)
    return create_app(careline, FakeDialogue())


@pytest.fixture
def client(bridged: Flask) -> FlaskClient:
    return bridged.test_client()


def work(careline: Careline) -> None:
    look(careline, FakeDialogue(), FakeSender(), of(careline.settings))


def said(desk: OtherDesk) -> list[str]:
    """What the other desk has been told that the person wrote, in order."""
    return [data.get("content") or data.get("text") for name, data in desk.taken if name.endswith(("messages", "message"))]  # type: ignore[misc]


def test_a_case_and_what_is_said_goes_over_once_and_in_order(
    texter: Texter, careline: Careline, other_desk: OtherDesk, kind: str
) -> None:
    texter("I need food for my children")
    work(careline)
    assert other_desk.taken == []  # nobody asked for a person
    texter("0")
    work(careline)
    work(careline)
    assert said(other_desk) == ["I need food for my children", "0"]
    texter("there are four of us")
    work(careline)
    assert said(other_desk)[-1] == "there are four of us"
    assert other_desk.refused == []
    everything = json.dumps(other_desk.taken)
    assert "7700" not in everything  # the number stays here
    assert "asked" in everything
    names = [name for name, _ in other_desk.taken]
    begun = ["case"] if kind == "webhook" else ["contacts", "conversations"]
    assert names[: len(begun)] == begun
    with careline.database.read() as session:
        assert session.scalars(select(Case.external_id)).one() == (
            "42" if kind == "chatwoot" else session.scalars(select(Case.id)).one()
        )


def test_what_is_not_taken_is_tried_again_and_keeps_its_order(texter: Texter, careline: Careline, other_desk: OtherDesk) -> None:
    other_desk.down = True
    with time_machine.travel(1_795_600_000, tick=True) as clock:
        texter("0")
        work(careline)
        texter("hello?")
        work(careline)
        other_desk.down = False
        clock.shift(60)
        work(careline)
        clock.shift(60)
        work(careline)
        assert said(other_desk) == ["0", "hello?"]
    with careline.database.read() as session:
        assert set(session.scalars(select(BridgeParcel.status))) == {"sent"}


def test_what_is_refused_for_good_is_given_up(texter: Texter, careline: Careline, kind: str, other_desk: OtherDesk) -> None:
    careline.settings = replace(careline.settings, chatwoot_token="wrong", bridge_secret="wrong")
    texter("0")
    work(careline)
    with careline.database.read() as session:
        first = session.scalars(select(BridgeParcel.status).order_by(BridgeParcel.id)).first()
    assert first == "failed"


def post(client: FlaskClient, kind: str, event: dict[str, Any], secret: str = SECRET, stamp: int | None = None) -> Any:
    body = json.dumps(event).encode()
    sent = str(stamp if stamp is not None else int(time.time()))
    name = "X-Chatwoot" if kind == "chatwoot" else "X-Careline"
    headers = {f"{name}-Timestamp": sent, f"{name}-Signature": signature(secret, sent, body)}
    return client.post("/bridge", data=body, headers=headers, content_type="application/json")


def an_answer(kind: str, reference: str, text: str, number: int = 5) -> dict[str, Any]:
    if kind == "webhook":
        return {"event": "answer", "case": reference, "text": text, "id": number}
    talk = {"id": int(reference), "status": "open"}
    return {
        "event": "message_created",
        "id": number,
        "content": text,
        "message_type": "outgoing",
        "private": False,
        "conversation": talk,
    }


def test_an_answer_comes_back_once(texter: Texter, careline: Careline, client: FlaskClient, kind: str) -> None:
    texter("0")
    work(careline)
    with careline.database.read() as session:
        reference = session.scalars(select(Case.external_id)).one() or ""
    event = an_answer(kind, reference, "The pantry is open until six.")
    assert post(client, kind, event).json == {"status": "ok"}
    assert post(client, kind, event).json == {"status": "ok"}
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage.text)).all() == ["The pantry is open until six."]
        assert session.scalars(select(Case.status)).one() == "answered"
    closed = {"event": "close", "case": reference} if kind == "webhook" else {
        "event": "conversation_status_changed", "id": int(reference), "status": "resolved"
    }  # fmt: skip
    assert post(client, kind, closed).json == {"status": "ok"}
    assert post(client, kind, an_answer(kind, reference, "Too late", 6)).json == {"status": "unknown"}


def test_nothing_unsigned_or_stale_is_believed(texter: Texter, careline: Careline, client: FlaskClient, kind: str) -> None:
    texter("0")
    work(careline)
    with careline.database.read() as session:
        reference = session.scalars(select(Case.external_id)).one() or ""
    event = an_answer(kind, reference, "Pay me first")
    assert post(client, kind, event, secret="guess").status_code == 403
    assert post(client, kind, event, stamp=int(time.time()) - 400).status_code == 403
    assert client.post("/bridge", json=event).status_code == 403
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage)).all() == []


@pytest.mark.parametrize(
    "event",
    [
        {"event": "message_created", "message_type": "incoming", "content": "their own words", "conversation": {"id": 42}},
        {
            "event": "message_created",
            "message_type": "outgoing",
            "private": True,
            "content": "a note",
            "conversation": {"id": 42},
        },
        {"event": "conversation_typing_on"},
        {"event": "answer", "case": 5, "text": "x", "id": 1},
        {},
    ],
)
def test_other_events_are_left_alone(client: FlaskClient, kind: str, event: dict[str, Any], careline: Careline) -> None:
    assert post(client, kind, event).json == {"status": "ignored"}


def test_without_a_bridge_there_is_no_address(app: Flask) -> None:
    assert app.test_client().post("/bridge", data=b"{}").status_code == 404
