"""the trace of what is still owed, for the worker's logs and spans

Revises: 0002_words
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_trace"
down_revision = "0002_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("trace", sa.String(length=32), nullable=True))
    op.add_column("outbox", sa.Column("trace", sa.String(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("trace")
    with op.batch_alter_table("message") as batch:
        batch.drop_column("trace")
