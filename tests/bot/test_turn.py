"""One turn: what is decided before the dialogue, and that a message is taken once."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import clock, late
from bot.answers import crisis as emergency
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message, open_conversation
from bot.errors import DialogueUnavailable
from bot.escalation import Case
from bot.inbound import Inbound
from bot.outbox import OutboxMessage
from bot.reply import Choice, Phrase, Reply, ServiceCard
from bot.settings import Settings
from bot.turn import take_turn
from tests.conftest import environment
from tests.fakes import FakeDialogue

NUMBER = "+447700900123"
KITCHEN = ServiceCard("k", "s", "Community Kitchen", "Harbour Community Kitchen")


def text(careline: Careline, dialogue: FakeDialogue, words: str, provider_id: str = "SM1") -> Reply:
    return take_turn(careline, dialogue, Inbound("sms", words, number=NUMBER, provider_id=provider_id)).reply


def _take(home: Path, database: str, barrier, answers) -> None:  # type: ignore[no-untyped-def]
    """One process of several that get the same message."""
    careline = Careline.open(Settings.from_env({**environment(home), "CARELINE_DATABASE_URL": database}))
    mine = Phrase("more.where", {"place": str(multiprocessing.current_process().pid)})
    dialogue = FakeDialogue(Reply(opening=(mine,)))
    barrier.wait()
    reply = text(careline, dialogue, "where can i find a dentist")
    answers.put((reply.opening[0].params["place"], len(dialogue.asked)))


def test_the_same_message_at_the_same_instant_in_several_processes(careline: Careline, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_take, args=(tmp_path, careline.settings.database, barrier, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    got = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert len({answer for answer, _ in got}) == 1
    assert sum(asked for _, asked in got) == 1
    with careline.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_a_late_answer_goes_through_the_outbox_once(careline: Careline, dialogue: FakeDialogue) -> None:
    dialogue.answer = DialogueUnavailable("down")
    assert text(careline, dialogue, "where can i find a dentist").opening[0].key == "later.promise"
    assert late.answer_waiting(careline, dialogue) == []
    dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
    with careline.database.begin() as session:
        session.scalars(select(Message)).one().leased_until = None
    (queued,) = late.answer_waiting(careline, dialogue)
    assert late.answer_waiting(careline, dialogue) == []
    with careline.database.read() as session:
        assert session.get_one(OutboxMessage, queued).text == "You are welcome. Write any time."
        assert session.scalars(select(Message.state)).one() == "answered"


def test_what_a_dead_process_left_behind_is_answered(
    careline: Careline, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER)
        session.add(Message(conversation_id=conversation.id, provider_id="SM9", text="i want to kill myself"))
    assert late.answer_waiting(careline, dialogue) == []
    moment = now() + timedelta(minutes=2)
    monkeypatch.setattr("bot.conversation.now", lambda: moment)
    (queued,) = late.answer_waiting(careline, dialogue)
    with careline.database.read() as session:
        assert "01632 960001" in session.get_one(OutboxMessage, queued).text
        assert session.scalars(select(Case)).one().urgent


def test_after_a_quarter_of_an_hour_a_person_is_asked(
    careline: Careline, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialogue.answer = DialogueUnavailable("down")
    text(careline, dialogue, "where can i find a dentist")
    moment = now() + timedelta(minutes=16)
    monkeypatch.setattr(late, "now", lambda: moment)
    late.answer_waiting(careline, dialogue)
    with careline.database.read() as session:
        assert session.scalars(select(Case)).one().reason == "unavailable"


def test_while_a_person_is_at_work_the_bot_is_silent_but_not_in_danger(careline: Careline, dialogue: FakeDialogue) -> None:
    text(careline, dialogue, "0")
    with careline.database.begin() as session:
        session.scalars(select(Case)).one().status = "claimed"
    assert text(careline, dialogue, "are you still there or not", "SM2") == Reply()
    assert dialogue.asked == []
    assert text(careline, dialogue, "i want to kill myself", "SM3").urgent


def test_an_unclear_message_after_an_emergency_gets_no_menu(careline: Careline, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.again"),))
    text(careline, dialogue, "i want to kill myself")
    reply = text(careline, dialogue, "dont know anymore what", "SM2")
    assert reply.urgent
    assert reply.opening[0].key == "crisis.stay"


def test_an_old_emergency_is_over(careline: Careline, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch) -> None:
    text(careline, dialogue, "i want to kill myself")
    dialogue.answer = Reply(opening=(Phrase("unsure.again"),))
    moment = clock.now() + timedelta(hours=2)
    monkeypatch.setattr("bot.escalation.now", lambda: moment)
    assert not text(careline, dialogue, "dont know anymore what", "SM2").urgent


def test_every_crisis_has_its_words_and_numbers(careline: Careline) -> None:
    with careline.database.begin() as session:
        conversation = open_conversation(session, "sms", None, NUMBER).id
    for topic in ("crisis_suicide", "crisis_medical", "crisis_child", "crisis_violence", "crisis_disaster"):
        reply = emergency.reply(careline, conversation, topic, "en")
        assert reply.urgent
        assert reply.escalation is not None
        for language in careline.wording.languages:
            words = careline.wording.words(language, "sms", emergency="112")
            assert "112" in words.say(reply.opening[0]), (topic, language)


@pytest.mark.parametrize("words", ["HELP", "0", "", "no", "more"])
def test_keywords_in_an_emergency_get_its_numbers_again(careline: Careline, dialogue: FakeDialogue, words: str) -> None:
    text(careline, dialogue, "i want to kill myself")
    assert text(careline, dialogue, "many thanks for that", "SM2").topic == "thanks"
    reply = text(careline, dialogue, words, "SM3")
    assert reply.urgent
    assert reply.opening[0].key == "crisis.stay"


def test_a_detail_of_nothing_gets_the_question_again(careline: Careline, dialogue: FakeDialogue) -> None:
    asked_back = Reply(opening=(Phrase("unsure.choose"),), choices=(Choice("/food"), Choice("/goods")))
    dialogue.answer = asked_back
    text(careline, dialogue, "something for the kids")
    assert text(careline, dialogue, "how much is it?", "SM2") == asked_back
    assert len(dialogue.asked) == 1
    text(careline, dialogue, "in Riverside", "SM3")
    assert len(dialogue.asked) == 2, "a place is kept for what comes"


@pytest.mark.parametrize(
    ("words", "payload"), [("the second one, phone?", "/goods"), ("ya pili, simu?", "/goods"), ("phone?", "/more")]
)
def test_a_fact_may_be_asked_of_any_that_was_offered(
    careline: Careline, dialogue: FakeDialogue, words: str, payload: str
) -> None:
    dialogue.answer = Reply(topic="food", choices=(Choice("/food"), Choice("/goods")))
    text(careline, dialogue, "something for the kids")
    text(careline, dialogue, words, "SM2")
    assert dialogue.asked[-1].payload == payload
    third = text(careline, dialogue, "the third one, phone?", "SM3")
    assert third.opening[0].key == "unsure.again", "nothing is said of the first to who asks about a third"


def test_yes_takes_what_was_offered_last_and_nothing_older(careline: Careline, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(topic="food", choices=(Choice("/food"), Choice("/goods")))
    text(careline, dialogue, "something for the kids")
    text(careline, dialogue, "ok", "SM2")
    assert dialogue.asked[-1].payload == "/food"
    text(careline, dialogue, "something for the kids", "SM3")
    text(careline, dialogue, "0", "SM4")
    assert text(careline, dialogue, "ok", "SM5").topic == "thanks", "it was said to the person who will come"
    text(careline, dialogue, "i want to kill myself", "SM6")
    assert text(careline, dialogue, "ok", "SM7").opening[0].key == "crisis.stay"
    assert len(dialogue.asked) == 3


def test_another_language_gets_the_last_answer_again(careline: Careline, dialogue: FakeDialogue) -> None:
    assert text(careline, dialogue, "english please").opening == (Phrase("language.changed"),)
    dialogue.answer = Reply(topic="food", services=(KITCHEN,), choices=(Choice("/goods", name="Kitchen"),))
    text(careline, dialogue, "something for the kids", "SM2")
    again = text(careline, dialogue, "en español por favor", "SM3")
    assert again.opening == (), "a text has no room for more"
    assert (again.topic, again.services) == ("food", (KITCHEN,))
    on_page = take_turn(careline, dialogue, Inbound("kiosk", "where to eat")).conversation_id
    for words in ("en español por favor", "in english please"):
        answer = take_turn(careline, dialogue, Inbound("kiosk", words, conversation_id=on_page)).reply
        assert answer.opening == (Phrase("language.continued"),), "said once, however often they change"


def test_another_language_in_an_emergency_gets_its_numbers(careline: Careline, dialogue: FakeDialogue) -> None:
    danger = text(careline, dialogue, "i want to kill myself")
    again = text(careline, dialogue, "en español por favor", "SM2")
    assert again.urgent
    assert again.opening == danger.opening


def test_more_goes_on_with_what_was_found_after_an_emergency(careline: Careline, dialogue: FakeDialogue) -> None:
    text(careline, dialogue, "i want to kill myself")
    dialogue.answer = Reply(topic="food", services=(KITCHEN,))
    text(careline, dialogue, "where can i find something to eat", "SM2")
    assert text(careline, dialogue, "more", "SM3").topic == "food"
    assert text(careline, dialogue, "no", "SM4").urgent
    assert text(careline, dialogue, "more", "SM5").urgent, "nothing has been found since"


def test_a_correction_asks_only_for_what_is_meant(careline: Careline, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(topic="food", services=(KITCHEN,))
    text(careline, dialogue, "no, not food, I said foot doctor")
    assert dialogue.asked[-1].text == "no, not food, I said foot doctor", "there was nothing to correct"
    text(careline, dialogue, "no, not food, I said foot doctor", "SM2")
    assert dialogue.asked[-1].text == "foot doctor"
    text(careline, dialogue, "no, I mean on Sunday", "SM3")
    assert dialogue.asked[-1].payload == "/more"


def test_choices_stay_until_others_are_offered(careline: Careline, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("unsure.choose"),), choices=(Choice("/food"), Choice("/goods")))
    text(careline, dialogue, "something for the kids")
    dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
    text(careline, dialogue, "how kind of you all")
    text(careline, dialogue, "many thanks indeed", "SM2")
    text(careline, dialogue, "2", "SM3")
    assert dialogue.asked[-1].payload == "/goods"
    assert text(careline, dialogue, "9", "SM4").opening[0].key == "unsure.again"
