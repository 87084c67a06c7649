"""Under overload people get an honest short answer, and emergencies and STOP are answered all the while; order is kept."""

import threading
import time
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from bot import late
from bot.admission import Admission
from bot.careline import Careline, Question
from bot.conversation import Message
from bot.errors import DialogueBusy
from bot.inbound import Inbound
from bot.reply import Phrase, Reply
from bot.turn import take_turn
from tests.fakes import FakeDialogue


@dataclass
class Slow:
    """A dialogue that answers when it is let; it notes in which order it was asked."""

    let: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def respond(self, question: Question) -> Reply:
        self.asked.append(question.text)
        assert self.let.wait(30)
        return Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")

    def forget(self, conversation_id: str) -> None:
        raise AssertionError


def text(careline: Careline, dialogue: object, words: str, sid: str, number: str = "+447700900123") -> str:
    turn = take_turn(careline, dialogue, Inbound("sms", words, number=number, provider_id=sid))  # type: ignore[arg-type]
    return turn.reply.opening[0].key if turn.reply.opening else ""


@pytest.fixture
def crowded(careline: Careline) -> Careline:
    """A service with one place for questions."""
    careline.admission = Admission(1)
    return careline


def test_who_finds_no_place_is_told_and_answered_later(crowded: Careline) -> None:
    slow = Slow()
    first = threading.Thread(target=text, args=(crowded, slow, "where can i eat", "SM1", "+447700900101"))
    first.start()
    while not slow.asked:
        time.sleep(0.01)
    assert text(crowded, slow, "i need a doctor", "SM2") == "busy.promise"
    assert text(crowded, slow, "STOP", "SM3", "+447700900102") == "stop.done"
    danger = take_turn(crowded, slow, Inbound("sms", "i want to kill myself", number="+447700900103", provider_id="SM4"))  # type: ignore[arg-type]
    assert danger.reply.urgent
    slow.let.set()
    first.join()
    (queued,) = late.answer_waiting(crowded, FakeDialogue())
    assert queued
    with crowded.database.read() as session:
        assert set(session.scalars(select(Message.state))) == {"answered"}


def test_messages_of_one_person_are_answered_in_their_order(careline: Careline) -> None:
    slow = Slow()
    threads = []
    for number, words in enumerate(("food", "a doctor", "a lawyer")):
        thread = threading.Thread(target=text, args=(careline, slow, words, f"SM{number}"))
        thread.start()
        threads.append(thread)
        while _stored(careline) <= number:
            time.sleep(0.01)
    slow.let.set()
    for thread in threads:
        thread.join()
    assert slow.asked == ["food", "a doctor", "a lawyer"]


def _stored(careline: Careline) -> int:
    with careline.database.read() as session:
        return len(session.scalars(select(Message.id)).all())


def test_a_place_is_given_back_whatever_happens() -> None:
    admission = Admission(1)
    with pytest.raises(ValueError, match="broken"), admission.enter():
        raise ValueError("broken")
    with admission.enter(), pytest.raises(DialogueBusy), admission.enter():
        pass


def test_an_answer_given_by_the_worker_is_not_given_again(careline: Careline) -> None:
    class Overtaken(FakeDialogue):
        def respond(self, question: Question) -> Reply:
            with careline.database.begin() as session:
                session.query(Message).update({"state": "answered"})
            return super().respond(question)

    assert text(careline, Overtaken(), "where can i eat", "SM1") == ""
