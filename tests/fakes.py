"""Stand-ins with the real signatures, for the rings that run without servers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.careline import Question
from bot.errors import DialogueUnavailable, SendError
from bot.reply import Phrase, Reply


@dataclass
class FakeDialogue:
    """A dialogue that answers what it is told to, and remembers what it was asked."""

    answer: Reply | Exception | Callable[[Question], Reply] = field(
        default_factory=lambda: Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
    )
    asked: list[Question] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    forgotten_before: list[datetime] = field(default_factory=list)

    def respond(self, question: Question) -> Reply:
        self.asked.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, Reply) else self.answer(question)

    def forget(self, conversation_id: str) -> None:
        if isinstance(self.answer, DialogueUnavailable):
            raise self.answer
        self.forgotten.append(conversation_id)

    def forget_before(self, moment: datetime) -> None:
        if isinstance(self.answer, DialogueUnavailable):
            raise self.answer
        self.forgotten_before.append(moment)


@dataclass
class FakeSender:
    """A provider that takes every text, or fails as it is told to."""

    error: SendError | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    erased_calls: list[str] = field(default_factory=list)
    erased_recordings: list[str] = field(default_factory=list)
    on_its_way: int = 0

    def send(self, number: str, text: str, reference: str) -> str:
        if self.error is not None:
            raise self.error
        self.sent.append((number, text))
        return f"SM{len(self.sent):032d}"

    def erase(self, number: str, before: datetime | None) -> bool:
        if self.error is not None:
            raise self.error
        if self.on_its_way:
            self.on_its_way -= 1
            return False
        self.erased.append(number)
        return True

    def erase_call(self, call_id: str) -> bool:
        return self._erase(self.erased_calls, call_id)

    def erase_recording(self, recording_id: str) -> bool:
        return self._erase(self.erased_recordings, recording_id)

    def _erase(self, erased: list[str], what: str) -> bool:
        if self.error is not None:
            raise self.error
        erased.append(what)
        return True
