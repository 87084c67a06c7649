"""Whether the phone somebody calls from is safe: asked after an answer about violence; no call and no text without a yes."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from bot import outbox, safety
from bot.callback import Callback
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation
from bot.outbox import OutboxMessage
from bot.settings import LANGUAGES
from bot.voice.need import LISTS, PAGE
from bot.voice.talk import speakable
from tests.callers import answers, caller
from tests.fakes import FakeDialogue, FakeSender
from webhooks.app import create_app
from webhooks.caller import Caller

NIGHT = datetime(2026, 11, 22, 23, tzinfo=ZoneInfo("Europe/London"))
#: What the one beside the telephone must not hear in the question.
TELLING = ("violence", "refuge", "abuse", "hit", "police", "husband")
ASKED = "is it safe if we call or text this phone later?"
OTHER = "07700900456"


@pytest.fixture
def dialogue(careline: Careline) -> FakeDialogue:
    return FakeDialogue(answers(careline))


def asking(careline: Careline, dialogue: FakeDialogue, number: str = "+447700900123", topic: str = "violence_refuge") -> Caller:
    """Somebody who has asked about violence with the keys."""
    phone = caller(create_app(careline, dialogue).test_client(), number)
    phone.call()
    phone.press("1")
    phone.press("1")
    group = next(name for name, topics in LISTS.items() if topic in topics)
    phone.press(str(list(LISTS).index(group) + 1))
    at = LISTS[group].index(topic)
    if len(LISTS[group]) > 8 and at >= PAGE:
        phone.press("8")
        at -= PAGE
    phone.press(str(at + 1))
    return phone


@pytest.fixture
def asked(careline: Careline, dialogue: FakeDialogue) -> Caller:
    return asking(careline, dialogue)


def conversation(careline: Careline) -> Conversation:
    with careline.database.read() as session:
        return session.scalars(select(Conversation)).one()


@pytest.mark.parametrize("topic", ["violence_refuge", "rights_violence"])
def test_the_answer_and_the_question_come_in_one_breath(careline: Careline, dialogue: FakeDialogue, topic: str) -> None:
    turn = asking(careline, dialogue, topic=topic).turn
    answer, _, question = turn.text.partition("One more question: ")
    assert len(answer) > 60, "the answer comes first"
    assert question.startswith(ASKED)
    assert not any(word in question.lower() for word in TELLING)
    about = conversation(careline)
    assert about.sensitive_at is not None
    assert about.safe_to_contact is None
    assert not safety.may_call(about)


@pytest.mark.parametrize(
    ("key", "safe", "said"), [("1", True, "we will only use plain words"), ("2", False, "we will not call or text this phone")]
)
def test_what_is_answered_is_kept_and_the_answer_is_not_told_twice(
    asked: Caller, careline: Careline, key: str, safe: bool, said: str
) -> None:
    first = asked.turn.text
    turn = asked.press(key)
    assert said in turn.text
    assert first.split("\n")[1] not in turn.text
    assert "press 2" in turn.text, "what can be done with the answer"
    about = conversation(careline)
    assert about.safe_to_contact is safe
    assert safety.may_call(about) is safe


def test_yes_and_no_may_be_said(asked: Caller, careline: Careline) -> None:
    asked.say("no")
    assert conversation(careline).safe_to_contact is False


@pytest.mark.parametrize("does", ["waits", "asks something else", "presses what is no answer"])
def test_no_answer_is_no_yes_and_asked_once(asked: Caller, careline: Careline, does: str) -> None:
    match does:
        case "waits":
            asked.wait()
        case "asks something else":
            asked.say("food")
        case _:
            assert ASKED in asked.press("5").text
            asked.press("5")
    assert ASKED not in asked.turn.text
    assert conversation(careline).safe_to_contact is None
    for key in "####":
        assert ASKED not in asked.press(key).text


def test_who_said_no_is_never_offered_a_call_to_this_phone(asked: Caller, careline: Careline) -> None:
    with time_machine.travel(NIGHT, tick=False):
        asked.press("2")
        asked.press("0")
        turn = asked.press("2")
        assert "May we call you on the phone you are calling from" not in turn.text
        assert "Only a phone that is safe for you" in turn.text
        asked.press("1")
        asked.press("2")
        asked.press("07700900123")
        assert asked.turn.waits == "number", "the same phone keyed in is refused"
        asked.press(OTHER)
        asked.press("1")
    with careline.database.read() as session:
        (task,) = session.scalars(select(Callback)).all()
    assert task.number == "+447700900456"
    assert task.may_be_called


@pytest.mark.parametrize("after", [None, "1", "2"])
def test_a_message_that_was_left_brings_no_call_without_a_yes(asked: Caller, careline: Careline, after: str | None) -> None:
    with time_machine.travel(NIGHT, tick=False):
        if after:
            asked.press(after)
        asked.press("0")
        asked.press("1")
        asked.record(12)
        for _ in range(2):
            asked.wait()
    with careline.database.read() as session:
        (task,) = session.scalars(select(Callback)).all()
    assert not task.may_be_called
    assert task.number is None


def test_a_text_goes_to_the_other_phone_only(asked: Caller, careline: Careline) -> None:
    asked.press("2")
    turn = asked.press("2")
    assert turn.waits == "number", "not to this one"
    asked.press(OTHER)
    assert "I have sent" in asked.press("1").text or asked.turn.text
    with careline.database.read() as session:
        (queued,) = session.scalars(select(OutboxMessage)).all()
    sender = FakeSender()
    outbox.deliver(careline.database, sender, queued.id)
    assert [number for number, _ in sender.sent] == ["+447700900456"]


def test_hours_later_nothing_is_texted_without_a_yes(asked: Caller, careline: Careline) -> None:
    asked.wait()
    asked.press("2")
    asked.press("1")
    with careline.database.read() as session:
        (queued,) = session.scalars(select(OutboxMessage)).all()
    sender = FakeSender()
    with time_machine.travel(now() + timedelta(hours=3)):
        outbox.deliver(careline.database, sender, queued.id)
    assert sender.sent == []


def test_a_withheld_number_is_not_asked_about(careline: Careline, dialogue: FakeDialogue) -> None:
    phone = asking(careline, dialogue, number="anonymous")
    assert ASKED not in phone.turn.text
    assert conversation(careline).sensitive_at is not None


def test_in_danger_the_question_waits_until_somebody_was_reached(careline: Careline, dialogue: FakeDialogue) -> None:
    phone = caller(create_app(careline, dialogue).test_client())
    phone.call()
    phone.press("1")
    assert phone.say("my husband is hitting me").waits == "dial"
    assert ASKED not in phone.connect(False).text
    assert "1 1 2" in phone.turn.text
    phone.press("1")
    assert ASKED in phone.connect(True).text
    assert "1 1 2" in phone.press("2").text, "and then the numbers again"
    assert conversation(careline).safe_to_contact is False


def test_other_topics_ask_nothing(careline: Careline, dialogue: FakeDialogue) -> None:
    assert ASKED not in asking(careline, dialogue, topic="food").turn.text
    assert conversation(careline).sensitive_at is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_every_language(careline: Careline, dialogue: FakeDialogue, language: str) -> None:
    if not speakable(language):
        pytest.skip("nothing here says it")
    careline.settings = replace(careline.settings, default_language=language, voice_languages=(language,))
    words = careline.wording.words(language, "voice")
    phone = caller(create_app(careline, dialogue).test_client())
    phone.call()
    phone.press("1")
    group = next(name for name, topics in LISTS.items() if "violence_refuge" in topics)
    if phone.turn.waits == "words":
        phone.press("1")
    phone.press(str(list(LISTS).index(group) + 1))
    asked = phone.press(str(LISTS[group].index("violence_refuge") + 1))
    assert words("voice.here") in asked.text.replace("\n", " ")
    assert words("voice.here_no") in phone.press("2").text.replace("\n", " ")
    english = careline.wording.words("en", "voice")
    for key in ("voice.here", "voice.here_yes", "voice.here_no", "voice.safe_phone"):
        assert (words(key) == english(key)) == (language == "en"), key
