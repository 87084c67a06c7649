"""The queue changes by itself, for those it concerns; and what the desk can do with a case."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from bot import case_search, figures, replies
from bot.callback import Callback
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.settings import LANGUAGES
from bot.staff import Membership, Team
from tests.conftest import Texter
from tests.desk import ADDRESS, Desk
from webhooks.desk import live
from webhooks.lanes import Lanes
from webhooks.libretranslate import LibreTranslate


class Stream:
    """What a browser hears."""

    def __init__(self, client: FlaskClient, path: str = "/desk/live") -> None:
        self.response = client.get(path, base_url=ADDRESS, buffered=False)
        assert self.response.status_code == 200
        self._chunks: Iterator[bytes] = iter(self.response.response)  # type: ignore[arg-type]

    def next(self, *names: str) -> list[dict[str, object]]:
        """The data of the next event of one of these names."""
        while True:
            chunk = next(self._chunks)
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            name = text.split("\n")[0].removeprefix("event: ")
            if name in names:
                return json.loads(text.split("\n")[1].removeprefix("data: "))

    def close(self) -> None:
        self.response.close()


@pytest.fixture
def stream(ada: Desk) -> Iterator[Stream]:
    listening = Stream(ada.client)
    yield listening
    listening.close()


def test_a_new_case_appears_and_a_closed_one_goes(stream: Stream, ada: Desk, texter: Texter, careline: Careline) -> None:
    assert stream.next("all") == []
    texter("0")
    row = stream.next("rows")[0]
    assert row["status"] == "open"
    assert "Asked for a person" in str(row["html"])
    ada.get(f"/desk/cases/{row['id']}")
    ada.post(f"/desk/cases/{row['id']}/claim")
    assert stream.next("rows")[0]["status"] == "claimed"
    ada.post(f"/desk/cases/{row['id']}/close")
    assert stream.next("rows") == [{"id": row["id"]}]


def test_what_people_write_cannot_become_a_page(stream: Stream, texter: Texter) -> None:
    texter("<script>alert(1)</script>")
    texter("0")
    stream.next("all")
    html = str(stream.next("rows")[0]["html"])
    assert "<script>" not in html


def test_a_case_page_hears_of_its_own_case(ada: Desk, texter: Texter, case: str) -> None:
    stream = Stream(ada.client, f"/desk/live?case={case}")
    stream.next("all")
    texter("hello again")
    assert stream.next("case") == case
    assert "hello again" in ada.get(f"/desk/cases/{case}/thread")
    stream.close()


def test_places_are_counted_and_given_back(app: Flask, ada: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS", 1)
    first = Stream(ada.client)
    first.next("all")
    assert ada.client.get("/desk/live", base_url=ADDRESS).status_code == 503
    first.close()
    second = Stream(ada.client)
    second.next("all")
    second.close()


def test_a_browser_that_cannot_listen_asks(ada: Desk, case: str) -> None:
    rows = ada.client.get("/desk/rows", base_url=ADDRESS).json
    assert [row["id"] for row in rows] == [case]


@pytest.fixture
def teams(careline: Careline, number_of: Callable[[str], int]) -> dict[str, int]:
    """Ada is in Housing, Ben in Nepali."""
    with careline.database.begin() as session:
        housing = Team(name="Housing", topics='["shelter", "asked"]')
        nepali = Team(name="Nepali", languages='["ne"]')
        session.add_all([housing, nepali])
        session.flush()
        session.add(Membership(team_id=housing.id, staff_id=number_of("ada")))
        session.add(Membership(team_id=nepali.id, staff_id=number_of("ben")))
        return {"Housing": housing.id, "Nepali": nepali.id}


def test_a_case_goes_to_its_team_and_to_nobody_else(
    teams: dict[str, int], ada: Desk, ben: Desk, chief: Desk, texter: Texter, careline: Careline
) -> None:
    texter("0")
    with careline.database.read() as session:
        case = session.scalars(select(Case)).one()
    assert case.team_id == teams["Housing"]
    assert case.id in ada.get()
    assert case.id in chief.get()
    assert case.id not in ben.get()
    assert ben.client.get("/desk/rows", base_url=ADDRESS).json == []
    assert "This case is gone" in ben.get(f"/desk/cases/{case.id}")
    ben.get("/desk")
    ben.post(f"/desk/cases/{case.id}/claim")
    with careline.database.begin() as session:
        assert session.get_one(Case, case.id).status == "open"
        session.execute(update(Case).values(level=1))  # it has gone up
    assert case.id in ben.get()


def test_forwarding_to_a_team_and_a_colleague(
    teams: dict[str, int], ada: Desk, ben: Desk, case: str, careline: Careline, number_of: Callable[[str], int]
) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/forward", to=f"team {teams['Nepali']}")
    assert "not yours any more" in ada.page  # it has to be taken first
    ada.post(f"/desk/cases/{case}/claim")
    ada.post(f"/desk/cases/{case}/note", text="She speaks Nepali, call after five")
    ada.post(f"/desk/cases/{case}/forward", to=f"team {teams['Nepali']}")
    assert case not in ada.get()
    page = ben.get(f"/desk/cases/{case}")
    assert "call after five" in page
    assert "to Nepali" in page
    ben.post(f"/desk/cases/{case}/claim")
    ben.post(f"/desk/cases/{case}/forward", to=f"colleague {number_of('ada')}")
    with careline.database.read() as session:
        found = session.get_one(Case, case)
        assert (found.status, found.claimed_by) == ("claimed", number_of("ada"))
    assert case in ada.get()  # what one has is one's own, whatever the team


def test_another_organisation_is_told_only_with_consent(ada: Desk, case: str, careline: Careline) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    ada.post(f"/desk/cases/{case}/pass-on", name="Harbour Law Centre")
    assert "without their consent nothing is passed on" in ada.page
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
    ada.post(f"/desk/cases/{case}/pass-on", name="Harbour Law Centre", contact="01632 960555", agreed="1")
    page = ada.get(f"/desk/cases/{case}")
    assert "passed your question to Harbour Law Centre (01632 960555)" in page
    assert "the person agreed, ada to pass it to Harbour Law Centre" in page


def test_reopening(ada: Desk, case: str, texter: Texter, careline: Careline) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    ada.post(f"/desk/cases/{case}/close")
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/reopen")
    with careline.database.read() as session:
        assert session.get_one(Case, case).status == "claimed"
    ada.post(f"/desk/cases/{case}/close")
    texter("0")  # a newer one
    ada.get(f"/desk/cases/{case}")
    assert "newer one" in ada.post(f"/desk/cases/{case}/reopen")


def test_ready_replies_are_the_same_in_every_language(ada: Desk, texter: Texter, careline: Careline) -> None:
    texts = replies.load()
    assert set(texts) == set(LANGUAGES)
    assert replies.missing(texts) == []
    assert replies.missing({**texts, "ja": {"hello": "{office}"}})
    texter("necesito hablar con una persona por favor, mi madre está sola")
    texter("0")
    with careline.database.read() as session:
        case = session.scalars(select(Case.id)).one()
    ada.get(f"/desk/cases/{case}")
    page = ada.post(f"/desk/cases/{case}/claim")
    assert "Hola, soy una persona de Port Amity." in page
    assert "I am a person at Port Amity." in page  # what it means, for whoever sends it
    assert ">¿En qué parte de la ciudad está?</textarea>" in ada.get(f"/desk/cases/{case}?ready=where")


@pytest.mark.parametrize(
    ("text", "found"),
    [("07700 900123", 1), ("+44 7700 900999", 0), ("CHILDREN", 1), ("elephants", 0), ("a", 0), ("", 0)],
)
def test_search(ada: Desk, case: str, text: str, found: int) -> None:
    ada.get("/desk/search")
    page = ada.post("/desk/search", text=text)
    assert page.count(f"/desk/cases/{case}") == found


def test_search_finds_by_the_beginning_of_an_id(careline: Careline, case: str) -> None:
    with careline.database.read() as session:
        assert [one.id for one, _ in case_search.find(session, case[:8], None)] == [case]


def test_figures_show_no_small_number(careline: Careline, ada: Desk) -> None:
    with careline.database.begin() as session:
        for number in range(9):
            talk = Conversation(channel="sms")
            session.add(talk)
            session.flush()
            answered = now() if number < 7 else None
            session.add(
                Case(
                    conversation_id=talk.id, reason="asked", language="en", due_at=now(), answered_at=answered,
                    helped="yes" if number < 6 else None, team_id=None,
                )
            )  # fmt: skip
    with careline.database.read() as session:
        row = figures.by_team(session, now().replace(year=2020))[0]
    assert (row.cases, row.answered, row.said, row.helped) == (9, None, 6, 6)  # two unanswered could be picked out
    page = ada.get("/desk/figures")
    assert "too few to show" in page
    assert "ada</th>" not in page


def test_a_number_is_shown_only_to_call_somebody_who_agreed(ada: Desk, careline: Careline) -> None:
    with careline.database.begin() as session:
        talk = Conversation(channel="voice")
        session.add(talk)
        session.flush()
        wanted = Callback(conversation_id=talk.id, kind="callback", language="en", number="+447700900555", safe=True)
        heard = Callback(
            conversation_id=talk.id, kind="voicemail", language="ur", number="+447700900555", recording_id="RE1", seconds=9
        )
        session.add_all([wanted, heard])
        session.flush()
        wanted_id, heard_id = wanted.id, heard.id
    page = ada.get("/desk/calls")
    assert "900555" not in page
    assert "Urdu" in page
    assert "07700 900555" in ada.post(f"/desk/calls/{wanted_id}/number")
    ada.post(f"/desk/calls/{heard_id}/number", status=404)
    ada.get("/desk/calls")
    for _ in range(3):
        ada.post(f"/desk/calls/{wanted_id}", outcome="missed")
    assert "Wants to be called" not in ada.page
    ada.post(f"/desk/calls/{heard_id}", outcome="heard")
    assert "Nobody is waiting for a call." in ada.page


class _Translator(BaseHTTPRequestHandler):
    """Answers as LibreTranslate's API says: GET /languages, POST /translate."""

    def do_GET(self) -> None:
        languages = [
            {"code": "en", "name": "English", "targets": ["es", "zh-Hans"]},
            {"code": "es", "name": "Spanish", "targets": ["en"]},
        ]
        self._send(200, languages)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body.get("api_key") != "key":
            self._send(403, {"error": "Invalid API key"})
        else:
            self._send(200, {"translatedText": f"{body['source']}>{body['target']}: {body['q']}"})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def translator() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Translator)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_machine_helps_and_says_so(app: Flask, ada: Desk, case: str, careline: Careline, translator: str) -> None:
    with careline.database.begin() as session:
        session.execute(update(Conversation).values(language="es"))
    app.extensions["translator"] = LibreTranslate(translator, "key")
    ada.get(f"/desk/cases/{case}")
    page = ada.post(f"/desk/cases/{case}/claim")
    assert "Translate into Spanish, by machine" in page
    read = json.loads(ada.post(f"/desk/cases/{case}/translate", text="hola", direction="in", **ada.hidden()))
    assert read == {"text": "es>en: hola", "language": "en"}
    ada.get(f"/desk/cases/{case}")
    wrote = json.loads(ada.post(f"/desk/cases/{case}/translate", text="Hello", direction="out"))
    assert wrote["text"] == "en>es: Hello\n(traducido por un programa)"


def test_without_a_machine_a_colleague_is_named(
    app: Flask, ada: Desk, chief: Desk, case: str, careline: Careline, number_of: Callable[[str], int]
) -> None:
    with careline.database.begin() as session:
        session.execute(update(Conversation).values(language="ne"))
    chief.get("/desk/people")
    chief.post(f"/desk/people/{number_of('ben')}", role="staff", active="1", languages="ne")
    app.extensions["translator"] = LibreTranslate("http://127.0.0.1:9")  # nobody there
    ada.get(f"/desk/cases/{case}")
    page = ada.post(f"/desk/cases/{case}/claim")
    assert "by machine" not in page
    assert "No machine translates this language here" in page
    assert "ben (speaks Nepali)" in page
    ada.post(f"/desk/cases/{case}/translate", status=503, text="x", direction="in")


def test_chinese_is_called_what_the_server_calls_it(translator: str) -> None:
    machine = LibreTranslate(translator, "key")
    assert machine.pairs() == {("en", "es"), ("en", "zh"), ("es", "en")}
    assert machine.translate("hello", "en", "zh") == "en>zh-Hans: hello"


def test_streams_take_no_place_from_requests() -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(environ: dict[str, str], start: object) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            entered.set()
            leave.wait(10)
        return [environ["PATH_INFO"].encode()]

    lanes = Lanes(slow, requests=1)
    busy = threading.Thread(target=lambda: lanes({"PATH_INFO": "/slow"}, None))
    busy.start()
    entered.wait(10)
    assert list(lanes({"PATH_INFO": "/desk/live"}, None)) == [b"/desk/live"]
    done = threading.Event()
    waiting = threading.Thread(target=lambda: (lanes({"PATH_INFO": "/kiosk"}, None), done.set()))
    waiting.start()
    assert not done.wait(0.05)
    leave.set()
    assert done.wait(10)
    busy.join()
    waiting.join()
