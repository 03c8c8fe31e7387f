"""The tables, typed. One set of models for SQLite and PostgreSQL; the migrations in `migrations/` must agree with them.

Only `door.py` changes `Task.state` and `Task.version`. Times are UTC; money is never stored, only prices and times that
it follows from (`metering.py`).
"""

from __future__ import annotations

import enum
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from conductor_service.states import AttemptState, JobState, TaskState


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite itself forgets the zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return what the database keeps."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return what the code sees."""
        return None if value is None else value.replace(tzinfo=UTC)


def _by_value(kind: type[enum.Enum]) -> Enum:
    """Return the column type that keeps an enum as the text of the API, without a type of the database's own."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [m.value for m in members])


class Base(DeclarativeBase):
    """What every table shares."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        list[int]: JSON(),
        list[str]: JSON(),
        dict[str, Any]: JSON(),
        TaskState: _by_value(TaskState),
        AttemptState: _by_value(AttemptState),
        JobState: _by_value(JobState),
    }
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# SQLite numbers rows by itself in INTEGER PRIMARY KEY columns only; PostgreSQL wants the long form for them.
Sequence = BigInteger().with_variant(Integer(), "sqlite")


# Readers remember the last number they saw; SQLite would give the numbers of deleted rows again.
_NUMBERS_NEVER_REUSED = {"sqlite_autoincrement": True}


def new_id() -> str:
    """Return a fresh row id (UUID4, hex)."""
    return uuid.uuid4().hex


class Account(Base):
    """A studio."""

    __tablename__ = "account"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    instance_limit: Mapped[int]
    next_job_number: Mapped[int] = mapped_column(default=1)
    created: Mapped[datetime]


class User(Base):
    """A person."""

    __tablename__ = "user"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime]


class Membership(Base):
    """A person's role in an account."""

    __tablename__ = "membership"
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str]


class Token(Base):
    """A secret by its hash: of a person's client, a dashboard session, or one runner."""

    __tablename__ = "token"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    instance_id: Mapped[str | None] = mapped_column(ForeignKey("instance.id"), index=True)
    created: Mapped[datetime]
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]


class Project(Base):
    """Files, people and billing that belong together."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    created: Mapped[datetime]


class StoredObject(Base):
    """Content that some project has; the bytes lie in the store.

    Tables that have a row for every object know it by its number: a digest may lie anywhere in an index, numbers of new objects
    lie side by side, so that thousands of them change a few pages (docs/decisions/0023-objects-by-number.md).
    """

    __tablename__ = "object"
    __table_args__ = (
        # few, and asked for with every question
        Index("ix_object_lost", "lost", sqlite_where=text("lost IS NOT NULL"), postgresql_where=text("lost IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(80), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime]
    #: since when the store is known to have it no more, or damaged; whoever sends it again brings it back
    lost: Mapped[datetime | None]
    #: since when it is removed, because nothing needed it any more; whoever sends it again brings it back
    removed: Mapped[datetime | None]


class Pack(Base):
    """Many small objects that lie in the store as one (`conductor_core.transfer.packs`)."""

    __tablename__ = "pack"
    id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(80), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime]


class PackedObject(Base):
    """Where in a pack an object's bytes begin; an object without such a row lies in the store by itself."""

    __tablename__ = "packed_object"
    object_id: Mapped[int] = mapped_column(Sequence, ForeignKey("object.id"), primary_key=True, autoincrement=False)
    pack_id: Mapped[int] = mapped_column(ForeignKey("pack.id"), index=True)
    offset: Mapped[int] = mapped_column(BigInteger)


class Discarded(Base):
    """Bytes in the store that no row needs any more; they are deleted after a grace time (`garbage.py`)."""

    __tablename__ = "discarded"
    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    #: a century ahead where somebody is deleting them at this moment (`removals.py`)
    since: Mapped[datetime]


class ProjectObject(Base):
    """The right of a project to an object: it was uploaded there, or rendered there."""

    __tablename__ = "project_object"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("object.id"), primary_key=True)
    created: Mapped[datetime]
    #: `present`, once said, holds until this time: no clean-up may take the object before
    leased: Mapped[datetime | None]


class PresenceLease(Base):
    """A manifest that was called known: until this time no clean-up may take what it names."""

    __tablename__ = "presence_lease"
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("object.digest"), primary_key=True)
    expires: Mapped[datetime] = mapped_column(index=True)


class Upload(Base):
    """An object that a project sends in parts; which of them are there the store itself knows."""

    __tablename__ = "upload"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    digest: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)
    part_bytes: Mapped[int] = mapped_column(BigInteger)
    #: the store's own name for it
    token: Mapped[str] = mapped_column(Text, default="")
    #: when somebody last sent of it, to the hour
    touched: Mapped[datetime] = mapped_column(index=True)


class SentVersion(Base):
    """What was last sent that a key was told of: a path, a path without its version, or a piece of what a file has in it.

    It is written before the object is there, so `digest` and `former` name what may not be, or be no more (`versions.py`).
    """

    __tablename__ = "sent_version"
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[str] = mapped_column(String(80))
    #: what it was before, if that was really sent
    former: Mapped[str | None] = mapped_column(String(80))
    created: Mapped[datetime]


class StoredManifest(Base):
    """A manifest; its canonical bytes are an object of the store under the same digest."""

    __tablename__ = "manifest"
    id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(80), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int]
    #: when it came, or came back
    created: Mapped[datetime]
    #: since when what it names is not kept any more; its jobs have to be submitted again
    removed: Mapped[datetime | None]


class ManifestObject(Base):
    """An object that a manifest names."""

    __tablename__ = "manifest_object"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012
    manifest_id: Mapped[int] = mapped_column(ForeignKey("manifest.id"), primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("object.id"), primary_key=True)


class Job(Base):
    """One submission."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        UniqueConstraint("account_id", "submission_id"),
        Index(None, "account_id", "instance_type", "preemptible", "state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    number: Mapped[int]
    submission_id: Mapped[str]
    submitted_by: Mapped[str]
    title: Mapped[str]
    priority: Mapped[int]
    instance_type: Mapped[str]
    preemptible: Mapped[bool]
    max_instances: Mapped[int]
    #: the Submission, as JSON text
    submission: Mapped[str] = mapped_column(Text)
    #: the Package that the software came to when the job was made, with those of its plug-ins, as JSON text (`Equipment`)
    package: Mapped[str] = mapped_column(Text)
    manifest: Mapped[str | None] = mapped_column(ForeignKey("manifest.digest"), index=True)
    #: the manifest names what the scout frames need; that of the whole job is still to come
    for_scouts: Mapped[bool] = mapped_column(default=False)
    #: what `derive_job_state` last said; kept for lists, derived again with every change
    state: Mapped[JobState]
    has_dependencies: Mapped[bool]
    #: whether all tasks with scout frames have ended; None: there are none
    scouts_ended: Mapped[bool | None]
    #: id of the newest output that has a preview
    last_output: Mapped[str | None] = mapped_column(String(32))
    created: Mapped[datetime]
    finished: Mapped[datetime | None]


class JobMark(Base):
    """Something that a job is found by (`marks.py`)."""

    __tablename__ = "job_mark"
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), primary_key=True)


class Notification(Base):
    """An e-mail about a job, to one address, written in the transaction of what it tells of (`notices.py`)."""

    __tablename__ = "notification"
    __table_args__ = (
        Index(
            "ix_notification_unsent",
            "next_try",
            sqlite_where=text("sent IS NULL AND given_up IS NULL"),
            postgresql_where=text("sent IS NULL AND given_up IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    occasion: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime]
    sent: Mapped[datetime | None]
    #: refused for good, or tried often enough
    given_up: Mapped[datetime | None]
    #: why it was not sent the last time
    error: Mapped[str] = mapped_column(Text, default="")


class Step(Base):
    """A part of a job with its own frames."""

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("job_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    position: Mapped[int]
    name: Mapped[str]
    frames: Mapped[str] = mapped_column(Text)
    #: names of steps that must succeed first
    after: Mapped[list[str]]


class Task(Base):
    """One chunk of frames."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("job_id", "index"),
        Index(None, "job_id", "state", "index"),
        Index(None, "step_id", "state"),
        # few among many, and looked for first with every hand-out
        Index("ix_task_scouts", "job_id", "state", "index", sqlite_where=text("scout = 1"), postgresql_where=text("scout")),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"))
    index: Mapped[int]
    frames: Mapped[list[int]]
    frame_count: Mapped[int]
    frames_done: Mapped[list[int]]
    #: has scout frames in it: rendered before the others
    scout: Mapped[bool] = mapped_column(default=False)
    #: waits until somebody lets it go, having seen the scout frames of its step: held whenever it waits (`waiting.wait`)
    awaits_release: Mapped[bool] = mapped_column(default=False)
    state: Mapped[TaskState]
    version: Mapped[int] = mapped_column()
    #: the token of the newest attempt; older ones may not report
    fence: Mapped[int] = mapped_column(default=0)
    #: rises when somebody asks for frames again that had been accepted
    generation: Mapped[int] = mapped_column(default=1)
    #: the newest attempt
    attempt_id: Mapped[str | None] = mapped_column(String(32))
    attempts_made: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    preemptions: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(Text, default="")

    # Every update of a task names the version that it was read at; `door.move` alone makes a new one.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class Hold(Base):
    """A reason why a task waits, by name; the task waits until the last is gone."""

    __tablename__ = "hold"
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime]


class LicenceWait(Base):
    """A job whose software got no licence (`licences.py`); its instances ask for one in turn until the job ends."""

    __tablename__ = "licence_wait"
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), primary_key=True)
    #: in a row, without a licence; 0: the last one got it
    tries: Mapped[int]
    #: when the job last had a licence, or first got none
    since: Mapped[datetime]
    #: when the next instance may try
    until: Mapped[datetime]
    #: how long the wait is now; seconds
    pause: Mapped[int]
    #: the attempt that tries now
    probe: Mapped[str | None] = mapped_column(String(32))
    #: what the software said
    message: Mapped[str] = mapped_column(Text)


class Transition(Base):
    """One move of a task, with who wanted it and why: the history."""

    __tablename__ = "transition"
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"), index=True)
    version: Mapped[int]
    before: Mapped[TaskState]
    after: Mapped[TaskState]
    actor: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    cause: Mapped[str]
    at: Mapped[datetime]


class Instance(Base):
    """A machine that the fleet was asked for."""

    __tablename__ = "instance"
    __table_args__ = (Index(None, "account_id", "ended"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    type: Mapped[str]
    preemptible: Mapped[bool]
    #: the price per hour when it was launched, as a decimal string
    price_per_hour: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    launched: Mapped[datetime]
    ready: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    #: when its runner was last heard of, to the minute; what is known after the service itself was away
    heard: Mapped[datetime | None]
    #: since when it has had nothing to do; None while it works
    idle_since: Mapped[datetime | None]
    #: since when it is asked to shut down
    retired: Mapped[datetime | None]
    #: what the runner said of its host
    host: Mapped[dict[str, Any]] = mapped_column(default=dict)
    end_reason: Mapped[str] = mapped_column(default="")


class Attempt(Base):
    """One run of a task on an instance: a lease with an expiry and a fencing token."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        Index(None, "instance_id", "job_id", "milliseconds"),
        Index(None, "job_id"),
        Index(None, "released", "expires"),
        # what is at work now, however long the history: asked for with every hand-out
        Index(
            "ix_attempt_at_work", "instance_id", sqlite_where=text("released IS NULL"), postgresql_where=text("released IS NULL")
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"))
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    instance_id: Mapped[str] = mapped_column(ForeignKey("instance.id"))
    number: Mapped[int]
    fence: Mapped[int]
    generation: Mapped[int]
    state: Mapped[AttemptState]
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    #: the lease; renewed by beats
    expires: Mapped[datetime]
    #: since when it is certain that nothing of it runs any more
    released: Mapped[datetime | None]
    #: started to ended
    milliseconds: Mapped[int] = mapped_column(BigInteger, default=0)
    progress: Mapped[float] = mapped_column(default=0.0)
    frame: Mapped[int | None]
    status: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str] = mapped_column(default="")
    exit_code: Mapped[int | None]
    message: Mapped[str] = mapped_column(Text, default="")
    peak_memory: Mapped[int] = mapped_column(BigInteger, default=0)


class LateReport(Base):
    """A report under an old fence: recorded, and without effect."""

    __tablename__ = "late_report"
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    fence: Mapped[int]
    reason: Mapped[str]
    at: Mapped[datetime]


class OutputFile(Base):
    """A file that an attempt published; `seq` is what downloads follow."""

    __tablename__ = "output"
    __table_args__ = (UniqueConstraint("task_id", "generation", "path"), Index(None, "job_id", "seq"), _NUMBERS_NEVER_REUSED)
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"))
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id"))
    generation: Mapped[int]
    step: Mapped[str]
    frame: Mapped[int | None]
    path: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(ForeignKey("object.digest"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mode: Mapped[int]
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    layers: Mapped[list[str]]
    #: digest of the PNG in the store
    preview: Mapped[str | None] = mapped_column(index=True)
    created: Mapped[datetime]


class ProjectFile(Base):
    """One version of a file in a project's tree."""

    __tablename__ = "project_file"
    __table_args__ = (UniqueConstraint("project_id", "path", "version"), Index(None, "digest", "project_id"))
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    path: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(ForeignKey("object.digest"))
    output_id: Mapped[str | None] = mapped_column(ForeignKey("output.id"))
    created: Mapped[datetime]


class DownloadClaim(Base):
    """Which agent, of those that share the work, brings an output home; or that one of them has (`claims.py`)."""

    __tablename__ = "download_claim"
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), primary_key=True)
    share: Mapped[str] = mapped_column(String(128), primary_key=True)
    #: the output's number
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    holder: Mapped[str] = mapped_column(String(64))
    #: of the claim, or of what is known of a file that is home
    expires: Mapped[datetime] = mapped_column(index=True)
    home: Mapped[bool]


class Event(Base):
    """What changed, in order, written in the transaction of the change."""

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "account_id", "seq"),
        Index(None, "job_id", "seq"),
        # what is deleted every few minutes, among the events of days
        Index("ix_event_progress", "created", sqlite_where=text("kind = 'progress'"), postgresql_where=text("kind = 'progress'")),
        _NUMBERS_NEVER_REUSED,
    )
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=True)
    account_id: Mapped[str]
    project_id: Mapped[str | None]
    job_id: Mapped[str | None]
    kind: Mapped[str] = mapped_column(String(16))
    #: id of the task, job, output or instance that changed
    subject: Mapped[str] = mapped_column(String(32))
    created: Mapped[datetime] = mapped_column(index=True)
