"""Somebody is angry with the service: told from plain words in every language, so that a person comes in."""

import re
from functools import cache
from pathlib import Path

import yaml

from bot.errors import DataError
from bot.folding import fold, is_cjk
from bot.settings import LANGUAGES

DATA = Path(__file__).resolve().parent.parent / "data" / "anger.yml"


def angry(text: str) -> bool:
    """Whether the message is. Never raises for any text; DataError if the list is broken."""
    return _pattern().search(f" {fold(text)} ") is not None


def load(path: Path) -> dict[str, list[str]]:
    """The phrases by language. Raises DataError for a file that cannot be read, lacks a language or holds no text."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(data, dict) or set(data) != set(LANGUAGES):
        raise DataError(f"{path}: must have a list for each of {', '.join(LANGUAGES)}.")
    for code, phrases in data.items():
        if not isinstance(phrases, list) or not all(isinstance(one, str) and fold(one) for one in phrases):
            raise DataError(f"{path}: {code}: must be a list of phrases.")
    return data


@cache
def _pattern() -> re.Pattern[str]:
    phrases = {fold(phrase) for phrases in load(DATA).values() for phrase in phrases}
    anywhere = [re.escape(phrase) for phrase in phrases if any(is_cjk(character) for character in phrase)]
    bordered = [re.escape(phrase) for phrase in phrases if not any(is_cjk(character) for character in phrase)]
    # An Arabic "and" is written onto the next word.
    return re.compile(f"{'|'.join(sorted(anywhere))}|(?<= )و?(?:{'|'.join(sorted(bordered))})(?= )")
