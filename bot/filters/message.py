"""A message as words, with what was told apart before: its place, its days."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.filters.dates import Day
from bot.filters.lexicon import mixed, units
from bot.filters.words import CJK, TOKEN, loosened
from bot.folding import fold, is_cjk, squeeze

LONGEST: Final = 400  # words; more is no message
PLACE: Final = "\ue000"  # stands for the place; folding would have removed it
DAY: Final = "\ue001"  # stands for a day of the calendar
COLON, DOT = MARKS = ("ː", "ˑ")  # letters, so that what stood between hours and minutes survives folding
_TIME_MARKS: Final = re.compile(r"(?<![\d.,:])(\d{1,2})([:：.])(\d\d)(?![\d.,:]*\d)")
_WORD: Final = re.compile(f"[{CJK}]|[^ {CJK}]+")


@dataclass(frozen=True)
class Message:
    """The words of a message, with and without loosening, whether a place stood between them, whether it asks.

    `days` are the days of the calendar that stood in it, in the order of the words that stand for them.
    """

    tokens: tuple[str, ...]
    place: bool
    question: bool
    days: tuple[Day, ...] = ()

    @property
    def length(self) -> float:
        """How many words it has; Chinese and Japanese, read by the character, have about two to a word."""
        return sum(0.5 if is_cjk(token) else 1.0 for token in self.tokens)

    @property
    def loose(self) -> tuple[str, ...]:
        """The same words loosened, one for one."""
        return tuple(loosened(token) for token in self.tokens)


def _split(folded: str) -> Iterator[str]:
    """Words; a number and what is written onto it apart ("5pm"), but not "2day", nor "3ayez", Arabic in Latin letters."""
    for word in _WORD.findall(folded):
        if word.isalpha() or word in mixed() or (word.isascii() and not _is_measure(word)):
            yield word
        else:
            yield from TOKEN.findall(word)


def _is_measure(word: str) -> bool:
    parts = TOKEN.findall(word)
    return parts[0].isdigit() and (len(parts) == 1 or (parts[1] in units() and all(map(str.isdigit, parts[2:]))))


def message_of(text: str, span: tuple[int, int] | None, days: Sequence[Day] = ()) -> Message:
    """Cut a text into words; the place and the days in it are one word each."""
    place = span if span is not None and 0 <= span[0] < span[1] else None
    days = [day for day in days if place is None or day.end <= place[0] or place[1] <= day.start]
    marks = [(day.start, day.end, DAY) for day in days] + ([(*place, PLACE)] if place else [])
    found: list[str] = []
    at = 0
    for start, end, mark in sorted(marks):
        found += [*_split(_normal(text[at:start])), mark]
        at = end
    found += _split(_normal(text[at:]))
    return Message(tuple(found), place is not None, any(mark in text for mark in "?？؟"), tuple(days))


def _normal(text: str) -> str:
    def mark(match: re.Match[str]) -> str:
        return f"{match[1]} {DOT if match[2] == '.' else COLON} {match[3]}"

    return squeeze(fold(_TIME_MARKS.sub(mark, text[:4000])))
