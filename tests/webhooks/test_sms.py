"""Texts coming in: signed, stored once, answered in the same response, whatever they hold."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from bot.careline import Careline
from bot.conversation import Conversation, Message
from bot.errors import DialogueUnavailable
from bot.escalation import Case
from bot.reply import Choice, Phrase, Reply
from tests.conftest import Texter
from tests.fakes import FakeDialogue

SIGNATURES = json.loads((Path(__file__).parent.parent / "data" / "signatures.json").read_text())["vectors"]
PAYLOAD = Path(__file__).parent / "payloads"


def stored(careline: Careline) -> int:
    with careline.database.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_published_signature_vector() -> None:
    """tests/data/signatures.json: Twilio's own test of its validator (MIT)."""
    vector = SIGNATURES[0]
    computed = RequestValidator(vector["token"]).compute_signature(vector["url"], vector["params"])
    assert computed == vector["signature"]


def test_answers_in_the_same_response(texter: Texter, careline: Careline) -> None:
    assert texter("thank you so much for your help") == ["You are welcome. Write any time."]
    assert stored(careline) == 1


def test_a_verbatim_webhook_of_the_provider(client: FlaskClient, careline: Careline) -> None:
    form = json.loads((PAYLOAD / "sms.json").read_text())
    signature = RequestValidator("a token for tests only").compute_signature("https://care.example.org/sms", form)
    response = client.post("/sms", data=form, headers={"X-Twilio-Signature": signature})
    assert response.status_code == 200
    assert response.mimetype == "text/xml"
    assert stored(careline) == 1


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "none at all"),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", "somebody else's"),
        ("é" * 28, "not even ASCII"),
    ],
)
def test_a_bad_signature_is_refused_and_nothing_stored(texter: Texter, careline: Careline, signature: str, reason: str) -> None:
    response = texter.post({"Body": "food", "MessageSid": "SM1"}, signature=signature)
    assert response.status_code == 403, reason
    assert stored(careline) == 0


def test_a_changed_body_is_refused(texter: Texter, client: FlaskClient, careline: Careline) -> None:
    form = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1"}
    signature = RequestValidator("a token for tests only").compute_signature("https://care.example.org/sms", form)
    response = client.post("/sms", data={**form, "Body": "hood"}, headers={"X-Twilio-Signature": signature})
    assert response.status_code == 403
    assert stored(careline) == 0


def test_signature_is_over_the_public_address_not_the_private_one(client: FlaskClient) -> None:
    form = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1"}
    private = RequestValidator("a token for tests only").compute_signature("http://localhost/sms", form)
    assert client.post("/sms", data=form, headers={"X-Twilio-Signature": private}).status_code == 403


def test_the_same_message_twice_is_one_turn_and_the_same_answer(
    texter: Texter, careline: Careline, dialogue: FakeDialogue
) -> None:
    first = texter("many thanks to all of you", sid="SMsame")
    assert texter("many thanks to all of you", sid="SMsame") == first
    assert stored(careline) == 1
    assert len(dialogue.asked) == 1


def test_the_same_message_at_the_same_instant(texter: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: texter("thanks a lot, really", sid="SMrace"), range(8)))
    assert answers == [answers[0]] * 8
    assert answers[0]
    assert stored(careline) == 1
    assert len(dialogue.asked) == 1


def test_first_messages_of_one_number_at_the_same_instant_share_a_conversation(texter: Texter, careline: Careline) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: texter("thank you very much", sid=f"SM{number}"), range(6)))
    with careline.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 1
    assert stored(careline) == 6


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "nothing written"),
        (" \n\t ", "only space"),
        ("x" * 1600, "as long as a text can be"),
        ("x" * 5000, "longer than it can be"),
        ("😀🙏🏾👨‍👩‍👧", "only emoji"),
        ("أحتاج إلى طبيب لابني", "right to left"),
        ("म ७० वर्षकी भएँ", "Devanagari"),
        ("food\0 please", "a NUL byte, which databases refuse"),
        ("\u202eoof\u202c", "direction overrides"),
        ("{municipality} {0} %s ${HOME}", "what looks like a template"),
        ("<script>alert(1)</script>", "what looks like a page"),
        ("'; DROP TABLE message; --", "what looks like a query"),
        ("/restart", "an order to Rasa"),
    ],
)
def test_any_body_gets_an_answer(texter: Texter, careline: Careline, body: str, reason: str) -> None:
    (answer,) = texter(body)
    assert answer, reason
    assert stored(careline) == 1


def test_a_picture_without_words(texter: Texter) -> None:
    (answer,) = texter("", NumMedia="1", MediaUrl0="https://api.twilio.com/x")
    assert answer.startswith("I cannot see pictures")


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"From": None}, "no sender"),
        ({"From": ""}, "an empty sender"),
        ({"From": "anonymous"}, "a withheld sender cannot be answered"),
        ({"MessageSid": None}, "no id"),
        ({"MessageSid": "S" * 65}, "an id that is none"),
    ],
)
def test_what_cannot_be_answered_is_a_clear_4xx(texter: Texter, careline: Careline, form: dict[str, str], reason: str) -> None:
    response = texter.post({"Body": "food", "MessageSid": "SM1", **form})
    assert response.status_code == 400, reason
    assert response.mimetype == "application/problem+json"
    assert stored(careline) == 0


def test_other_methods_and_huge_bodies(client: FlaskClient, texter: Texter) -> None:
    assert client.get("/sms").status_code in (403, 405)
    assert texter.post({"Body": "x" * 100_000, "MessageSid": "SM1"}).status_code == 413


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.text(max_size=400),
    extra=st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=4),
    media=st.text(max_size=4),
)
def test_no_signed_webhook_makes_a_500(texter: Texter, body: str, extra: dict[str, str], media: str) -> None:
    form = {**extra, "Body": body, "MessageSid": f"SM{next(texter.ids)}", "NumMedia": media}
    try:
        "".join([*form, *form.values()]).encode()
    except UnicodeEncodeError:
        return  # no HTTP client can send a lone surrogate
    assert texter.post(form).status_code in (200, 400, 403)


class TestRasaDown:
    @pytest.fixture(autouse=True)
    def _down(self, dialogue: FakeDialogue) -> None:
        dialogue.answer = DialogueUnavailable("down")

    def test_an_honest_later_in_the_persons_language(self, texter: Texter, careline: Careline) -> None:
        (answer,) = texter("necesito ayuda para bañar a mi mamá en casa por favor")
        assert "112" in answer
        with careline.database.read() as session:
            assert session.scalars(select(Message.state)).all() == ["late"]
            assert session.scalars(select(Message.language)).all() == ["es"]

    def test_crisis_still_answers_and_alerts(self, texter: Texter, careline: Careline) -> None:
        (answer,) = texter("i want to kill myself")
        assert "01632 960001" in answer
        with careline.database.read() as session:
            case = session.scalars(select(Case)).one()
            assert case.urgent
            assert case.topic == "crisis_suicide"

    def test_stop_start_help_and_a_person_still_work(self, texter: Texter) -> None:
        assert "STOP" in texter("HELP")[0]
        assert texter("0")[0].startswith("I am asking a person")
        assert texter("STOP")[0].startswith("You will get no more texts")
        assert texter("where can I eat") == []
        assert texter("START")[0].startswith("Good to have you back")


def test_yes_from_somebody_who_stopped_begins_again(texter: Texter, dialogue: FakeDialogue) -> None:
    """YES is an opt-in word for the provider; otherwise it is a plain yes, here to nothing."""
    texter("STOP")
    assert texter("YES")[0].startswith("Good to have you back")
    assert texter("YES")[0].startswith("You are welcome")
    assert dialogue.asked == []


def test_number_picks_the_choice_offered_last(texter: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(
        opening=(Phrase("unsure.choose"),),
        choices=(Choice("/food", Phrase("topic.food"), topic="food"), Choice("/goods", Phrase("topic.goods"), topic="goods")),
    )
    (answer,) = texter("i have nothing left for the kids")
    assert "1 Food" in answer
    assert "2 Clothes" in answer
    texter("2")
    assert dialogue.asked[-1].payload == "/goods"
    assert dialogue.asked[-1].text == "i have nothing left for the kids"  # which goods, and where, was said before


def test_another_number_sees_nothing_of_it(texter: Texter, other: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.choose"),), choices=(Choice("/food", Phrase("topic.food")),))
    texter("something to eat or so")
    other("1")
    assert dialogue.asked[-1].payload is None


def test_erasing_asks_first_and_then_leaves_nothing(texter: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    from bot.answers import erasure

    dialogue.answer = erasure.question()
    assert "1 Yes" in texter("please erase all my data")[0]
    assert texter("1")[0].startswith("Done.")
    assert stored(careline) == 0
    assert len(dialogue.forgotten) == 1


def test_texts_and_numbers_are_not_readable_in_the_database(texter: Texter, careline: Careline, tmp_path: Path) -> None:
    texter("my neighbour Ermintrude needs a wheelchair")
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("careline.db*"))
    assert b"Ermintrude" not in raw
    assert b"7700900123" not in raw


def test_a_language_we_do_not_write_is_said_once_and_answered(texter: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("help.how"),))
    first, second = (texter(text)[0] for text in ("wo finde ich hilfe für meine mutter", "wo finde ich hilfe für meinen vater"))
    assert first.startswith("Sorry, I can't write Deutsch (German) yet. I answer in English.")
    assert not second.startswith("Sorry")


def test_a_name_of_a_language_may_be_a_no(texter: Texter) -> None:
    """ "hindi" is no in Tagalog, and Hindi to everybody else."""
    assert "हिन्दी" in texter("hindi")[0]
    texter("saan po may libreng pagkain sa Riverside")
    assert "हिन्दी" not in "".join(texter("hindi"))
