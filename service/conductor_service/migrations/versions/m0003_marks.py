"""What jobs are found by (their scene and their metadata), and what files of a project are found by (their digest)."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from conductor_core.paths import Flavour

from conductor_service.marks import marks_for

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JOB = sa.table("job", sa.column("id", sa.String()), sa.column("submission", sa.Text()))


def upgrade() -> None:
    """Make table and index, and mark the jobs that are there."""
    op.create_index(op.f("ix_project_file_project_id_digest"), "project_file", ["project_id", "digest"])
    table = op.create_table(
        "job_mark",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_mark_job_id_job")),
        sa.PrimaryKeyConstraint("mark", "job_id", name=op.f("pk_job_mark")),
    )
    connection = op.get_bind()
    ids = connection.execute(sa.select(_JOB.c.id)).scalars().all()
    for job_id in ids:  # one after another: a submission may have megabytes
        text = connection.execute(sa.select(_JOB.c.submission).where(_JOB.c.id == job_id)).scalar_one()
        marks = _marks(json.loads(text))
        op.bulk_insert(table, [{"mark": mark, "job_id": job_id} for mark in sorted(marks)])


def _marks(submission: dict[str, Any]) -> frozenset[str]:
    """Return the marks of a job by what its submission has had from the first: it may have fields that are none any more."""
    return marks_for(submission.get("scene", ""), Flavour(submission["flavour"]), submission.get("metadata", {}))


def downgrade() -> None:
    """Drop table and index."""
    op.drop_table("job_mark")
    op.drop_index(op.f("ix_project_file_project_id_digest"), "project_file")
