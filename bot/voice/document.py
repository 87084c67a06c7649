"""What a call is told to do next, as data, before any provider's words: say something, then listen, connect or record."""

from dataclasses import dataclass

from bot.render.voice import Piece


@dataclass(frozen=True)
class Listen:
    """Wait for a key, or for speech where `speech` is set: what is said meanwhile may be interrupted by either.

    `digits` is how many are taken, None for a number of any length that ends with #; `timeout` seconds of silence.
    `hints` are words the recognition should expect.
    """

    digits: int | None = 1
    speech: bool = True
    timeout: int = 7
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connect:
    """Ring these telephones at once (E.164), for `timeout` seconds. `announce`: they are staff, who first hear what it is about
    and take the call with a key, so that nobody's answering machine does."""

    numbers: tuple[str, ...]
    announce: bool = False
    timeout: int = 25


@dataclass(frozen=True)
class Record:
    """Take a spoken message of at most `longest` seconds, until # or `silence` seconds of nothing."""

    longest: int = 180
    silence: int = 8


@dataclass(frozen=True)
class Hangup:
    """End the call; only after a number to call has been said."""


@dataclass(frozen=True)
class Document:
    """One turn of ours. `waiting`: the caller waits for a person; `wake`: there is something for the worker."""

    pieces: tuple[Piece, ...]
    then: Listen | Connect | Record | Hangup
    language: str
    slow: bool = False
    waiting: bool = False
    wake: bool = False


@dataclass(frozen=True)
class Heard:
    """One turn of the caller's: keys or speech with its confidence (0 to 1), how a connection ended, or a recording.

    Nothing at all is silence.
    """

    digits: str = ""
    speech: str = ""
    confidence: float | None = None
    connected: bool | None = None
    recording: str | None = None
    seconds: int = 0

    @property
    def silent(self) -> bool:
        """Whether nothing came."""
        return not self.digits and not self.speech and self.connected is None and self.recording is None
