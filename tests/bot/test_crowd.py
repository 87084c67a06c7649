"""When more people write than can be answered, each message is kept once, promised once, and answered later."""

import pytest
from sqlalchemy import select

from bot import blocked, crowd, late
from bot.careline import Careline
from bot.conversation import Message
from bot.errors import DatabaseUnavailable
from bot.inbound import Inbound
from bot.opt_out import stop
from bot.outbox import OutboxMessage
from bot.turn import SILENCE
from tests.fakes import FakeDialogue

NUMBER = "+447700900123"


def keep(careline: Careline, words: str, sid: str = "SM1") -> str:
    turn = crowd.keep(careline, Inbound("sms", words, number=NUMBER, provider_id=sid))
    return turn.reply.opening[0].key if turn.reply.opening else ""


@pytest.mark.parametrize("words", ["STOP", " stop ", "I want to kill myself", "me quiero morir", "0"])
def test_danger_stop_and_a_person_come_first(words: str) -> None:
    assert crowd.first(words)


@pytest.mark.parametrize("words", ["food in Riverside", "please don't stop", "", "more"])
def test_the_rest_can_wait(words: str) -> None:
    assert not crowd.first(words)


def test_what_is_kept_is_answered_by_the_worker(careline: Careline) -> None:
    assert keep(careline, "where can i eat") == "busy.promise"
    (queued,) = late.answer_waiting(careline, FakeDialogue())
    with careline.database.read() as session:
        assert session.scalars(select(Message.state)).one() == "answered"
        assert session.scalars(select(OutboxMessage.id)).one() == queued


def test_the_same_message_is_kept_once(careline: Careline) -> None:
    assert keep(careline, "where can i eat") == keep(careline, "where can i eat") == "busy.promise"
    with careline.database.read() as session:
        assert len(session.scalars(select(Message.id)).all()) == 1


def test_it_is_promised_in_the_persons_language(careline: Careline) -> None:
    turn = crowd.keep(careline, Inbound("sms", "donde puedo comer gratis", number=NUMBER, provider_id="SM1"))
    assert (turn.language, turn.late) == ("es", True)


def test_nothing_is_said_to_who_told_us_to_stop(careline: Careline) -> None:
    with careline.database.begin() as session:
        stop(session, NUMBER)
    assert crowd.keep(careline, Inbound("sms", "where can i eat", number=NUMBER, provider_id="SM1")).reply == SILENCE


def test_a_blocked_number_is_not_kept(careline: Careline) -> None:
    with careline.database.begin() as session:
        blocked.block(session, NUMBER)
    assert keep(careline, "where can i eat") == ""
    with careline.database.read() as session:
        assert session.scalars(select(Message.id)).all() == []


def test_without_a_database_the_provider_has_to_come_again(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.crowd.record_inbound", _unavailable)
    with pytest.raises(DatabaseUnavailable):
        keep(careline, "where can i eat")


def _unavailable(*args: object) -> None:
    raise DatabaseUnavailable("gone")
