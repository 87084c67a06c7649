"""The database: engine, transactions, and the base of every table.

SQLite or PostgreSQL, chosen by the URL. A transaction is short and closed before anything is waited for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import DateTime, create_engine, event, text
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from bot.errors import DatabaseUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """Base of all tables."""


class Moment(TypeDecorator[datetime]):
    """An aware point in time, stored in UTC; SQLite itself would lose the zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def connect(url: str, wait: float = 5) -> Engine:
    """An engine for a SQLite or PostgreSQL URL; nothing is opened yet.

    `wait` is how many seconds SQLite waits for another process's lock, and PostgreSQL for a connection.
    """
    if not url.startswith("sqlite"):
        # A pool as large as the threads that may want one. A server that hangs is given up, or every thread would wait for it.
        arguments = {"connect_timeout": max(2, round(wait)), "options": "-c statement_timeout=15000"}
        arguments |= {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        return create_engine(
            url,
            connect_args=arguments,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
            pool_size=16,
            max_overflow=16,
            pool_timeout=wait,
        )
    path = url.removeprefix("sqlite:///")
    if path and path != url:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, connect_args={"timeout": wait}, hide_parameters=True, pool_size=16, max_overflow=16, pool_timeout=wait
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


class Database:
    """One engine, and the two kinds of transaction there are.

    `wait` is how many seconds SQLite waits for another process's lock.
    """

    def __init__(self, url: str, wait: float = 5) -> None:
        self.url = url
        self.engine = connect(url, wait)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back on any error.

        Raises DatabaseUnavailable when the database is locked, full or away.
        """
        with self._session(writes=True) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads. Raises DatabaseUnavailable."""
        with self._session(writes=False) as session:
            yield session

    @contextmanager
    def _session(self, writes: bool) -> Iterator[Session]:
        try:
            engine = self.engine.execution_options(careline_writes=writes)
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except (OperationalError, TimeoutError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise DatabaseUnavailable(
                f"The database does not answer ({reason}): check the disk, and that nothing else holds it."
            ) from error

    def migrate(self, version: str = "head") -> None:
        """Bring the tables to the newest version, or up to `version`. Raises DatabaseUnavailable."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            with self.engine.execution_options(careline_writes=True).begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, version)
        except OperationalError as error:
            raise DatabaseUnavailable(f"The database cannot be prepared ({error.orig}).") from error

    def check(self) -> None:
        """Answer quietly if the database does. Raises DatabaseUnavailable."""
        with self.read() as session:
            session.execute(text("SELECT 1"))


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read lock fails without waiting when two do it.
    writes = connection.get_execution_options().get("careline_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
