"""What was sent is remembered by its path and by what it has in it, for the next version of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what was sent before is not in it."""
    op.create_table(
        "sent_version",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("former", sa.String(length=80), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_sent_version_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_sent_version")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sent_version")
