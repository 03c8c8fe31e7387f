"""Which agent brings which file home, of those that share the work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing is claimed yet."""
    op.create_table(
        "download_claim",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("share", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("home", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_download_claim_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "share", "seq", name=op.f("pk_download_claim")),
    )
    op.create_index(op.f("ix_download_claim_expires"), "download_claim", ["expires"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("download_claim")
