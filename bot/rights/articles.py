"""Rights articles: data/rights/<language>/<topic>.md, and the instruments they rest on, data/rights/instruments.yml.

An article is Markdown with YAML front matter. The English one carries its `revision`, a translation the revision it
`follows`; one that follows an older revision is outdated and says so to the reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bot.errors import DataError
from bot.reply import Article, Source

FOLDER = Path(__file__).resolve().parent.parent.parent / "data" / "rights"
SOURCE_LANGUAGE = "en"

#: How a place in an instrument is written, by what the instrument counts.
_PART = {"article": "art.", "paragraph": "§", "principle": "princ."}


@dataclass(frozen=True)
class Instrument:
    """A convention, recommendation or comment: its short name, titles by language, and where to read it."""

    id: str
    short: str
    part: str
    url: str
    titles: Mapping[str, str]


@dataclass(frozen=True)
class RightsArticle:
    """One article in one language. `revision` is the English revision it says the same as, `help` the topics of services
    that help."""

    topic: str
    language: str
    title: str
    sms: str
    easy: str | None
    body: str
    revision: int
    reviewed: date
    citations: tuple[tuple[str, str], ...]
    help: tuple[str, ...]


class Rights:
    """All articles and instruments of a folder, read once."""

    def __init__(self, articles: Mapping[tuple[str, str], RightsArticle], instruments: Mapping[str, Instrument]) -> None:
        self._articles = articles
        self._instruments = instruments

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Rights":
        """Read every article. Raises DataError naming the file that cannot be read or cites what is not there."""
        instruments = _instruments(folder / "instruments.yml")
        articles = {}
        for path in sorted(folder.glob("*/*.md")):
            article = read_article(path)
            missing = [name for name, _ in article.citations if name not in instruments]
            if missing:
                raise DataError(f"{path} cites {missing[0]!r}, which instruments.yml does not have.")
            articles[article.topic, article.language] = article
        return cls(articles, instruments)

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that have an English article."""
        return tuple(topic for topic, language in self._articles if language == SOURCE_LANGUAGE)

    def find(self, topic: str, language: str) -> RightsArticle | None:
        """The article in this language, else in English; None if there is none."""
        return self._articles.get((topic, language)) or self._articles.get((topic, SOURCE_LANGUAGE))

    def shown(self, article: RightsArticle) -> Article:
        """What a reader sees of an article."""
        original = self._articles.get((article.topic, SOURCE_LANGUAGE))
        outdated = original is not None and article.revision < original.revision
        return Article(title=article.title, short=article.sms, body=article.body, easy=article.easy, outdated=outdated)

    def sources(self, article: RightsArticle, language: str) -> tuple[Source, ...]:
        """The article's sources, titled in `language` where the instrument has a title in it."""
        result = []
        for name, place in article.citations:
            instrument = self._instruments[name]
            title = instrument.titles.get(language) or instrument.titles[SOURCE_LANGUAGE]
            where = f"{_PART[instrument.part]} {place}" if place else ""
            result.append(
                Source(
                    title=f"{title}, {where}" if where else title,
                    short=f"{instrument.short} {where}".strip(),
                    url=instrument.url,
                )
            )
        return tuple(result)


def read_article(path: Path) -> RightsArticle:
    """Read one article. Raises DataError naming the file and what is wrong with it."""
    try:
        _, head, body = path.read_text("utf-8").split("---\n", 2)
        front: dict[str, Any] = yaml.safe_load(head)
        return RightsArticle(
            topic=front["topic"],
            language=path.parent.name,
            title=front["title"],
            sms=front["sms"],
            easy=front.get("easy"),
            body=body.strip(),
            revision=int(front["revision"] if "revision" in front else front["follows"]),
            reviewed=date.fromisoformat(str(front["reviewed"])),
            citations=tuple((source["instrument"], str(source.get("article", ""))) for source in front["sources"]),
            help=tuple(front.get("help", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise DataError(f"The article {path} cannot be read: {error!r}.") from error


def _instruments(path: Path) -> dict[str, Instrument]:
    try:
        rows: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
        return {
            name: Instrument(name, row["short"], row.get("part", "article"), row["url"], row["title"])
            for name, row in rows.items()
        }
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error!r}.") from error
