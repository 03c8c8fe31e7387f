"""The errors of the runner; each names the attempt's cause (docs/api.md) that it comes to.

ConductorError
├── RunnerError             something on this instance failed
│   ├── SandboxUnavailable  bubblewrap is not there, or the kernel refuses it
│   ├── WorkFolderInUse     another runner has this work folder
│   ├── StagingFailed       the job's files could not be laid out
│   └── TaskFailed          the task itself failed, with the cause that the service is told
│       └── NotTaken        an output is fine, but the service cannot take it
├── Retired                 410: the service wants no more of this instance
└── StaleAttempt            409: the lease of an attempt is gone; nothing of it may be published
"""

from __future__ import annotations

from conductor_core.api.transport import NOT_OURS
from conductor_core.errors import ConductorError, Forbidden, ServiceError, ServiceUnreachable, Unauthorized


class RunnerError(ConductorError):
    """Something on this instance failed."""


class SandboxUnavailable(RunnerError):
    """Bubblewrap is not there, or the kernel refuses it."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The sandbox (bubblewrap) does not work on this machine: {reason}.",
            "Install the package bubblewrap and allow user namespaces, or start the runner with --isolation rewrite.",
        )


class WorkFolderInUse(RunnerError):
    """Another runner has this work folder."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"Another runner works in {folder}.", "Give each runner a --work-folder of its own.")


class StagingFailed(RunnerError):
    """The job's files could not be laid out.

    Attributes:
        cause: `disk-full`, `missing-file` or `internal`.
    """

    def __init__(self, path: str, reason: str, *, cause: str = "internal", next_step: str = "") -> None:
        self.path = path
        self.cause = cause
        super().__init__(f"{path}: cannot be laid out on the instance ({reason}).", next_step)


class TaskFailed(RunnerError):
    """The task failed.

    Attributes:
        cause: the attempt's cause, a word of docs/api.md.
        exit_code: of the software, where it ended; negative: the signal that ended it.
    """

    def __init__(self, cause: str, message: str, *, exit_code: int | None = None) -> None:
        self.cause = cause
        self.exit_code = exit_code
        super().__init__(message)


class NotTaken(TaskFailed):
    """An output is what it should be, but the service cannot take it: its trouble, which is no failure of the scene."""

    def __init__(self, path: str, reason: ServiceError) -> None:
        super().__init__("internal", f"{path} was rendered, but could not be stored: {reason}")


class Retired(ConductorError):
    """The service wants no more of this instance."""

    def __init__(self) -> None:
        super().__init__("The service has retired this instance.")


class StaleAttempt(ConductorError):
    """The lease of an attempt is gone; nothing of it may be published."""

    def __init__(self, attempt: str) -> None:
        self.attempt = attempt
        super().__init__(f"Attempt {attempt} is no longer this instance's.")


def service_is_gone(exc: ServiceError) -> bool:
    """Tell whether an error of the service ends the instance; any other one is about a single attempt."""
    return isinstance(exc, (ServiceUnreachable, Unauthorized, Forbidden)) or exc.status in (401, 403)


def passes(exc: ServiceError) -> bool:
    """Tell whether what keeps the service from one call is worth waiting for (no room, a broken line), or is a no."""
    return not service_is_gone(exc) and (exc.status in (0, 429, 502, 503, 504) or exc.code == NOT_OURS)
