"""Alembic's environment: always online, on the connection that `Database.migrate` gives."""

from alembic import context

from bot.migrations.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata(), render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
