"""`python -m bot.migrations "what changes"`: a new migration from the difference between the tables and the newest one."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config

from bot.db import MIGRATIONS, Database


def main(message: str) -> None:
    """Write the migration into the versions folder."""
    number = len(list((MIGRATIONS / "versions").glob("*.py"))) + 1
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'newest.db'}")
        if number > 1:
            database.migrate()
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}")
        database.engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
