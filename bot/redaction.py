"""What is taken out of a message before it is stored or logged: identity and card numbers, e-mail addresses, secrets, and
words about somebody's migration status.

The dialogue reads the message as it came, for the answer depends on it; what is kept has `MARK` in its place. Numbers are
recognised by their check digits where they have any (library `stdnum`), and by the words before them. Telephone numbers
stay: staff need them, and they are encrypted like the whole text.

Phrases about status are data/redaction/<language>.yml, the words that announce a number stand beside them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import phonenumbers
import yaml
from stdnum import iban, luhn
from stdnum.be import nn as be_nn
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.de import idnr as de_idnr
from stdnum.es import dni, nie
from stdnum.exceptions import ValidationError
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.jp import in_ as jp_in
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.pt import nif as pt_nif
from stdnum.tr import tckimlik
from stdnum.us import ssn
from stdnum.za import idnr as za_idnr

from bot.errors import DataError
from bot.folding import fold
from bot.phrase import bordered, source

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "redaction"
#: What stands in the place of what was taken out.
MARK: Final = "[…]"

_EMAIL: Final = re.compile(r"[^\s@<>()\[\]{},;:\"]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,6}[^\W\d_]{2,24}")
#: Digits with single separators between, that are no international telephone number.
_DIGITS: Final = re.compile(r"(?<![\d+])\d(?:[ .\-/]?\d){7,30}(?!\d)")
#: One word with letters and digits, as many identity numbers are.
_TOKEN: Final = re.compile(r"(?<!\w)(?=[A-Za-z0-9-]*\d)[A-Za-z0-9](?:-?[A-Za-z0-9]){7,40}(?!\w)")
_IBAN: Final = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?!\w)")
_NINO: Final = re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)", re.IGNORECASE)
#: What follows a word that announces a number: "passport no. is: AB 123456".
_ANNOUNCED: Final = re.compile(
    r"[^\w\n]{0,3}(?:\w{1,8}[^\w\n]{1,3}){0,2}?"
    r"((?:[A-Za-z]{1,3} )?(?=[\w-]{0,40}\d)[\w-]{4,40}(?: \d{2,8}){0,4})"
)

#: Numbers of digits alone, by their length and the check of their country; short ones may look like a telephone number.
_CHECKS: Final[dict[int, tuple[Any, ...]]] = {
    9: (bsn, pt_nif),
    10: (nhs,),
    11: (cpf, be_nn, de_idnr, tckimlik, pesel),
    12: (jp_in, aadhaar),
    13: (za_idnr,),
    15: (nir,),
}
_TOKEN_CHECKS: Final[tuple[Any, ...]] = (dni, nie, codicefiscale, curp, ric)
_PAKISTAN: Final = re.compile(r"\d{5}-\d{7}-\d")
_SSN: Final = re.compile(r"\d{3}-\d{2}-\d{4}")


#: An id of ours or of the directory's: a UUID.
_RECORD: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def redact(text: str, country: str = "GB") -> str:
    """The text with `MARK` for everything that must not be kept. Redacting twice changes nothing. Never raises.

    `country` (ISO 3166) tells how telephone numbers are written, which stay. So does the id of a record, alone: in one of
    thirty the digits would pass for an identity number, and what is remembered of a conversation would lead nowhere.
    """
    if _RECORD.fullmatch(text):
        return text
    spans = list(_spans(text, country))
    for start, end in _joined(spans):
        text = text[:start] + MARK + text[end:]
    return text


def names_number(text: str, country: str = "GB") -> bool:
    """Whether the text holds an identity or card number, or a secret: something nobody should send us."""
    plain = _plain(text)
    return any(True for _ in _numbers(plain, country)) or any(True for _ in _announced(plain))


def _spans(text: str, country: str) -> Iterator[tuple[int, int]]:
    plain = _plain(text)
    yield from (found.span() for found in _EMAIL.finditer(plain))
    yield from _numbers(plain, country)
    yield from _announced(plain)
    yield from _status(text)


class _Plain(dict[int, str]):
    """Digits of every script as ASCII, and full width forms as plain ones: always one character for one."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) == "Nd":
            self[code] = str(unicodedata.decimal(character))
        else:
            wide = unicodedata.normalize("NFKC", character)
            self[code] = wide if len(wide) == 1 and (wide.isascii() or character in "\u00a0\u202f") else character
        return self[code]


_PLAIN: Final = _Plain(dict.fromkeys(range(8208, 8214), "-"))


def _plain(text: str) -> str:
    return text.translate(_PLAIN)


def _numbers(plain: str, country: str) -> Iterator[tuple[int, int]]:
    for found in _DIGITS.finditer(plain):
        yield from _in_digits(found.group(), found.start(), country)
    for found in _TOKEN.finditer(plain):
        if any(_valid(check, found.group()) for check in _TOKEN_CHECKS):
            yield found.span()
    for found in _IBAN.finditer(plain):
        length = _iban_length(found.group())
        if length:
            yield found.start(), found.start() + length
    yield from (found.span() for found in _NINO.finditer(plain))


def _in_digits(run: str, offset: int, country: str) -> Iterator[tuple[int, int]]:
    """Spans of numbers in a run of digits: of whole groups between separators, the longest first."""
    groups = [found.span() for found in re.finditer(r"\d+", run)]
    first = 0
    while first < len(groups):
        for last in range(len(groups) - 1, first - 1, -1):
            start, end = groups[first][0], groups[last][1]
            if _is_number(run[start:end], country):
                yield offset + start, offset + end
                first = last
                break
        first += 1


def _is_number(written: str, country: str) -> bool:
    digits = re.sub(r"\D", "", written)
    if 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn.is_valid(digits):
        return True
    if _PAKISTAN.fullmatch(written) or (_SSN.fullmatch(written) and _valid(ssn, written)):
        return True
    checks = _CHECKS.get(len(digits), ())
    if digits.startswith("0") or len(set(digits)) == 1 or not any(_valid(check, digits) for check in checks):
        return False
    return len(digits) > 12 or not _is_phone(digits, country)


def _is_phone(digits: str, country: str) -> bool:
    for written, region in ((digits, country), (f"+{digits}", None)):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(written, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _valid(check: Any, number: str) -> bool:
    try:
        check.validate(number)
    except (ValidationError, ValueError, IndexError, KeyError):
        return False
    return True


def _iban_length(text: str) -> int:
    """How much of the text is an account number (ISO 13616): words may follow it after a space."""
    while text:
        if _valid(iban, text):
            return len(text)
        text = text.rpartition(" ")[0]
    return 0


def _announced(plain: str) -> Iterator[tuple[int, int]]:
    folded, places = _folded(plain)
    for word in _words().finditer(folded):
        after = _ANNOUNCED.match(plain, places[word.end() - 1] + 1)
        if after:
            yield after.span(1)


def _status(text: str) -> Iterator[tuple[int, int]]:
    folded, places = _folded(text)
    for found in _phrases().finditer(folded):
        yield places[found.start()], _end_of(text, places[found.end() - 1])


def _end_of(text: str, last: int) -> int:
    """The end of the character at `last`, with the marks that belong to it."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return end


def _folded(text: str) -> tuple[str, list[int]]:
    """The text folded character by character, and where in the text each of its characters stands."""
    characters: list[str] = []
    places: list[int] = []
    for at, character in enumerate(text):
        folded = _FOLD(character)
        if folded == " " and (not characters or characters[-1] == " "):
            continue
        characters.extend(folded)
        places.extend([at] * len(folded))
    return "".join(characters), places


@cache
def _fold_one(character: str) -> str:
    category = unicodedata.category(character)
    return fold(character) or ("" if category[0] in "M" or category == "Cf" or character in "'’‘`´" else " ")


_FOLD: Final[Callable[[str], str]] = _fold_one


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping spans made one, the last first."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined[::-1]


@cache
def _phrases() -> re.Pattern[str]:
    return re.compile("|".join(source(phrase) for _, data in _read(DATA) for phrase in data["status"]))


@cache
def _words() -> re.Pattern[str]:
    words = {fold(word) for _, data in _read(DATA) for word in data["words"]}
    return re.compile("|".join(bordered(re.escape(word), word) for word in sorted(words, key=len, reverse=True)))


def _read(directory: Path) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each language's lists. Raises DataError naming the file."""
    for path in sorted(directory.glob("*.yml")):
        try:
            data = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DataError(f"{path}: {error}") from error
        lists = [data.get("status"), data.get("words")] if isinstance(data, dict) else [None]
        if not all(isinstance(one, list) and all(isinstance(entry, str) and entry for entry in one) for one in lists):
            raise DataError(f"{path}: it needs the lists status and words, of texts")
        yield path.stem, data
