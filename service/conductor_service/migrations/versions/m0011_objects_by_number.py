"""Objects have numbers, by which the tables know them that have a row for each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_DIGEST = sa.String(length=80)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("packed_object", "project_object", "object")
#: tables that go on knowing an object by its digest
_BY_DIGEST = ("manifest_object", "output", "project_file", "presence_lease")


def upgrade() -> None:
    """Make the three tables anew, with all that is in them."""
    _set_aside()
    _create_object(numbered=True)
    op.execute(
        "INSERT INTO object (digest, size, created, lost, removed)"
        " SELECT digest, size, created, lost, removed FROM kept_object ORDER BY digest"
    )
    _create_others("object_id", _NUMBER, "object.id", rowid=True)
    op.execute(
        'INSERT INTO packed_object (object_id, pack_id, "offset")'
        ' SELECT o.id, k.pack_id, k."offset" FROM kept_packed_object k JOIN object o ON o.digest = k.digest ORDER BY o.id'
    )
    op.execute(
        "INSERT INTO project_object (project_id, object_id, created, leased)"
        " SELECT k.project_id, o.id, k.created, k.leased FROM kept_project_object k"
        " JOIN object o ON o.digest = k.digest ORDER BY k.project_id, o.id"
    )
    _forget_kept()


def downgrade() -> None:
    """Make the three tables as they were."""
    _set_aside()
    _create_object(numbered=False)
    op.execute(
        "INSERT INTO object (digest, size, created, lost, removed)"
        " SELECT digest, size, created, lost, removed FROM kept_object ORDER BY digest"
    )
    _create_others("digest", _DIGEST, "object.digest", rowid=False)
    op.execute(
        'INSERT INTO packed_object (digest, pack_id, "offset")'
        ' SELECT o.digest, k.pack_id, k."offset" FROM kept_packed_object k JOIN kept_object o ON o.id = k.object_id'
    )
    op.execute(
        "INSERT INTO project_object (project_id, digest, created, leased)"
        " SELECT k.project_id, o.digest, k.created, k.leased FROM kept_project_object k"
        " JOIN kept_object o ON o.id = k.object_id"
    )
    _forget_kept()


def _set_aside() -> None:
    """Copy the tables and drop them. SQLite refers to tables by name (`env.py`); PostgreSQL has to forget who refers to them."""
    if op.get_context().dialect.name == "postgresql":
        for table in _BY_DIGEST:
            op.drop_constraint(op.f(f"fk_{table}_digest_object"), table, type_="foreignkey")
    for table in _TABLES:
        op.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - names of this module
    op.drop_index("ix_object_lost", "object")
    op.drop_index(op.f("ix_packed_object_pack_id"), "packed_object")
    for table in _TABLES:
        op.drop_table(table)


def _create_object(*, numbered: bool) -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("lost", sa.DateTime(), nullable=True),
        sa.Column("removed", sa.DateTime(), nullable=True),
    ]
    if numbered:
        op.create_table(
            "object",
            sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("id", name=op.f("pk_object")),
            sa.UniqueConstraint("digest", name=op.f("uq_object_digest")),
        )
    else:
        op.create_table("object", *columns, sa.PrimaryKeyConstraint("digest", name=op.f("pk_object")))
    lost = sa.text("lost IS NOT NULL")
    op.create_index("ix_object_lost", "object", ["lost"], sqlite_where=lost, postgresql_where=lost)


def _create_others(key: str, kind: sa.types.TypeEngine[Any], refers: str, *, rowid: bool) -> None:
    """Make the tables that know an object by `key`.

    Args:
        rowid: whether it is the packed objects' table, and not the projects', whose rows SQLite numbers by itself.
    """
    op.create_table(
        "packed_object",
        sa.Column(key, kind, autoincrement=False, nullable=False),
        sa.Column("pack_id", _NUMBER, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint([key], [refers], name=op.f(f"fk_packed_object_{key}_object")),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_packed_object_pack_id_pack")),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_packed_object")),
        sqlite_with_rowid=rowid,
    )
    op.create_index(op.f("ix_packed_object_pack_id"), "packed_object", ["pack_id"])
    op.create_table(
        "project_object",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column(key, kind, nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("leased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint([key], [refers], name=op.f(f"fk_project_object_{key}_object")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_object_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", key, name=op.f("pk_project_object")),
        sqlite_with_rowid=not rowid,
    )


def _forget_kept() -> None:
    for table in _TABLES:
        op.drop_table(f"kept_{table}")
    if op.get_context().dialect.name == "postgresql":
        for table in _BY_DIGEST:
            op.create_foreign_key(op.f(f"fk_{table}_digest_object"), table, "object", ["digest"], ["digest"])
