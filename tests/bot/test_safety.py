"""A phone that somebody else reads: what is asked, what is sent, and what the next conversation knows."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from bot import outbox, safety, staff
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.escalation import Case
from bot.reply import Phrase, Reply
from tests.conftest import Texter
from tests.desk import PASSWORD, Desk
from tests.fakes import FakeDialogue, FakeSender

#: Words that must not stand in anything sent to a phone that may be read by the one who hits, after the answer itself.
TELLING = ("violence", "refuge", "abuse", "hit", "police", "shelter")
VIOLENCE = Reply(
    opening=(Phrase("search.none", {"topic": "@topic.violence_refuge"}),),
    closing=(Phrase("violence.safe"), Phrase("person.offer")),
    topic="violence_refuge",
)


@pytest.fixture
def asked(texter: Texter, dialogue: FakeDialogue) -> Texter:
    """Somebody who has asked about violence, and was asked whether this phone is safe."""
    dialogue.answer = VIOLENCE
    (answer,) = texter("my husband is not good to me and i want to leave")
    assert "Is it safe if we text or call this phone later? YES or NO. 0: a person." in answer
    dialogue.answer = Reply(opening=(Phrase("unsure.again"),))
    return texter


def conversation(careline: Careline) -> Conversation:
    with careline.database.read() as session:
        return session.scalars(select(Conversation).order_by(Conversation.sensitive_at.is_(None))).first()  # type: ignore[return-value]


def send(careline: Careline, purpose: str, origin: str, conversation_id: str) -> tuple[int, str | None]:
    """Queue and deliver; how many texts went out, and the error kept."""
    with careline.database.begin() as session:
        queued = outbox.put(session, conversation_id, "Please write when you can.", origin=origin, purpose=purpose)  # type: ignore[arg-type]
        assert queued is not None
    sender = FakeSender()
    outbox.deliver(careline.database, sender, queued.id)
    with careline.database.read() as session:
        return len(sender.sent), session.get_one(outbox.OutboxMessage, queued.id).error


def test_without_an_answer_only_while_the_person_writes(asked: Texter, careline: Careline) -> None:
    about = conversation(careline)
    assert send(careline, "answers", "1", about.id)[0] == 1
    assert send(careline, "followups", "2", about.id) == (0, "not safe")
    assert send(careline, "alerts", "3", about.id) == (0, "not safe")
    with time_machine.travel(now() + timedelta(minutes=31)):
        assert send(careline, "answers", "4", about.id) == (0, "not safe")
    assert not safety.may_call(about)


def test_after_a_yes_texts_and_calls_are_allowed(asked: Texter, careline: Careline) -> None:
    assert asked("YES")[0].startswith("Thank you. We may text you here")
    about = conversation(careline)
    assert safety.may_call(about)
    with time_machine.travel(now() + timedelta(hours=5)):
        assert send(careline, "followups", "1", about.id)[0] == 1


def test_after_a_no_nothing_is_sent_first(asked: Texter, careline: Careline) -> None:
    (answer,) = asked("no")
    assert "will not text or call first" in answer
    assert "To delete this chat" in answer
    about = conversation(careline)
    for purpose in ("answers", "followups", "alerts"):
        assert send(careline, purpose, purpose, about.id) == (0, "not safe")
    assert not safety.may_call(about)


@pytest.mark.parametrize("said", [None, "NO", "YES"])
def test_the_next_conversation_knows_nothing_of_it(
    asked: Texter, careline: Careline, dialogue: FakeDialogue, said: str | None
) -> None:
    if said:
        asked(said)
    before = conversation(careline)
    wait = timedelta(days=1, minutes=1) if said == "YES" else timedelta(minutes=31)
    with time_machine.travel(now() + wait):
        for words in ("hello", "MORE", "1", "yes", "REPEAT", "no", "who are you", "my data"):
            text = " ".join(asked(words)).lower()
            assert not any(word in text for word in TELLING), (words, text)
    asked_now = {question.conversation_id for question in dialogue.asked[1:]}
    assert before.id not in asked_now, "the dialogue would remember it too"
    with careline.database.read() as session:
        current = session.scalars(select(Conversation).where(Conversation.number_hash.is_not(None))).one()
        assert current.id != before.id
        assert current.sensitive_at is None
        assert session.get_one(Conversation, before.id).number_hash is None


def test_within_the_conversation_nothing_is_lost(asked: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    with time_machine.travel(now() + timedelta(minutes=20)):
        asked("and what about my children then")
    assert len({question.conversation_id for question in dialogue.asked}) == 1


def test_the_first_answer_in_danger_asks_nothing_and_the_second_does(texter: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.again"),))
    first, second = texter("he is hitting me")[0], texter("?")[0]
    assert "YES" not in first
    assert "112" in second
    assert "Is it safe if we text" in second
    assert "112" in texter("no")[0], "in danger the numbers are said again"


def test_whoever_goes_on_is_not_asked_twice_in_a_row(texter: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.again"),))
    texter("he is hitting me")
    question = "Is it safe if we text"
    answers = [texter(words)[0] for words in ("?", "the children are crying", "what can i do")]
    assert [question in answer for answer in answers] == [True, False, True]
    assert all("112" in answer for answer in answers)


def test_at_the_page_nobody_is_asked(careline: Careline, dialogue: FakeDialogue, client) -> None:  # type: ignore[no-untyped-def]
    dialogue.answer = VIOLENCE
    body = client.post("/api/chat", json={"text": "my husband is not good to me"}).get_json()
    assert "YES or NO" not in body["messages"][0]["text"]


def test_what_we_ask_gives_nothing_away(careline: Careline) -> None:
    words = careline.wording.words("en", "sms", yes="YES", no="NO")
    for key in ("safe.ask", "safe.yes", "safe.no"):
        assert not any(word in words(key).lower() for word in TELLING)


def test_a_repeated_webhook_after_the_conversation_is_over_gets_its_own_answer(
    asked: Texter, careline: Careline, dialogue: FakeDialogue
) -> None:
    dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
    first = asked("thank you for listening to me", sid="SMonce")
    with time_machine.travel(now() + timedelta(hours=1)):
        asked("hello there again my friend")
        assert asked("thank you for listening to me", sid="SMonce") == first
    with careline.database.read() as session:
        assert len(session.scalars(select(Message).where(Message.provider_id == "SMonce")).all()) == 1


@pytest.mark.parametrize(("said", "told"), [(None, "has not said"), ("YES", "texts and calls are safe"), ("NO", "is not safe")])
def test_staff_are_told(asked: Texter, careline: Careline, said: str | None, told: str) -> None:
    if said:
        asked(said)
    asked("0")
    desk = Desk(asked.client.application)
    with careline.database.begin() as session:
        staff.add(session, "ada", PASSWORD)
        case = session.scalars(select(Case.id)).one()
    desk.sign_in("ada")
    assert told in desk.get(f"/desk/cases/{case}")
