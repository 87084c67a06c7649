"""What the telephone can say and understand, by language: the tables of data/voice, and names as they are said."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError
from bot.folding import is_cjk

FOLDER: Final = Path(__file__).resolve().parent.parent / "data" / "voice"


@dataclass(frozen=True)
class Voice:
    """Who says a language: a voice of the provider, else one of espeak-ng. `locale` is the BCP 47 tag of what is said."""

    locale: str
    provider: str | None = None
    espeak: str | None = None


@dataclass(frozen=True)
class Speech:
    """The tables: voices by language, the provider's tag for understanding speech, and spellings for the ear."""

    voices: dict[str, Voice]
    recognition: dict[str, str]
    pronunciation: dict[str, dict[str, str]]

    def voice(self, language: str) -> Voice:
        """The voice of a language; the first one of the table for a language it does not know."""
        return self.voices.get(language) or next(iter(self.voices.values()))

    def understood(self, language: str) -> str | None:
        """The tag under which the provider understands this language, None if only the keypad serves it."""
        return self.recognition.get(language)

    def said(self, text: str, language: str) -> str:
        """`text` with the words exchanged that a voice would read wrongly."""
        swaps = self.pronunciation.get("all", {}) | self.pronunciation.get(language, {})
        if not swaps:
            return text
        return _pattern(tuple(swaps)).sub(lambda found: swaps[found.group()], text)


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(_whole, longest_first)))


def _whole(word: str) -> str:
    """The word where it stands alone; Chinese and Japanese put nothing between words."""
    beside = r"\d" if any(map(is_cjk, word)) else r"\w"
    return rf"(?<!{beside}){re.escape(word)}(?!{beside})"


@cache
def speech() -> Speech:
    """The tables of data/voice. Raises DataError for one that cannot be read."""
    return load(FOLDER)


def load(folder: Path) -> Speech:
    """Read the three tables of a folder. Raises DataError."""
    voices = _read(folder / "voices.yml", "voices")
    recognition = _read(folder / "recognition.yml", "languages")
    try:
        return Speech(
            {str(code): Voice(**row) for code, row in voices.items()},
            {str(code): str(tag) for code, tag in recognition.items() if tag},
            {str(code): {str(word): str(said) for word, said in rows.items()} for code, rows in _pronunciation(folder).items()},
        )
    except (TypeError, AttributeError) as error:
        raise DataError(f"A table of {folder} cannot be used: {error}.") from error


def _pronunciation(folder: Path) -> dict[str, Any]:
    return _read(folder / "pronunciation.yml", None)


def _read(path: Path, key: str | None) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
        found = data[key] if key else data
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path} holds no table.")
    return found
