"""The JSON API: its contract, and what bad input gets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import DatabaseUnavailable
from bot.reply import Choice, Phrase, Reply
from bot.training import ROOT
from tests.fakes import FakeDialogue

FIELDS = ("text", "language", "place", "conversation", "something else")


def ask(client: FlaskClient, **body: object) -> dict:  # type: ignore[type-arg]
    response = client.post("/api/chat", json=body)
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def test_the_shape_of_an_answer(client: FlaskClient) -> None:
    body = ask(client, text="thanks for everything", conversation=None, language=None, place=None)
    assert set(body) == {"conversation", "language", "messages"}
    (message,) = body["messages"]
    assert set(message) == {"text", "topic", "urgent", "services", "sources", "choices", "escalation"}
    assert message["topic"] == "thanks"


def test_a_question_back_has_no_topic_and_choices_have_theirs(client: FlaskClient, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.choose"),), choices=(Choice("/food", Phrase("topic.food"), topic="food"),))
    body = ask(client, text="something for the kids")
    (message,) = body["messages"]
    assert message["topic"] is None
    assert message["choices"] == [{"label": "Food", "send": "1", "topic": "food"}]
    ask(client, text="1", conversation=body["conversation"])
    assert dialogue.asked[-1].payload == "/food"


def test_the_chosen_language_wins(client: FlaskClient, dialogue: FakeDialogue) -> None:
    assert ask(client, text="where is the nearest library please", language="fr")["language"] == "fr"
    assert dialogue.asked[-1].language == "fr"


def test_a_text_thread_cannot_be_opened_by_its_id(client: FlaskClient, texter, dialogue: FakeDialogue) -> None:  # type: ignore[no-untyped-def]
    texter("thank you all very much")
    of_the_phone = dialogue.asked[-1].conversation_id
    assert ask(client, text="hello again to you", conversation=of_the_phone)["conversation"] != of_the_phone


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"{}", 422),
        (b'{"text": 5}', 422),
        (b'{"text": "food", "language": "xx"}', 422),
        (b'{"text": "food", "language": ["en"]}', 422),
        (b'{"text": "food", "conversation": 7}', 422),
        (b'{"text": "food", "place": {"a": 1}}', 422),
        (json.dumps({"text": "x" * 1601}).encode(), 422),
        (b'{"text": "' + b"x" * 100_000 + b'"}', 413),
    ],
)
def test_bad_input_is_a_problem_document(client: FlaskClient, body: bytes, status: int) -> None:
    response = client.post("/api/chat", data=body, content_type="application/json")
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == status


def test_other_content_types_and_methods(client: FlaskClient) -> None:
    assert client.post("/api/chat", data="text=food").status_code == 415
    assert client.get("/api/chat").status_code == 405
    assert client.get("/nowhere").mimetype == "application/problem+json"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=50),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner),
        max_leaves=8,
    )
)
def test_no_json_makes_a_500(client: FlaskClient, body: object) -> None:
    assert client.post("/api/chat", json=body).status_code in (200, 400, 415, 422)  # None is no body at all


def test_a_database_that_fails_is_503_and_try_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*ignored: object, **also: object) -> None:
        raise DatabaseUnavailable("The database does not answer (locked).")

    monkeypatch.setattr("bot.turn.record_inbound", locked)
    response = client.post("/api/chat", json={"text": "food"})
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "locked" not in response.text


def test_the_description_names_every_field(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()
    operation = described["paths"]["/api/chat"]["post"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    message = answer["properties"]["messages"]["items"]
    given_ = ask(client, text="thanks for everything")["messages"][0]
    assert set(message["properties"]) == set(given_)
    assert described["openapi"].startswith("3.1")


def test_health(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert set(ready.get_json()["missing"]) == {"rasa", "worker"}
    assert b"python_info" in client.get("/metrics").data


def test_figures_of_several_processes_are_given_once(client: FlaskClient, tmp_path: Path) -> None:
    """In processes of their own: the folder they count in is read when the library is imported."""
    turns = "metrics.turn('sms', 'answered', 0.1)\n" * 2
    code = f"from bot import metrics\n{turns}print(metrics.exposition().decode())"
    (tmp_path / "figures").mkdir()
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures")}
    for expected in ("2.0", "4.0"):
        said = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert f'careline_turns_total{{channel="sms",municipality="",outcome="answered"}} {expected}' in said
    lines = client.get("/metrics").text.splitlines()
    samples = [line.rsplit(" ", 1)[0] for line in lines if line and not line.startswith("#")]
    assert 'careline_up{part="database"}' in samples
    assert len(samples) == len(set(samples))
