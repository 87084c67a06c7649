"""A reply as it is said on the telephone: pieces of speech, each with the pause after it.

The facts are those of the other channels (`bot.render.facts`), in forms made for the ear: dates, amounts and distances in
full words (CLDR, through Babel), telephone numbers digit by digit in groups and twice, spellings that a voice reads right.
"""

import re
from dataclasses import dataclass
from datetime import date, time
from typing import Final

from babel.dates import format_skeleton, format_time
from babel.numbers import format_decimal, get_currency_name
from babel.units import format_unit
from markdown_it import MarkdownIt

from bot.phone import written
from bot.render.facts import Facts, slug
from bot.render.text import detail
from bot.reply import DayHours, Escalation, Phrase, Reply, ServiceCard
from bot.speech import speech

#: Seconds of silence after a sentence, and after a whole answer, before what can be pressed.
PAUSE: Final = 0.4
REST: Final = 0.9
#: The longest piece, in characters: what is longer is said in several, so that one sound has a short address.
LONGEST: Final = 400

_NUMBER: Final = re.compile(r"(?<![\d:.,/-])\+?\d[\d ]{5,}\d(?![\d:/-])")
_SENTENCES: Final = re.compile(r"(?<=[.!?।؟۔])\s+|(?<=[。！？])\s*")
_markdown: Final = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Piece:
    """Something said at once. `key` names the recording that may replace it; `private` marks what is the caller's own."""

    text: str
    language: str
    pause: float = PAUSE
    key: str | None = None
    private: bool = False


class SpokenFacts(Facts):
    """Facts in words for the ear."""

    def clock(self, moment: time) -> str:
        """A time of day: 6 pm; 18:05 where people say it so."""
        if self.locale.language == "en":
            return str(format_skeleton("h" if moment.minute == 0 else "hm", moment, locale=self.locale)).replace("\u202f", " ")
        return format_time(moment, "short", locale=self.locale).replace("\u202f", " ")

    def day(self, day: date) -> str:
        """A day with the name of its month: 3 November."""
        skeleton = "MMMMd" if day.year == self.today.year else "yMMMMd"
        return str(format_skeleton(skeleton, day, locale=self.locale))

    def hours_on(self, hours: DayHours) -> str:
        """Sunday, from 10 am to 2 pm."""
        if not hours.known or not hours.intervals:
            return super().hours_on(hours)
        spans = [
            self.words("voice.from_to", opens=self.clock(opens), closes=self.clock(closes)) for opens, closes in hours.intervals
        ]
        return self.words("hours.open", day=self.weekday(hours.day), hours=self.words("list.comma").join(spans))

    def distance(self, metres: int) -> str:
        """1.6 kilometres; 300 metres."""
        if metres < 950:
            return self._length(max(50, round(metres, -2) or 50), "length-meter")
        return self._length(round(metres / 1000, 1), "length-kilometer")

    def _length(self, value: float, unit: str) -> str:
        """In full words, or as it is written where CLDR has no full ones: Babel then says the unit's own id."""
        said = str(format_unit(value, unit, length="long", locale=self.locale))
        return str(format_unit(value, unit, length="short", locale=self.locale)) if unit in said else said

    def phone(self, number: str) -> str:
        """A telephone number digit by digit, in groups: 0 1 6, 3 2, 9 6 0, 1 3 5."""
        return digits(written(number, self.settings.country))

    def by(self, escalation: Escalation) -> str:
        """By when somebody calls: today by 4 pm; on Monday by 11 am."""
        if escalation.expected_at is None:
            return self.words("voice.when_now")
        expected = escalation.expected_at.astimezone(self.settings.time_zone).replace(tzinfo=None)
        clock = self.clock(expected.time())
        days = (expected.date() - self.today).days
        if days <= 0:
            return self.words("voice.by_today", time=clock)
        if days == 1:
            return self.words("voice.by_tomorrow", time=clock)
        return self.words("voice.by_day", day=self.weekday(expected.date()), time=clock)

    def _money(self, amount: float, currency: str) -> str:
        name = get_currency_name(currency, count=amount, locale=self.locale)
        return f"{format_decimal(amount, locale=self.locale)} {name}"


def digits(text: str) -> str:
    """The digits of a number one by one, a comma between groups of two to four; a plus sign becomes 00."""
    text = text.replace("+", "00 ", 1)
    groups = ["".join(str(int(one)) for one in part) for part in re.findall(r"\d+", text)]
    return ", ".join(" ".join(chunk) for group in groups for chunk in _chunks(group))


def _chunks(group: str) -> list[str]:
    """Threes, with a last group of two to four."""
    if len(group) <= 4:
        return [group]
    return [group[:3], *_chunks(group[3:])]


def code(number: str) -> str:
    """A pick-up code in two groups: 4 8 2, 9 1 0."""
    half = len(number) // 2
    return f"{' '.join(number[:half])}, {' '.join(number[half:])}"


class Speaker:
    """Says replies in one language."""

    def __init__(self, facts: SpokenFacts) -> None:
        self.facts: SpokenFacts = facts
        self.language = facts.words.language

    def __call__(self, key: str, /, pause: float = PAUSE, private: bool = False, **params: str | int) -> Piece:
        """A phrase of the catalogues."""
        return self.phrase(Phrase(key, params), pause, private)

    def phrase(self, phrase: Phrase, pause: float = PAUSE, private: bool = False) -> Piece:
        """A phrase of a reply."""
        name = "-".join([phrase.key, *(slug(str(value)) for value in phrase.params.values())])
        text = self.spelt(self.facts.words.say(phrase))
        return Piece(speech().said(text, self.language), self.language, pause, key=None if private else name, private=private)

    def text(self, text: str, pause: float = PAUSE, private: bool = False) -> list[Piece]:
        """Any text, in pieces of bearable length."""
        said = speech().said(text, self.language)
        return [Piece(part, self.language, pause, private=private) for part in _parts(said)]

    def spelt(self, text: str) -> str:
        """The text with telephone numbers, and the emergency number, digit by digit."""
        text = _NUMBER.sub(lambda found: digits(found.group()), text)
        emergency = self.facts.settings.emergency_number
        return re.sub(rf"(?<!\d){re.escape(emergency)}(?!\d)", " ".join(emergency), text)

    def option(self, label: str, digit: int | str) -> Piece:
        """What a key does: the option first, then the digit."""
        text = self.facts.words("voice.option", label=label.rstrip("."), digit=digit)
        return Piece(speech().said(text, self.language), self.language)

    def opening(self, reply: Reply) -> list[Piece]:
        """What is said first: phrases, and the article with its source."""
        pieces = [self.phrase(phrase) for phrase in reply.opening]
        if reply.article is not None:
            pieces += self.text(reply.article.short)
            if reply.article.outdated:
                pieces.append(self("article.outdated"))
            if reply.sources:
                pieces.append(self("article.source", source=reply.sources[0].title))
        if reply.detail not in (None, "all") and reply.services:
            pieces += self.text(detail(reply, self.facts))
        if reply.escalation is not None:
            pieces.append(Piece(self.facts.escalation(reply.escalation), self.language))
            if not reply.escalation.staffed and not reply.urgent:
                pieces.append(self("person.away"))
        return [piece for piece in pieces if piece.text]

    def closing(self, reply: Reply, leave_out: frozenset[str]) -> list[Piece]:
        """What is said last, without the phrases that the keys make superfluous."""
        return [self.phrase(phrase) for phrase in reply.closing if phrase.key not in leave_out]

    def card(self, card: ServiceCard, more: bool = False) -> list[Piece]:
        """A service: what, where, how far, when, what it costs, what to bring, the telephone number twice, when checked.

        `more` adds for whom it is, the languages spoken, access, and the directory's own description.
        """
        facts = self.facts
        where = ", ".join(dict.fromkeys(part for part in (card.address, card.area) if part))
        distance = facts.distance(card.distance_m) if card.distance_m is not None else None
        everybody = slug(card.eligibility or "") == "for_everyone"
        sentences = [
            card.name,
            where or None,
            facts.words("voice.distance", distance=distance) if distance else None,
            facts.opening(card.opening) if card.hours_on is None else facts.hours_on(card.hours_on),
            self._cost(card),
            facts.documents(card),
            facts.eligibility(card) if more or not everybody else None,
        ]
        if more:
            sentences += [", ".join(facts.languages(card)), ", ".join(facts.accessibility(card)), card.description]
        pieces = [piece for sentence in sentences if sentence for piece in self.text(_stopped(sentence))]
        if card.phones:
            pieces.append(self("voice.phone", number=facts.phone(card.phones[0])))
        checked = facts.checked(card)
        if checked:
            pieces += self.text(_stopped(checked), REST)
        return pieces

    def _cost(self, card: ServiceCard) -> str | None:
        cost = self.facts.cost(card.cost)
        if cost is None or card.cost is None or not card.cost.amount:
            return cost
        return self.facts.words("voice.cost", cost=cost)

    def body(self, markdown: str) -> list[Piece]:
        """A whole article, a paragraph at a time, without its marks and addresses."""
        pieces: list[Piece] = []
        for token in _markdown.parse(markdown):
            if token.type == "inline" and token.children is not None:
                words = "".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children)
                pieces += self.text(re.sub(r"https?://\S+", "", words).strip())
        return [piece for piece in pieces if piece.text]


def _stopped(text: str) -> str:
    return text if text[-1:] in ".!?。！？।؟۔" else f"{text}."


def _parts(text: str) -> list[str]:
    """The text in parts of at most LONGEST characters, cut after sentences where possible."""
    parts = [""]
    for sentence in _SENTENCES.split(text):
        for start in range(0, len(sentence), LONGEST):
            piece = sentence[start : start + LONGEST]
            if parts[-1] and len(parts[-1]) + len(piece) + 1 > LONGEST:
                parts.append(piece)
            else:
                parts[-1] = f"{parts[-1]} {piece}".strip()
    return [part for part in parts if part]
