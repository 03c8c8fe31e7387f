"""Jobs whose scout frames start before the last file is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say of every job that its manifest is the whole one."""
    op.add_column("job", sa.Column("for_scouts", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Forget it: what was still to come does not come."""
    op.drop_column("job", "for_scouts")
