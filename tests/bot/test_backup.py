"""What was backed up comes back, row for row; what is no back-up is refused and changes nothing."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.backup import backup, restore
from bot.careline import Careline
from bot.conversation import Conversation, Message
from bot.db import Database
from bot.errors import DataError
from bot.inbound import Inbound
from bot.migrations.tables import metadata
from bot.turn import take_turn
from tests.bot.directory.packages import new_database
from tests.fakes import FakeDialogue

SECRET = "my mother Ermintrude fell"


@pytest.fixture
def used(careline: Careline, dialogue: FakeDialogue) -> Careline:
    """A service that somebody has written to."""
    for number, words in enumerate((SECRET, "STOP", "我想见人", "START", "human")):
        take_turn(careline, dialogue, Inbound("sms", words, number="+447700900123", provider_id=f"SM{number}"))
    return careline


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata().sorted_tables
        }


def empty(path: Path) -> Database:
    """A database without tables."""
    database = new_database(path)
    metadata().drop_all(database.engine)
    return database


def test_everything_comes_back(used: Careline, tmp_path: Path) -> None:
    file, fresh = tmp_path / "careline.zip", empty(tmp_path / "fresh.db")
    counts = backup(used.database, file)
    assert counts["message"] == 5
    assert restore(fresh, file) == counts
    assert rows(fresh) == rows(used.database)
    with fresh.begin() as session:
        assert session.scalars(select(Message.text).order_by(Message.id)).first() == SECRET
        conversation = session.scalars(select(Conversation)).one()
        session.add(Message(conversation_id=conversation.id, text="a new one gets an id of its own"))
    fresh.engine.dispose()


def test_no_word_of_anybody_is_readable_in_the_file(used: Careline, tmp_path: Path) -> None:
    file = tmp_path / "careline.zip"
    backup(used.database, file)
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Ermintrude" not in content
    assert b"7700900123" not in content


def test_a_database_that_is_used_is_not_overwritten(used: Careline, tmp_path: Path) -> None:
    file = tmp_path / "careline.zip"
    backup(used.database, file)
    before = rows(used.database)
    with pytest.raises(DataError, match="not empty"):
        restore(used.database, file)
    assert rows(used.database) == before


@pytest.mark.parametrize("damage", ["cut", "not a zip", "no about", "a row missing"])
def test_what_is_no_back_up_is_refused(used: Careline, tmp_path: Path, damage: str) -> None:
    file, fresh = tmp_path / "careline.zip", empty(tmp_path / "fresh.db")
    backup(used.database, file)
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "not a zip":
        file.write_bytes(b"hello")
    else:
        with zipfile.ZipFile(file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        if damage == "no about":
            del parts["about.json"]
        else:
            parts["message.jsonl"] = b"".join(parts["message.jsonl"].splitlines(keepends=True)[1:])
        with zipfile.ZipFile(file, "w") as archive:
            for name, part in parts.items():
                archive.writestr(name, part)
    with pytest.raises(DataError):
        restore(fresh, file)
    if damage == "a row missing":
        assert not any(rows(fresh)[name] for name in ("message", "conversation"))
    fresh.engine.dispose()
