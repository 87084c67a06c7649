"""A database of its own for each test, and one with the demo directory for all."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory.importer import import_package
from bot.settings import Settings
from tests.bot.directory.packages import DEMO, Rows, new_database, write_tables


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    database = new_database(tmp_path / "test.db")
    yield database
    database.engine.dispose()


@pytest.fixture
def package(tmp_path: Path) -> Callable[[dict[str, Rows]], Path]:
    """Writes a package into a new folder each time."""
    folders = iter(range(100))
    return lambda tables: write_tables(tmp_path / f"package{next(folders)}", tables)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the demo directory; tests only read it."""
    database = new_database(tmp_path_factory.mktemp("demo") / "demo.db")
    import_package(database, DEMO)
    yield database
    database.engine.dispose()


@pytest.fixture
def session(demo: Database) -> Iterator[Session]:
    """A session on the demo directory."""
    with demo.read() as session:
        yield session


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings as they are when nothing is set."""
    return Settings.from_env({})


@pytest.fixture(scope="session")
def at(settings: Settings) -> Callable[[str], datetime]:
    """Reads a local time of the demo town, such as "2026-11-23 15:00"."""
    return lambda text: datetime.fromisoformat(text).replace(tzinfo=settings.time_zone)
