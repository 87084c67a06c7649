"""Alembic's environment: always online, on the connection that `Database.migrate` gives."""

from typing import Any, Literal

from alembic import context

from bot.db import Moment
from bot.encryption import Sealed
from bot.migrations.tables import metadata


def _render(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Our own column types stand in migrations as what the database sees, so that old ones outlive a change of ours."""
    if kind == "type" and isinstance(item, Sealed):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_as_batch=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
