"""The administrator hears of what is wrong once, and when it is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import problems
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message, open_conversation
from bot.escalation import open_case
from bot.outbox import OutboxMessage

NUMBER = "+447700900123"


@pytest.fixture
def wrong(careline: Careline) -> Careline:
    """A service in which an answer, a text and an urgent case have waited for an hour."""
    before = now() - timedelta(hours=1)
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER)
        session.add(Message(conversation_id=conversation.id, text="my secret", state="late", received_at=before))
        session.add(OutboxMessage(conversation_id=conversation.id, origin="a", text="my secret", created_at=before))
        session.add(OutboxMessage(conversation_id=conversation.id, origin="b", text="x", status="failed", error="BadNumber"))
        open_case(session, careline.settings, conversation.id, "crisis", "en", urgent=True)
    with careline.database.begin() as session:
        from bot.escalation import Case

        session.query(Case).update({"opened_at": before})
    return careline


def test_each_kind_of_trouble_is_found(wrong: Careline) -> None:
    found = {problem.kind: problem.text for problem in problems.found(wrong, lambda: ["127.0.0.1:5005"])}
    assert {"waiting", "outbox", "failed", "urgent", "rasa"} <= set(found)
    assert "1 messages wait for their answer, the oldest for 60 minutes" in found["waiting"]
    assert "secret" not in " ".join(found.values())
    assert NUMBER[1:] not in " ".join(found.values())


def test_one_of_two_machines_is_told_as_such(careline: Careline) -> None:
    careline.settings = replace(careline.settings, rasa_url="http://192.0.2.2:5005,http://192.0.2.3:5005")
    found = {problem.kind: problem.text for problem in problems.found(careline, lambda: ["192.0.2.3:5005"])}
    assert "192.0.2.3:5005" in found["rasa machine"]
    assert "rasa" not in found


def test_nothing_is_wrong_in_a_new_service(careline: Careline) -> None:
    assert {problem.kind for problem in problems.found(careline, list)} <= {"disk"}


def test_many_at_once_are_told(careline: Careline) -> None:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER)
        for _ in range(problems.MANY):
            session.add(Message(conversation_id=conversation.id, text="x", state="late"))
    assert "busy" in {problem.kind for problem in problems.found(careline, list)}


def test_told_once_again_later_and_when_it_is_over(careline: Careline) -> None:
    said: list[str] = []
    problem = problems.Problem("rasa", "Rasa does not answer.")
    for _ in range(3):
        problems.tell(careline, [problem], said.append)
    assert said == ["Careline: Rasa does not answer."]
    with careline.database.begin() as session:
        session.query(problems.KnownProblem).update({"told_at": now() - problems.AGAIN - timedelta(seconds=1)})
    problems.tell(careline, [problem], said.append)
    assert len(said) == 2
    problems.tell(careline, [], said.append)
    problems.tell(careline, [], said.append)
    assert said[2:] == ["Careline: this is over: rasa."]
