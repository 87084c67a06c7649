"""Changes made in the directory by hand, its version, and reports that a record is wrong.

Revision ID: 0002_hsds
Revises: 0002_kiosk
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_hsds"
down_revision = "0002_kiosk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "directory_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("staff", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("resource", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.String(length=100), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("batch", sa.String(length=36), nullable=False),
        sa.Column("undoes", sa.String(length=36), nullable=True),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("directory_change", schema=None) as batch_op:
        batch_op.create_index("directory_change_record", ["resource", "record_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_directory_change_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_directory_change_subject"), ["subject"], unique=False)
        batch_op.create_index(batch_op.f("ix_directory_change_batch"), ["batch"], unique=False)
    op.create_table(
        "record_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(length=100), nullable=True),
        sa.Column("service_id", sa.String(length=100), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=True),
        sa.Column("reported_at", sa.DateTime(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("handled_at", sa.DateTime(), nullable=True),
        sa.Column("handled_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("record_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_report_record_id"), ["record_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_report_service_id"), ["service_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_report_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_report_status"), ["status"], unique=False)
    # Ids of records may have 100 characters; PostgreSQL would refuse the long ones.
    with op.batch_alter_table("escalation_case", schema=None) as batch_op:
        batch_op.alter_column("record_id", existing_type=sa.String(length=64), type_=sa.String(length=100))


def downgrade() -> None:
    with op.batch_alter_table("escalation_case", schema=None) as batch_op:
        batch_op.alter_column("record_id", existing_type=sa.String(length=100), type_=sa.String(length=64))
    op.drop_table("record_report")
    op.drop_table("directory_change")
    op.drop_table("directory_state")
