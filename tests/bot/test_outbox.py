"""The outbox: each thing sent once, retried while that can help, statuses only forward."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot import opt_out, outbox
from bot.careline import Careline
from bot.clock import now
from bot.conversation import open_conversation
from bot.errors import BadNumber, ProviderRefused, ProviderUnavailable, RecipientOptedOut, SendError, TooManyRequests
from bot.outbox import OutboxMessage
from tests.fakes import FakeSender

NUMBER = "+447700900123"


@pytest.fixture
def message_id(careline: Careline) -> str:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER)
        message = outbox.put(session, conversation.id, "Your answer", origin="message 1")
        assert message is not None
        return message.id


def row(careline: Careline, message_id: str) -> OutboxMessage:
    with careline.database.read() as session:
        return session.get_one(OutboxMessage, message_id)


def test_sent_once(careline: Careline, message_id: str) -> None:
    sender = FakeSender()
    for _ in range(3):
        outbox.deliver(careline.database, sender, message_id)
    assert sender.sent == [(NUMBER, "Your answer")]
    assert row(careline, message_id).status == "sent"


def test_the_same_origin_is_queued_once(careline: Careline, message_id: str) -> None:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER)
        assert outbox.put(session, conversation.id, "Your answer", origin="message 1") is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProviderUnavailable("503"), "queued"),
        (TooManyRequests("slow down", 20429), "queued"),
        (RecipientOptedOut("stop", 21610), "failed"),
        (BadNumber("no number", 21211), "failed"),
        (ProviderRefused("no credit", 20003), "failed"),
    ],
)
def test_errors_know_whether_to_retry(careline: Careline, message_id: str, error: SendError, status: str) -> None:
    outbox.deliver(careline.database, FakeSender(error), message_id)
    kept = row(careline, message_id)
    assert kept.status == status
    assert kept.error is not None
    assert kept.error.startswith(type(error).__name__)
    if status == "queued":
        assert kept.due_at > now()


def test_gives_up_after_the_last_wait(careline: Careline, message_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now()
    for _ in range(len(outbox.BACK_OFF) + 1):
        monkeypatch.setattr(outbox, "now", lambda moment=moment: moment)
        outbox.deliver(careline.database, FakeSender(ProviderUnavailable("503")), message_id)
        moment += timedelta(hours=5)
    assert row(careline, message_id).status == "failed"


def test_waits_grow_from_the_first_one_on(careline: Careline, message_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now()
    for wait in outbox.BACK_OFF:
        monkeypatch.setattr(outbox, "now", lambda moment=moment: moment)
        outbox.deliver(careline.database, FakeSender(ProviderUnavailable("503")), message_id)
        assert row(careline, message_id).due_at == moment + wait
        moment += wait


def test_stop_is_asked_at_the_last_moment(careline: Careline, message_id: str) -> None:
    with careline.database.begin() as session:
        opt_out.stop(session, NUMBER)
    sender = FakeSender()
    outbox.deliver(careline.database, sender, message_id)
    assert sender.sent == []
    assert row(careline, message_id).status == "failed"


def test_a_message_left_behind_by_a_dead_worker_is_found(
    careline: Careline, message_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with careline.database.begin() as session:
        session.get_one(OutboxMessage, message_id).status = "sending"
    with careline.database.read() as session:
        assert outbox.due(session) == []
    later = now() + timedelta(minutes=5)
    monkeypatch.setattr(outbox, "now", lambda: later)
    with careline.database.read() as session:
        assert outbox.due(session) == [message_id]
    sender = FakeSender()
    outbox.deliver(careline.database, sender, message_id)
    assert len(sender.sent) == 1


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "queued"])))
def test_statuses_only_move_forward(careline: Careline, message_id: str, order: tuple[str, ...]) -> None:
    outbox.deliver(careline.database, FakeSender(), message_id)
    sid = row(careline, message_id).provider_id
    assert sid is not None
    for status in order:
        outbox.advance(careline.database, sid, status)
    assert row(careline, message_id).status == "delivered"


def test_a_status_faster_than_the_providers_answer(careline: Careline, message_id: str) -> None:
    """The callback names our reference, because we do not know the provider's id yet."""

    class Fast(FakeSender):
        def send(self, number: str, text: str, reference: str) -> str:
            assert outbox.advance(careline.database, "SMfast", "delivered", reference=reference)
            return "SMfast"

    outbox.deliver(careline.database, Fast(), message_id)
    assert row(careline, message_id).status == "delivered"


def test_unknown_messages_and_statuses_change_nothing(careline: Careline, message_id: str) -> None:
    assert not outbox.advance(careline.database, "SMunknown", "delivered")
    outbox.deliver(careline.database, FakeSender(), message_id)
    sid = row(careline, message_id).provider_id
    assert sid is not None
    outbox.advance(careline.database, sid, "teleported")
    assert row(careline, message_id).status == "sent"


@given(st.lists(st.sampled_from(sorted(outbox.RANK)), max_size=8))
def test_rank_never_falls(statuses: list[str]) -> None:
    current = "queued"
    for status in statuses:
        before = outbox.RANK[current]
        if outbox.RANK[status] > before:
            current = status
        assert outbox.RANK[current] >= before


def test_a_kiosk_has_no_number_and_fetches_its_messages_itself(careline: Careline) -> None:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "kiosk", None, None)
        message = outbox.put(session, conversation.id, "From the desk", origin="case 1", author="staff")
        assert message is not None
        message_id = message.id
    sender = FakeSender()
    outbox.deliver(careline.database, sender, message_id)
    assert sender.sent == []
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage.status)).one() == "sent"
