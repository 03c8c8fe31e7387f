"""E-mails that are to be sent, and whether a job's scout frames have all ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; of the jobs that are there nobody is told that their scouts have ended."""
    op.add_column("job", sa.Column("scouts_ended", sa.Boolean(), nullable=True))
    op.create_table(
        "notification",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.DateTime(), nullable=False),
        sa.Column("sent", sa.DateTime(), nullable=True),
        sa.Column("given_up", sa.DateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_notification_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    unsent = sa.text("sent IS NULL AND given_up IS NULL")
    op.create_index("ix_notification_unsent", "notification", ["next_try"], sqlite_where=unsent, postgresql_where=unsent)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("notification")
    op.drop_column("job", "scouts_ended")
