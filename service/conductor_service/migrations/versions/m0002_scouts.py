"""Which tasks are rendered first, and which wait until somebody has seen those."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of the jobs that are there none has scout frames."""
    for name in ("scout", "awaits_release"):
        op.add_column("task", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_task_scouts",
        "task",
        ["job_id", "state", "index"],
        sqlite_where=sa.text("scout = 1"),
        postgresql_where=sa.text("scout"),
    )


def downgrade() -> None:
    """Take the columns away."""
    op.drop_index("ix_task_scouts", "task")
    for name in ("awaits_release", "scout"):
        op.drop_column("task", name)
