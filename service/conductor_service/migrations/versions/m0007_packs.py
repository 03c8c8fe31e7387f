"""Packs, and what a clean-up of the store needs to know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DIGEST = sa.String(length=80)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MARKS = (("object", "lost"), ("object", "removed"), ("project_object", "leased"), ("manifest", "removed"))
_INDEXES = (("job", ("manifest",)), ("output", ("digest",)), ("output", ("preview",)), ("project_file", ("digest", "project_id")))


def upgrade() -> None:
    """Make the tables; nothing is packed yet. Leases on single objects run out: a question takes new ones."""
    op.create_table(
        "pack",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
        sa.UniqueConstraint("digest", name=op.f("uq_pack_digest")),
    )
    op.create_table(
        "packed_object",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("pack_id", _NUMBER, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_packed_object_digest_object")),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_packed_object_pack_id_pack")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_packed_object")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_packed_object_pack_id"), "packed_object", ["pack_id"])
    op.create_table(
        "discarded",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_discarded")),
    )
    for table, column in _MARKS:
        op.add_column(table, sa.Column(column, sa.DateTime(), nullable=True))
    lost = sa.text("lost IS NOT NULL")
    op.create_index("ix_object_lost", "object", ["lost"], sqlite_where=lost, postgresql_where=lost)
    op.drop_index(op.f("ix_project_file_project_id_digest"), "project_file")
    for table, columns in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def downgrade() -> None:
    """Drop the tables; what was packed is lost to the version before, and is sent again."""
    for table, columns in reversed(_INDEXES):
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    op.create_index(op.f("ix_project_file_project_id_digest"), "project_file", ["project_id", "digest"])
    op.drop_index("ix_object_lost", "object")
    for table, column in reversed(_MARKS):
        op.drop_column(table, column)
    op.drop_table("discarded")
    op.drop_table("packed_object")
    op.drop_table("pack")
