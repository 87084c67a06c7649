"""Keys rotate: everything is sealed anew, nobody is lost, and the old key opens nothing any more."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bot import encryption, opt_out, rotation
from bot.careline import Careline
from bot.clock import now
from bot.encryption import Vault
from bot.errors import DataError
from bot.my_data import everything
from bot.settings import Settings
from tests.conftest import Texter, environment


def opened(home: Path, keys: str) -> Careline:
    return Careline.open(Settings.from_env(environment(home) | {"CARELINE_SECRET_KEY": keys}))


def test_rotating_loses_nobody_and_ends_the_old_key(texter: Texter, other: Texter, careline: Careline, tmp_path: Path) -> None:
    texter("where can my neighbour Ermintrude learn to read")
    texter("0")
    other("STOP")
    url = f"sqlite:///{tmp_path / 'tracker.db'}"
    engine = create_engine(url)
    from bot.nlu.tracker import DIALOGUE, create_table  # imports Rasa

    sealed = encryption.vault().seal_bytes(b'{"text": "Ermintrude"}')
    create_table(engine)
    with engine.begin() as connection:
        connection.execute(DIALOGUE.insert().values(conversation_id="a", events=sealed, changed_at=now().replace(tzinfo=None)))

    both = opened(tmp_path, "the new key,a key for tests only")
    heard: list[int] = []
    assert rotation.rotate(both.database, encryption.vault(), url, heard.append) >= 3
    assert rotation.rotate(both.database, encryption.vault(), url) >= 3, "again, as after a crash"
    assert heard
    both.database.engine.dispose()

    alone = opened(tmp_path, "the new key")
    with alone.database.read() as session:
        assert "Ermintrude" in str(everything(session, texter.number))
        assert opt_out.stopped(session, other.number)
    with engine.begin() as connection:
        data = bytes(connection.execute(text("SELECT events FROM dialogue")).scalar_one())
    assert b"Ermintrude" in encryption.vault().open_bytes(data)
    with pytest.raises(DataError):
        Vault(["a key for tests only"]).open_bytes(data)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("careline.db*"))
    assert b"Ermintrude" not in raw
    alone.database.engine.dispose()
    engine.dispose()
    with pytest.raises(DataError):
        opened(tmp_path, "a key for tests only")


def test_what_was_sealed_before_can_be_opened_while_both_keys_are_there(
    texter: Texter, careline: Careline, tmp_path: Path
) -> None:
    texter("where can my neighbour Ermintrude learn to read")
    both = opened(tmp_path, "the new key,a key for tests only")
    with both.database.read() as session:
        assert "Ermintrude" in str(everything(session, texter.number))
    both.database.engine.dispose()
