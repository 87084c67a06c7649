"""A new language: the files that its translators fill, shaped like the English ones, with nothing in them yet."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from bot.errors import DataError
from bot.languages import PATH, load
from bot.wording import SOURCE_LANGUAGE, read_catalogue

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DATA: Final = PATH.parent
#: Lists that every language has, as data/<list>/<language>.yml.
LISTS: Final = ("keywords", "filters", "crisis", "languages")


def add(data: Path, code: str, script: str, names: Sequence[str], gsm7: bool = False) -> list[Path]:
    """Write the files of the language `code` below `data` and enter it in languages.yml; the paths written.

    What is not filled in yet is said in English. Raises DataError if there is such a language already, or CLDR knows none.
    """
    register = data / "languages.yml"
    if code in {language.code for language in load(register)}:
        raise DataError(f"There is a language {code!r} already.")
    try:
        own = Locale.parse(code).get_display_name()
    except (UnknownLocaleError, ValueError) as error:
        raise DataError(f"CLDR knows no language {code!r}: use its ISO 639 code.") from error
    written = [*_lists(data, code, [*names, own or code]), *_catalogues(data / "wording", code)]
    row = f"- {{code: {code}, script: {script}{', gsm7: true' if gsm7 else ''}}}\n"
    register.write_text(register.read_text("utf-8").rstrip("\n") + "\n" + row, "utf-8")
    load(register)
    return [*written, register]


def _lists(data: Path, code: str, names: list[str]) -> Iterator[Path]:
    for name in LISTS:
        shape = _emptied(yaml.load((data / name / f"{SOURCE_LANGUAGE}.yml").read_text("utf-8"), Loader=_Loader))
        if name == "languages":
            shape["names"] = list(dict.fromkeys(names))
        path = data / name / f"{code}.yml"
        path.write_text(yaml.safe_dump(shape, allow_unicode=True, sort_keys=False), "utf-8")
        yield path


def _emptied(value: Any) -> Any:
    """The same keys, with empty lists and texts for values."""
    if isinstance(value, dict):
        return {key: _emptied(below) for key, below in value.items()}
    return [] if isinstance(value, list) else type(value)()


def _catalogues(wording: Path, code: str) -> Iterator[Path]:
    (wording / code).mkdir(parents=True, exist_ok=True)
    for path in sorted((wording / SOURCE_LANGUAGE).glob("*.po")):
        catalogue = Catalog(locale=code, project="Careline")
        for message in read_catalogue(path):
            if message.id:
                notes = [*message.auto_comments, f"English: {message.string}"]
                catalogue.add(message.id, "", context=message.context, auto_comments=notes)
        with (wording / code / path.name).open("wb") as file:
            write_po(file, catalogue, width=0, omit_header=False)
        yield wording / code / path.name
