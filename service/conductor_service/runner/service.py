"""What the runner asks of the service, as a protocol: over HTTP in life (`http_service`), in memory in tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from conductor_core.digest import Digest

from conductor_service.runner.assignment import Assignment, AttemptRef

AttemptEnd = Literal["success", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class HostFacts:
    """This machine, for people to read."""

    host: str
    cores: int
    memory_bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """The service's answer to hello."""

    instance: str
    lease_seconds: float
    heartbeat_seconds: float


@dataclass(frozen=True, slots=True)
class Beat:
    """How far an attempt is."""

    #: 0 … 1, over all frames of the task
    progress: float = 0.0
    frame: int | None = None
    status: str = ""
    #: bytes, over the whole process tree
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class Orders:
    """What the service wants done with an attempt."""

    action: Literal["go-on", "kill"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One output file, as published."""

    path: str
    digest: Digest
    size: int
    mode: int
    mtime_ns: int
    step: str
    frame: int | None = None
    width: int = 0
    height: int = 0
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended."""

    state: AttemptEnd
    cause: str | None = None
    exit_code: int | None = None
    message: str = ""
    peak_memory: int = 0
    frames_done: tuple[int, ...] = ()


class RunnerService(Protocol):
    """The routes of docs/api.md "For runners".

    Every call may raise `ServiceUnreachable`, `Unauthorized` or `Refused`; those that name an attempt may raise
    `StaleAttempt`. The implementation retries what is worth retrying.
    """

    def hello(self, facts: HostFacts) -> Welcome:
        """Say that this instance is up."""

    def next(self, *, wait_seconds: float, sessions: tuple[str, ...], held: tuple[str, ...]) -> Assignment | None:
        """Ask for a task, waiting up to `wait_seconds` for one; raises `Retired`.

        Args:
            wait_seconds: how long the service may take.
            sessions: those that are loaded here.
            held: attempts in hand; one that the service leased to us and that is not among them got lost on its way.
        """

    def beat(self, attempt: AttemptRef, beat: Beat) -> Orders:
        """Renew the lease and say how far the attempt is; one try only, since the next beat says it again."""

    def append_log(self, attempt: AttemptRef, offset: int, data: bytes) -> int:
        """Append `data` at `offset`; return the size the service holds now, which differs when it held another."""

    def manifest(self, attempt: AttemptRef, digest: str) -> bytes:
        """Return the canonical bytes of the job's manifest; raises `Conflict` when that is another now."""

    def inputs(self, attempt: AttemptRef, key: str) -> bytes:
        """Return the manifest of what the steps before the attempt's made; raises `Conflict` when that is another now."""

    def fetch_object(self, attempt: AttemptRef, digest: Digest) -> Iterator[bytes]:
        """Yield the bytes of an object of the job's manifest; not verified here."""

    def store_object(self, attempt: AttemptRef, digest: Digest, file: Path, size: int) -> None:
        """Send an output's bytes: the first `size` of the file, which its task may still hold open; raises `Changed`."""

    def publish(
        self, attempt: AttemptRef, outputs: tuple[OutputRecord, ...], completes: tuple[int, ...] = ()
    ) -> Mapping[str, str]:
        """Register outputs whose bytes are stored, and the frames that they complete; return the output id of each path."""

    def store_preview(self, attempt: AttemptRef, output: str, png: bytes) -> None:
        """Send the preview picture of an output."""

    def finish(self, attempt: AttemptRef, verdict: Verdict) -> None:
        """Say how the attempt ended."""

    def goodbye(self) -> None:
        """Say that this instance ends."""

    def silence_seconds(self) -> float:
        """Return for how long the service has not answered anything."""
