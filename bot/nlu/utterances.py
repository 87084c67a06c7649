"""The utterances of data/nlu/<language>/<topic>.yml, with the language and the style that Rasa does not pass on."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError
from bot.folding import fold

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One text as somebody might send it, with the topic it asks for. `style` is "plain", "sms", "speech" and so on."""

    text: str
    topic: str
    language: str
    style: str


def read_utterances(folder: Path, languages: Collection[str] | None = None) -> list[Utterance]:
    """All utterances below `folder` (its folders are the languages), of `languages` only if given.

    Raises DataError, naming the file, for one that cannot be read, and if there is none at all.
    """
    found: list[Utterance] = []
    for path in sorted(folder.glob("*/*.yml")):
        if languages is None or path.parent.name in languages:
            found += _read_file(path)
    if not found:
        raise DataError(f"There are no utterances in {folder}{_of(languages)}.")
    return found


def _of(languages: Collection[str] | None) -> str:
    return f" for {', '.join(sorted(languages))}" if languages else ""


def _read_file(path: Path) -> list[Utterance]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
        return [utterance for block in content["nlu"] for utterance in _read_block(block, path.parent.name)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a list of utterances: {error}.") from error


def _read_block(block: Any, language: str) -> list[Utterance]:
    style = str((block.get("metadata") or {}).get("style", "unknown"))
    lines = (line.strip() for line in block["examples"].splitlines())
    return [
        Utterance(line.removeprefix("-").strip(), str(block["intent"]), language, style)
        for line in lines
        if line.startswith("-") and line.removeprefix("-").strip()
    ]


def without_copies(utterances: list[Utterance]) -> list[Utterance]:
    """The utterances without those that repeat another one of the same topic, capitals, accents and marks aside."""
    first: dict[tuple[str, str], Utterance] = {}
    for utterance in utterances:
        first.setdefault((utterance.topic, fold(utterance.text) or utterance.text), utterance)
    return list(first.values())
