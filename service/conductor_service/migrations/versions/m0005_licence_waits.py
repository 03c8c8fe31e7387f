"""Jobs that wait for a licence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; no job waits yet."""
    op.create_table(
        "licence_wait",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("probe", sa.String(length=32), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_licence_wait_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_licence_wait")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("licence_wait")
