"""Checking one row against the standard, and mending what is clearly meant.

What cannot be mended is taken out of the row and reported; a row that is nothing without it is left out. A text is
never reworded. Real directories are full of "8:00am", blanks and stray spaces, and a resident is better served by an
entry without its web address than by none.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
from babel import Locale

from bot.directory.package import Row
from bot.directory.report import Issue
from bot.directory.tables import ID_LENGTH

SCHEMAS: Final = Path(__file__).parent / "schema"

#: Without these a row says nothing; other fields that the standard requires are reported and done without.
ESSENTIAL: Final = {
    "service": {"name", "status"},
    "organization": {"name"},
    "program": {"name"},
    "phone": {"number"},
    "taxonomy_term": {"name"},
    "url": {"url"},
}

#: Only these may be opened by a reader's browser.
_WEB_FIELDS: Final = {"url", "website", "schedule_link", "logo"}
_UNSAFE_SCHEMES: Final = ("javascript:", "data:", "vbscript:", "file:")

_CLOCK: Final = re.compile(r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?::\d{2})?\s*(?P<half>[ap]\.?m\.?)?", re.IGNORECASE)
_VALID_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?")
_SLASHED: Final = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_INVISIBLE: Final = "\ufeff\u200b\u200e\u200f\x00"


#: Hours from opening to closing on the next day that are more likely a mistake: "9:00-4:00".
LONG_DAY: Final = 16


def _hours(values: Mapping[str, str]) -> float:
    """From opening to closing past midnight; 0 if it closes on the same day."""
    opens, closes = values.get("opens_at", ""), values.get("closes_at", "")
    if not (_VALID_TIME.fullmatch(opens) and _VALID_TIME.fullmatch(closes)) or closes[:5] in {"00:00", opens[:5]}:
        return 0
    minutes = [int(told[:2]) * 60 + int(told[3:5]) for told in (opens, closes)]
    return (minutes[1] - minutes[0]) / 60 + 24 if minutes[1] < minutes[0] else 0


#: What stands for a value that the standard requires and a directory leaves out, where only one makes sense.
_TAKEN_AS: Final = {("location", "location_type"): "physical", ("address", "address_type"): "physical"}


class Cleaner:
    """Cleans rows, and tells `note` what it found."""

    def __init__(self, note: Callable[[Issue], None]) -> None:
        self._tell = note

    def clean(self, row: Row) -> dict[str, str] | None:
        """The row's values, mended; None if the row has to be left out. Blank ones are gone.

        A service without a status comes back without one: what that means depends on the others.
        """
        values = self.fields(row)
        if row.resource == "schedule" and _hours(values) > LONG_DAY:
            told = f"{values['opens_at']}-{values['closes_at']}"
            self._note(row, "closes_at", "doubt", "closes before it opens: taken as open past midnight, is that meant?", told)
        return values if self._valid(row, values, _schema(row.resource)) else None

    def fields(self, row: Row) -> dict[str, str]:
        """The row's values, each mended or gone; whether enough is left of it is another question."""
        values: dict[str, str] = {}
        schema = _schema(row.resource)
        for name, raw in row.values.items():
            text = raw.strip().strip(_INVISIBLE).strip()
            if not text:
                self._note(row, name, "repair", "only spaces: taken as missing", raw)
                continue
            if text != raw:
                self._note(row, name, "repair", "spaces around it removed", raw)
            value, reason = _mended(name, text, schema["properties"].get(name, {}))
            if value is None:
                self._note(row, name, "error", f"{reason}: left out", text)
                continue
            if reason:
                self._note(row, name, "repair", f"{reason}: read as {value}", text)
            values[name] = value
        if row.resource == "language" and "code" not in values and (code := language_code(values.get("name", ""))):
            values["code"] = code
            self._note(row, "code", "repair", f"missing: {code} is that of the language", values["name"])
        return values

    def _valid(self, row: Row, values: dict[str, str], schema: dict[str, Any]) -> bool:
        if len(values.get("id", "")) > ID_LENGTH:
            self._note(row, "id", "error", f"longer than {ID_LENGTH} characters: row left out", values["id"])
            return False
        essential = {"id"} | ESSENTIAL.get(row.resource, set())
        for name in schema.get("required", ()):
            if name not in values:
                if (row.resource, name) == ("service", "status"):
                    continue
                if name in essential:
                    self._note(row, name, "error", "missing: row left out")
                    return False
                taken = _TAKEN_AS.get((row.resource, name))
                self._note(row, name, "missing", f"the standard requires it{f': taken as {taken}' if taken else ''}")
                if taken:
                    values[name] = taken
        validator = _validator(row.resource)
        typed = _typed(values, schema)
        if validator.is_valid(typed):
            return True
        for error in validator.iter_errors(typed):
            name = str(error.instance_path[0]) if error.instance_path else ""
            if name in essential:
                self._note(row, name, "error", f"{error.message}: row left out", values.get(name, ""))
                return False
            if values.pop(name, None) is not None:
                self._note(row, name, "error", f"{error.message}: left out", row.values.get(name, ""))
        return True

    def _note(self, row: Row, name: str, kind: Any, reason: str, value: str = "") -> None:
        self._tell(Issue(row.file, row.line, name, kind, reason, value[:200]))


@cache
def _language_codes() -> Mapping[str, str]:
    """English names of languages (CLDR), and names they have of themselves, with their codes."""
    codes: dict[str, str] = {}
    for code, name in Locale("en").languages.items():
        if len(code) <= 3:
            codes.setdefault(name.casefold(), code)
    for code in ("es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "zh", "ja", "de", "it", "pl", "so", "vi", "ko", "ru"):
        codes.setdefault((Locale(code).get_display_name(code) or "").casefold(), code)
    return codes | {
        "mandarin": "zh",
        "cantonese": "yue",
        "tagalog": "tl",
        "filipino": "tl",
        "farsi": "fa",
        "american sign language": "ase",
    }


def language_code(name: str) -> str | None:
    """The ISO 639 code of a language by its name: "Spanish", "Chinese (Mandarin)"; None if it is not known by it."""
    plain = " ".join(name.casefold().split())
    inside = plain.partition("(")[2].rstrip(")").strip()
    before = plain.partition("(")[0].strip()
    return next((code for part in (plain, inside, before) if part and (code := _language_codes().get(part))), None)


@cache
def _schema(resource: str) -> dict[str, Any]:
    """The standard's schema of one row: without the nested objects, which a table does not hold."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{resource}.json").read_text(encoding="utf-8"))
    flat = {
        # Dates and times are called so only in what the standard adds for tables.
        name: {"format": rules["datapackage_type"]} | rules if "datapackage_type" in rules else rules
        for name, rules in schema["properties"].items()
        if rules.get("type") in {"string", "number"}
    }
    # What is nested in a record is a row of its own here.
    return {"type": "object", "properties": flat, "required": [name for name in schema.get("required", ()) if name in flat]}


@cache
def numeric(resource: str) -> frozenset[str]:
    """The columns of a resource that hold numbers."""
    return frozenset(name for name, rules in _schema(resource)["properties"].items() if rules.get("type") == "number")


@cache
def choices(resource: str, name: str) -> tuple[str, ...]:
    """The values that a column may have, where the standard lists them."""
    return tuple(_schema(resource)["properties"].get(name, {}).get("enum", ()))


@cache
def _validator(resource: str) -> jsonschema_rs.Validator:
    schema = _schema(resource) | {"required": []}
    # The standard asks for a UUID as id, which real directories do not have, and for times that RFC 3339 does not know.
    formats: dict[str, Callable[[str], bool]] = {
        "uuid": lambda text: True,
        "time": lambda text: _VALID_TIME.fullmatch(text) is not None,
        "date": lambda text: _mended_date(text)[1] == "",
        "date-time": lambda text: _is_moment(text),
        "uri": lambda text: True,
        "email": lambda text: True,
    }
    return jsonschema_rs.validator_for(schema, formats=formats, validate_formats=True)


def _typed(values: dict[str, str], schema: dict[str, Any]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for name, value in values.items():
        rules = schema["properties"].get(name, {})
        number = rules.get("type") == "number" and _NUMBER.fullmatch(value)
        typed[name] = float(value) if number else value
    return typed


def _mended(name: str, text: str, rules: dict[str, Any]) -> tuple[str | None, str]:
    """The value to keep, and why it was changed; None as value with the reason if it cannot be used."""
    if rules.get("type") == "number":
        return _mended_number(name, text)
    if "enum" in rules:
        return _mended_choice(name, text, rules["enum"])
    kind = rules.get("format")
    if kind == "time":
        return _mended_time(text)
    if kind == "date":
        return _mended_date(text)
    if kind == "uri" or name in _WEB_FIELDS:
        return _mended_uri(name, text)
    if kind == "email" and ("@" not in text or any(character.isspace() for character in text)):
        return None, "not an e-mail address"
    return text, ""


def _mended_choice(name: str, text: str, choices: list[str]) -> tuple[str | None, str]:
    if text in choices:
        return text, ""
    plain = " ".join(text.replace("_", " ").replace("-", " ").lower().split())
    for choice in choices:
        if choice.lower() == plain:
            return choice, "written otherwise in the standard"
    return text, ""  # the schema's own check says what is wrong


def _mended_number(name: str, text: str) -> tuple[str | None, str]:
    value, reason = text, ""
    if not _NUMBER.fullmatch(text):
        value = text.strip("£$€ ")
        if name in {"latitude", "longitude"}:
            value = value.replace(",", ".") if value.count(",") == 1 and "." not in value else value
        if not _NUMBER.fullmatch(value):
            return None, "not a number"
        reason = "not written as a number"
    limit = {"latitude": 90, "longitude": 180}.get(name)
    if limit and not -limit <= float(value) <= limit:
        return None, "not on the earth"
    return value, reason


def _mended_time(text: str) -> tuple[str | None, str]:
    if _VALID_TIME.fullmatch(text):
        return text, ""
    if text in {"24:00", "24:00:00"}:
        return "00:00", "midnight"
    words = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
    if text.lower() in words:
        return words[text.lower()], "a time in words"
    found = _CLOCK.fullmatch(text)
    if found is None or not (found["half"] or found["minute"]):
        return None, "not a time"
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None, "not a time"
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    if hour > 23 or minute > 59:
        return None, "not a time"
    return f"{hour:02}:{minute:02}", "not written as the standard wants times"


def _mended_date(text: str) -> tuple[str | None, str]:
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat(), ""
        if len(text) > 10 and text[10] in "T ":
            return date.fromisoformat(text[:10]).isoformat(), "a date with a time"
    except ValueError:
        pass
    return _other_date(text)


def _other_date(text: str) -> tuple[str | None, str]:
    """Dates written otherwise that can only mean one day: 3/5/2026 is another one in each half of the world."""
    for form in ("%B %d, %Y", "%d %B %Y", "%b %d, %Y"):
        try:
            return _sensible(datetime.strptime(text, form).date())
        except ValueError:
            continue
    found = _SLASHED.fullmatch(text)
    if found:
        first, second, year = (int(part) for part in found.groups())
        year += 2000 if year < 100 else 0
        month, day = (first, second) if second > 12 else (second, first)
        try:
            if (first > 12) != (second > 12) or first == second:
                return _sensible(date(year, month, day))
        except ValueError:
            pass
    return None, "not a date written as YYYY-MM-DD"


def _sensible(day: date) -> tuple[str | None, str]:
    return (day.isoformat(), "not written as YYYY-MM-DD") if day.year >= 1900 else (None, "a date without a year")


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _mended_uri(name: str, text: str) -> tuple[str | None, str]:
    if text.lower().startswith(_UNSAFE_SCHEMES) or any(character.isspace() for character in text):
        return None, "not a web address"
    if text.lower().startswith("www."):
        return f"https://{text}", "a web address without its beginning"
    if name in _WEB_FIELDS and not text.lower().startswith(("http://", "https://")):
        return None, "not a web address"
    return text, ""
