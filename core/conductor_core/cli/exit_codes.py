"""What `conductor` ends with, so that scripts can tell what happened (docs/cli.md)."""

from __future__ import annotations

import enum

from conductor_core import errors


class ExitCode(enum.IntEnum):
    """One number per kind of end."""

    #: done
    OK = 0
    #: the job ended, and not all of it succeeded
    JOB_FAILED = 1
    #: the command line, a settings file or a frame range cannot be understood
    USAGE = 2
    #: the service, or the agent on this machine, does not answer
    UNREACHABLE = 3
    #: not logged in, without the right, or not in this state of the job
    NOT_ALLOWED = 4
    #: files of the scene are not on disk
    MISSING_FILES = 5
    #: a file could not be hashed, sent or brought home
    TRANSFER_FAILED = 6
    #: there is no such job, task or output
    NOT_FOUND = 7
    #: the service refuses the request itself: an unknown instance type, software, project …
    REFUSED = 8
    #: the host (Blender) could not be asked about the scene
    HOST_FAILED = 9
    #: `audit` found something wrong
    FAULTS_FOUND = 10
    #: a defect of Conductor
    INTERNAL = 70
    #: Ctrl-C
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[errors.ConductorError], ExitCode], ...] = (
    (errors.ServiceUnreachable, ExitCode.UNREACHABLE),
    (errors.NotTransferred, ExitCode.NOT_FOUND),
    (errors.AgentError, ExitCode.UNREACHABLE),
    (errors.Unauthorized, ExitCode.NOT_ALLOWED),
    (errors.Forbidden, ExitCode.NOT_ALLOWED),
    (errors.Conflict, ExitCode.NOT_ALLOWED),
    (errors.NotFound, ExitCode.NOT_FOUND),
    (errors.Refused, ExitCode.REFUSED),
    (errors.TransferError, ExitCode.TRANSFER_FAILED),
    (errors.ConductorError, ExitCode.USAGE),
)


class Ended(errors.ConductorError):
    """End the command with an exit code and a sentence of its own."""

    def __init__(self, code: ExitCode, what: str, next_step: str = "") -> None:
        self.code = code
        super().__init__(what, next_step)


def exit_code_of(error: errors.ConductorError) -> ExitCode:
    """Return the exit code for an error."""
    if isinstance(error, Ended):
        return error.code
    return next(code for kind, code in _BY_ERROR if isinstance(error, kind))


def exit_code_of_name(name: str) -> ExitCode:
    """Return the exit code for an error that another process tells of by its class name."""
    kind = getattr(errors, name, errors.ServiceError)
    return next((code for known, code in _BY_ERROR if issubclass(kind, known)), ExitCode.INTERNAL)
