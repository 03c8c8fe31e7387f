"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: in the order in which they can be dropped
TABLES = (
    "project_file",
    "output",
    "late_report",
    "transition",
    "hold",
    "attempt",
    "task",
    "step",
    "token",
    "project_object",
    "presence_lease",
    "job",
    "project",
    "membership",
    "manifest_object",
    "instance",
    "user",
    "object",
    "manifest",
    "event",
    "account",
)

JOB_STATES = ("uploading", "pending", "running", "holding", "success", "failed", "killed")
TASK_STATES = ("pending", "ready", "running", "holding", "success", "failed", "preempted", "killed", "skipped")


def upgrade() -> None:
    """Make all tables, those that others refer to first."""
    _create_account()
    _create_event()
    _create_manifest()
    _create_object()
    _create_user()
    _create_instance()
    _create_manifest_object()
    _create_membership()
    _create_project()
    _create_job()
    _create_presence_lease()
    _create_project_object()
    _create_token()
    _create_step()
    _create_task()
    _create_attempt()
    _create_hold()
    _create_transition()
    _create_late_report()
    _create_output()
    _create_project_file()


def downgrade() -> None:
    """Drop all tables."""
    for table in TABLES:
        op.drop_table(table)


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("instance_limit", sa.Integer(), nullable=False),
        sa.Column("next_job_number", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )


def _create_event() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_event_account_id_seq"), "event", ["account_id", "seq"], unique=False)
    op.create_index(op.f("ix_event_created"), "event", ["created"], unique=False)
    progress = sa.text("kind = 'progress'")
    op.create_index("ix_event_progress", "event", ["created"], sqlite_where=progress, postgresql_where=progress)
    op.create_index(op.f("ix_event_job_id_seq"), "event", ["job_id", "seq"], unique=False)


def _create_manifest() -> None:
    op.create_table(
        "manifest",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_manifest")),
    )


def _create_object() -> None:
    op.create_table(
        "object",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_object")),
    )


def _create_user() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
    )


def _create_instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("preemptible", sa.Boolean(), nullable=False),
        sa.Column("price_per_hour", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("launched", sa.DateTime(), nullable=False),
        sa.Column("ready", sa.DateTime(), nullable=True),
        sa.Column("ended", sa.DateTime(), nullable=True),
        sa.Column("heard", sa.DateTime(), nullable=True),
        sa.Column("idle_since", sa.DateTime(), nullable=True),
        sa.Column("retired", sa.DateTime(), nullable=True),
        sa.Column("host", sa.JSON(), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_instance_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_index(op.f("ix_instance_account_id_ended"), "instance", ["account_id", "ended"], unique=False)


def _create_manifest_object() -> None:
    op.create_table(
        "manifest_object",
        sa.Column("manifest", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_manifest_object_digest_object")),
        sa.ForeignKeyConstraint(["manifest"], ["manifest.digest"], name=op.f("fk_manifest_object_manifest_manifest")),
        sa.PrimaryKeyConstraint("manifest", "digest", name=op.f("pk_manifest_object")),
    )


def _create_membership() -> None:
    op.create_table(
        "membership",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_membership_account_id_account")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_membership_user_id_user")),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_membership")),
    )


def _create_project() -> None:
    op.create_table(
        "project",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_project_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_project_account_id_name")),
    )


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("instance_type", sa.String(), nullable=False),
        sa.Column("preemptible", sa.Boolean(), nullable=False),
        sa.Column("max_instances", sa.Integer(), nullable=False),
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("manifest", sa.String(length=80), nullable=True),
        sa.Column("state", sa.Enum(*JOB_STATES, name="jobstate", native_enum=False, length=16), nullable=False),
        sa.Column("has_dependencies", sa.Boolean(), nullable=False),
        sa.Column("last_output", sa.String(length=32), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_job_account_id_account")),
        sa.ForeignKeyConstraint(["manifest"], ["manifest.digest"], name=op.f("fk_job_manifest_manifest")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_job_project_id_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("account_id", "number", name=op.f("uq_job_account_id_number")),
        sa.UniqueConstraint("account_id", "submission_id", name=op.f("uq_job_account_id_submission_id")),
    )
    op.create_index(
        op.f("ix_job_account_id_instance_type_preemptible_state"),
        "job",
        ["account_id", "instance_type", "preemptible", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_job_project_id"), "job", ["project_id"], unique=False)


def _create_presence_lease() -> None:
    op.create_table(
        "presence_lease",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_presence_lease_digest_object")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_presence_lease_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", "digest", name=op.f("pk_presence_lease")),
    )
    op.create_index(op.f("ix_presence_lease_expires"), "presence_lease", ["expires"], unique=False)


def _create_project_object() -> None:
    op.create_table(
        "project_object",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_project_object_digest_object")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_object_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", "digest", name=op.f("pk_project_object")),
    )


def _create_token() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("instance_id", sa.String(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("revoked", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_token_account_id_account")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_token_instance_id_instance")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_token_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_token_hash")),
    )
    op.create_index(op.f("ix_token_instance_id"), "token", ["instance_id"], unique=False)


def _create_step() -> None:
    op.create_table(
        "step",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("frames", sa.Text(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_step_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("job_id", "name", name=op.f("uq_step_job_id_name")),
    )


def _create_task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("frames", sa.JSON(), nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("frames_done", sa.JSON(), nullable=False),
        sa.Column("state", sa.Enum(*TASK_STATES, name="taskstate", native_enum=False, length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=True),
        sa.Column("attempts_made", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("preemptions", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_task_job_id_job")),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name=op.f("fk_task_step_id_step")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("job_id", "index", name=op.f("uq_task_job_id_index")),
    )
    op.create_index(op.f("ix_task_job_id_state_index"), "task", ["job_id", "state", "index"], unique=False)
    op.create_index(op.f("ix_task_step_id_state"), "task", ["step_id", "state"], unique=False)


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("instance_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running", "success", "failed", "preempted", "killed", "lost", name="attemptstate", native_enum=False, length=16
            ),
            nullable=False,
        ),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("ended", sa.DateTime(), nullable=True),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("released", sa.DateTime(), nullable=True),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("peak_memory", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_attempt_instance_id_instance")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_attempt_job_id_job")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_attempt_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_attempt_task_id_number")),
    )
    op.create_index(
        op.f("ix_attempt_instance_id_job_id_milliseconds"), "attempt", ["instance_id", "job_id", "milliseconds"], unique=False
    )
    at_work = sa.text("released IS NULL")
    op.create_index("ix_attempt_at_work", "attempt", ["instance_id"], sqlite_where=at_work, postgresql_where=at_work)
    op.create_index(op.f("ix_attempt_job_id"), "attempt", ["job_id"], unique=False)
    op.create_index(op.f("ix_attempt_released_expires"), "attempt", ["released", "expires"], unique=False)


def _create_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_hold_task_id_task")),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_hold")),
    )


def _create_transition() -> None:
    op.create_table(
        "transition",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Enum(*TASK_STATES, name="taskstate", native_enum=False, length=16), nullable=False),
        sa.Column("after", sa.Enum(*TASK_STATES, name="taskstate", native_enum=False, length=16), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_transition_task_id_task")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_transition")),
    )
    op.create_index(op.f("ix_transition_task_id"), "transition", ["task_id"], unique=False)


def _create_late_report() -> None:
    op.create_table(
        "late_report",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_late_report_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_late_report")),
    )
    op.create_index(op.f("ix_late_report_attempt_id"), "late_report", ["attempt_id"], unique=False)


def _create_output() -> None:
    op.create_table(
        "output",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("layers", sa.JSON(), nullable=False),
        sa.Column("preview", sa.String(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_output_attempt_id_attempt")),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_output_digest_object")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_output_job_id_job")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_output_task_id_task")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_output")),
        sa.UniqueConstraint("id", name=op.f("uq_output_id")),
        sa.UniqueConstraint("task_id", "generation", "path", name=op.f("uq_output_task_id_generation_path")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_output_job_id_seq"), "output", ["job_id", "seq"], unique=False)


def _create_project_file() -> None:
    op.create_table(
        "project_file",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("output_id", sa.String(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["object.digest"], name=op.f("fk_project_file_digest_object")),
        sa.ForeignKeyConstraint(["output_id"], ["output.id"], name=op.f("fk_project_file_output_id_output")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_file_project_id_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_file")),
        sa.UniqueConstraint("project_id", "path", "version", name=op.f("uq_project_file_project_id_path_version")),
    )
