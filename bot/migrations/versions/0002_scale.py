"""alerts to the administrator

Revises: 0002_search
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_scale"
down_revision = "0002_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_problem",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("told_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )


def downgrade() -> None:
    op.drop_table("known_problem")
