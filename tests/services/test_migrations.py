"""Every released version's tables become the newest, on both databases, with what is in them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from bot import encryption
from bot.conversation import Conversation, Message
from bot.db import MIGRATIONS, Database
from bot.migrations.tables import metadata

pytestmark = pytest.mark.services
REVISIONS = [
    re.search(r'^revision[^=]*= "([^"]+)"', path.read_text(), re.MULTILINE).group(1)  # type: ignore[union-attr]
    for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
]


def upgrade(database: Database, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.execution_options(careline_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_the_newest_tables_are_those_of_the_code(empty: str) -> None:
    database = Database(empty)
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        known = set(metadata().tables)
        different = [
            change
            for change in compare_metadata(context, metadata())
            if not (isinstance(change, tuple) and change[0] in {"remove_table", "remove_index"} and str(change[1]) not in known)
        ]
        assert different == []
        assert set(inspect(connection).get_table_names()) >= known
    database.engine.dispose()


@pytest.mark.parametrize("version", REVISIONS)
def test_a_conversation_survives_from_every_version(empty: str, version: str, tmp_path: Path) -> None:
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(empty)
    upgrade(database, version)
    moment = datetime.now(UTC).replace(tzinfo=None)
    with database.engine.execution_options(careline_writes=True).begin() as connection:
        # In plain SQL: the classes know the newest columns only.
        connection.execute(
            text(
                "INSERT INTO conversation (id, channel, language, language_chosen, created_at, last_message_at) "
                "VALUES ('c1', 'sms', 'ne', :yes, :at, :at)"
            ),
            {"yes": True, "at": moment},
        )
        connection.execute(
            text(
                "INSERT INTO message (conversation_id, provider_id, text, state, received_at) "
                "VALUES ('c1', 'SM1', :text, 'received', :at)"
            ),
            {"text": encryption.vault().seal("खाना"), "at": moment},
        )
    database.migrate()
    with database.read() as session:
        assert session.get_one(Conversation, "c1").language == "ne"
        assert session.get_one(Message, 1).text == "खाना"
    database.engine.dispose()


def test_migrating_twice_changes_nothing(empty: str) -> None:
    database = Database(empty)
    database.migrate()
    database.migrate()
    database.engine.dispose()
