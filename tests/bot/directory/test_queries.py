"""What people ask, in twelve languages, and what must come first: tests/data/queries.yml, with the real sentence encoder."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from sqlalchemy.orm import Session

from bot import filters
from bot.db import Database
from bot.directory.search import Query, search
from bot.directory.vectors import Meanings, refresh
from bot.nlu.encoder import BundledEncoder
from bot.places import Places
from bot.settings import LANGUAGES, Settings

ROWS: list[list[str]] = yaml.safe_load((Path(__file__).parents[2] / "data" / "queries.yml").read_text("utf-8"))
At = Callable[[str], datetime]


@pytest.fixture(scope="module")
def meanings(demo: Database) -> Meanings:
    encoder = BundledEncoder()
    refresh(demo, encoder)
    return Meanings(encoder)


@pytest.fixture(scope="module")
def score() -> Iterator[dict[str, list[bool]]]:
    """Prints how many were right, by language, when all have been asked."""
    right: dict[str, list[bool]] = defaultdict(list)
    yield right
    for language, answers in right.items():
        print(f"\n{language}: {sum(answers)} of {len(answers)} first", end="")


def first_names(session: Session, settings: Settings, moment: datetime, meanings: Meanings | None, row: list[str]) -> list[str]:
    language, topic, text, _ = row
    place = Places.load(session).find(text)
    asked = filters.parse(text, moment, place.span if place else None, settings.country)
    query = Query(topic, place, asked.filters, text=text, language=language)
    return [card.name for card in search(session, query, moment, settings, meanings).cards]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[2]}")
def test_the_right_one_comes_first(
    session: Session, settings: Settings, at: At, meanings: Meanings, score: dict[str, list[bool]], row: list[str]
) -> None:
    names = first_names(session, settings, at("2026-11-24 10:00"), meanings, row)
    score[row[0]].append(bool(names) and names[0] in row[3].split("|"))
    assert score[row[0]][-1], names


def test_every_language_is_asked() -> None:
    asked = [row[0] for row in ROWS]
    assert len(ROWS) >= 120
    assert all(asked.count(language) >= 8 for language in LANGUAGES)


def test_without_meanings_most_are_right_too(session: Session, settings: Settings, at: At) -> None:
    """The words alone must carry a city that has no room for the encoder."""
    moment = at("2026-11-24 10:00")
    right = sum(first_names(session, settings, moment, None, row)[0] in row[3].split("|") for row in ROWS)
    assert right >= 0.9 * len(ROWS), f"{right} of {len(ROWS)}"
