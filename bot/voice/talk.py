"""One call while a turn of it is being made: what is known of it, and what every screen may do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bot import keywords, render, synthesis
from bot import reply as replies
from bot.calls import Line
from bot.careline import Careline, Dialogue
from bot.keywords import KeywordKind
from bot.render.voice import PAUSE, Piece, Speaker
from bot.reply import Reply
from bot.speech import speech
from bot.voice.document import Document, Heard, Listen

#: How many screens # leads back through.
DEEPEST: Final = 10


class LineTypes(Protocol):
    """What can tell whether a number takes texts: the provider's look-up, where it is configured."""

    def texts(self, number: str) -> bool | None:
        """Whether texts reach `number` (E.164); None if nobody knows."""
        ...


class Unknown:
    """No look-up is configured: the caller is asked."""

    def texts(self, number: str) -> bool | None:
        """Nobody knows."""
        return None


@dataclass
class Screen:
    """One place in the call: its name and what it was opened with."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass
class State:
    """What a call remembers from turn to turn.

    `stack` are the screens, the last one current; `failures` how often in a row nothing, or nothing that could be used, was
    heard there; `notices` are phrases to be said before the next screen speaks; `tries` counts the telephones rung in vain;
    `kept`: this number is remembered as slow; `told_keys`: the fixed keys have been explained. `asked_here`: whether this phone
    is safe has been asked, and `safe_here` is what was answered.
    """

    language: str = ""
    slow: bool = False
    stack: list[Screen] = field(default_factory=list)
    failures: int = 0
    notices: list[list[Any]] = field(default_factory=list)
    tries: int = 0
    kept: bool = False
    told_keys: bool = False
    asked_here: bool = False
    safe_here: bool | None = None

    def dump(self) -> dict[str, Any]:
        """As JSON-ready data."""
        data: dict[str, Any] = {**vars(self), "stack": [[screen.name, screen.args] for screen in self.stack]}
        return data

    @classmethod
    def load(cls, data: dict[str, Any]) -> "State":
        """What `dump` wrote; a new call's state from nothing."""
        stack = [Screen(name, args) for name, args in data.get("stack", [])]
        return cls(**{**data, "stack": stack}) if data else cls()


@dataclass
class Talk:
    """A call, the service behind it, and what it will say in this turn."""

    careline: Careline
    dialogue: Dialogue
    line: Line
    state: State
    line_types: LineTypes = field(default_factory=Unknown)
    wake: bool = False
    _speakers: dict[str, Speaker] = field(default_factory=dict, repr=False)

    @property
    def language(self) -> str:
        """The language spoken: the caller's, or the line's where nothing on this machine can say it."""
        own = self.state.language or self.careline.settings.default_language
        return own if speakable(own) else self.careline.settings.default_language

    @property
    def say(self) -> Speaker:
        """What says phrases and facts in the language of the call."""
        language = self.language
        if language not in self._speakers:
            self._speakers[language] = render.speaker(self.careline, language)
        return self._speakers[language]

    @property
    def understands(self) -> bool:
        """Whether speech is understood in the language of the call."""
        return speech().understood(self.language) is not None

    @property
    def screen(self) -> Screen:
        """Where the call is."""
        return self.state.stack[-1]

    @property
    def told(self) -> Screen | None:
        """The screen that tells the answer we are at: its args hold the `reply`, and the `position` of the service told."""
        return next((screen for screen in reversed(self.state.stack) if "reply" in screen.args), None)

    @property
    def reply(self) -> Reply | None:
        """The answer we are at."""
        return replies.load(self.told.args["reply"]) if self.told is not None else None

    @property
    def position(self) -> int:
        """Which service of it is being told."""
        return int(self.told.args.get("position", 0)) if self.told is not None else 0

    def go(self, name: str, /, **args: Any) -> None:
        """Open a screen on top of this one. Opening it again from itself only changes what it was opened with."""
        self.state.failures = 0
        if self.state.stack and self.state.stack[-1].name == name:
            self.state.stack[-1] = Screen(name, args)
        else:
            self.state.stack.append(Screen(name, args))
            del self.state.stack[:-DEEPEST]

    def instead(self, name: str, /, **args: Any) -> None:
        """Open a screen in the place of this one: # does not come back here."""
        self.state.stack.pop()
        self.go(name, **args)

    def home(self) -> None:
        """Back to "what do you need?", with nothing behind it."""
        self.state.stack = []
        self.go("need")

    def back(self) -> None:
        """The screen before this one."""
        self.state.failures = 0
        if len(self.state.stack) > 1:
            left = self.state.stack.pop()
            if left.name in ("here", "text", "code", "through", "number", "number_confirm") and "reply" in self.screen.args:
                self.screen.args["told"] = True  # nobody needs to hear the whole answer again

    def note(self, key: str, /, **params: str | int) -> None:
        """Say a phrase before the next screen speaks."""
        self.state.notices.append([key, params])

    def notices(self) -> list[Piece]:
        """The phrases to be said first, once."""
        pieces = [self.say(key, **params) for key, params in self.state.notices]
        self.state.notices = []
        return pieces

    def listen(self, pieces: list[Piece], words: tuple[str, ...] = (), speech: bool = True, timeout: int = 7) -> Document:
        """Say something and wait for one key, or for words where they are understood."""
        may_speak = speech and self.understands
        return self.document(pieces, Listen(speech=may_speak, hints=words if may_speak else (), timeout=timeout))

    def document(self, pieces: list[Piece], then: Any, waiting: bool = False) -> Document:
        """A turn in the language and at the speed of the call."""
        return Document(tuple(pieces), then, self.language, self.state.slow, waiting, self.wake)

    def options(self, labels: list[tuple[str, int | str]]) -> list[Piece]:
        """What the keys do, each option before its digit."""
        return [self.say.option(label, digit) for label, digit in labels]

    def words(self, key: str, **params: str | int) -> str:
        """A phrase as text, for a label."""
        return self.say.facts.words(key, **params)

    def chosen(self, heard: Heard) -> str:
        """The key pressed, or said as a word ("two", "yes")."""
        return heard.digits or spoken_digit(heard.speech)


def spoken_digit(text: str) -> str:
    """The digit that the words are, "1" for yes and "2" for no; empty if they are none."""
    word = keywords.match(text) if text else None
    if word is None:
        return ""
    if word.number is not None:
        return str(word.number)
    return {KeywordKind.YES: "1", KeywordKind.NO: "2"}.get(word.kind, "")


def speakable(language: str) -> bool:
    """Whether this machine, or the provider, can say a language."""
    voice = speech().voices.get(language)
    return voice is not None and (voice.provider is not None or (voice.espeak is not None and synthesis.installed()))


#: What a screen says, and what it does with what it hears: True if it could use it.
Show = Callable[[Talk], Document]
Hear = Callable[[Talk, Heard], bool]

__all__ = ["PAUSE", "Hear", "LineTypes", "Screen", "Show", "State", "Talk", "Unknown", "speakable", "spoken_digit"]
