"""What jobs are found by (their scene and their metadata), and what files of a project are found by (their digest)."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from conductor_core.documents import from_json
from conductor_core.submission import Submission

from conductor_service.marks import marks_of

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
    for job_id, text in op.get_bind().execute(sa.select(_JOB.c.id, _JOB.c.submission)).all():
        marks = marks_of(from_json(Submission, json.loads(text)))
        op.bulk_insert(table, [{"mark": mark, "job_id": job_id} for mark in sorted(marks)])


def downgrade() -> None:
    """Drop table and index."""
    op.drop_table("job_mark")
    op.drop_index(op.f("ix_project_file_project_id_digest"), "project_file")
