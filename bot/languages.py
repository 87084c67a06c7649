"""The languages the service can speak: data/languages.yml, read once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

from bot.errors import DataError

Script = Literal["latin", "arabic", "devanagari", "cjk"]
PATH: Final = Path(__file__).resolve().parent.parent / "data" / "languages.yml"


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its ISO 639 code, the script it is written in, whether its texts can stay within GSM-7, and its CLDR
    locale."""

    code: str
    script: Script
    gsm7: bool = False
    locale: str = ""


def load(path: Path) -> tuple[Language, ...]:
    """All languages of the file, in its order. Raises DataError for a row that is not one, or a code given twice."""
    try:
        rows: Any = yaml.safe_load(path.read_text("utf-8"))
        languages = tuple(Language(**{"locale": row["code"], **row}) for row in rows)
    except (OSError, yaml.YAMLError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of languages: {error}") from error
    for language in languages:
        if language.script not in get_args(Script) or not language.code.isalpha():
            raise DataError(f"{path}: {language.code!r} needs a code of letters and one of the scripts {get_args(Script)}.")
    if len({language.code for language in languages}) != len(languages) or not languages:
        raise DataError(f"{path}: no language, or one given twice.")
    return languages


ALL: Final = load(PATH)
LANGUAGES: Final = tuple(language.code for language in ALL)
GSM7: Final = frozenset(language.code for language in ALL if language.gsm7)
LOCALES: Final = {language.code: language.locale for language in ALL}


def written_in(script: Script) -> tuple[str, ...]:
    """Codes of the languages of a script."""
    return tuple(language.code for language in ALL if language.script == script)
