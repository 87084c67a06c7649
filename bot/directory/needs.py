"""What a text is about, finer than its topic: the thing named ("dentist"), whom it is for, how it reaches people.

The lists of data/search read a message and the directory's own words alike, in every language served, so that "dentista",
牙医 and "Free Dental Clinic" meet. How forms are written stands at the top of data/search/needs.yml.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import regex
import yaml

from bot.errors import DataError
from bot.folding import fold, is_cjk, loosen

DATA: Final = Path(__file__).resolve().parents[2] / "data" / "search"
#: Characters of a text that are read; a description may be endless.
_MOST: Final = 4000
#: What Arabic and Urdu write onto a word: "and the", "for the", "with the".
_GLUED: Final = regex.compile(r"^(?:[وفبلك]?ال|لل|[وفبل])(?=\p{Arabic}{3})")


#: An article before its word ("d'alzheimer"), and a possessive; not "can't".
_ELISION: Final = regex.compile(r"(?<=\b\p{L}{1,2})['’ʼ](?=\p{L}{2})|['’ʼ](?=s\b)", regex.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to say something: words side by side; those with an open end stand for any ending."""

    label: str
    words: tuple[tuple[str, bool], ...]


class Forms:
    """Labels by the words that name them."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._exact: dict[str, list[_Form]] = {}
        self._open: dict[str, list[_Form]] = {}
        self._inside: list[tuple[str, str]] = []
        self.labels: Final = tuple(lists)
        for label, forms in lists.items():
            for text in forms:
                self._add(label, text)

    def _add(self, label: str, text: str) -> None:
        if is_cjk(text):
            self._inside.append((_plain(text).replace(" ", ""), label))
            return
        words: list[tuple[str, bool]] = []
        for word in text.split():
            parts = _plain(word.rstrip("*")).split()
            words += [(part, word.endswith("*") and part is parts[-1]) for part in parts]
        if not words:
            raise DataError(f"{label}: {text!r} holds no word.")
        first, is_open = words[0]
        (self._open if is_open else self._exact).setdefault(first, []).append(_Form(label, tuple(words)))

    def find(self, text: str) -> frozenset[str]:
        """The labels that a text names. Never raises, whatever the text holds."""
        plain = _plain(text[:_MOST])
        tokens = [_variants(token) for token in plain.split()]
        found = {label for start in range(len(tokens)) for label in self._at(tokens, start)}
        if is_cjk(plain):
            together = plain.replace(" ", "")
            found |= {label for form, label in self._inside if form in together}
        return frozenset(found)

    def _at(self, tokens: list[tuple[str, ...]], start: int) -> Iterator[str]:
        for token in tokens[start]:
            forms = [*self._exact.get(token, ())]
            for end in range(1, len(token) + 1):
                forms += self._open.get(token[:end], ())
            for form in forms:
                if _follows(form.words[1:], tokens, start + 1):
                    yield form.label


def _follows(words: tuple[tuple[str, bool], ...], tokens: list[tuple[str, ...]], at: int) -> bool:
    if at + len(words) > len(tokens):
        return False
    return all(
        any(token.startswith(word) if is_open else token == word for token in tokens[at + offset])
        for offset, (word, is_open) in enumerate(words)
    )


def _plain(text: str) -> str:
    return loosen(fold(_ELISION.sub(" ", text)))


def _variants(token: str) -> tuple[str, ...]:
    bare = _GLUED.sub("", token)
    return (token,) if bare == token else (token, bare)


def needs() -> Forms:
    """The things of data/search/needs.yml. Raises DataError if it cannot be used."""
    return _needs()


@cache
def _needs() -> Forms:
    every = {name: [form for forms in by_language.values() for form in forms] for name, by_language in _read("needs").items()}
    return Forms(every)


@cache
def special() -> frozenset[str]:
    """Things that are only meant when they are named."""
    return frozenset(_read("special")["special"])


@cache
def service_groups() -> Forms:
    """Whom a service is kept for, from its eligibility and name."""
    return Forms({name: lists["service"] for name, lists in _read("groups").items()})


@cache
def person_groups() -> Forms:
    """Which of these groups a message says that the person belongs to."""
    return Forms({name: lists["person"] for name, lists in _read("groups").items()})


@cache
def ways() -> Forms:
    """How a service reaches people who stay at home: by_phone, at_home, online."""
    return Forms(_read("ways"))


@cache
def _elsewhere() -> Forms:
    return Forms(_read("elsewhere"))


def elsewhere(text: str) -> bool:
    """Whether a message speaks of another town without naming it."""
    return bool(_elsewhere().find(text))


def belongs(text: str, language: str | None = None, age: int | None = None) -> frozenset[str]:
    """The groups that somebody who writes `text` in `language` belongs to, or asks for."""
    groups = set(person_groups().find(text))
    if language:
        groups.add(f"speakers_{language}")
    if age is not None:
        groups |= {"older"} if age >= OLDER else {"young"} if YOUNG[0] <= age <= YOUNG[1] else set()
    return frozenset(groups)


#: From this age on somebody counts as older where a service says so; between these, as young.
OLDER: Final = 55
YOUNG: Final = (11, 25)


@cache
def _read(name: str) -> dict[str, Any]:
    path = DATA / f"{name}.yml"
    try:
        with path.open(encoding="utf-8") as file:
            data = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise DataError(f"{path}: not a mapping of names to lists")
    for key, value in data.items():
        for forms in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(forms, list) or not all(isinstance(form, str) for form in forms):
                raise DataError(f"{path}: {key}: needs lists of texts; put numbers, yes and no in quotes")
    return data


def read(name: str) -> dict[str, Any]:
    """One file of data/search, checked. Raises DataError naming it."""
    return _read(name)


def described(name: str, description: str | None) -> str:
    """What a service is compared with a message by: what it is stands at the beginning, and time grows with length."""
    return f"{name}. {(description or '')[:300]}"
