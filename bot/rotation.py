"""Rotating keys: `careline rotate` seals everything anew with the newest key, so that the older ones can be thrown away.

Numbers are found by keyed hash, and a hash cannot be made anew without the number. So the key of the hashes stays the same:
it is kept in the database, sealed like everything else.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Column, LargeBinary, String, Table, inspect, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Database, connect
from bot.encryption import Sealed, Vault
from bot.errors import DatabaseUnavailable

#: Rows sealed anew in one transaction.
BATCH: Final = 500
_HASHES: Final = "hashes"


class SealedKey(Base):
    """A key that is kept in the database, sealed with the service's secrets."""

    __tablename__ = "sealed_key"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


def use_kept_hash_key(database: Database, vault: Vault) -> None:
    """Make `vault` hash with the kept key, if keys have ever been rotated.

    Raises DataError if no secret opens it. Raises DatabaseUnavailable: with another key nobody would be found by their number,
    not even who said STOP, so that a process which starts before the database does must start again.
    """
    try:
        with database.read() as session:
            kept = session.get(SealedKey, _HASHES)
    except (SQLAlchemyError, DatabaseUnavailable):
        database.check()
        return  # it answers: there is no such table yet
    if kept is not None:
        vault.use_hash_key(bytes.fromhex(vault.open(kept.sealed)))


def rotate(database: Database, vault: Vault, tracker_url: str, progress: Callable[[int], None] = lambda rows: None) -> int:
    """Seal every encrypted column, and Rasa's state of conversations, anew with the newest key; how many rows that were.

    May be stopped and begun again. `progress` hears the rows done so far. Raises DataError, DatabaseUnavailable.
    """
    with database.begin() as session:
        session.merge(SealedKey(name=_HASHES, sealed=vault.seal(vault.hash_key.hex())))
    done = 0
    for table, columns in _sealed_columns():
        for rows in _rotated(database, vault, table, columns):
            done += rows
            progress(done)
    return done + _rotate_tracker(tracker_url, vault)


def _sealed_columns() -> Iterator[tuple[Table, list[str]]]:
    for table in Base.metadata.sorted_tables:
        columns = [column.name for column in table.columns if isinstance(column.type, Sealed)]
        if columns:
            yield table, columns


def _rotated(database: Database, vault: Vault, table: Table, columns: list[str]) -> Iterator[int]:
    """Batches in the order of the primary key. The raw bytes are read: opening and sealing is the vault's business."""
    (key,) = table.primary_key.columns
    raw: list[Column[bytes]] = [Column(name, LargeBinary) for name in columns]
    shadow = Table(table.name, table.metadata.__class__(), Column(key.name, key.type, primary_key=True), *raw)
    shadow_key = shadow.c[key.name]
    last = None
    while True:
        query = select(shadow).order_by(shadow_key).limit(BATCH).with_for_update()
        with database.begin() as session:
            rows = session.execute(query if last is None else query.where(shadow_key > last)).all()
            for row in rows:
                found = row._mapping
                anew = {name: vault.reseal(bytes(found[name])) for name in columns if found[name] is not None}
                if anew:
                    session.execute(update(shadow).where(shadow_key == found[key.name]).values(**anew))
        if not rows:
            return
        last = rows[-1]._mapping[key.name]
        yield len(rows)


def _rotate_tracker(url: str, vault: Vault) -> int:
    """Rasa's conversation state; none where there is no such table."""
    engine = connect(url)
    done, last = 0, ""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("dialogue"):
                return 0
        while True:
            with engine.execution_options(careline_writes=True).begin() as connection:
                query = text(
                    "SELECT conversation_id, events FROM dialogue WHERE conversation_id > :last "
                    "ORDER BY conversation_id LIMIT :batch"
                )
                rows = connection.execute(query, {"last": last, "batch": BATCH}).all()
                for conversation_id, events in rows:
                    anew = {"events": vault.reseal(bytes(events)), "id": conversation_id}
                    connection.execute(text("UPDATE dialogue SET events = :events WHERE conversation_id = :id"), anew)
            if not rows:
                return done
            done, last = done + len(rows), rows[-1][0]
    except SQLAlchemyError as error:
        raise DatabaseUnavailable("Rasa's conversation state cannot be reached.") from error
    finally:
        engine.dispose()
