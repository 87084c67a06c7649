"""The phone on the screen, and the provider behind it, over real sockets."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from twilio.base.exceptions import TwilioRestException
from werkzeug.serving import make_server

from bot import outbox
from bot.careline import Careline
from bot.conversation import Conversation, Message
from bot.errors import BadNumber, ProviderRefused
from bot.outbox import OutboxMessage
from tests.conftest import TOKEN
from tests.fakes import FakeDialogue
from webhooks import simulator
from webhooks.app import create_app
from webhooks.twilio import TwilioSender

ACCOUNT = "AC" + "0" * 32
NUMBER = "+447700900123"
MESSAGES = f"/simulator/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
FORM = {"To": NUMBER, "From": "+441632960000", "Body": "Your answer"}


@dataclass
class Live:
    """The service on a port of this machine."""

    address: str
    careline: Careline

    def post(self, path: str, **fields: object) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.address + path, timeout=20, **fields)  # type: ignore[arg-type]

    def later(self, after: int = 0, number: str = NUMBER) -> list[dict[str, object]]:
        with requests.Session() as session:
            session.trust_env = False
            asked = {"number": number, "after": str(after)}
            found = session.get(f"{self.address}/simulator/messages", params=asked, timeout=20)
        return list(found.json()["messages"])


@pytest.fixture
def live(careline: Careline, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(simulator, "PAUSE", 0.01)
    served: list[Flask] = []
    server = make_server("127.0.0.1", 0, lambda environ, start: served[0](environ, start), threaded=True)
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_port}"
    careline.settings = replace(careline.settings, public_url=address, twilio_api_url=f"{address}/simulator")
    served.append(create_app(careline, dialogue))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Live(address, careline)
    server.shutdown()
    thread.join(10)
    server.server_close()


def eventually(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_page_holds_no_code_of_its_own(client: FlaskClient) -> None:
    page = client.get("/simulator").text
    assert '<script src="/static/simulator.js" defer></script>' in page
    assert '<script src="/static/simulator_call.js" defer></script>' in page
    assert page.count("<script") == 2
    with client.get("/static/simulator.js") as script:
        assert script.status_code == 200


def test_it_is_only_there_when_asked_for(careline: Careline, dialogue: FakeDialogue) -> None:
    careline.settings = replace(careline.settings, simulator=False)
    client = create_app(careline, dialogue).test_client()
    assert client.get("/simulator").status_code == 404
    assert client.post(MESSAGES, data=FORM, auth=(ACCOUNT, TOKEN)).status_code == 404


def test_a_text_goes_the_way_of_a_real_one(live: Live) -> None:
    answered = live.post("/simulator/send", json={"number": "07700 900123", "text": "thank you so much for your help"})
    assert answered.status_code == 200, answered.text
    text = "You are welcome. Write any time."
    expected = {"text": text, "encoding": "GSM-7", "units": len(text), "segments": 1, "cost": "0.04 GBP"}
    assert answered.json() == {"number": NUMBER, "answers": [expected]}
    with live.careline.database.read() as session:
        assert session.scalars(select(Message.text)).all() == ["thank you so much for your help"]
        assert session.scalars(select(Conversation.number)).all() == [NUMBER]


@pytest.mark.parametrize("body", [{"number": "not a number", "text": "hi"}, {"text": "hi"}, ["hi"]])
def test_a_number_is_needed(client: FlaskClient, body: object) -> None:
    assert client.post("/simulator/send", json=body).status_code == 422


def test_a_service_that_refuses_is_said(live: Live) -> None:
    live.careline.settings = replace(live.careline.settings, twilio_auth_token="")
    answered = live.post("/simulator/send", json={"number": NUMBER, "text": "hi"})
    assert answered.status_code == 502
    assert "refused the text (403)" in answered.json()["detail"]


def test_the_outbox_is_delivered_and_reported(live: Live) -> None:
    """The whole way: outbox, Twilio's own client, the provider's part, its signed reports."""
    live.post("/simulator/send", json={"number": NUMBER, "text": "hello there my friend"})
    database = live.careline.database
    with database.begin() as session:
        message = outbox.put(session, session.scalars(select(Conversation.id)).one(), "नमस्ते", "test", author="staff")
        assert message is not None
    outbox.deliver(database, TwilioSender(live.careline.settings), message.id)

    def status() -> str:
        with database.read() as session:
            return session.get_one(OutboxMessage, message.id).status

    eventually(lambda: status() == "delivered")
    (later,) = live.later()
    assert (later["text"], later["encoding"], later["segments"]) == ("नमस्ते", "UCS-2", 1)
    assert live.later(after=int(str(later["number"]))) == []
    assert live.later(number="+447700900456") == []


def test_the_resource_is_twilios(client: FlaskClient) -> None:
    response = client.post(MESSAGES, data=FORM, auth=(ACCOUNT, TOKEN))
    assert response.status_code == 201
    resource = response.json
    assert resource is not None
    assert set(resource) == {
        "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction", "error_code",
        "error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price", "price_unit", "sid",
        "status", "subresource_uris", "to", "uri",
    }  # fmt: skip
    assert resource["sid"].startswith("SM")
    assert len(resource["sid"]) == 34
    assert (resource["status"], resource["direction"], resource["num_segments"]) == ("queued", "outbound-api", "1")


@pytest.mark.parametrize(
    ("auth", "account"),
    [
        (None, ACCOUNT),
        ((ACCOUNT, "wrong"), ACCOUNT),
        ((ACCOUNT, "wröng"), ACCOUNT),
        ((ACCOUNT, TOKEN), "AC" + "1" * 32),
    ],
)
def test_only_our_account_may_send(client: FlaskClient, auth: tuple[str, str] | None, account: str) -> None:
    response = client.post(MESSAGES.replace(ACCOUNT, account), data=FORM, auth=auth)
    assert response.status_code == 401
    assert response.json is not None
    assert response.json["code"] == 20003


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": "+12"}, 21211),
        ({"To": "banana"}, 21211),
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": "  "}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_errors_are_twilios(client: FlaskClient, change: dict[str, str], code: int) -> None:
    response = client.post(MESSAGES, data=FORM | change, auth=(ACCOUNT, TOKEN))
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["code"] == code
    assert response.json["more_info"] == f"https://www.twilio.com/docs/errors/{code}"


def test_twilios_client_understands_the_errors(live: Live) -> None:
    sender = TwilioSender(live.careline.settings)
    with pytest.raises(BadNumber) as refused:
        sender.send("+12", "hello", "reference")
    assert refused.value.code == 21211
    assert isinstance(refused.value.__cause__, TwilioRestException)
    with pytest.raises(ProviderRefused):
        sender.send(NUMBER, "", "reference")


def test_reports_go_nowhere_but_to_ourselves(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    monkeypatch.setattr(simulator, "_report", lambda *arguments: reported.append(arguments))
    for callback in ("http://169.254.169.254/", "https://care.example.org.evil.example/", "https://care.example.org@evil/"):
        client.post(MESSAGES, data=FORM | {"StatusCallback": callback}, auth=(ACCOUNT, TOKEN))
    assert reported == []


def test_it_remembers_the_last_texts_only(client: FlaskClient) -> None:
    provider = simulator.Provider()
    for number in range(simulator.KEPT + 5):
        provider.take(NUMBER, "+441632960000", str(number), "")
    kept = provider.sent_to(NUMBER)
    assert (len(kept), kept[0].body, kept[-1].number) == (simulator.KEPT, "5", simulator.KEPT + 5)


def test_a_call_goes_the_way_of_a_real_one(live: Live) -> None:
    began = live.post("/simulator/call", json={"number": "07700 900123"}).json()
    assert began["waits"] == "words"
    assert [one["language"] for one in began["heard"]] == ["en-GB", "en-GB", "es-ES", "fr-FR", "en-GB"]
    call = f"/simulator/call/{began['call']}"
    chosen = live.post(call, json={"keys": "1"}).json()
    assert "Say in a few words what you need" in chosen["heard"][0]["text"]
    for one in [*began["heard"], *chosen["heard"]]:
        if one["sound"]:
            with requests.Session() as session:
                session.trust_env = False
                assert session.get(live.address + one["sound"], timeout=20).content.startswith(b"RIFF")
    said = live.post(call, json={"say": "my house is on fire"}).json()
    assert "1 1 2" in said["heard"][0]["text"]
    assert live.post(call, json={"action": "hang_up"}).json()["waits"] == "end"
    assert live.post("/simulator/call/CA0", json={"keys": "1"}).status_code == 404
    assert live.post("/simulator/call", json={"number": ""}).json()["waits"] == "words"
