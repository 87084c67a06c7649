"""The STOP ledger: nothing is ever sent to somebody who opted out, whatever happens in whatever order."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot import encryption, opt_out, outbox
from bot.careline import Careline
from bot.clock import now
from bot.conversation import open_conversation
from bot.db import Database
from bot.errors import ProviderUnavailable, RecipientOptedOut
from bot.escalation import Case, answer, claim
from bot.inbound import Inbound
from bot.keywords import LANGUAGES, KeywordKind, match, word
from bot.opt_out import PURPOSES, Purpose
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply
from bot.staff import add
from bot.turn import SILENCE, take_turn
from tests.conftest import Texter
from tests.fakes import FakeDialogue, FakeSender

NUMBERS = ("+447700900123", "+447700900456")


class Ledger(RuleBasedStateMachine):
    """STOP, START, danger, the provider's own STOP, queueing and sending in random order, against a model of the promise."""

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

    def _deliver(self) -> None:
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
            waiting = session.query(OutboxMessage).filter_by(status="queued").all()
        texted = [one.text.split() for one in waiting]
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
