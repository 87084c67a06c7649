"""STOP by purpose, safe contact, erasure, blocked numbers, spending, kept keys

Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_safe"
down_revision = "0002_hsds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversation") as batch:
        batch.add_column(sa.Column("person_hash", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("sensitive_at", sa.DateTime(), nullable=True))
        batch.add_column(sa.Column("safe_to_contact", sa.Boolean(), nullable=True))
        batch.create_index("ix_conversation_person_hash", ["person_hash"], unique=False)
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("purpose", sa.String(length=10), nullable=False, server_default="answers"))

    # A STOP so far was one for everything.
    op.rename_table("opt_out", "opt_out_before")
    op.create_table(
        "opt_out",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number_hash", "purpose", name="opt_out_by_purpose"),
    )
    for purpose in ("answers", "followups", "alerts"):
        op.execute(
            "INSERT INTO opt_out (number_hash, purpose, source, since) "
            f"SELECT number_hash, '{purpose}', 'word', since FROM opt_out_before"
        )
    op.drop_table("opt_out_before")

    op.create_table(
        "erasure",
        sa.Column("receipt", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("receipt"),
    )
    op.create_table(
        "erasure_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(length=12), nullable=True),
        sa.Column("place", sa.String(length=10), nullable=False),
        sa.Column("target", sa.LargeBinary(), nullable=False),
        sa.Column("before", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["receipt"], ["erasure.receipt"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_erasure_task_receipt", "erasure_task", ["receipt"])
    op.create_index("ix_erasure_task_due_at", "erasure_task", ["due_at"])
    op.create_table(
        "blocked_number",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number_hash"),
    )
    op.create_table(
        "spent_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "sealed_key",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    for table in ("sealed_key", "spent_day", "blocked_number", "erasure_task", "erasure"):
        op.drop_table(table)
    op.rename_table("opt_out", "opt_out_by_purpose")
    op.create_table(
        "opt_out",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number_hash"),
    )
    op.execute(
        "INSERT INTO opt_out (number_hash, since) SELECT number_hash, min(since) FROM opt_out_by_purpose GROUP BY number_hash"
    )
    op.drop_table("opt_out_by_purpose")
    # Not in batch mode: on SQLite that makes the table anew, and its rows' messages would go with the old one.
    op.drop_column("outbox", "purpose")
    op.drop_index("ix_conversation_person_hash", "conversation")
    for column in ("safe_to_contact", "sensitive_at", "person_hash"):
        op.drop_column("conversation", column)
