"""Rights articles: data/rights/<language>/<topic>.md, and the instruments they rest on, data/rights/instruments.yml.

An article is Markdown with YAML front matter. The English one carries its `revision`, a translation the revision it
`follows`; one that follows an older revision is outdated and says so to the reader.

A city's own folder (CARELINE_LOCAL) may hold the same: rights/<language>/<topic>.md adds an article, or overrides ours field
by field (what it leaves out stays as it is); rights/instruments.yml adds instruments, such as the local law; contacts.yml
names, by topic, whom to call here. It is read again when it changes, so that nothing need be restarted.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bot.errors import DataError
from bot.reply import Article, Source

FOLDER = Path(__file__).resolve().parent.parent.parent / "data" / "rights"
SOURCE_LANGUAGE = "en"

#: Seconds after which the city's own folder is looked at again.
LOOKED = 15

#: How a place in an instrument is written, by what the instrument counts.
_PART = {"article": "art.", "paragraph": "§", "principle": "princ."}


@dataclass(frozen=True)
class Instrument:
    """A convention, recommendation or comment: its short name, titles by language, where to read it, and when somebody
    last looked whether that is still so."""

    id: str
    short: str
    part: str
    url: str
    titles: Mapping[str, str]
    checked: date | None = None


@dataclass(frozen=True)
class RightsArticle:
    """One article in one language. `revision` is the English revision it says the same as, `help` the topics of services
    that help; a `local` one is the city's own."""

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
    local: bool = False


@dataclass(frozen=True)
class Contact:
    """Whom to call here: a name and a telephone number or address, as they are shown."""

    name: str
    reach: str


class Rights:
    """All articles and instruments: ours, and the city's own over them."""

    def __init__(
        self,
        articles: Mapping[tuple[str, str], RightsArticle],
        instruments: Mapping[str, Instrument],
        contacts: Mapping[str, tuple[Contact, ...]] | None = None,
    ) -> None:
        self._articles = articles
        self._instruments = instruments
        self._contacts = contacts or {}
        self._folders: tuple[Path, Path | None] = (FOLDER, None)
        self._state: object = None
        self._until = float("inf")
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path = FOLDER, local: Path | None = None) -> "Rights":
        """Read every article, those in `local` over those in `folder`.

        Raises DataError naming the file that cannot be read or cites what is not there.
        """
        instruments = _instruments(folder / "instruments.yml")
        articles: dict[tuple[str, str], RightsArticle] = {}
        contacts: dict[str, tuple[Contact, ...]] = {}
        for path in sorted(folder.glob("*/*.md")):
            article = read_article(path)
            articles[article.topic, article.language] = article
        if local is not None:
            if (local / "rights" / "instruments.yml").exists():
                instruments |= _instruments(local / "rights" / "instruments.yml")
            for path in sorted((local / "rights").glob("*/*.md")):
                article = read_article(path, under=articles.get((path.stem, path.parent.name)))
                articles[article.topic, article.language] = replace(article, local=True)
            contacts = _contacts(local / "contacts.yml")
        for article in articles.values():
            missing = [name for name, _ in article.citations if name not in instruments]
            if missing:
                raise DataError(
                    f"{article.language}/{article.topic}.md cites {missing[0]!r}, which instruments.yml does not have."
                )
        rights = cls(articles, instruments, contacts)
        if local is not None:
            rights._folders = (folder, local)
            rights._state, rights._until = _state(local), time.monotonic() + LOOKED
        return rights

    def refresh(self, at_once: bool = False) -> None:
        """Read the city's own folder again if it has changed; what cannot be read leaves everything as it was."""
        if not at_once and time.monotonic() < self._until:
            return
        with self._lock:
            folder, local = self._folders
            if local is None:
                return
            self._until = time.monotonic() + LOOKED
            state = _state(local)
            if state == self._state:
                return
            self._state = state
            try:
                new = Rights.load(folder, local)
            except DataError:
                return  # `careline check` says what is wrong
            self._articles, self._instruments, self._contacts = new._articles, new._instruments, new._contacts

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments by their ids."""
        return self._instruments

    @property
    def articles(self) -> tuple[RightsArticle, ...]:
        """Every article, ours or the city's own in its place."""
        return tuple(article for _, article in sorted(self._articles.items()))

    @property
    def contacts(self) -> Mapping[str, tuple[Contact, ...]]:
        """Whom to call here, by topic."""
        return self._contacts

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that have an English article."""
        return tuple(topic for topic, language in self._articles if language == SOURCE_LANGUAGE)

    def find(self, topic: str, language: str) -> RightsArticle | None:
        """The article in this language, else in English; None if there is none."""
        self.refresh()
        return self._articles.get((topic, language)) or self._articles.get((topic, SOURCE_LANGUAGE))

    def shown(self, article: RightsArticle) -> Article:
        """What a reader sees of an article."""
        original = self._articles.get((article.topic, SOURCE_LANGUAGE))
        outdated = original is not None and article.revision < original.revision
        short, body = article.sms, article.body
        for contact in self._contacts.get(article.topic, ()):
            short = f"{short} {contact.name}: {contact.reach}"
            body = f"{body}\n\n{contact.name}: {contact.reach}"
        return Article(title=article.title, short=short, body=body, easy=article.easy, outdated=outdated)

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


def read_article(path: Path, under: RightsArticle | None = None) -> RightsArticle:
    """Read one article; what it leaves out is that of the one `under` it.

    Raises DataError naming the file and what is wrong with it.
    """
    try:
        return parse_article(path.read_text("utf-8"), path.parent.name, path.stem, under)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"The article {path} cannot be read: {error!r}.") from error


def parse_article(text: str, language: str, topic: str, under: RightsArticle | None = None) -> RightsArticle:
    """An article from its text. Raises ValueError, KeyError or a YAML error for one that is incomplete."""
    _, head, body = text.replace("\r\n", "\n").split("---\n", 2)
    front: dict[str, Any] = yaml.safe_load(head) or {}
    if under is not None:
        front = _front(under) | front
    front.setdefault("topic", topic)
    return RightsArticle(
        topic=front["topic"],
        language=language,
        title=front["title"],
        sms=front["sms"],
        easy=front.get("easy"),
        body=body.strip() or (under.body if under else ""),
        revision=int(front["revision"] if "revision" in front else front["follows"]),
        reviewed=date.fromisoformat(str(front["reviewed"])),
        citations=tuple((source["instrument"], str(source.get("article", ""))) for source in front["sources"]),
        help=tuple(front.get("help", ())),
    )


def _front(article: RightsArticle) -> dict[str, Any]:
    return {
        "topic": article.topic,
        "title": article.title,
        "sms": article.sms,
        "easy": article.easy,
        "revision": article.revision,
        "reviewed": article.reviewed,
        "sources": [{"instrument": name, "article": place} for name, place in article.citations],
        "help": article.help,
    }


def _contacts(path: Path) -> dict[str, tuple[Contact, ...]]:
    if not path.exists():
        return {}
    try:
        told: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text("utf-8")) or {}
        return {
            topic: tuple(Contact(str(one["name"]), str(one["phone"] if "phone" in one else one["address"])) for one in contacts)
            for topic, contacts in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error!r}.") from error


def _state(local: Path) -> object:
    """Changes when a file of the folder does."""
    paths = [*(local / "rights").glob("*/*.md"), local / "rights" / "instruments.yml", local / "contacts.yml"]
    return [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(paths) if path.exists()]


def _part(row: Mapping[str, Any]) -> str:
    part = str(row.get("part", "article"))
    if part not in _PART:
        raise ValueError(f"part must be one of {', '.join(_PART)}, not {part}")
    return part


def _instruments(path: Path) -> dict[str, Instrument]:
    try:
        rows: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
        return {
            name: Instrument(name, row["short"], _part(row), row["url"], row["title"], row.get("checked"))
            for name, row in rows.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error!r}.") from error
