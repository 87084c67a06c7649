"""Ready replies: what staff say often, as true translations in every language, in data/replies/<language>.yml.

The ids are the same in every file, and so are the placeholders; `missing` names what is not, and a test looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import yaml

from bot.errors import DataError
from bot.settings import LANGUAGES

DATA = Path(__file__).resolve().parent.parent / "data" / "replies"
#: The language whose replies the others are compared with.
SOURCE = "en"


@dataclass(frozen=True)
class Ready:
    """One ready reply: in the person's language, and in the one staff read."""

    id: str
    text: str
    meaning: str


def load(folder: Path = DATA) -> dict[str, dict[str, str]]:
    """Texts by language and id. Raises DataError for a file that cannot be read or is no list of texts."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            data = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DataError(f"{path}: {error}") from error
        if not isinstance(data, dict) or not all(isinstance(text, str) and text.strip() for text in data.values()):
            raise DataError(f"{path}: must give a text for each id.")
        found[path.stem] = {str(name): text.strip() for name, text in data.items()}
    return found


def ready(texts: Mapping[str, Mapping[str, str]], language: str, house: str, **values: str) -> list[Ready]:
    """The replies in `language`, with their meaning in `house`; in the source language where one is missing."""
    source = texts[SOURCE]
    result = []
    for name, english in source.items():
        text = texts.get(language, {}).get(name, english)
        meaning = texts.get(house, {}).get(name, english)
        result.append(Ready(name, text.format(**values), meaning.format(**values)))
    return result


def missing(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What a language lacks, has too much, or says with other placeholders, a sentence each."""
    source = texts.get(SOURCE, {})
    problems = []
    for code in LANGUAGES:
        own = texts.get(code, {})
        problems += [f"replies/{code}: {name} is missing." for name in source if name not in own]
        problems += [f"replies/{code}: {name} is not in English." for name in own if name not in source]
        problems += [
            f"replies/{code}: {name} has other placeholders than the English."
            for name in source.keys() & own.keys()
            if _placeholders(own[name]) != _placeholders(source[name])
        ]
    return problems


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
