"""What time does to cases: they are promised, remind, ring, go quiet, and are asked about afterwards."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from bot import alerts, case_history, escalation, outbox, reminders
from bot.alerts import Alert
from bot.careline import Careline
from bot.errors import ProviderUnavailable
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply
from tests.conftest import Texter
from tests.desk import Desk
from tests.fakes import FakeDialogue, FakeSender
from webhooks.worker import look

MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
DUTY, SECOND = "+441632960700", "+441632960701"
CRISIS = "I want to kill myself"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY, tick=False) as moving:
        yield moving


@pytest.fixture(autouse=True)
def duty(careline: Careline) -> None:
    careline.settings = replace(careline.settings, duty_number=DUTY, second_line_number=SECOND)


def the_case(careline: Careline) -> Case:
    with careline.database.read() as session:
        return session.scalars(select(Case).order_by(Case.opened_at.desc())).first() or pytest.fail("no case")


def kinds(careline: Careline) -> list[str]:
    with careline.database.read() as session:
        return [event.kind for event in case_history.of(session, the_case(careline).id)]


def later_texts(careline: Careline) -> list[str]:
    with careline.database.read() as session:
        return list(
            session.scalars(select(OutboxMessage.text).where(OutboxMessage.author == "bot").order_by(OutboxMessage.created_at))
        )


class Provider(FakeSender):
    """One that gives every text an id of its own."""

    def send(self, number: str, text: str, reference: str) -> str:
        super().send(number, text, reference)
        return f"SM{uuid.uuid4().hex}"


def work(careline: Careline, sender: FakeSender | None = None) -> FakeSender:
    sender = sender or Provider()
    look(careline, FakeDialogue(), sender)
    return sender


def test_a_crisis_rings_until_somebody_takes_it(
    careline: Careline, texter: Texter, ada: Desk, clock: time_machine.Traveller
) -> None:
    texter(CRISIS)
    assert [number for number, _ in work(careline).sent] == [DUTY]
    assert work(careline).sent == []  # once for each ring
    clock.shift(timedelta(minutes=5))
    rung = work(careline).sent
    assert [number for number, _ in rung] == [DUTY]
    assert "for 5 minutes" in rung[0][1]
    clock.shift(timedelta(minutes=5))
    assert [number for number, _ in work(careline).sent] == [DUTY, SECOND]
    assert the_case(careline).level == 1
    assert "rang 3 times" in ada.get()
    case_id = the_case(careline).id
    ada.post(f"/desk/cases/{case_id}/claim")
    clock.shift(timedelta(minutes=30))
    assert work(careline).sent == []
    assert kinds(careline) == ["opened", "rang", "rang", "rang", "went_up", "claimed"]


def test_an_alert_says_nothing_about_anybody_and_is_tried_again(
    careline: Careline, texter: Texter, clock: time_machine.Traveller
) -> None:
    texter(CRISIS)
    work(careline, FakeSender(ProviderUnavailable("down")))
    clock.shift(timedelta(seconds=6))
    with careline.database.read() as session:
        assert session.scalars(select(Alert.status)).all() == ["queued"]
    sender = FakeSender()
    assert alerts.deliver(careline.database, sender) == 1
    assert sender.sent == [(DUTY, "Careline: a crisis case is waiting at the desk.")]


def test_an_overdue_case_reminds_and_goes_up(careline: Careline, texter: Texter, clock: time_machine.Traveller) -> None:
    texter("0")
    assert the_case(careline).due_at == MONDAY + timedelta(hours=2)
    for hours, count, level in ((1, 0, 0), (1, 1, 0), (1, 2, 1), (3, 3, 1), (1, 3, 1)):
        clock.shift(timedelta(hours=hours))
        reminders.sweep(careline)
        reminders.sweep(careline)
        case = the_case(careline)
        assert (case.reminders, case.level) == (count, level)


def test_the_answer_says_who_still_comes_and_when_that_is_late(
    careline: Careline, texter: Texter, clock: time_machine.Traveller
) -> None:
    texter("0")
    assert "A person will answer you here today by 12:00" in texter("thanks a lot for your help")[0]
    clock.shift(timedelta(hours=3))
    late = texter("thanks a lot for your help")[0]
    assert "has not answered you yet" in late
    assert "12:00" not in late  # a promise that was not kept is not repeated


def test_nobody_there_says_until_when(careline: Careline, texter: Texter, clock: time_machine.Traveller) -> None:
    clock.move_to(datetime(2026, 11, 27, 20, tzinfo=UTC))  # a Friday night
    answer = texter("0")[0]
    assert "Monday" in answer
    assert "Nobody is here until Monday at 09:00" in answer


def test_the_bot_comes_back_when_nobody_says_anything(
    careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    clock.shift(timedelta(minutes=30))
    assert texter("are you there?") == []
    clock.shift(timedelta(minutes=16))
    assert len(work(careline).sent) == 1  # the person waits, and is told
    assert "had to step away" in later_texts(careline)[-1]
    assert the_case(careline).status == "open"
    answer = texter("thanks a lot for your help")[0]
    assert "again." not in answer  # it was said already
    assert "A person" in answer  # and the promise stands


def test_without_the_worker_the_bot_comes_back_with_the_next_message(
    careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    clock.shift(timedelta(minutes=46))
    assert texter("thanks a lot for your help")[0].startswith("This is Careline, the automatic service, again.")


@pytest.mark.parametrize("wrote", [True, False])
def test_giving_a_case_back_is_said(
    careline: Careline, texter: Texter, ada: Desk, case: str, wrote: bool, clock: time_machine.Traveller
) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    clock.shift(timedelta(minutes=1))
    if wrote:
        assert texter("hello?") == []
    ada.post(f"/desk/cases/{case}/release")
    assert [("step away" in text) for text in later_texts(careline)] == ([True] if wrote else [])
    assert ("This is Careline" in texter("thanks a lot for your help")[0]) is not wrote


def answer(desk: Desk, careline: Careline, case_id: str, stay: bool = False) -> None:
    desk.get(f"/desk/cases/{case_id}")
    desk.post(f"/desk/cases/{case_id}/claim")
    desk.post(f"/desk/cases/{case_id}/answer", text="The pantry is open now.", **({"stay": "1"} if stay else {}))


def test_whether_it_helped_is_asked_once(
    careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    answer(ada, careline, case)
    work(careline)
    clock.shift(timedelta(hours=2, minutes=1))
    assert [text for _, text in work(careline).sent] == ["Did this help? Reply 1 for yes, 2 for no. You need not answer."]
    assert work(careline).sent == []
    said = texter("1")[0]
    assert "we are glad" in said
    assert "again in a week" in said
    assert "in a week. STOP ends it" in texter("yes")[0]
    assert the_case(careline).helped == "yes"
    clock.shift(timedelta(days=6, hours=23))
    assert work(careline).sent == []
    clock.shift(timedelta(hours=2))
    assert len(work(careline).sent) == 1
    assert "You asked us to write" in later_texts(careline)[-1]
    assert work(careline).sent == []


def test_a_follow_up_needs_a_yes(careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller) -> None:
    answer(ada, careline, case)
    clock.shift(timedelta(hours=3))
    work(careline)
    texter("1")
    texter("thanks a lot for your help")
    clock.shift(timedelta(days=8))
    work(careline)
    assert not any("asked us to write" in text for text in later_texts(careline))


def test_one_that_did_not_help_comes_back_to_a_person(
    careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    answer(ada, careline, case)
    clock.shift(timedelta(hours=3))
    work(careline)
    assert "look at it again" in texter("no")[0]
    found = the_case(careline)
    assert (found.status, found.reason) == ("open", "not_helpful")


def test_a_digit_that_answers_something_else_is_no_answer_to_it(
    careline: Careline, texter: Texter, dialogue: FakeDialogue, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    answer(ada, careline, case)
    clock.shift(timedelta(hours=3))
    work(careline)
    clock.shift(timedelta(minutes=1))
    texter("I need food please")
    texter("1")
    assert the_case(careline).helped is None


def test_nobody_facing_violence_is_asked(
    careline: Careline, texter: Texter, ada: Desk, case: str, clock: time_machine.Traveller
) -> None:
    with careline.database.begin() as session:
        session.get_one(Case, case).topic = "violence_refuge"
    answer(ada, careline, case)
    clock.shift(timedelta(hours=3))
    work(careline)
    assert not any("Did this help" in text for text in later_texts(careline))


@pytest.mark.parametrize(
    ("text", "topic", "reason", "said"),
    [
        ("that was no help at all", "feedback_bad", "not_helpful", "sorry that did not help"),
        ("you are useless", "out_of_scope", "anger", "not good enough"),
        ("they hurt her in the care home", "rights_complaint", "topic", "A person will answer"),
    ],
)
def test_what_brings_a_person(
    careline: Careline, texter: Texter, dialogue: FakeDialogue, text: str, topic: str, reason: str, said: str
) -> None:
    dialogue.answer = Reply(opening=(Phrase("feedback.bad"),), topic=topic, closing=(Phrase("person.offer"),))
    answered = texter(text)[0]
    assert said in answered
    assert "by 12:00" in answered or "by 11:00" in answered
    assert the_case(careline).reason == reason


def test_an_angry_question_is_answered_all_the_same(careline: Careline, texter: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),), topic="food")
    said = texter("this is useless, where is food")[0]
    assert "not good enough" in said
    assert "You are welcome" in said
    assert the_case(careline).reason == "anger"


def test_a_wrong_record_promises_nobody_an_answer(careline: Careline, texter: Texter) -> None:
    with careline.database.begin() as session:
        conversation = texter("hello there good people") and session.scalars(select(escalation.Conversation.id)).one()
        escalation.open_case(session, careline.settings, conversation, "wrong_information", "en")
    assert "A person will answer" not in texter("thanks a lot for your help")[0]
    assert the_case(careline).due_at > MONDAY + timedelta(hours=24)
    assert "by 12:00" in texter("0")[0]  # but who asks for themselves is answered as anybody else
    assert the_case(careline).reason == "asked"


def test_urgency_decides_the_promise(careline: Careline, texter: Texter, other: Texter, number_of: Callable[[str], int]) -> None:
    texter("0")
    with careline.database.begin() as session:
        conversation = session.scalars(select(escalation.Conversation.id)).one()
        soon = escalation.open_case(session, careline.settings, conversation, "asked", "en", topic="violence_refuge")
        assert soon.expected_at == MONDAY + timedelta(hours=2)  # the case is the same one
        session.delete(session.scalars(select(Case)).one())
        session.flush()
        soon = escalation.open_case(session, careline.settings, conversation, "asked", "en", topic="violence_refuge")
        assert soon.expected_at == MONDAY + timedelta(hours=1)
        urgent = escalation.open_case(
            session, careline.settings, conversation, "crisis", "en", topic="crisis_medical", urgent=True
        )
        assert urgent.expected_at is None


def test_what_is_queued_twice_is_sent_once(careline: Careline, texter: Texter, case: str) -> None:
    with careline.database.begin() as session:
        conversation = session.get_one(Case, case).conversation_id
        assert outbox.put(session, conversation, "x", origin="same") is not None
        assert outbox.put(session, conversation, "x", origin="same") is None
