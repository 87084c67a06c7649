"""The words of data/filters, compiled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from bot.errors import DataError
from bot.filters.asked import ACCESSIBILITY, LANGUAGES, ORDINALS, PARTS, WAYS, WEEKDAYS
from bot.filters.words import TOKEN, loosened
from bot.folding import fold, squeeze
from bot.reply import Detail

DATA: Final = Path(__file__).resolve().parents[2] / "data" / "filters"


class FilterDataError(DataError):
    """A filter file that cannot be used. The message names the file, the key and the pattern."""


Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a pattern: a slot, or alternatives by their first word, each with the words that follow it."""

    slot: str | None
    forms: dict[str, list[Words]]
    optional: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of a file, and what it means if found."""

    key: str
    name: str
    weak: bool
    elements: tuple[Element, ...]


class Patterns:
    """Patterns by the words they can begin with. A tree of all that they stand for would not fit into memory."""

    def __init__(self) -> None:
        self.by_word: dict[str, list[tuple[Pattern, int]]] = {}
        self.by_slot: dict[str, list[tuple[Pattern, int]]] = {}

    def add(self, pattern: Pattern) -> None:
        """Index a pattern under each element that it can begin with."""
        for index, element in enumerate(pattern.elements):
            if element.slot:
                self.by_slot.setdefault(element.slot, []).append((pattern, index))
            for word in element.forms:
                self.by_word.setdefault(word, []).append((pattern, index))
            if not element.optional:
                return


@dataclass
class Lexicon:
    """One language's file, compiled.

    `patterns` finds everything but numbers; `named` is what the slots {language}, {day} and {n} may be; `words` are
    all the words in the file. `beginnings` and `endings` are what is written onto a word ("و", "मा"). `from_six` is
    for a clock whose first hour is seven in the morning (Swahili).
    """

    language: str
    patterns: Patterns = field(default_factory=Patterns)
    named: dict[str, Patterns] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    beginnings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    from_six: bool = False

    @property
    def loose(self) -> bool:
        """Whether this language is compared loosened: the spelling is free, or katakana is used for emphasis."""
        return self.language in {"ar", "ur", "ne", "zh", "ja"}


#: Keys that hold a list of patterns, and what each pattern found means.
LISTS: Final = (
    "today", "tomorrow", "day_after_tomorrow", "tonight", "this_evening", "weekend", "next_weekday", "now", "open",
    "closed", "open_now", "at", "after", "after_number", "before", "before_number", "workdays", "near", "free", "women",
    "no_papers", "ages", "months", "speaks",
    "filler", "not",
)  # fmt: skip
#: Keys that hold lists by name.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "weekdays": WEEKDAYS,
    "parts": tuple(PARTS),
    "clock": ("am", "pm", "hour", "hour_before", "half", "half_before"),
    "accessibility": ACCESSIBILITY,
    "ways": WAYS,
    "details": get_args(Detail),
    "which": ORDINALS,
    "languages": (),
    "numbers": (),
}
_AFFIXES: Final = ("beginnings", "endings")


@cache
def lexicons() -> tuple[Lexicon, ...]:
    return load(DATA)


@cache
def known_words() -> frozenset[str]:
    """Every word of the files, loosened: a word that is one of these is hardly the name of a place."""
    return frozenset(loosened(word) for lexicon in lexicons() for word in lexicon.words)


@cache
def mixed() -> frozenset[str]:
    """Forms of the files that mix digits and letters, such as "2day"."""
    found = set()
    for language in LANGUAGES:
        for _, _, pattern in entries(DATA / f"{language}.yml"):
            for form in re.split(r"[\s|?~-]+", pattern):
                word = squeeze(fold(form))
                if re.search("[0-9]", word) and re.search("[a-z]", word):
                    found.add(word)
    return frozenset(found)


@cache
def units() -> frozenset[str]:
    """What is written onto a number somewhere in the files: "pm", "h", "saal"."""
    found = set()
    for language in LANGUAGES:
        for key, _, pattern in entries(DATA / f"{language}.yml"):
            _, number, behind = pattern.partition("{n} ")
            if key in {"clock", "after_number"} or number:
                found |= set(re.split(r"[|?-]", (behind if number else pattern).split()[0]))
    return frozenset(found)


def load(directory: Path) -> tuple[Lexicon, ...]:
    """The files of a directory, compiled. Raises FilterDataError if one is missing or malformed."""
    return tuple(_compile(language, directory / f"{language}.yml") for language in LANGUAGES)


@cache
def _read(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FilterDataError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise FilterDataError(f"{path}: not a mapping of keys to lists")
    known = {*LISTS, *GROUPS, *_AFFIXES, "hours_from_six"}
    if unknown := data.keys() - known:
        raise FilterDataError(f"{path}: unknown key {sorted(map(str, unknown))[0]!r}")
    return data


def entries(path: Path) -> Iterator[tuple[str, str, str]]:
    """Every pattern of a file with its key and, in a group, its name there."""
    data = _read(path)
    for key in LISTS:
        for pattern in _texts(path, key, data.get(key)):
            yield key, "", pattern
    for key, names in GROUPS.items():
        group = data.get(key) or {}
        if not isinstance(group, dict) or (names and not group.keys() <= set(names)):
            raise FilterDataError(f"{path}: {key}: the names must be among {', '.join(names)}")
        for name, patterns in group.items():
            for pattern in _texts(path, f"{key}: {name}", patterns):
                yield key, str(name), pattern


def _texts(path: Path, key: str, patterns: object) -> list[str]:
    if patterns is None:
        return []
    if not isinstance(patterns, list):
        raise FilterDataError(f"{path}: {key}: not a list")
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise FilterDataError(f"{path}: {key}: {pattern!r} is not text; put it in quotes")
    return patterns


def _compile(language: str, path: Path) -> Lexicon:
    lexicon = Lexicon(language)
    data = _read(path)
    lexicon.from_six = bool(data.get("hours_from_six"))
    lexicon.beginnings, lexicon.endings = (
        tuple(sorted((_form(text, lexicon.loose) for text in _texts(path, key, data.get(key))), key=len, reverse=True))
        for key in _AFFIXES
    )
    elements: dict[str, Element] = {}
    for key, name, text in entries(path):
        parts = text.lstrip("~ ").split()
        for part in parts:
            if part not in elements:
                elements[part] = _element(part, lexicon.loose)
        pattern = Pattern(key, name, text.startswith("~"), tuple(elements[part] for part in parts))
        if all(element.optional for element in pattern.elements):
            raise FilterDataError(f"{path}: {key}: {text!r} holds no word that must be there")
        for index in _indexes(lexicon, key):
            index.add(pattern)
    for element in elements.values():
        for word, following in element.forms.items():
            lexicon.words.update((word,), *following)
    return lexicon


def _indexes(lexicon: Lexicon, key: str) -> list[Patterns]:
    slot = {"numbers": "{n}", "languages": "{language}", "weekdays": "{day}"}.get(key)
    named = [lexicon.named.setdefault(slot, Patterns())] if slot else []
    return named if key in {"numbers", "languages"} else [*named, lexicon.patterns]


def _form(text: str, loose: bool) -> str:
    word = squeeze(fold(text))
    return loosened(word) if loose else word


def _element(text: str, loose: bool) -> Element:
    optional, text = text.endswith("?"), text.rstrip("?")
    if text.startswith("{"):
        return Element(text, {}, optional)
    forms: dict[str, list[Words]] = {}
    for alternative in text.split("|"):
        words = _words(alternative, loose)
        if words:
            forms.setdefault(words[0], []).append(words[1:])
    return Element(None, forms, optional or not forms)


def _words(alternative: str, loose: bool) -> Words:
    found: list[str] = []
    for word in squeeze(fold(alternative.replace("-", " "))).split():
        whole = re.search("[0-9]", word) and re.search("[a-z]", word)
        found += [word] if whole else TOKEN.findall(word)
    return tuple(loosened(word) for word in found) if loose else tuple(found)
