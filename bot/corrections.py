"""Somebody corrects an answer: "no, not food, I said foot doctor".

What is not wanted would be found again with what is, and the "no" taken for a complaint, so only what is meant is asked.
The words are data/corrections.yml.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError
from bot.folding import fold, is_cjk
from bot.languages import LANGUAGES

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "corrections.yml"

_KEYS: Final = {"no", "not", "not_after", "meant"}
_LONGEST: Final = 300  # characters; a story is no correction
_MOST_DENIED: Final = 24  # characters of what is not wanted; more may be worth hearing
_CLAUSES: Final = re.compile(r"\s*[,.;:!?\n،؛؟۔।。、，；：！？]+\s*")
_APOSTROPHES: Final = re.compile("[\u2018\u2019\u02bc`´]")


def meant(text: str) -> str | None:
    """What the message asks for instead of what was answered; None if it is no correction, or says nothing else.

    Never raises for any text; DataError if the list is broken.
    """
    if len(text) > _LONGEST:
        return None
    rest = _APOSTROPHES.sub("'", text).strip()
    words = _words()
    refused = said = False
    while rest:
        if begun := words["meant"].match(rest):
            rest, said = _wanted(rest[begun.end() :]), True
            break
        if begun := words["no"].match(rest):
            rest, refused = rest[begun.end() :], True
            continue
        clause, following = _first_clause(rest)
        if (denied := words["not_after"].match(rest)) and denied.end() <= _MOST_DENIED:
            rest, refused = rest[denied.end() :], True
        elif following and len(clause) <= _MOST_DENIED and words["not"].match(rest):
            if not refused and not words["meant"].match(following):
                return None
            rest, refused = following, True
        else:
            break
    return rest if (refused or said) and fold(rest) else None


def _first_clause(text: str) -> tuple[str, str]:
    parts = _CLAUSES.split(text, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def _wanted(text: str) -> str:
    """Without what is not: "housing, not food"."""
    denied = _words()["denied"].search(text)
    return text[: denied.start()].strip() if denied and fold(text[: denied.start()]) else text


def load(path: Path) -> dict[str, dict[str, list[str]]]:
    """The lists by language. Raises DataError for a file that cannot be read, lacks a language or holds no text."""
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(data, dict) or set(data) != set(LANGUAGES):
        raise DataError(f"{path}: must have lists for each of {', '.join(LANGUAGES)}.")
    for code, lists in data.items():
        if not isinstance(lists, dict) or not {"no", "meant"} <= set(lists) <= _KEYS:
            raise DataError(f"{path}: {code}: must have the lists {', '.join(sorted(_KEYS))}.")
        for key, phrases in lists.items():
            if not isinstance(phrases, list) or not all(isinstance(one, str) and fold(one) for one in phrases):
                raise DataError(f"{path}: {code}: {key}: must be a list of phrases.")
    return data


@cache
def _words() -> dict[str, re.Pattern[str]]:
    lists = load(DATA).values()
    found = {key: _any_of({phrase for by_key in lists for phrase in by_key.get(key, ())}) for key in _KEYS}
    gap = r"(?:\s*[,.;:!?\n،؛؟۔।。、，；：！？-]+\s*|\s+|$)"
    return {
        # "no" must end its clause, or stand before another part of the correction: "no papers" is none.
        "no": re.compile(
            rf"(?:{found['no']})(?:\s*[,.;:!?\n،؛؟۔।。、，；：！？]+\s*|\s+(?=(?:{found['not']}|{found['meant']})))", re.I
        ),
        "not": re.compile(rf"(?:{found['not']})", re.I),
        "not_after": re.compile(rf"[^,.;:!?\n،؛؟۔।。、，；：！？]+?(?:{found['not_after']}){gap}?", re.I),
        "meant": re.compile(rf"(?:{found['meant']}){gap}?", re.I),
        "denied": re.compile(rf"[\s,،、，]+(?:{found['not']})", re.I),
    }


def _any_of(phrases: set[str]) -> str:
    """Alternatives, the longest first; at word borders where words have spaces between."""
    parts = []
    for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)):
        form = re.escape(phrase).replace(r"\ ", r"\s+")
        parts.append(form if any(map(is_cjk, phrase)) else rf"(?<!\w){form}(?!\w)")
    return "|".join(parts) or "(?!)"
