"""What narrows a search down besides its topic and place: a day, the price, an age, a language, access.

`parse` finds it in plain words, in every language served, together with which fact of a service is asked for and
whether the message is nothing but that, so that it only makes sense after an answer ("is it open on Sunday", "y el
domingo?").

The words are data/filters/<language>.yml, all languages tried on every message. A pattern there is words with a space
between, found at word borders in folded text (see `bot.folding`; ar, ur, ne, zh and ja also loosened):

    is it open            these words, side by side
    they|it close|shut    any of these in this place
    right-now|now         a hyphen is a space inside one alternative
    the? phone            a word that may be missing
    for {n} years         {n} a number, {language} the name of a language, {day} a weekday
    ~ sun                 a word that is too common elsewhere: counts only if the message is a follow-up

Chinese and Japanese are read character by character, so a space in their patterns only separates the parts. What the
keys mean stands at the top of data/filters/en.yml.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, cast, get_args

import yaml

from bot.errors import DataError
from bot.folding import fold, loosen, squeeze
from bot.reply import Detail

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "filters"
LANGUAGES: Final = ("en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: The time that a part of the day is asked at: when most of what opens then is open.
PARTS: Final = {"morning": time(10), "noon": time(12), "afternoon": time(15), "evening": time(18), "night": time(21)}
ACCESSIBILITY: Final = (
    "wheelchair_access", "step_free_entrance", "accessible_toilet", "hearing_loop", "large_print", "lift",
    "parking_for_disabled_people", "quiet_room", "sign_language_interpreter",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What a person asked for; the default asks for nothing.

    `day` means open at some time of that day; with `at`, open at that local time (of today if there is no day).
    `age` is in years. `languages` are ISO 639 codes, `accessibility` the directory's wordings in small letters with
    underscores: "wheelchair_access", "step_free_entrance", "accessible_toilet", "hearing_loop", "large_print", "lift",
    "parking_for_disabled_people", "quiet_room", "sign_language_interpreter". `women` asks for services kept for women,
    `no_papers` for those that ask for no document at all.
    """

    day: date | None = None
    at: time | None = None
    open_now: bool = False
    free: bool = False
    women: bool = False
    age: int | None = None
    accessibility: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    no_papers: bool = False
    before: time | None = None
    later: bool = False
    near: bool = False
    ways: tuple[str, ...] = ()
    day_unknown: str | None = None


@dataclass(frozen=True)
class Asked:
    """What was found in a message.

    `detail` is the fact of a service that is asked for, "all" if there are several. `follow_up` says that the message
    holds nothing but filters, a detail, a place and words that may stand beside them: it names no need of its own.
    """

    filters: Filters = Filters()
    detail: Detail | None = None
    follow_up: bool = False


class FilterDataError(DataError):
    """A filter file that cannot be used. The message names the file, the key and the pattern."""


def parse(text: str, now: datetime, place_span: tuple[int, int] | None = None) -> Asked:
    """What a message asks for besides its topic.

    `now` is aware and local: days and times are counted from it. `place_span` are the characters of the text that name
    a place. Never raises for any text and span; FilterDataError if a file of ours is broken.
    """
    message = _message(text, place_span)
    if not message.tokens or len(message.tokens) > _LONGEST:
        return Asked()
    readings = [_Reading(message, lexicon) for lexicon in _lexicons()]
    english = readings[0]
    follow_ups = [found for reading in readings if (found := _follow_up(message, reading, english)) is not None]
    if follow_ups:
        hits = max(follow_ups, key=lambda found: found[0])[1]
        return Asked(_filters(hits, now, message, True), _detail(hits), True)
    hits = _hits_of_likeliest(readings, english)
    return Asked(_filters(hits, now, message, False), _detail(hits), False)


# --- The message -----------------------------------------------------------------------------------------------------

_LONGEST: Final = 400  # words; more is no message
_PLACE: Final = "\ue000"  # stands for the place; folding would have removed it
_COLON, _DOT = _MARKS = ("ː", "ˑ")  # letters, so that what stood between hours and minutes survives folding
_TIME_MARKS: Final = re.compile(r"(?<![\d.,:])(\d{1,2})([:：.])(\d\d)(?![\d.,:]*\d)")
_CJK: Final = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN: Final = re.compile(f"[{_CJK}]|[0-9]+|[^ 0-9{_CJK}]+")
_WORD: Final = re.compile(f"[{_CJK}]|[^ {_CJK}]+")


@dataclass(frozen=True)
class _Message:
    """The words of a message, with and without loosening, whether a place stood between them, whether it asks."""

    tokens: tuple[str, ...]
    place: bool
    question: bool

    @property
    def loose(self) -> tuple[str, ...]:
        """The same words loosened, one for one."""
        return tuple(_loosened(token) for token in self.tokens)


@lru_cache(maxsize=4096)
def _loosened(token: str) -> str:
    return loosen(token) or token


def _split(folded: str) -> Iterator[str]:
    """Words; a number and what is written onto it apart ("5pm"), but not "2day", nor "3ayez", Arabic in Latin letters."""
    for word in _WORD.findall(folded):
        if word.isalpha() or word in _mixed() or (word.isascii() and not _is_measure(word)):
            yield word
        else:
            yield from _TOKEN.findall(word)


def _is_measure(word: str) -> bool:
    parts = _TOKEN.findall(word)
    return parts[0].isdigit() and (len(parts) == 1 or (parts[1] in _units() and all(map(str.isdigit, parts[2:]))))


def _message(text: str, span: tuple[int, int] | None) -> _Message:
    parts = [text]
    if span is not None and 0 <= span[0] < span[1]:
        parts = [text[: span[0]], text[span[1] :]]
    found: list[str] = []
    for index, part in enumerate(parts):
        if index:
            found.append(_PLACE)
        found += _split(_normal(part))
    return _Message(tuple(found), len(parts) > 1, any(mark in text for mark in "?？؟"))


def _normal(text: str) -> str:
    def mark(match: re.Match[str]) -> str:
        return f"{match[1]} {_DOT if match[2] == '.' else _COLON} {match[3]}"

    return squeeze(fold(_TIME_MARKS.sub(mark, text[:4000])))


# --- The files -------------------------------------------------------------------------------------------------------


_Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Element:
    """One place of a pattern: a slot, or alternatives by their first word, each with the words that follow it."""

    slot: str | None
    forms: dict[str, list[_Words]]
    optional: bool


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern of a file, and what it means if found."""

    key: str
    name: str
    weak: bool
    elements: tuple[_Element, ...]


class _Patterns:
    """Patterns by the words they can begin with. A tree of all that they stand for would not fit into memory."""

    def __init__(self) -> None:
        self.by_word: dict[str, list[tuple[_Pattern, int]]] = {}
        self.by_slot: dict[str, list[tuple[_Pattern, int]]] = {}

    def add(self, pattern: _Pattern) -> None:
        """Index a pattern under each element that it can begin with."""
        for index, element in enumerate(pattern.elements):
            if element.slot:
                self.by_slot.setdefault(element.slot, []).append((pattern, index))
            for word in element.forms:
                self.by_word.setdefault(word, []).append((pattern, index))
            if not element.optional:
                return


@dataclass
class _Lexicon:
    """One language's file, compiled.

    `patterns` finds everything but numbers; `named` is what the slots {language}, {day} and {n} may be; `words` are
    all the words in the file. `beginnings` and `endings` are what is written onto a word ("و", "मा"). `from_six` is
    for a clock whose first hour is seven in the morning (Swahili).
    """

    language: str
    patterns: _Patterns = field(default_factory=_Patterns)
    named: dict[str, _Patterns] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    beginnings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    from_six: bool = False

    @property
    def loose(self) -> bool:
        """Whether this language is compared loosened: the spelling is free, or katakana is used for emphasis."""
        return self.language in {"ar", "ur", "ne", "zh", "ja"}


#: Keys that hold a list of patterns, and what each pattern found means.
_LISTS: Final = (
    "today", "tomorrow", "day_after_tomorrow", "tonight", "this_evening", "weekend", "next_weekday", "now", "open",
    "closed", "open_now", "at", "after", "after_number", "free", "women", "no_papers", "ages", "months", "speaks",
    "filler", "not",
)  # fmt: skip
#: Keys that hold lists by name.
_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "weekdays": WEEKDAYS,
    "parts": tuple(PARTS),
    "clock": ("am", "pm", "hour", "hour_before", "half", "half_before"),
    "accessibility": ACCESSIBILITY,
    "details": get_args(Detail),
    "languages": (),
    "numbers": (),
}
_AFFIXES: Final = ("beginnings", "endings")


@cache
def _lexicons() -> tuple[_Lexicon, ...]:
    return load(DATA)


@cache
def known_words() -> frozenset[str]:
    """Every word of the files, loosened: a word that is one of these is hardly the name of a place."""
    return frozenset(_loosened(word) for lexicon in _lexicons() for word in lexicon.words)


@cache
def _mixed() -> frozenset[str]:
    """Forms of the files that mix digits and letters, such as "2day"."""
    found = set()
    for language in LANGUAGES:
        for _, _, pattern in _entries(DATA / f"{language}.yml"):
            for form in re.split(r"[\s|?~-]+", pattern):
                word = squeeze(fold(form))
                if re.search("[0-9]", word) and re.search("[a-z]", word):
                    found.add(word)
    return frozenset(found)


@cache
def _units() -> frozenset[str]:
    """What is written onto a number somewhere in the files: "pm", "h", "saal"."""
    found = set()
    for language in LANGUAGES:
        for key, _, pattern in _entries(DATA / f"{language}.yml"):
            _, number, behind = pattern.partition("{n} ")
            if key in {"clock", "after_number"} or number:
                found |= set(re.split(r"[|?-]", (behind if number else pattern).split()[0]))
    return frozenset(found)


def load(directory: Path) -> tuple[_Lexicon, ...]:
    """The files of a directory, compiled. Raises FilterDataError if one is missing or malformed."""
    return tuple(_compile(language, directory / f"{language}.yml") for language in LANGUAGES)


@cache
def _read(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FilterDataError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise FilterDataError(f"{path}: not a mapping of keys to lists")
    known = {*_LISTS, *_GROUPS, *_AFFIXES, "hours_from_six"}
    if unknown := data.keys() - known:
        raise FilterDataError(f"{path}: unknown key {sorted(map(str, unknown))[0]!r}")
    return data


def _entries(path: Path) -> Iterator[tuple[str, str, str]]:
    """Every pattern of a file with its key and, in a group, its name there."""
    data = _read(path)
    for key in _LISTS:
        for pattern in _texts(path, key, data.get(key)):
            yield key, "", pattern
    for key, names in _GROUPS.items():
        group = data.get(key) or {}
        if not isinstance(group, dict) or (names and not group.keys() <= set(names)):
            raise FilterDataError(f"{path}: {key}: the names must be among {', '.join(names)}")
        for name, patterns in group.items():
            for pattern in _texts(path, f"{key}: {name}", patterns):
                yield key, str(name), pattern


def _texts(path: Path, key: str, patterns: object) -> list[str]:
    if patterns is None:
        return []
    if not isinstance(patterns, list):
        raise FilterDataError(f"{path}: {key}: not a list")
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise FilterDataError(f"{path}: {key}: {pattern!r} is not text; put it in quotes")
    return patterns


def _compile(language: str, path: Path) -> _Lexicon:
    lexicon = _Lexicon(language)
    data = _read(path)
    lexicon.from_six = bool(data.get("hours_from_six"))
    lexicon.beginnings, lexicon.endings = (
        tuple(sorted((_form(text, lexicon.loose) for text in _texts(path, key, data.get(key))), key=len, reverse=True))
        for key in _AFFIXES
    )
    elements: dict[str, _Element] = {}
    for key, name, text in _entries(path):
        parts = text.lstrip("~ ").split()
        for part in parts:
            if part not in elements:
                elements[part] = _element(part, lexicon.loose)
        pattern = _Pattern(key, name, text.startswith("~"), tuple(elements[part] for part in parts))
        if all(element.optional for element in pattern.elements):
            raise FilterDataError(f"{path}: {key}: {text!r} holds no word that must be there")
        for index in _indexes(lexicon, key):
            index.add(pattern)
    for element in elements.values():
        for word, following in element.forms.items():
            lexicon.words.update((word,), *following)
    return lexicon


def _indexes(lexicon: _Lexicon, key: str) -> list[_Patterns]:
    slot = {"numbers": "{n}", "languages": "{language}", "weekdays": "{day}"}.get(key)
    named = [lexicon.named.setdefault(slot, _Patterns())] if slot else []
    return named if key in {"numbers", "languages"} else [*named, lexicon.patterns]


def _form(text: str, loose: bool) -> str:
    word = squeeze(fold(text))
    return _loosened(word) if loose else word


def _element(text: str, loose: bool) -> _Element:
    optional, text = text.endswith("?"), text.rstrip("?")
    if text.startswith("{"):
        return _Element(text, {}, optional)
    forms: dict[str, list[_Words]] = {}
    for alternative in text.split("|"):
        words = _words(alternative, loose)
        if words:
            forms.setdefault(words[0], []).append(words[1:])
    return _Element(None, forms, optional or not forms)


def _words(alternative: str, loose: bool) -> _Words:
    found: list[str] = []
    for word in squeeze(fold(alternative.replace("-", " "))).split():
        whole = re.search("[0-9]", word) and re.search("[a-z]", word)
        found += [word] if whole else _TOKEN.findall(word)
    return tuple(_loosened(word) for word in found) if loose else tuple(found)


# --- Reading a message in one language -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hit:
    """A pattern found: the words from `start` to before `end`, what it means, and the value that goes with it."""

    start: int
    end: int
    key: str
    name: str = ""
    weak: bool = False
    value: int | str | time | None = None


_TENS: Final = "零一二三四五六七八九十"
_STRUCTURE: Final = frozenset({"filler", "at", "after", "after_number", "clock"})
#: Keys that say nothing by themselves: a message of these alone asks for nothing.
_NEUTRAL: Final = _STRUCTURE | {"now"}


class _Reading:
    """A message read with one language's file. `known` are the words that stand in the file at all."""

    def __init__(self, message: _Message, lexicon: _Lexicon) -> None:
        self.lexicon = lexicon
        self.tokens = message.loose if lexicon.loose else message.tokens
        self.variants = [self._variants(token) for token in self.tokens]
        words = lexicon.words
        self.known = {
            at
            for at, token in enumerate(self.tokens)
            if token.isdecimal() or token in _MARKS or any(word in words for word in self.variants[at])
        }

    @cached_property
    def _found(self) -> list[_Hit]:
        return [hit for start in range(len(self.tokens)) for hit in self._at(start)]

    @cached_property
    def hits(self) -> list[_Hit]:
        """What was found that means something, without what lies inside something longer."""
        found = [hit for hit in self._found if hit.key not in _STRUCTURE]
        return _without_contained(found + list(self._times(self._found)))

    @cached_property
    def covered(self) -> set[int]:
        """The words that a follow-up question may hold."""
        filler = _covered(hit for hit in self._found if hit.key == "filler")
        return filler | _covered(hit for hit in self.hits if hit.key != "not")

    @cached_property
    def own(self) -> set[int]:
        """The words that are of this language, as far as we know them."""
        return self.covered | _covered(self.hits)

    def _variants(self, token: str) -> tuple[str, ...]:
        """A word, and what is left of it without what is written onto it."""
        lexicon = self.lexicon
        if not lexicon.beginnings and not lexicon.endings:
            return (token,)
        bare = [token.removeprefix(part) for part in lexicon.beginnings if token.startswith(part)]
        bare += [token.removesuffix(part) for part in lexicon.endings if token.endswith(part)]
        return (token, *(word for word in bare if len(word) > (3 if word.isascii() else 1)))

    def _at(self, start: int) -> Iterator[_Hit]:
        """The patterns that begin at a word, each as far as it goes."""
        for pattern, index in self._beginning(self.lexicon.patterns, start):
            ends = list(self._ends(pattern.elements, index, start, None))
            if ends:
                end, value = max(ends, key=itemgetter(0))
                yield _Hit(start, end, pattern.key, pattern.name, pattern.weak, value)

    def _beginning(self, patterns: _Patterns, at: int) -> Iterator[tuple[_Pattern, int]]:
        for word in self.variants[at]:
            yield from patterns.by_word.get(word, ())
        for slot, found in patterns.by_slot.items():
            if any(self._slot(slot, at)):
                yield from found

    def _ends(
        self, elements: tuple[_Element, ...], index: int, at: int, value: int | str | None
    ) -> Iterator[tuple[int, int | str | None]]:
        """Where the rest of a pattern can end if it goes on at a word, with what has filled its slot."""
        if index == len(elements):
            yield at, value
            return
        element = elements[index]
        if element.optional:
            yield from self._ends(elements, index + 1, at, value)
        if at == len(self.tokens):
            return
        if element.slot:
            for end, filled in self._slot(element.slot, at):
                yield from self._ends(elements, index + 1, end, filled)
        for word in self.variants[at]:
            for following in element.forms.get(word, ()):
                end = at + 1 + len(following)
                if self._is(following, at + 1):
                    yield from self._ends(elements, index + 1, end, value)

    def _is(self, words: _Words, at: int) -> bool:
        if at + len(words) > len(self.tokens):
            return False
        return all(word in self.variants[at + offset] for offset, word in enumerate(words))

    def _slot(self, slot: str, at: int) -> Iterator[tuple[int, int | str]]:
        if slot == "{n}":
            if number := self.number(at):
                yield number
        elif names := self.lexicon.named.get(slot):
            yield from self._named(names, at)

    def _named(self, names: _Patterns, at: int) -> Iterator[tuple[int, str]]:
        for pattern, index in self._beginning(names, at):
            for end, _ in self._ends(pattern.elements, index, at, None):
                yield end, pattern.name

    def number(self, at: int) -> tuple[int, int] | None:
        """The number that begins at a word, as (end, value): digits or one of the file's number words."""
        token = self.tokens[at]
        if token.isascii() and token.isdigit():
            return (at + 1, int(token)) if len(token) <= 3 else None
        if token in _TENS:
            return self._counted(at)
        words = self.lexicon.named.get("{n}")
        end, name = max(self._named(words, at), default=(0, "")) if words else (0, "")
        return (end, int(name)) if end else None

    def _counted(self, at: int) -> tuple[int, int]:
        """A Chinese or Japanese number below a hundred, such as 八十五."""
        end, value = at, 0
        while end < len(self.tokens) and end - at < 3 and self.tokens[end] in _TENS:
            digit = _TENS.index(self.tokens[end])
            value = max(value, 1) * 10 if digit == 10 else value + digit
            end += 1
        return end, value

    # Times are put together from their parts: "after 5 in the evening", "شام 5 بجے کے بعد", "baada ya saa kumi jioni".

    def _times(self, found: list[_Hit]) -> Iterator[_Hit]:
        starting: dict[int, list[_Hit]] = {}
        ending: dict[int, list[_Hit]] = {}
        for hit in found:
            if hit.key in _TIME_WORDS:
                starting.setdefault(hit.start, []).append(hit)
                ending.setdefault(hit.end, []).append(hit)
        if not starting and _COLON not in self.tokens:
            return
        known = {hit.start for hit in found if hit.key != "not"}
        taken = _covered(hit for hit in found if hit.key in _COUNTS)
        for at in range(len(self.tokens)):
            number = None if at in taken else self.number(at)
            if number and number[1] <= 24 and (told := self._time(at, number, starting, ending, known)):
                yield told

    def _time(
        self,
        at: int,
        number: tuple[int, int],
        starting: dict[int, list[_Hit]],
        ending: dict[int, list[_Hit]],
        known: set[int],
    ) -> _Hit | None:
        end, hour = number
        start, words, minutes, marked = at, set[str](), 0, False
        if end + 1 < len(self.tokens) and self.tokens[end] in _MARKS and _is_minutes(self.tokens[end + 1]):
            minutes, marked, end = int(self.tokens[end + 1]), self.tokens[end] == _COLON, end + 2
        while word := _longest(hit for hit in ending.get(start, ()) if hit.name != "half"):
            start = word.start
            words.add(word.name or word.key)
        while word := _longest(hit for hit in starting.get(end, ()) if hit.key not in {"at", "after"}):
            end = word.end
            words.add(word.name or word.key)
            if word.name == "hour" and not minutes and end < len(self.tokens) and _is_minutes(self.tokens[end]):
                minutes, end = int(self.tokens[end]), end + 1
        marked = marked or bool(words & {"am", "pm", "hour", "hour_before", "half", "half_before", *PARTS})
        if not marked and not words:
            return None
        if hour == 1 and not self.tokens[at].isdigit() and not words & {"am", "pm", "hour", "hour_before", "half"}:
            return None  # "a una persona", "ek raat"
        # "after 5 years", "at 5 Park Road": without "o'clock" nothing but words of ours may follow the number.
        if not marked and end < len(self.tokens) and end not in known and self.tokens[end] != _PLACE:
            return None
        minutes += 30 * (("half" in words) - ("half_before" in words))
        value = _clock(hour, minutes, words, self.lexicon.from_six)
        return _Hit(start, end, "time", value=value) if value else None


_COUNTS: Final = frozenset({"ages", "months", "weekdays", "next_weekday", "not"})  # a number in these is no hour
_TIME_WORDS: Final = frozenset({"at", "after", "after_number", "clock", "parts"})


def _is_minutes(token: str) -> bool:
    return len(token) == 2 and token.isascii() and token.isdigit() and int(token) < 60


def _longest(hits: Iterable[_Hit]) -> _Hit | None:
    return max(hits, key=lambda hit: hit.end - hit.start, default=None)


def _clock(hour: int, minutes: int, words: set[str], from_six: bool) -> time | None:
    """The time of day meant by an hour as people say it: "after 5" is in the afternoon, "5 in the morning" is not."""
    if from_six and "hour_before" in words and 1 <= hour <= 12:
        late = "night" in words and hour < 7
        hour = hour + 18 if late else hour + 6
        if "night" in words and not late:
            hour -= 12  # "saa kumi usiku" is four in the morning
    elif words & {"am", "morning"}:
        hour = hour % 12 if "am" in words else hour
    elif words & {"pm", "afternoon", "evening"}:
        hour = hour + 12 if hour < 12 else hour
    elif "night" in words:
        hour = hour + 12 if 6 <= hour < 12 else hour % 12 if hour == 12 else hour
    elif 1 <= hour <= 6 or (hour <= 8 and words & {"after", "after_number"} and hour):
        hour += 12
    total = hour * 60 + minutes
    return time(total // 60 % 24, total % 60) if 0 <= total <= 24 * 60 else None


def _covered(hits: Iterable[_Hit]) -> set[int]:
    return {index for hit in hits for index in range(hit.start, hit.end)}


def _without_contained(hits: list[_Hit]) -> list[_Hit]:
    """The hits that do not lie inside a longer one: "free" is not found in "sugar free" once that is."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not any(_hides(other, hit) for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


def _hides(longer: _Hit, hit: _Hit) -> bool:
    if longer.key == "details" and hit.key not in {"details", "closed", "not"}:
        return False  # "is it free" asks for the price and tells that it matters
    return _inside(hit, longer) and hit.end - hit.start < longer.end - longer.start


# --- All languages together ------------------------------------------------------------------------------------------


def _follow_up(message: _Message, reading: _Reading, english: _Reading) -> tuple[tuple[int, bool, int], list[_Hit]] | None:
    """The hits of a language, with English mixed in, if they and filler are all there is.

    With them comes how well it fits: how many words are of this language, and how many say something for sure.
    """
    places = {index for index, token in enumerate(message.tokens) if token == _PLACE}
    if len(reading.known | english.known | places) < len(message.tokens):
        return None
    if len(reading.covered | english.covered | places) < len(message.tokens):
        return None
    hits = _with_english(reading, english)
    if reading is not english and len(reading.covered | places) < len(message.tokens):
        hits = [hit for hit in hits if not hit.weak]
    if any(hit.key == "not" for hit in hits):
        return None
    if not message.place and _says_nothing(message, hits):
        return None
    said = sum(-1 if hit.weak else hit.end - hit.start for hit in hits)
    return (len(reading.covered), reading is english, said), hits


def _says_nothing(message: _Message, hits: list[_Hit]) -> bool:
    """Whether a message asks for nothing about an answer, or something else.

    "Now" and the greeting "morning" ask for nothing, "it's closed" complains, "no papers" is a fear to be answered first,
    "wheelchair" may be one that is needed.
    """
    keys = {hit.key for hit in hits} - _NEUTRAL
    if not keys or keys == {"no_papers"}:
        return True
    if len(keys) > 1 or message.question:
        return False
    return "closed" in keys or (len(message.tokens) <= 3 and bool(keys & {"parts", "accessibility"}))


def _with_english(reading: _Reading, english: _Reading) -> list[_Hit]:
    """A language's hits, and the English ones on words that are not its own ("mon" is no Monday in French)."""
    if reading is english:
        return reading.hits
    own = reading.own
    others = [hit for hit in english.hits if hit.key == "not" or own.isdisjoint(range(hit.start, hit.end))]
    return reading.hits + others


def _hits_of_likeliest(readings: list[_Reading], english: _Reading) -> list[_Hit]:
    """The hits in the languages that know most of the words, without those that count in a follow-up only."""
    most, likeliest = (0, 0), list[_Reading]()
    for reading in sorted(readings, key=lambda reading: -len(reading.known)):
        if len(reading.known) < most[0]:
            break
        likeness = len(reading.own), len(reading.known)
        if likeness > most:
            most, likeliest = likeness, []
        if likeness == most:
            likeliest.append(reading)
    found: dict[_Hit, None] = {}
    for reading in likeliest:
        hits = _with_english(reading, english)
        blocked = [hit for hit in hits if hit.key == "not"]
        found |= {hit: None for hit in hits if not hit.weak and not any(_overlap(hit, other) for other in blocked)}
    return sorted(found, key=lambda hit: hit.start)


def _overlap(hit: _Hit, other: _Hit) -> bool:
    return hit.start < other.end and other.start < hit.end


def _inside(hit: _Hit, other: _Hit) -> bool:
    return other.start <= hit.start and hit.end <= other.end


# --- What the hits mean ----------------------------------------------------------------------------------------------


def _detail(hits: list[_Hit]) -> Detail | None:
    names = {hit.name for hit in hits if hit.key == "details"}
    names |= {"hours" for hit in hits if hit.key in {"open", "open_now", "closed"}}
    if not names:
        return None
    return cast(Detail, names.pop()) if len(names) == 1 else "all"


def _filters(hits: list[_Hit], now: datetime, message: _Message, follow_up: bool) -> Filters:
    by_key: dict[str, list[_Hit]] = {}
    for hit in hits:
        by_key.setdefault(hit.key, []).append(hit)
    day = _day(hits, now)
    is_open = by_key.get("open", []) + by_key.get("open_now", [])
    about_hours = follow_up or day is not None or bool(is_open)
    return Filters(
        day=day,
        at=_time_of(by_key, now, about_hours, len(message.tokens)),
        open_now="open_now" in by_key or any(_beside(one, other) for one in is_open for other in by_key.get("now", ())),
        free="free" in by_key,
        women="women" in by_key,
        age=_age(by_key),
        accessibility=_names(by_key.get("accessibility", ()), lambda hit: hit.name),
        languages=_names(by_key.get("speaks", []) + by_key.get("details", []), lambda hit: str(hit.value or "")),
        no_papers="no_papers" in by_key,
    )


def _names(hits: Iterable[_Hit], name: Callable[[_Hit], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for hit in hits if (found := name(hit))))


def _beside(one: _Hit, other: _Hit) -> bool:
    return one.start - other.end <= 3 and other.start - one.end <= 3


_DAYS: Final = {"today": 0, "tonight": 0, "this_evening": 0, "tomorrow": 1, "day_after_tomorrow": 2}


def _day(hits: list[_Hit], now: datetime) -> date | None:
    """The first day named; a weekday is the next one with that name, which may be today."""
    today = now.date()
    weekend = False
    for hit in hits:
        if hit.key in _DAYS:
            return today + timedelta(days=_DAYS[hit.key])
        if hit.key == "weekdays":
            return today + timedelta(days=_ahead(hit.name, today))
        if hit.key == "next_weekday" and isinstance(hit.value, str):
            return today + timedelta(days=_ahead(hit.value, today) or 7)
        if hit.key == "open" and isinstance(hit.value, str):
            return today + timedelta(days=_ahead(hit.value, today))
        weekend = weekend or hit.key == "weekend"
    if not weekend:
        return None
    return today if today.weekday() >= 5 else today + timedelta(days=5 - today.weekday())


def _ahead(weekday: str, today: date) -> int:
    return (WEEKDAYS.index(weekday) - today.weekday()) % 7


_SHORT: Final = 12  # words; in a longer story "at 6pm" tells what happened


def _time_of(by_key: dict[str, list[_Hit]], now: datetime, about_hours: bool, length: int) -> time | None:
    for hit in by_key.get("time", ()):
        if isinstance(hit.value, time) and (about_hours or length <= _SHORT):
            return hit.value
    if "this_evening" in by_key:
        return max(PARTS["evening"], now.time().replace(second=0, microsecond=0, tzinfo=None, fold=0))
    if about_hours:
        for hit in by_key.get("parts", ()):
            return PARTS[hit.name]
    return None


def _age(by_key: dict[str, list[_Hit]]) -> int | None:
    """The age of whoever it is for; none if there are several, for nobody can tell which one counts."""
    found = {hit.value for hit in by_key.get("ages", ()) if isinstance(hit.value, int) and hit.value <= 120}
    found |= {hit.value // 12 for hit in by_key.get("months", ()) if isinstance(hit.value, int) and hit.value <= 36}
    return found.pop() if len(found) == 1 else None
