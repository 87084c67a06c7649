"""Help with reading and writing another language at the desk: whatever can translate a text, behind one small interface."""

from typing import Protocol

from bot.errors import CarelineError


class TranslatorUnavailable(CarelineError):
    """The translator is down, or knows no such pair of languages."""

    retry = True


class Translator(Protocol):
    """A machine that translates."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Which languages it translates from and into, as our codes. Raises TranslatorUnavailable."""
        ...

    def translate(self, text: str, source: str, target: str) -> str:
        """The text in another language. Raises TranslatorUnavailable."""
        ...
