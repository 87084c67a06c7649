"""The migration of the STOP ledger and what came with it: nobody's STOP is lost, in either direction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from bot.db import MIGRATIONS, Database


def to(database: Database, revision: str, back: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.execution_options(careline_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, revision)


def test_a_stop_from_before_is_one_for_every_purpose(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    to(database, "0001")
    with database.engine.execution_options(careline_writes=True).begin() as connection:
        connection.execute(text("INSERT INTO opt_out (number_hash, since) VALUES ('abc', '2026-01-01 00:00:00')"))
        connection.execute(
            text(
                "INSERT INTO conversation (id, channel, language_chosen, created_at, last_message_at) "
                "VALUES ('c', 'sms', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
            )
        )
        connection.execute(
            text("INSERT INTO message (conversation_id, text, state, received_at) VALUES ('c', x'00', 'answered', '2026-01-01')")
        )
    to(database, "0002_safe")
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT purpose, source FROM opt_out ORDER BY purpose")).all()
        assert [tuple(row) for row in rows] == [("alerts", "word"), ("answers", "word"), ("followups", "word")]
        assert connection.execute(text("SELECT count(*) FROM message")).scalar() == 1
    to(database, "0001", back=True)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT number_hash FROM opt_out")).scalars().all() == ["abc"]
        assert connection.execute(text("SELECT count(*) FROM message")).scalar() == 1, "nothing goes with a table made anew"
        assert "erasure" not in inspect(connection).get_table_names()
    database.engine.dispose()
