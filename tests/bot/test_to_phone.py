"""An answer of the kiosk as a text: once, to whom it was asked for, and never to somebody who said STOP."""

from sqlalchemy import select

from bot import opt_out, outbox, to_phone
from bot.careline import Careline
from bot.conversation import Conversation, Message, last_replies
from bot.outbox import OutboxMessage
from bot.reply import Choice, Reply
from tests.fakes import FakeSender
from tests.webhooks.test_kiosk import FOOD

NUMBER = "+447700900123"


def test_the_answer_is_queued_once_and_the_thread_goes_on_from_it(careline: Careline) -> None:
    assert [to_phone.send(careline, FOOD, "es", NUMBER, "once") for _ in range(2)] == ["sent", "sent"]
    sender = FakeSender()
    with careline.database.read() as session:
        (due,) = outbox.due(session)
    outbox.deliver(careline.database, sender, due)
    ((number, text),) = sender.sent
    assert number == NUMBER
    assert "Riverside" in text
    assert "01632 960123" in text
    with careline.database.read() as session:
        (conversation,) = session.scalars(select(Conversation))
        assert (conversation.channel, conversation.language) == ("sms", "es")
        assert [message.text for message in session.scalars(select(Message))] == [""]  # nothing of what was written here
        (reply,) = last_replies(session, conversation.id)
        assert isinstance(reply, Reply)
        assert isinstance(reply.choices[0], Choice)


def test_not_to_somebody_who_said_stop(careline: Careline) -> None:
    with careline.database.begin() as session:
        opt_out.stop(session, NUMBER)
    assert to_phone.send(careline, FOOD, "en", NUMBER, "once") == "stopped"
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
        assert session.scalars(select(Conversation)).all() == []


def test_it_keeps_the_language_of_the_thread(careline: Careline) -> None:
    to_phone.send(careline, FOOD, "es", NUMBER, "first")
    to_phone.send(careline, FOOD, "ar", NUMBER, "second")
    with careline.database.read() as session:
        (conversation,) = session.scalars(select(Conversation))
        assert conversation.language == "es"
        texts = [message.text for message in session.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at))]
    assert len(texts) == 2
    assert texts[0] != texts[1]
