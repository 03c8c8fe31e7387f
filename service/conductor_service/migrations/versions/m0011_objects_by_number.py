"""Objects and manifests have numbers, by which the tables know them that have a row for each."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

log = logging.getLogger(__name__)

_DIGEST = sa.String(length=80)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("packed_object", "project_object", "manifest_object", "manifest", "object")
#: tables that go on knowing an object, or a manifest, by its digest: their columns, and what those refer to
_BY_DIGEST = (
    ("output", "digest", "object"),
    ("project_file", "digest", "object"),
    ("presence_lease", "digest", "object"),
    ("job", "manifest", "manifest"),
)
_COPIED = (
    "INSERT INTO object (digest, size, created, lost, removed)"
    " SELECT digest, size, created, lost, removed FROM kept_object ORDER BY digest",
    "INSERT INTO manifest (digest, size, entries, created, removed)"
    " SELECT digest, size, entries, created, removed FROM kept_manifest ORDER BY digest",
)


def upgrade() -> None:
    """Make the tables anew, with all that is in them."""
    _set_aside()
    _create(numbered=True)
    for statement in (
        *_COPIED,
        'INSERT INTO packed_object (object_id, pack_id, "offset")'
        ' SELECT o.id, k.pack_id, k."offset" FROM kept_packed_object k JOIN object o ON o.digest = k.digest ORDER BY o.id',
        "INSERT INTO project_object (project_id, object_id, created, leased)"
        " SELECT k.project_id, o.id, k.created, k.leased FROM kept_project_object k"
        " JOIN object o ON o.digest = k.digest ORDER BY k.project_id, o.id",
        "INSERT INTO manifest_object (manifest_id, object_id)"
        " SELECT m.id, o.id FROM kept_manifest_object k JOIN manifest m ON m.digest = k.manifest"
        " JOIN object o ON o.digest = k.digest ORDER BY m.id, o.id",
    ):
        op.execute(statement)
    _forget_kept()


def downgrade() -> None:
    """Make the tables as they were."""
    _set_aside()
    _create(numbered=False)
    for statement in (
        *_COPIED,
        'INSERT INTO packed_object (digest, pack_id, "offset")'
        ' SELECT o.digest, k.pack_id, k."offset" FROM kept_packed_object k JOIN kept_object o ON o.id = k.object_id',
        "INSERT INTO project_object (project_id, digest, created, leased)"
        " SELECT k.project_id, o.digest, k.created, k.leased FROM kept_project_object k"
        " JOIN kept_object o ON o.id = k.object_id",
        "INSERT INTO manifest_object (manifest, digest)"
        " SELECT m.digest, o.digest FROM kept_manifest_object k JOIN kept_manifest m ON m.id = k.manifest_id"
        " JOIN kept_object o ON o.id = k.object_id",
    ):
        op.execute(statement)
    _forget_kept()


def _set_aside() -> None:
    """Give the tables other names, while those who refer to them go on naming what will be there.

    In SQLite tables are referred to by name (with `env.py`, and where a new name is not told to the others). PostgreSQL has to
    forget who refers to them, and the names of keys, which are its own.
    """
    op.drop_index("ix_object_lost", "object")
    op.drop_index(op.f("ix_packed_object_pack_id"), "packed_object")
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("PRAGMA legacy_alter_table=ON")  # https://www.sqlite.org/pragma.html#pragma_legacy_alter_table
    else:
        for table, column, refers in _BY_DIGEST:
            op.drop_constraint(op.f(f"fk_{table}_{column}_{refers}"), table, type_="foreignkey")
    for table in _TABLES:
        op.rename_table(table, f"kept_{table}")
    if sqlite:
        op.execute("PRAGMA legacy_alter_table=OFF")
    else:
        for table in _TABLES:
            for key in sa.inspect(op.get_bind()).get_indexes(f"kept_{table}"):
                op.execute(f"ALTER INDEX {key['name']} RENAME TO kept_{key['name']}")
            op.execute(f"ALTER TABLE kept_{table} RENAME CONSTRAINT pk_{table} TO pk_kept_{table}")


def _create(*, numbered: bool) -> None:
    """Make the tables, empty; with numbers, or as they were."""
    _create_known("object", (("lost", sa.DateTime()), ("removed", sa.DateTime())), numbered=numbered)
    lost = sa.text("lost IS NOT NULL")
    op.create_index("ix_object_lost", "object", ["lost"], sqlite_where=lost, postgresql_where=lost)
    _create_known("manifest", (("removed", sa.DateTime()),), numbered=numbered)
    kind, objects, key = (_NUMBER, "object.id", "object_id") if numbered else (_DIGEST, "object.digest", "digest")
    op.create_table(
        "packed_object",
        sa.Column(key, kind, autoincrement=False, nullable=False),
        sa.Column("pack_id", _NUMBER, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint([key], [objects], name=op.f(f"fk_packed_object_{key}_object")),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_packed_object_pack_id_pack")),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_packed_object")),
        sqlite_with_rowid=numbered,
    )
    op.create_index(op.f("ix_packed_object_pack_id"), "packed_object", ["pack_id"])
    op.create_table(
        "project_object",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column(key, kind, nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("leased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint([key], [objects], name=op.f(f"fk_project_object_{key}_object")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_object_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", key, name=op.f("pk_project_object")),
        sqlite_with_rowid=not numbered,
    )
    manifests, name = ("manifest.id", "manifest_id") if numbered else ("manifest.digest", "manifest")
    op.create_table(
        "manifest_object",
        sa.Column(name, kind, nullable=False),
        sa.Column(key, kind, nullable=False),
        sa.ForeignKeyConstraint([key], [objects], name=op.f(f"fk_manifest_object_{key}_object")),
        sa.ForeignKeyConstraint([name], [manifests], name=op.f(f"fk_manifest_object_{name}_manifest")),
        sa.PrimaryKeyConstraint(name, key, name=op.f("pk_manifest_object")),
        sqlite_with_rowid=not numbered,
    )


def _create_known(table: str, marks: tuple[tuple[str, sa.types.TypeEngine[Any]], ...], *, numbered: bool) -> None:
    """Make a table of what has a digest."""
    columns: list[sa.Column[Any]] = [
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        *([sa.Column("entries", sa.Integer(), nullable=False)] if table == "manifest" else []),
        sa.Column("created", sa.DateTime(), nullable=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in marks),
    ]
    if numbered:
        op.create_table(
            table,
            sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("digest", name=op.f(f"uq_{table}_digest")),
        )
    else:
        op.create_table(table, *columns, sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{table}")))


def _forget_kept() -> None:
    for table in _TABLES:
        before, now = (
            op.get_bind().execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 - names of this module
            for name in (f"kept_{table}", table)
        )
        if before != now:
            log.warning("%d rows of table %s referred to nothing, and are left out.", before - now, table)
    for table in _TABLES:
        op.drop_table(f"kept_{table}")
    if op.get_context().dialect.name == "postgresql":
        for table, column, refers in _BY_DIGEST:
            op.create_foreign_key(op.f(f"fk_{table}_{column}_{refers}"), table, refers, [column], ["digest"])
