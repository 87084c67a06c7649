"""the desk

Revises: 0002_voice
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_desk"
down_revision = "0002_voice"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("audit_staff", ["staff_id", "at"], unique=False)
        batch_op.create_index("audit_subject", ["subject"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_at"), ["at"], unique=False)

    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("sign_in_attempt", schema=None) as batch_op:
        batch_op.create_index("sign_in_attempt_address", ["address", "at"], unique=False)
        batch_op.create_index("sign_in_attempt_who", ["who", "at"], unique=False)

    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("topics", sa.String(), nullable=False),
        sa.Column("languages", sa.String(), nullable=False),
        sa.Column("hours", sa.String(), nullable=False),
        sa.Column("duty_number", sa.LargeBinary(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "staff_session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("password", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_session_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "team_member",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "staff_id"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("origin", sa.String(length=80), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["escalation_case.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("alert_due", ["status", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_case_id"), ["case_id"], unique=False)

    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(length=120), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["escalation_case.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_event_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_event_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "bridge_parcel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("once", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["escalation_case.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once"),
    )
    with op.batch_alter_table("bridge_parcel", schema=None) as batch_op:
        batch_op.create_index("bridge_parcel_due", ["status", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_bridge_parcel_case_id"), ["case_id"], unique=False)

    # Added in place: rebuilding a table would, on SQLite, empty those that refer to it.
    op.add_column("escalation_case", sa.Column("team_id", sa.Integer(), nullable=True))
    op.add_column("escalation_case", sa.Column("active_at", sa.DateTime(), nullable=True))
    op.add_column("escalation_case", sa.Column("answered_at", sa.DateTime(), nullable=True))
    op.add_column("escalation_case", sa.Column("back_untold", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("reminders", "rings", "level"):
        op.add_column("escalation_case", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in ("rung_at", "asked_helped_at", "follow_up_at"):
        op.add_column("escalation_case", sa.Column(name, sa.DateTime(), nullable=True))
    op.add_column("escalation_case", sa.Column("helped", sa.String(length=12), nullable=True))
    op.add_column("escalation_case", sa.Column("external_id", sa.String(length=80), nullable=True))
    op.create_index("escalation_case_external", "escalation_case", ["external_id"])
    # Cases under way when this is installed were taken up by now at the latest.
    op.execute("UPDATE escalation_case SET active_at = opened_at WHERE status = 'claimed'")
    # Whoever could sign in before did everything there was; the first one keeps the accounts from now on.
    op.add_column("staff", sa.Column("role", sa.String(length=20), nullable=False, server_default="staff"))
    op.execute("UPDATE staff SET role = 'administrator' WHERE id = (SELECT min(id) FROM staff)")
    op.add_column("staff", sa.Column("subject", sa.String(length=300), nullable=True))
    op.add_column("staff", sa.Column("languages", sa.String(), nullable=False, server_default="[]"))
    op.add_column("staff", sa.Column("second_factor", sa.LargeBinary(), nullable=True))
    op.add_column("staff", sa.Column("second_factor_step", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("staff_subject", "staff", ["subject"], unique=True)
    _protect_audit()


#: An entry of the audit log is never changed, nor removed before 400 days are over (bot.audit.KEPT_DAYS).
SQLITE = (
    "CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END",
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN OLD.at > datetime('now', '-400 days') "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is kept'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' AND OLD.at <= (now() AT TIME ZONE 'utc') - interval '400 days' THEN RETURN OLD; END IF; "
    "RAISE EXCEPTION 'the audit log is neither changed nor removed'; END $$",
    "CREATE TRIGGER audit_guard BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()",
)


def _protect_audit() -> None:
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_guard ON audit")
        op.execute("DROP TRIGGER audit_whole ON audit")
        op.execute("DROP FUNCTION audit_guard()")
    op.drop_index("staff_subject", "staff")
    for name in ("role", "subject", "languages", "second_factor", "second_factor_step"):
        op.drop_column("staff", name)
    op.drop_index("escalation_case_external", "escalation_case")
    for name in (
        "team_id", "active_at", "answered_at", "back_untold", "reminders", "rings", "level", "rung_at", "asked_helped_at",
        "follow_up_at", "helped", "external_id",
    ):  # fmt: skip
        op.drop_column("escalation_case", name)
    for name in ("bridge_parcel", "case_event", "alert", "team_member", "staff_session", "team", "sign_in_attempt", "audit"):
        op.drop_table(name)
