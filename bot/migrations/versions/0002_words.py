"""the words residents use

Revises: 0002_scale
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_words"
down_revision = "0002_scale"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "local_word",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("word", sa.String(length=80), nullable=False),
        sa.Column("ordinary", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "local_topic",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("leads_to", sa.String(length=60), nullable=False),
        sa.Column("services", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("local_topic")
    op.drop_table("local_word")
