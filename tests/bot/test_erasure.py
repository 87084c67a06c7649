"""Delete my data: everywhere, with a receipt, even if half of it fails at first."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.serving import make_server

from bot import callback, calls, conversation, erasure, my_data, opt_out, outbox
from bot.answers.erasure import question
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message, open_conversation
from bot.erasure import ErasureTask
from bot.errors import DialogueUnavailable, ProviderUnavailable, SendError
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply
from bot.settings import Settings
from tests.conftest import Texter, environment
from tests.fakes import FakeDialogue, FakeSender
from webhooks.app import create_app
from webhooks.twilio import TwilioSender
from webhooks.worker import look

ROWS = (Conversation, Message, Case, OutboxMessage)


def count(careline: Careline, table: type) -> int:
    with careline.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def receipt_of(careline: Careline) -> str:
    with careline.database.read() as session:
        return session.scalars(select(erasure.Erasure.receipt)).one()


@pytest.fixture
def erased(texter: Texter, careline: Careline, dialogue: FakeDialogue) -> Texter:
    """Somebody with two conversations, a case and something in the outbox, who has had all of it erased."""
    texter("0")
    with careline.database.begin() as session:
        spoken = open_conversation(session, "voice", None, texter.number)
        outbox.put(session, spoken.id, "Your answer", origin="test")
    dialogue.answer = question()
    texter("please erase everything you have about me")
    (text,) = texter("1")
    assert text.startswith("Done.")
    assert receipt_of(careline) in text
    return texter


def test_everything_of_ours_goes_at_once_on_every_channel(erased: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    assert [count(careline, table) for table in ROWS] == [0, 0, 0, 0]
    assert len(dialogue.forgotten) == 2


def test_the_provider_follows_and_then_the_number_is_gone(erased: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    sender = FakeSender()
    look(careline, dialogue, sender)
    assert sender.erased == [], "the answer itself is still on its way"
    with time_machine.travel(now() + timedelta(minutes=3)):
        look(careline, dialogue, sender)
        look(careline, dialogue, sender)
    assert sender.erased == [erased.number]
    assert count(careline, ErasureTask) == 0
    with careline.database.read() as session:
        done = erasure.progress(session, receipt_of(careline).lower())
    assert done is not None
    assert done.done_at is not None
    assert not done.left


def test_what_fails_is_tried_until_it_works(texter: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    """The dialogue's store is away, the provider is down, then a text is still on its way; in the end all is gone."""
    texter("thank you all for your help")
    with careline.database.begin() as session:
        receipt = erasure.erase_number(session, texter.number)
    dialogue.answer = DialogueUnavailable("down")
    sender = FakeSender(ProviderUnavailable("503"))
    moment = now()
    left: list[frozenset[str]] = []
    for step in range(6):
        moment += timedelta(hours=7)
        with time_machine.travel(moment):
            look(careline, dialogue, sender)
        with careline.database.read() as session:
            found = erasure.progress(session, receipt)
            assert found is not None
            left.append(found.left)
            assert (found.done_at is None) == bool(found.left)
        if step == 1:
            dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),))
        if step == 2:
            sender.error, sender.on_its_way = None, 1
    assert left == [{"dialogue", "provider"}, {"dialogue", "provider"}, {"provider"}, {"provider"}, set(), set()]
    assert len(dialogue.forgotten) == 1
    assert sender.erased == [texter.number]


def test_a_worker_that_dies_in_between_leaves_the_task(texter: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    with careline.database.begin() as session:
        erasure.erase_number(session, texter.number)

    class Dying(FakeSender):
        def erase(self, number: str, before: object) -> bool:
            raise KeyboardInterrupt

    with time_machine.travel(now() + timedelta(minutes=3)), pytest.raises(KeyboardInterrupt):
        look(careline, dialogue, Dying())
    sender = FakeSender()
    with time_machine.travel(now() + timedelta(minutes=9)):
        look(careline, dialogue, sender)
    assert sender.erased == [texter.number]


def test_stop_is_not_forgotten(texter: Texter, careline: Careline) -> None:
    """Or we would text again."""
    texter("STOP")
    with careline.database.begin() as session:
        erasure.erase_number(session, texter.number)
        assert opt_out.stopped(session, texter.number)


def test_a_conversation_about_violence_that_is_off_the_number_goes_too(
    texter: Texter, careline: Careline, dialogue: FakeDialogue
) -> None:
    texter("he is hitting me")
    with time_machine.travel(now() + timedelta(hours=2)):
        texter("hello it is me again now")
        assert count(careline, Conversation) == 2
        with careline.database.begin() as session:
            current = session.scalars(select(Conversation.id).where(Conversation.number_hash.is_not(None))).one()
            erasure.erase(session, current)
    assert count(careline, Conversation) == 0


def test_a_receipt_is_looked_up_on_the_page(erased: Texter, careline: Careline, client: FlaskClient) -> None:
    receipt = receipt_of(careline)
    page = client.get(f"/privacy?receipt={receipt[:4]}-{receipt[4:].lower()}&language=en").text
    assert "Everything is erased here." in page
    assert "I know no such receipt" in client.get("/privacy?receipt=ABCD-EFGH&language=en").text
    for hostile in ("<script>alert(1)</script>", "'; DROP TABLE erasure; --", "x" * 5000, "\u202e", "%00"):
        answer = client.get("/privacy", query_string={"receipt": hostile, "language": "en"})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


class TestWhatDoYouKnow:
    def test_as_text_says_kinds_and_nothing_that_was_said(self, texter: Texter, careline: Careline) -> None:
        texter("where can my neighbour Ermintrude learn to read")
        (text,) = texter("MY DATA")
        assert "30 days" in text
        assert "DELETE MY DATA" in text
        assert "Ermintrude" not in text

    @pytest.mark.parametrize("written", ["mis datos", "MES DONNÉES", "بياناتي", "我的数据", "data yangu"])
    def test_in_any_language(self, texter: Texter, written: str) -> None:
        assert "30" in texter(written)[0]

    def test_as_a_file_has_everything(self, texter: Texter, careline: Careline) -> None:
        texter("where can my neighbour Ermintrude learn to read")
        texter("0")
        with careline.database.read() as session:
            data = my_data.everything(session, texter.number)
        written = my_data.as_file(data).decode()
        assert "Ermintrude" in written
        assert texter.number in written
        assert data["conversations"][0]["cases"][0]["reason"] == "asked"

    def test_for_a_stranger_there_is_nothing(self, texter: Texter, careline: Careline) -> None:
        texter("where can my neighbour Ermintrude learn to read")
        with careline.database.read() as session:
            assert my_data.everything(session, "+447700900999")["conversations"] == []


class TestProvidersCopies:
    """Twilio's real client against a server that keeps texts, as the simulator's provider does."""

    @pytest.fixture
    def server(self, careline: Careline, dialogue: FakeDialogue) -> Iterator[tuple[str, Flask]]:
        app = create_app(careline, dialogue)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simulator", app
        server.shutdown()
        thread.join(10)
        server.server_close()

    def test_only_this_persons_texts_with_us_are_erased(self, server: tuple[str, Flask], careline: Careline) -> None:
        address, app = server
        env = environment(careline.settings.home) | {"CARELINE_TWILIO_API_URL": address, "CARELINE_PUBLIC_URL": ""}
        settings = Settings.from_env(env)
        sender = TwilioSender(settings)
        for number in ("+447700900123", "+447700900123", "+447700900456"):
            sender.send(number, "Your answer", reference="x")
        assert sender.erase("+447700900123", None)
        assert [one.to for one in app.extensions["simulator"].all()] == ["+447700900456"]
        assert sender.erase("+447700900123", None), "twice does no harm"

    def test_a_text_on_its_way_is_left_for_later(self, server: tuple[str, Flask], careline: Careline) -> None:
        address, app = server
        env = environment(careline.settings.home) | {"CARELINE_TWILIO_API_URL": address}
        provider = app.extensions["simulator"]
        provider.take("+447700900123", "+441632960000", "Your answer", "https://care.example.org/sms/status")
        sender = TwilioSender(Settings.from_env(env))
        assert not sender.erase("+447700900123", None)
        provider.all()[0].status = "delivered"
        assert sender.erase("+447700900123", None)
        assert provider.all() == []

    def test_every_number_of_the_municipality_is_looked_up_and_no_neighbours(self, careline: Careline) -> None:
        """Twilio's real client against a server that keeps texts and calls of three numbers, and sifts them by From and To."""
        person, texts, calls, neighbour = "+447700900123", "+441632960700", "+441632960701", "+441632960000"
        pairs = [(person, own) for own in (texts, calls, neighbour)]
        kept = {
            kind: {f"{sid}{place}": pair for place, pair in enumerate([*pairs, *(pair[::-1] for pair in pairs)])}
            for kind, sid in (("Messages", "SM"), ("Calls", "CA"))
        }
        app = Flask(__name__)

        @app.get("/2010-04-01/Accounts/<account>/<any(Messages,Calls,Recordings):kind>.json")
        def listed(account: str, kind: str):  # type: ignore[no-untyped-def]
            asked = (request.args.get("From"), request.args.get("To"))
            found = [{"sid": sid, "account_sid": account} for sid, pair in kept.get(kind, {}).items() if pair == asked]
            return jsonify({kind.lower(): found, "next_page_uri": None, "page": 0, "page_size": 1000, "uri": ""})

        @app.delete("/2010-04-01/Accounts/<account>/<kind>/<sid>.json")
        def delete(account: str, kind: str, sid: str):  # type: ignore[no-untyped-def]
            del kept[kind][sid]
            return "", 204

        server = make_server("127.0.0.1", 0, app)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        env = environment(careline.settings.home) | {
            "CARELINE_TWILIO_API_URL": f"http://127.0.0.1:{server.server_port}",
            "CARELINE_SMS_NUMBER": texts,
            "CARELINE_VOICE_NUMBER": calls,
        }
        try:
            assert TwilioSender(Settings.from_env(env)).erase(person, None)
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
        left = [(person, neighbour), (neighbour, person)]
        assert [list(pairs.values()) for pairs in kept.values()] == [left, left]

    def test_a_wrong_token_and_no_answer_are_errors_of_ours(self, server: tuple[str, Flask], careline: Careline) -> None:
        address, _ = server
        env = environment(careline.settings.home) | {"CARELINE_TWILIO_API_URL": address, "TWILIO_AUTH_TOKEN": "wrong"}
        with pytest.raises(SendError):
            TwilioSender(Settings.from_env(env)).erase("+447700900123", None)
        env["CARELINE_TWILIO_API_URL"] = "http://127.0.0.1:9"
        with pytest.raises(ProviderUnavailable):
            TwilioSender(Settings.from_env(env)).erase("+447700900123", None)


class TestCalls:
    """A call is a conversation without a number; what was left in it still belongs to whoever left it."""

    def call(self, careline: Careline, sid: str, number: str) -> str:
        line = calls.answer(careline.database, sid, number)
        calls.ended(careline.database, sid)
        return line.conversation_id

    def test_calls_where_a_number_was_left_go_with_the_number(self, texter: Texter, careline: Careline) -> None:
        texter("hello i would like to know what you do")
        to_call, texted, others = (self.call(careline, f"CA{one}", texter.number) for one in "123")
        with careline.database.begin() as session:
            callback.ask(session, to_call, "en", texter.number)
            conversation.text_to(session, texted, texter.number)
            callback.ask(session, others, "en", "+447700900456")
            mine = session.scalars(select(Conversation.id).where(Conversation.channel == "sms")).one()
            erasure.erase(session, mine)
        with careline.database.read() as session:
            assert session.scalars(select(Conversation.id)).all() == [others]
            tasks = {(task.place, task.target) for task in session.scalars(select(ErasureTask))}
        assert {("call", "CA1"), ("call", "CA2")} <= tasks
        assert ("call", "CA3") not in tasks

    def test_the_provider_erases_a_call_with_its_recordings(self, careline: Careline) -> None:
        """Twilio's real client against a server that keeps a call and its recordings, and refuses while the call goes on."""
        kept = {"Calls": {"CA1"}, "Recordings": {"RE1", "RE2", "RE3"}}
        busy = {"CA1"}
        app = Flask(__name__)

        @app.get("/2010-04-01/Accounts/<account>/Recordings.json")
        def recordings(account: str):  # type: ignore[no-untyped-def]
            found = [{"sid": sid, "account_sid": account} for sid in sorted(kept["Recordings"] - {"RE3"})]
            return jsonify(recordings=found, next_page_uri=None, page=0, page_size=1000, uri="")

        @app.delete("/2010-04-01/Accounts/<account>/<kind>/<sid>.json")
        def delete(account: str, kind: str, sid: str):  # type: ignore[no-untyped-def]
            if sid in busy:
                return jsonify(code=20009, message="Resource not in deletable state", status=409), 409
            if sid not in kept[kind]:
                return jsonify(code=20404, message="Not found", status=404), 404
            kept[kind].remove(sid)
            return "", 204

        server = make_server("127.0.0.1", 0, app)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        env = environment(careline.settings.home) | {"CARELINE_TWILIO_API_URL": f"http://127.0.0.1:{server.server_port}"}
        sender = TwilioSender(Settings.from_env(env))
        try:
            assert sender.erase_recording("RE3")
            assert sender.erase_recording("RE3"), "twice does no harm"
            assert not sender.erase_call("CA1")
            busy.clear()
            assert sender.erase_call("CA1")
            assert kept == {"Calls": set(), "Recordings": set()}
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
        with pytest.raises(ProviderUnavailable):
            sender.erase_call("CA1")
