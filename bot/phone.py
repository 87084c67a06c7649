"""Telephone numbers: as they come, normalised, and as people write them (E.164, phonenumbers)."""

import re
from functools import cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

#: What providers send for a caller who withholds the number (266696687 spells ANONYMOUS).
WITHHELD = frozenset({"", "anonymous", "266696687", "unknown", "restricted", "unavailable"})

_NUMBER = re.compile(r"\+?[\d\s()./-]+", re.ASCII)


def normalised(number: str | None, country: str) -> str | None:
    """The number in E.164, a short code unchanged; None for withheld or impossible numbers."""
    raw = (number or "").strip()
    if raw.lower().removeprefix("+") in WITHHELD:
        return None
    if raw.isascii() and raw.isdigit() and 3 <= len(raw) <= 6:
        return raw
    if not _NUMBER.fullmatch(raw):
        return None  # phonenumbers would find a number in any sentence
    try:
        parsed = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


@cache
def written(number: str, country: str) -> str:
    """The number as people in `country` write it: 01632 960123. What cannot be read is left as it is."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    local = parsed.country_code == phonenumbers.country_code_for_region(country)
    style = PhoneNumberFormat.NATIONAL if local else PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))


#: Languages written from the right, in which the groups of a number would change places.
RIGHT_TO_LEFT = frozenset({"ar", "ur"})
_GROUPED = re.compile(r"\+?\d[\d ()./-]*[ ()./-][\d ()./-]*\d|\+\d+", re.ASCII)


def directed(text: str, language: str) -> str:
    """A number as it must stand in a text of `language`: in Arabic and Urdu behind a left-to-right mark (U+200E).

    Unicode Standard Annex 9: the mark makes all groups of the number left to right. What is no number is left alone.
    """
    return f"\u200e{text}" if language in RIGHT_TO_LEFT and _GROUPED.fullmatch(text) else text
