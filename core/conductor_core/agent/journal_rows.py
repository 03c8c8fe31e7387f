"""What the journal's rows say, as frozen values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
class DownloadRow:
    """One job whose outputs are brought home."""

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


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One file to bring home."""

    service: str
    job: str
    path: str
    seq: int
    digest: str
    size: int
    mode: int
    mtime_ns: int
    #: `pending`, `done`, `beside`, `failed`, or `stuck`: told as failed, and tried again by itself
    state: str
    placed: str
    attempts: int
    error: str


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
    """Return a row of the followed jobs."""
    names = ("service", "job", "number", "project", "state", "seq", "error", "created")
    return DownloadRow(*(row[name] for name in names))


def output_row(row: sqlite3.Row) -> OutputRow:
    """Return a row of the files to bring home."""
    names = (*("service", "job", "path", "seq", "digest", "size", "mode", "mtime_ns", "state", "placed", "attempts", "error"),)
    return OutputRow(*(row[name] for name in names))
