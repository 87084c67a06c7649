"""Single words that steer the conversation, in every language served: STOP, HELP, a digit.

They work without the model. A message is a keyword only when the whole of it, folded (see `bot.folding`), is one of the
listed forms: "stop the pain", "ending my lease" and "cancel my appointment" are not.

The lists are data/keywords/<language>.yml: a key per kind in small letters with a list of forms, `numbers` with the words
for 1 to 9, and `number_words`, what may stand before a digit ("option 2"). A form means one thing in all languages; where
a word means two things in two languages, only one file has it, `Keyword.languages` tells the caller whose word it is, and
`ELSEWHERE` says what it means in the other one's conversations.

YES is an opt-in word for the provider, but for us a plain yes; the caller treats it as START for somebody who is stopped.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError
from bot.folding import fold, squeeze
from bot.language import without_politeness
from bot.languages import LANGUAGES

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "keywords"


# "n°2", "Nº 2", "№2" before a number.
_NUMERO: Final = re.compile(r"^\s*(?:n\s?[°º]|№)\s*(?=\d)", re.IGNORECASE)


class KeywordKind(StrEnum):
    """What a keyword asks for. NUMBER is a choice from 1 to 9; 0 is HUMAN."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    HUMAN = "human"
    YES = "yes"
    NO = "no"
    MORE = "more"
    REPEAT = "repeat"
    WRONG = "wrong"
    DELETE = "delete"
    KNOW = "know"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A message that was nothing but a keyword.

    `number` is set for NUMBER (1 to 9) and for the digit 0, which is HUMAN; `languages` are those whose list has the
    word, in the order of LANGUAGES, and all of them for a digit.
    """

    kind: KeywordKind
    number: int | None
    languages: tuple[str, ...]


class KeywordDataError(DataError):
    """A keyword file that cannot be used. The message names the file, the kind and the form."""


#: Words that stop in one language and agree in another: "acha" is Swahili for "leave it", Urdu and Nepali for "all right".
ELSEWHERE: Final = {("acha", "ur"): KeywordKind.YES, ("acha", "ne"): KeywordKind.YES}


def match(text: str, language: str | None = None) -> Keyword | None:
    """The keyword that this message is, or None, in a conversation in `language` where that is known.

    Never raises for any text; KeywordDataError if a list is broken.
    """
    text = _NUMERO.sub("", text[:200])
    folded = fold(text)
    if not folded or len(folded) > 60:
        return None
    keywords = _keywords()
    for form in (folded, squeeze(folded)):
        if language is not None and (form, language) in ELSEWHERE:
            return Keyword(ELSEWHERE[form, language], None, (language,))
    found = keywords.get(folded) or keywords.get(squeeze(folded)) or _politely_numbered(folded)
    if found and found.number is not None and _is_amount(text):
        return None
    return found


def _politely_numbered(folded: str) -> Keyword | None:
    """ "2 please", "el 2 por favor": a number with polite words around it."""
    if not any(character.isdigit() for character in folded):
        return None
    found = (_keywords().get(rest) for rest in without_politeness(folded))
    return next((keyword for keyword in found if keyword is not None and keyword.number is not None), None)


@cache
def word(kind: KeywordKind, language: str) -> str:
    """The first word listed for a kind in a language, in capitals where the script has them: what people are told to write.

    Raises KeywordDataError if there is none.
    """
    for form, found, _ in _read(DATA / f"{language}.yml"):
        if found is kind:
            return form.upper()
    raise KeywordDataError(f"{language}: no word for {kind.value}")


def _is_amount(text: str) -> bool:
    """Whether a number is one of something ("£5", "5 %", "5°"): folding leaves only the digit."""
    plain = unicodedata.normalize("NFKC", text)
    return any(character in "%‰°٪" or unicodedata.category(character) == "Sc" for character in plain)


@cache
def _keywords() -> dict[str, Keyword]:
    return load(DATA)


def load(directory: Path) -> dict[str, Keyword]:
    """Every form in the directory's files, folded, with its keyword.

    Raises KeywordDataError for a missing or malformed file, an unknown kind, a form that is not text or folds to
    nothing, and a form that means two things.
    """
    found: dict[str, tuple[KeywordKind, int | None, list[str], str]] = {}
    for digit in range(10):
        kind = KeywordKind.NUMBER if digit else KeywordKind.HUMAN
        found[str(digit)] = (kind, digit, list(LANGUAGES), "digits")
    for language in LANGUAGES:
        path = directory / f"{language}.yml"
        for form, kind, number in _read(path):
            folded = fold(form)
            if not folded:
                raise KeywordDataError(f"{path}: {kind.value}: {form!r} holds no letter and no digit")
            _, _, languages, _ = entry = found.setdefault(folded, (kind, number, [], path.name))
            if entry[:2] != (kind, number):
                raise KeywordDataError(f"{path}: {kind.value}: {form!r} is already {entry[0].value} in {entry[3]}")
            if language not in languages:
                languages.append(language)
    return {form: Keyword(kind, number, tuple(langs)) for form, (kind, number, langs, _) in found.items()}


def _read(path: Path) -> Iterator[tuple[str, KeywordKind, int | None]]:
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KeywordDataError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise KeywordDataError(f"{path}: not a mapping of kinds to lists")
    numbers, before = data.pop("numbers", {}), data.pop("number_words", [])
    for name, forms in data.items():
        if name not in set(KeywordKind) or name == KeywordKind.NUMBER:
            raise KeywordDataError(f"{path}: {name!r} is no kind of keyword")
        for form in _texts(path, str(name), forms):
            yield form, KeywordKind(name), None
    for number, words in _numbers(path, numbers).items():
        for word in words:
            yield word, KeywordKind.NUMBER, number
        for prefix in _texts(path, "number_words", before):
            for word in (str(number), *words):
                yield f"{prefix} {word}", KeywordKind.NUMBER, number


def _numbers(path: Path, numbers: object) -> dict[int, list[str]]:
    if not isinstance(numbers, dict) or not all(type(key) is int and 1 <= key <= 9 for key in numbers):
        raise KeywordDataError(f"{path}: numbers: the keys must be 1 to 9")
    return {number: _texts(path, f"numbers: {number}", numbers.get(number, [])) for number in range(1, 10)}


def _texts(path: Path, name: str, forms: object) -> list[str]:
    if not isinstance(forms, list):
        raise KeywordDataError(f"{path}: {name}: not a list")
    for form in forms:
        if not isinstance(form, str):
            raise KeywordDataError(f"{path}: {name}: {form!r} is not text; put it in quotes")
    return forms
