"""Languages that are not served: noticed, so that we can say so in the nearest one that is and offer a person.

Some the service does not write at all; others it writes, and a municipality of several does not serve them.

Where the script decides, it does. Elsewhere two detectors must agree on a whole sentence: a wrong "we don't write your
language" would be worse than none. The given `langdetect` is one of the two; on whole sentences it is good. Of 15,700
utterances in the languages served, one was taken for another language. A language that we write ourselves is told as
everywhere (bot.language), by words that the languages served have fewer of.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import regex
import yaml
from babel import Locale, UnknownLocaleError

from bot import language
from bot.errors import DataError
from bot.folding import fold
from bot.languages import LANGUAGES, LOCALES

PATH: Final = Path(__file__).resolve().parent.parent / "data" / "foreign.yml"
# Scripts that a language served is written in too: there the detectors decide.
_SHARED: Final = ("Latin", "Arabic", "Devanagari")
_WORDS: Final = 4
# Romanised Arabic, Urdu and Nepali look like many things to a detector.
_SURE: Final = {"Latin": 0.9, "Arabic": 0.75, "Devanagari": 0.75}
_LONGEST: Final = 400
_SHORT: Final = 3


@dataclass(frozen=True, slots=True)
class Foreign:
    """A language that is not served: ISO 639 code, script as Unicode names it, and which of ours its readers may read."""

    code: str
    script: str
    nearest: tuple[str, ...] = ()


@cache
def _listed(path: Path) -> tuple[Foreign, ...]:
    try:
        rows: Any = yaml.safe_load(path.read_text("utf-8"))
        return tuple(Foreign(row["code"], row["script"], tuple(row.get("nearest", ()))) for row in rows)
    except (OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} cannot be read as a list of languages: {error}") from error


@cache
def known(path: Path = PATH) -> tuple[Foreign, ...]:
    """The languages of data/foreign.yml that nobody is served in. Raises DataError for a broken file."""
    return tuple(one for one in _listed(path) if one.code not in LANGUAGES)


def elsewhere(code: str | None, served: Collection[str]) -> Foreign | None:
    """The language `code` where we write it and this line does not serve it."""
    if code is None or code in served or code not in LANGUAGES:
        return None
    return next((one for one in _listed(PATH) if one.code == code), Foreign(code, ""))


def written(text: str, served: Sequence[str] = LANGUAGES, first: bool = False) -> Foreign | None:
    """The language that the message is in, if we are sure that it is none of those served. `first`: of a conversation."""
    text = text[:_LONGEST]
    ours = _one_of_ours(text, served, first)
    if ours is not None:
        return ours
    letters = regex.findall(r"\p{L}", text)
    for script, candidates in _by_script().items():
        if script in _SHARED:
            continue
        own = len(_pattern(script).findall(text))
        if own > 1 and own * 2 > len(letters):
            return candidates[0] if len(candidates) == 1 else _likeliest(text, candidates)
    if len(text.split()) < _WORDS:
        return None
    candidates = [one for script in _SHARED for one in _by_script().get(script, ()) if _pattern(script).search(text)]
    code, share = language.likeliest(text)
    found = next((one for one in candidates if one.code == code), None)
    return found if found and share >= _SURE[found.script] and _langdetect(text) == found.code else None


def asked(text: str, served: Sequence[str] = LANGUAGES) -> Foreign | None:
    """The language that the whole message names or asks for ("Deutsch bitte", "hindi"), if it is not served."""
    ours = elsewhere(language.requested(text, LANGUAGES), served)
    if ours is not None:
        return ours
    code = _names().asked(text, [one.code for one in known()])
    words = fold(text[:_LONGEST]).split()
    if code is None and len(words) <= _SHORT:  # "Deutsch bitte": its own name beside a word of its own
        code = next((_own_names()[word] for word in words if word in _own_names()), None)
    return next((one for one in known() if one.code == code), None)


def mentioned(text: str, served: Sequence[str]) -> Foreign | None:
    """The same for a message that is known to be about changing language: "can you write to me in Urdu"."""
    return elsewhere(language.mentioned(text, LANGUAGES), served)


def nearest(foreign: Foreign, served: Sequence[str], default: str) -> str:
    """The language to answer in."""
    return next((code for code in foreign.nearest if code in served), default)


def name(code: str, reader: str) -> str:
    """What a language is called, for a reader of `reader`: "Deutsch (German)"."""
    own, told = own_name(code), name_for(code, reader)
    return own if fold(own) == fold(told) else f"{own} ({told})"


def name_for(code: str, reader: str) -> str:
    """What a language is called in that of `reader` alone, for the ear: "German"."""
    names = Locale.parse(LOCALES.get(reader, reader)).languages
    return str(names.get(code) or names.get(LOCALES.get(code, code)) or own_name(code))


def own_name(code: str) -> str:
    """What speakers call their language (CLDR)."""
    locale = Locale.parse(LOCALES.get(code, code))
    return str(locale.languages.get(locale.language) or code)


def _one_of_ours(text: str, served: Sequence[str], first: bool) -> Foreign | None:
    """The language we write, but do not serve here, that the message is surely in."""
    if set(served) >= set(LANGUAGES):
        return None
    guess = language.detect(text, LANGUAGES, tuple(served))
    found = elsewhere(guess.language, served)
    if found is None or not language.is_written_in(text, guess, served, first):
        return None
    return found


@cache
def _by_script() -> dict[str, list[Foreign]]:
    found: dict[str, list[Foreign]] = {}
    for one in known():
        found.setdefault(one.script, []).append(one)
    return found


@cache
def _pattern(script: str) -> "regex.Pattern[str]":
    return regex.compile(rf"\p{{Script={script}}}")


def _likeliest(text: str, candidates: Sequence[Foreign]) -> Foreign:
    guesses = (_langdetect(text), language.likeliest(text)[0])
    return next((one for code in guesses for one in candidates if one.code == code), candidates[0])


def _langdetect(text: str) -> str | None:
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0  # it is random otherwise
    try:
        return str(detect(text))
    except LangDetectException:  # nothing in it that it could go by
        return None


@cache
def _own_names() -> dict[str, str]:
    return {fold(Locale.parse(one.code).get_language_name(one.code) or one.code): one.code for one in known()}


@cache
def _names() -> language.Names:
    """What the foreign languages are called, by themselves and in every language served."""
    found: dict[str, str] = {}
    for one in known():
        for reader in (one.code, *LANGUAGES):
            try:
                told = Locale.parse(LOCALES.get(reader, reader)).languages.get(one.code)
            except UnknownLocaleError:
                continue
            if told:
                found.setdefault(fold(told), one.code)
    return language.Names(found)
