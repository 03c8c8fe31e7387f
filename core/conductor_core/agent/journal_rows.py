"""What the journal's rows say, as frozen values."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """How far one submission is; its request and manifest are read by calls of their own."""

    id: str
    service: str
    state: str
    job: str
    number: int
    #: seconds since the epoch
    created: float
    #: as it was submitted
    scene: str
    title: str
    counts: Mapping[str, int]
    #: `{"kind", "message", "next", "waiting"}` or None
    error: Mapping[str, Any] | None
    #: the job is still to be killed, because the submission failed or was cancelled
    kill: bool


@dataclass(frozen=True, slots=True)
class Following:
    """What is followed, and where its files go."""

    kind: Literal["job", "project"] = "job"
    #: the folder that everything goes to, instead of where the job's artist chose; empty: there
    to: str = ""
    #: how files are called there (`conductor_core.transfer.places`); empty: as they are published
    name: str = ""
    #: of a project: only files published in these folders
    under: tuple[str, ...] = ()
    #: agents that name the same share bring each file once between them; empty: with nobody
    share: str = ""
    #: of a project: goes on for ever
    lasting: bool = False

    def places(self) -> tuple[str, str, tuple[str, ...]]:
        """Return what says where files go."""
        return self.to, self.name, self.under

    def share_name(self) -> str:
        """Return what the service knows the share by: agents that write to other places do not share, whatever they name it."""
        about = hashlib.sha256(json.dumps(self.places()).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{self.share} {about}"

    def values(self) -> tuple[str | int, ...]:
        """Return what the journal keeps, in the order of its statement."""
        return (self.kind, self.to, self.name, json.dumps(self.under), self.share, int(self.lasting))


@dataclass(frozen=True, slots=True)
class DownloadRow:
    """One job, or one project, whose outputs are brought home."""

    service: str
    job: str
    number: int
    project: str
    #: the job's, as last heard
    state: str
    #: outputs up to here are in the journal
    seq: int
    error: str
    #: when it was last asked for, in seconds since the epoch; later with each time
    created: float
    following: Following = Following()


@dataclass(frozen=True, slots=True)
class Tally:
    """How many files of a followed job are home."""

    total: int = 0
    home: int = 0
    failed: int = 0
    pending: int = 0
    #: of the files that are home
    bytes: int = 0
    #: where files were placed beside newer work
    beside: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    #: of those that are home, brought by another agent
    elsewhere: int = 0


class OutputRow(NamedTuple):
    """One file to bring home; a tuple, since thousands of them are read before the first of them comes."""

    service: str
    job: str
    path: str
    seq: int
    digest: str
    size: int
    mode: int
    mtime_ns: int
    #: `pending`, `done`, `beside`, `elsewhere` (another agent brought it), `failed`, `stuck` (told as failed, and tried again by itself), or `nowhere` (it can lie nowhere)
    state: str
    placed: str
    attempts: int
    error: str
    #: as it was published; empty: as `path`
    published: str = ""
    #: of which it is a file, where that is not `job` itself
    origin: str = ""
    #: of the job; 0: what is followed says so
    number: int = 0
    #: whose store has it; empty: what is followed says so
    project: str = ""
    #: empty: not to be had from what is followed
    output: str = ""


@dataclass(frozen=True, slots=True)
class NewOutput:
    """A file that was heard of, and where it is to lie."""

    #: where it is to lie; where it was published, if it can lie nowhere
    path: str
    seq: int
    digest: str
    size: int
    mode: int = 0
    mtime_ns: int = 0
    published: str = ""
    step: str = ""
    frame: int | None = None
    origin: str = ""
    number: int = 0
    project: str = ""
    output: str = ""
    #: why it can lie nowhere
    error: str = ""

    def values(self) -> tuple[object, ...]:
        """Return what the journal keeps, in the order of its statement."""
        about = (self.published, self.step, self.frame, self.origin, self.number, self.project, self.output)
        ended = ("nowhere" if self.error else "pending", self.error, 0)
        return (self.path, self.seq, self.digest, self.size, self.mode, self.mtime_ns, *about, *ended)


def submission_row(row: sqlite3.Row) -> SubmissionRow:
    """Return a row of the submissions."""
    return SubmissionRow(
        id=row["id"],
        service=row["service"],
        state=row["state"],
        job=row["job"],
        number=row["number"],
        created=row["created"],
        scene=row["scene"],
        title=row["title"],
        counts=json.loads(row["counts"]),
        error=json.loads(row["error"]) if row["error"] else None,
        kill=bool(row["kill"]),
    )


def download_row(row: sqlite3.Row) -> DownloadRow:
    """Return a row of what is followed."""
    names = ("service", "job", "number", "project", "state", "seq", "error", "created")
    under = tuple(str(folder) for folder in json.loads(row["under"]))
    following = Following(row["kind"], row["place_to"], row["place_name"], under, row["share"], bool(row["lasting"]))
    return DownloadRow(**{name: row[name] for name in names}, following=following)


#: what such rows are read by, in their order
OUTPUTS = f"SELECT {', '.join(OutputRow._fields)} FROM outputs"  # noqa: S608 - names of our own


def output_row(row: sqlite3.Row) -> OutputRow:
    """Return a row of the files to bring home, read by OUTPUTS: of a job there may be tens of thousands."""
    return OutputRow._make(row)
