"""Questions about what may be a fraud: somebody wants money or secrets for what is free.

The answer is fixed, and needs no model: real offices ask for neither, and here is somebody to check with. The phrases are
data/fraud/<language>.yml, written as `bot.phrase` says.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from bot.errors import DataError
from bot.folding import fold
from bot.phrase import source

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "fraud"


def match(text: str) -> bool:
    """Whether a message tells of something that may be a fraud. Raises DataError if a list is broken."""
    return _patterns().search(fold(text)) is not None


@cache
def _patterns() -> re.Pattern[str]:
    return re.compile("|".join(source(phrase) for path in sorted(DATA.glob("*.yml")) for phrase in phrases(path)))


def phrases(path: Path) -> list[str]:
    """The phrases of one file. Raises DataError naming it."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(data, list) or not all(isinstance(one, str) and fold(one) for one in data):
        raise DataError(f"{path}: it must be a list of phrases")
    return data
