"""The STOP ledger: nothing is ever sent to somebody who opted out, whatever happens in whatever order."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import alerts, calls, encryption, helped, opt_out, outbox
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message, open_conversation, text_to
from bot.db import Database
from bot.errors import ProviderUnavailable, RecipientOptedOut
from bot.escalation import Case, answer, claim
from bot.inbound import Inbound
from bot.keywords import LANGUAGES, KeywordKind, match, word
from bot.opt_out import PURPOSES, Purpose
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply
from bot.staff import NO_PASSWORD, Staff, add
from bot.turn import SILENCE, take_turn
from tests.conftest import Texter
from tests.fakes import FakeDialogue, FakeSender

NUMBERS = ("+447700900123", "+447700900456")


class Ledger(RuleBasedStateMachine):
    """STOP, START, danger, the provider's own STOP, and everything that ever sends a text, in random order, against a model of
    the promise: answers, late ones, those of staff, texts asked for on the telephone, follow-ups, and alerts to those on duty.

    Each text begins with its purpose and the number it is for.
    """

    def __init__(self) -> None:
        super().__init__()
        encryption.use(encryption.Vault(["a key for tests only"]))
        self.folder = TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name) / 'ledger.db'}")
        from bot.migrations.tables import metadata

        metadata().create_all(self.database.engine)
        self.stopped: dict[str, set[str]] = {number: set() for number in NUMBERS}
        self.queued = 0
        self.sender = FakeSender()
        self.seen = 0

    def teardown(self) -> None:
        self.database.engine.dispose()
        self.folder.cleanup()

    @rule(number=st.sampled_from(NUMBERS))
    def stop(self, number: str) -> None:
        with self.database.begin() as session:
            opt_out.stop(session, number)
        self.stopped[number] = set(PURPOSES)

    @rule(number=st.sampled_from(NUMBERS), purposes=st.sets(st.sampled_from(PURPOSES), min_size=1))
    def stop_some(self, number: str, purposes: set[Purpose]) -> None:
        with self.database.begin() as session:
            opt_out.stop(session, number, purposes)
        self.stopped[number] |= purposes

    @rule(number=st.sampled_from(NUMBERS))
    def start(self, number: str) -> None:
        with self.database.begin() as session:
            opt_out.start(session, number)
        self.stopped[number] = set()

    @rule(number=st.sampled_from(NUMBERS))
    def danger(self, number: str) -> None:
        with self.database.begin() as session:
            opt_out.start(session, number, ("answers",))
        self.stopped[number].discard("answers")

    @rule(number=st.sampled_from(NUMBERS), purpose=st.sampled_from(PURPOSES))
    def queue(self, number: str, purpose: Purpose) -> None:
        self.queued += 1
        with self.database.begin() as session:
            conversation = open_conversation(session, "sms", None, number)
            outbox.put(session, conversation.id, f"{purpose} {number}", origin=f"test {self.queued}", purpose=purpose)

    def _case(self, session: Session, number: str) -> Case:
        """An open case of the number's conversation."""
        conversation = open_conversation(session, "sms", None, number)
        mine = (Case.conversation_id == conversation.id) & (Case.status != "closed")
        case = session.scalar(select(Case).where(mine))
        if case is None:
            case = Case(conversation_id=conversation.id, reason="asked", language="en", due_at=now())
            session.add(case)
            session.flush()
        return case

    @rule(number=st.sampled_from(NUMBERS))
    def staff_answer(self, number: str) -> None:
        self.queued += 1
        with self.database.begin() as session:
            case = self._case(session, number)
            staff_id = session.scalar(select(Staff.id)) or add_staff(session)
            claim(session, case.id, staff_id)
            assert answer(session, case.id, staff_id, f"answers {number}", once=str(self.queued), stay=True)

    @rule(number=st.sampled_from(NUMBERS))
    def late_answer(self, number: str) -> None:
        """What the worker finds answered by now: the turn asks about STOP too, but so does the sender."""
        self.queued += 1
        with self.database.begin() as session:
            conversation = open_conversation(session, "sms", None, number)
            message = Message(conversation_id=conversation.id, text="food", state="answered")
            session.add(message)
            session.flush()
            outbox.put(session, conversation.id, f"answers {number}", origin=f"message {message.id}")

    @rule(number=st.sampled_from(NUMBERS))
    def asked_for_on_the_telephone(self, number: str) -> None:
        self.queued += 1
        call = calls.answer(self.database, f"CA{self.queued}", number)
        with self.database.begin() as session:
            text_to(session, call.conversation_id, number)
            outbox.put(session, call.conversation_id, f"answers {number}", origin=f"call {call.id} 1")

    @rule(number=st.sampled_from(NUMBERS))
    def did_it_help(self, number: str) -> None:
        """The real question, put into words that say what it is: only its purpose matters here."""
        self.queued += 1
        with self.database.begin() as session:
            case = self._case(session, number)
            outbox.put(session, case.conversation_id, f"followups {number}", origin=f"helped {self.queued}", purpose="followups")

    @rule(number=st.sampled_from(NUMBERS))
    def alert(self, number: str) -> None:
        """Somebody on duty is a person with a telephone too."""
        self.queued += 1
        with self.database.begin() as session:
            assert alerts.put(session, self._case(session, number).id, number, f"alerts {number}", origin=f"ring {self.queued}")

    def _deliver(self) -> None:
        with self.database.begin() as session:
            for ringing in session.query(alerts.Alert).filter_by(status="queued"):
                ringing.due_at = now()
        alerts.deliver(self.database, self.sender)
        with self.database.begin() as session:
            for waiting in session.query(OutboxMessage).filter_by(status="queued"):
                waiting.due_at = now()
        with self.database.read() as session:
            due = outbox.due(session)
        for message_id in due:
            outbox.deliver(self.database, self.sender, message_id)

    @rule()
    def deliver(self) -> None:
        self.sender.error = None
        self._deliver()

    @rule()
    def provider_down(self) -> None:
        self.sender.error = ProviderUnavailable("503")
        self._deliver()

    @precondition(lambda self: self.queued)
    @rule()
    def provider_says_stopped(self) -> None:
        """Code 21610: the provider heard a STOP that we did not. Everybody who was texted now is stopped for everything."""
        self.sender.error = RecipientOptedOut("stop", 21610)
        with self.database.read() as session:
            ringing = session.query(alerts.Alert).filter_by(status="queued").all()
            waiting = session.query(OutboxMessage).filter_by(status="queued").order_by(OutboxMessage.due_at).all()
        texted = [one.text.split() for one in (*ringing, *waiting)]
        for purpose, number in texted:
            if purpose not in self.stopped[number]:
                self.stopped[number] = set(PURPOSES)
        self._deliver()

    @invariant()
    def nothing_was_sent_against_a_stop(self) -> None:
        for number, text in self.sender.sent[self.seen :]:
            purpose, to = text.split()
            assert to == number
            assert purpose not in self.stopped[number]
        self.seen = len(self.sender.sent)

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        with self.database.read() as session:
            for number in NUMBERS:
                assert opt_out.purposes_stopped(session, number) == self.stopped[number]


TestLedger: Any = pytest.mark.filterwarnings("ignore::ResourceWarning")(Ledger.TestCase)
TestLedger.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def stopped(texter: Texter) -> Texter:
    texter("STOP")
    return texter


def add_staff(session: Session) -> int:
    """Somebody who answers; the password is not looked at."""
    person = Staff(name="Ama", password_hash=NO_PASSWORD)
    session.add(person)
    session.flush()
    return person.id


@pytest.mark.parametrize("ask", ["whether it helped", "a week later"])
def test_who_stopped_is_not_asked_whether_it_helped_even_after_danger(
    stopped: Texter, careline: Careline, dialogue: FakeDialogue, ask: str
) -> None:
    """Danger opens answers again, and nothing else: the question of our own accord is none."""
    stopped("he is hitting me please help")
    with careline.database.begin() as session:
        case = session.query(Case).one()
        case.urgent, case.topic, case.status = False, "food", "answered"
        case.answered_at = now() - timedelta(hours=3)
        conversation = session.get_one(Conversation, case.conversation_id)
        conversation.sensitive_at, conversation.last_message_at = None, now() - timedelta(hours=4)
        if ask == "a week later":
            case.helped, case.follow_up_at = "yes", now() - timedelta(hours=1)
    careline.settings = replace(careline.settings, ask_helped=True)
    with time_machine.travel(datetime(2026, 11, 24, 11, tzinfo=ZoneInfo("Europe/London"))):
        with careline.database.begin() as session:
            case = session.query(Case).one()
            case.answered_at, case.follow_up_at = now() - timedelta(hours=3), (now() if case.follow_up_at else None)
        helped.ask(careline)
        helped.follow_up(careline)
        with careline.database.read() as session:
            due = outbox.due(session)
        assert due, "it was queued, and the sender decides"
        sender = FakeSender()
        for message_id in due:
            outbox.deliver(careline.database, sender, message_id)
    assert sender.sent == []


def test_danger_after_stop_is_answered_and_so_may_staff(stopped: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
    """The first answer, and hours later the one of a person; but no follow-up and no alert."""
    assert "112" in stopped("he is hitting me please help")[0]
    with careline.database.begin() as session:
        case = session.query(Case).one()
        staff = add(session, "Ama", "a long enough password")
        assert claim(session, case.id, staff.id)
        assert answer(session, case.id, staff.id, "I am Ama, I can call the police for you.", once="1")
        for purpose in ("followups", "alerts"):
            outbox.put(session, case.conversation_id, purpose, origin=purpose, purpose=purpose)  # type: ignore[arg-type]
    sender = FakeSender()
    with careline.database.read() as session:
        due = outbox.due(session)
    for message_id in due:
        outbox.deliver(careline.database, sender, message_id)
    assert [text for _, text in sender.sent] == ["I am Ama, I can call the police for you."]


def test_danger_that_only_the_model_hears_is_answered_after_stop(stopped: Texter, dialogue: FakeDialogue) -> None:
    dialogue.answer = Reply(opening=(Phrase("crisis.stay_emergency", {"emergency": "112"}),), topic="crisis_medical", urgent=True)
    assert "112" in stopped("my baby will not wake up whatever I do")[0]
    dialogue.answer = Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
    assert stopped("thank you so much for everything") != []


def test_other_words_after_stop_get_nothing(stopped: Texter, dialogue: FakeDialogue) -> None:
    assert stopped("where can I eat tonight") == []


def test_the_providers_own_stop_counts(texter: Texter, careline: Careline) -> None:
    """OptOutType: the provider acts on a word that we do not know, and must not hear from us again."""
    texter("arretez tout svp merci", OptOutType="STOP")
    with careline.database.read() as session:
        assert opt_out.purposes_stopped(session, texter.number) == set(PURPOSES)
        assert session.query(opt_out.OptOut).first().source == "provider"  # type: ignore[union-attr]


@pytest.mark.parametrize("language", LANGUAGES)
def test_stop_and_start_in_every_language(texter: Texter, careline: Careline, language: str) -> None:
    texter(word(KeywordKind.STOP, language))
    with careline.database.read() as session:
        assert opt_out.purposes_stopped(session, texter.number) == set(PURPOSES)
    texter(word(KeywordKind.START, language))
    with careline.database.read() as session:
        assert not opt_out.purposes_stopped(session, texter.number)


@pytest.mark.parametrize(("language", "kind"), [("sw", "stop"), (None, "stop"), ("en", "stop"), ("ur", "yes"), ("ne", "yes")])
@pytest.mark.parametrize("written", ["acha", "Acha!", "ACHAAA"])
def test_acha_stops_a_swahili_speaker_and_agrees_with_an_urdu_one(language: str | None, kind: str, written: str) -> None:
    keyword = match(written, language)
    assert keyword is not None
    assert keyword.kind == kind


def test_acha_in_an_urdu_conversation_stops_nothing(careline: Careline, dialogue: FakeDialogue) -> None:
    def say(text: str, number: int) -> Reply:
        inbound = Inbound("sms", text, number=NUMBERS[0], provider_id=f"SM{number}")
        return take_turn(careline, dialogue, inbound).reply

    say("مجھے اپنی والدہ کے لیے گھر پر مدد چاہیے", 1)
    assert say("acha", 2).topic != "stop"
    assert say("بند", 3).topic == "stop"
    assert say("مجھے کھانا چاہیے", 4) == SILENCE
