"""what search compares: things, groups, ways, meaning

Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_search"
down_revision = "0002_safe"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The columns stay empty until the directory is imported again; a search does without them."""
    with op.batch_alter_table("service_listing", schema=None) as batch_op:
        for name in ("needs", "groups", "ways"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=" "))
    op.create_table(
        "service_vector",
        sa.Column("service_id", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service_id"),
    )


def downgrade() -> None:
    op.drop_table("service_vector")
    with op.batch_alter_table("service_listing", schema=None) as batch_op:
        for name in ("ways", "groups", "needs"):
            batch_op.drop_column(name)
