"""A message read with one language's words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from operator import itemgetter
from typing import Final

from bot.filters.asked import PARTS
from bot.filters.lexicon import Element, Lexicon, Pattern, Patterns, Words
from bot.filters.message import COLON, DAY, MARKS, PLACE, Message


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern found: the words from `start` to before `end`, what it means, and the value that goes with it."""

    start: int
    end: int
    key: str
    name: str = ""
    weak: bool = False
    value: int | str | time | None = None


_TENS: Final = "零一二三四五六七八九十"
_STRUCTURE: Final = frozenset({"filler", "at", "after", "after_number", "before", "before_number", "clock"})
#: Keys that say nothing by themselves: a message of these alone asks for nothing.
NEUTRAL: Final = _STRUCTURE | {"now"}


class Reading:
    """A message read with one language's file. `known` are the words that stand in the file at all."""

    def __init__(self, message: Message, lexicon: Lexicon) -> None:
        self.message = message
        self.lexicon = lexicon
        self.tokens = message.loose if lexicon.loose else message.tokens
        self.variants = [self._variants(token) for token in self.tokens]
        words = lexicon.words
        self.known = {
            at
            for at, token in enumerate(self.tokens)
            if token.isdecimal() or token in MARKS or token == DAY or any(word in words for word in self.variants[at])
        }

    @cached_property
    def _found(self) -> list[Hit]:
        return [hit for start in range(len(self.tokens)) for hit in self._at(start)]

    @cached_property
    def hits(self) -> list[Hit]:
        """What was found that means something, without what lies inside something longer."""
        found = [hit for hit in self._found if hit.key not in _STRUCTURE]
        return without_contained(found + list(self._times(self._found)) + list(self._days()))

    def _days(self) -> Iterator[Hit]:
        """The days of the calendar; one that cannot be placed has no value."""
        places = (at for at, token in enumerate(self.tokens) if token == DAY)
        for at, day in zip(places, self.message.days, strict=False):
            yield Hit(at, at + 1, "date", day.name, value=day.date.isoformat() if day.date else None)

    @cached_property
    def covered(self) -> set[int]:
        """The words that a follow-up question may hold."""
        filler = covered(hit for hit in self._found if hit.key == "filler")
        return filler | covered(hit for hit in self.hits if hit.key != "not")

    @cached_property
    def own(self) -> set[int]:
        """The words that are of this language, as far as we know them."""
        return self.covered | covered(self.hits)

    def _variants(self, token: str) -> tuple[str, ...]:
        """A word, and what is left of it without what is written onto it."""
        lexicon = self.lexicon
        if not lexicon.beginnings and not lexicon.endings:
            return (token,)
        bare = [token.removeprefix(part) for part in lexicon.beginnings if token.startswith(part)]
        bare += [token.removesuffix(part) for part in lexicon.endings if token.endswith(part)]
        return (token, *(word for word in bare if len(word) > (3 if word.isascii() else 1)))

    def _at(self, start: int) -> Iterator[Hit]:
        """The patterns that begin at a word, each as far as it goes."""
        for pattern, index in self._beginning(self.lexicon.patterns, start):
            ends = list(self._ends(pattern.elements, index, start, None))
            if ends:
                end, value = max(ends, key=itemgetter(0))
                yield Hit(start, end, pattern.key, pattern.name, pattern.weak, value)

    def _beginning(self, patterns: Patterns, at: int) -> Iterator[tuple[Pattern, int]]:
        for word in self.variants[at]:
            yield from patterns.by_word.get(word, ())
        for slot, found in patterns.by_slot.items():
            if any(self._slot(slot, at)):
                yield from found

    def _ends(
        self, elements: tuple[Element, ...], index: int, at: int, value: int | str | None
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

    def _is(self, words: Words, at: int) -> bool:
        if at + len(words) > len(self.tokens):
            return False
        return all(word in self.variants[at + offset] for offset, word in enumerate(words))

    def _slot(self, slot: str, at: int) -> Iterator[tuple[int, int | str]]:
        if slot == "{n}":
            if number := self.number(at):
                yield number
        elif names := self.lexicon.named.get(slot):
            yield from self._named(names, at)

    def _named(self, names: Patterns, at: int) -> Iterator[tuple[int, str]]:
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

    def _times(self, found: list[Hit]) -> Iterator[Hit]:
        starting: dict[int, list[Hit]] = {}
        ending: dict[int, list[Hit]] = {}
        for hit in found:
            if hit.key in _TIME_WORDS:
                starting.setdefault(hit.start, []).append(hit)
                ending.setdefault(hit.end, []).append(hit)
        if not starting and COLON not in self.tokens:
            return
        known = {hit.start for hit in found if hit.key != "not"}
        taken = covered(hit for hit in found if hit.key in _COUNTS)
        for at in range(len(self.tokens)):
            number = None if at in taken else self.number(at)
            if number and number[1] <= 24 and (told := self._time(at, number, starting, ending, known)):
                yield told

    def _time(
        self,
        at: int,
        number: tuple[int, int],
        starting: dict[int, list[Hit]],
        ending: dict[int, list[Hit]],
        known: set[int],
    ) -> Hit | None:
        end, hour = number
        start, words, minutes, marked = at, set[str](), 0, False
        if end + 1 < len(self.tokens) and self.tokens[end] in MARKS and _is_minutes(self.tokens[end + 1]):
            minutes, marked, end = int(self.tokens[end + 1]), self.tokens[end] == COLON, end + 2
        while word := _longest(hit for hit in ending.get(start, ()) if hit.name != "half"):
            start = word.start
            words.add(word.name or word.key)
        while word := _longest(hit for hit in starting.get(end, ()) if hit.key not in {"at", "after", "before"}):
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
        if not marked and end < len(self.tokens) and end not in known and self.tokens[end] != PLACE:
            return None
        minutes += 30 * (("half" in words) - ("half_before" in words))
        value = _clock(hour, minutes, words, self.lexicon.from_six)
        kind = "before" if words & {"before", "before_number"} else "after" if words & {"after", "after_number"} else ""
        return Hit(start, end, "time", kind, value=value) if value else None


_COUNTS: Final = frozenset({"ages", "months", "weekdays", "next_weekday", "not"})  # a number in these is no hour
_TIME_WORDS: Final = frozenset({"at", "after", "after_number", "before", "before_number", "clock", "parts"})


def _is_minutes(token: str) -> bool:
    return len(token) == 2 and token.isascii() and token.isdigit() and int(token) < 60


def _longest(hits: Iterable[Hit]) -> Hit | None:
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


def covered(hits: Iterable[Hit]) -> set[int]:
    return {index for hit in hits for index in range(hit.start, hit.end)}


def without_contained(hits: list[Hit]) -> list[Hit]:
    """The hits that do not lie inside a longer one: "free" is not found in "sugar free" once that is."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not any(_hides(other, hit) for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


def _hides(longer: Hit, hit: Hit) -> bool:
    if longer.key == "details" and hit.key not in {"details", "closed", "not"}:
        return False  # "is it free" asks for the price and tells that it matters
    return longer.start <= hit.start and hit.end <= longer.end and hit.end - hit.start < longer.end - longer.start
