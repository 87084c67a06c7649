"""What texts cost: the segments of every phrase with the longest values it may get, by language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from statistics import mean
from string import Formatter
from typing import Final

from babel.dates import format_date
from rich.table import Table

from bot.languages import GSM7, LANGUAGES, LOCALES
from bot.render.segments import Size, measure, plain
from bot.render.sms import BUDGET
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.wording import FOLDER, SOURCE_LANGUAGE, Wording, read_catalogue

#: The catalogue whose phrases are texted.
TEXTED: Final = "careline.po"
#: The longest plausible value of each placeholder that is the same in all languages; the others are made in `_values`.
LONGEST: Final = {
    "emergency": "112",
    "office": "01632 960999",
    "line": "01632 960999",
    "number": "01632 960999",
    "office_hours": "09:00-18:00",
    "hours": "09:00-12:30, 14:00-18:00",
    "municipality": "Port Amity",
    "name": "Eastgate Community Care and Family Support Centre",
    "place": "Market Quarter",
    "source": "CRPD art. 19",
    "time": "12:30",
    "age": "65",
    "minimum": "16",
    "maximum": "25",
    "code": "123 456",
}


@dataclass(frozen=True)
class Cost:
    """One language's texts: `phrases` whole sentences with `mean_segments` and the longest of them, and the mean segments
    of the rights articles' texts."""

    language: str
    phrases: int
    mean_segments: float
    longest: int
    longest_phrase: str
    article_segments: float


def over_budget(wording: Wording) -> Iterator[tuple[str, str, Size]]:
    """Language, key and size of each phrase that alone takes more segments than an answer may."""
    for language in LANGUAGES:
        for key, text in phrases(wording, language):
            size = measure(plain(text))
            if size.segments > budget(language, size):
                yield language, key, size


def budget(language: str, size: Size) -> int:
    """Segments that an answer may take: a language that could be written cheaply gets no more for one costly letter."""
    return BUDGET["UCS-2"] if language not in GSM7 else max(BUDGET["GSM-7"], BUDGET[size.encoding])


def costs(wording: Wording, rights: Rights) -> list[Cost]:
    """A row for each language."""
    rows = []
    for language in LANGUAGES:
        sizes = {
            key: measure(plain(text)).segments
            for key, text in phrases(wording, language)
            if len(text.split()) > 4 or len(text) > 20
        }
        found = [rights.find(topic, language) for topic in rights.topics]
        articles = [measure(plain(article.sms)).segments for article in found if article is not None]
        longest = max(sizes, key=lambda key: sizes[key])
        rows.append(Cost(language, len(sizes), mean(sizes.values()), sizes[longest], longest, mean(articles)))
    return rows


def table(settings: Settings) -> Table:
    """What texts cost, for a terminal."""
    shown = Table(title="SMS segments and cost by language", padding=0)
    for heading in ("", "phrases", "segments", "longest", "an article", f"1,000 phrases, {settings.currency}"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in costs(Wording.load(), Rights.load()):
        price = f"{1000 * row.mean_segments * settings.segment_price:.0f}"
        longest = f"{row.longest} ({row.longest_phrase})"
        shown.add_row(row.language, str(row.phrases), f"{row.mean_segments:.2f}", longest, f"{row.article_segments:.2f}", price)
    return shown


def phrases(wording: Wording, language: str) -> Iterator[tuple[str, str]]:
    """Every phrase of text messages in `language`, with its longest values."""
    values = _values(wording, language)
    for key in _keys():
        text = wording.find(key, language, "sms")
        if text is not None:
            names = {name for _, name, _, _ in Formatter().parse(text) if name}
            yield key, text.format(**{name: values.get(name, "x" * 12) for name in names})


@cache
def _keys() -> tuple[str, ...]:
    catalogue = read_catalogue(FOLDER / SOURCE_LANGUAGE / TEXTED)
    return tuple(dict.fromkeys(str(message.id) for message in catalogue if message.id and message.context in (None, "sms")))


def _values(wording: Wording, language: str) -> dict[str, str]:
    locale = LOCALES[language]
    days = [format_date(date(2026, month, 28), "EEEE d MMMM", locale=locale) for month in range(1, 13)]
    topics = [wording.find(key, language) or "" for key in _keys() if key.startswith("topic.")]
    return LONGEST | {
        "day": max(days, key=len),
        "topic": max(topics, key=len),
        "languages": "English, español, العربية",
        "language": "українська (Ukrainian)",
        "documents": "proof of address, passport",
        "cost": "£12.50",
    }
