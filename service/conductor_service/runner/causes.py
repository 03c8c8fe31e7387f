"""Name the cause of a failure from what is known of it; pure, so that a table tests it."""

from __future__ import annotations

import re
import signal

from conductor_service.runner.assignment import Package
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.groups import ENTER, Toll
from conductor_service.runner.licence_words import LicenceSigns, refusal_in
from conductor_service.runner.limits import ResourceLimits

#: a tree killed from outside that used this part of its limit was killed for it
_NEAR_LIMIT = 0.9
_PATTERNS = (
    ("out-of-memory", r"out of memory|MemoryError|std::bad_alloc|cannot allocate memory|failed to allocate|malloc.{0,40}failed"),
    ("disk-full", r"no space left on device|disk full|disk quota exceeded"),
)
#: errors of bubblewrap, or of entering the control group; nothing was started then
_SANDBOX = re.compile(rf"^(bwrap|{ENTER}): ", re.MULTILINE)
#: what comes of software that goes on, or ends, without a licence: no picture, in one way or another
_MAY_LACK_A_LICENCE = frozenset({"exit-code", "bad-output", "internal", "no-progress", "scene-load", "software-missing"})
_READERS = tuple((cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in _PATTERNS)


def failure_of_exit(code: int, *, last_lines: str, peak_memory: int = 0, memory_limit: int = 0) -> TaskFailed:
    """Return why software ended that should not have: by its exit code (negative: a signal), last words and memory."""
    words = f"\n{last_lines}" if last_lines else ""
    if _SANDBOX.search(last_lines):
        return TaskFailed("internal", f"The sandbox could not be set up.{words}", exit_code=code)
    if code == -signal.SIGKILL and memory_limit and peak_memory > _NEAR_LIMIT * memory_limit:
        return TaskFailed("out-of-memory", f"The software was killed at {_mib(peak_memory)} of memory.{words}", exit_code=code)
    if refusal_in(last_lines):
        return TaskFailed("licence", f"The software got no licence and ended ({_how(code)}).{words}", exit_code=code)
    for cause, reader in _READERS:
        if reader.search(last_lines):
            limit = limit_words(cause, memory_limit)
            return TaskFailed(cause, f"The software ended ({_how(code)}).{limit}{words}", exit_code=code)
    if code < 0:
        return TaskFailed("crashed", f"The software crashed ({_how(code)}).{words}", exit_code=code)
    return TaskFailed("exit-code", f"The software ended with {_how(code)}.{words}", exit_code=code)


def failure_of_toll(toll: Toll, limits: ResourceLimits, *, measured: int, code: int | None) -> TaskFailed:
    """Return why the kernel ended a process of a group, or refused it one.

    It counts the same when not the group's own limit was reached but that of a group above it, or all that the machine has.

    Args:
        toll: what the kernel counted.
        limits: the group's own.
        measured: bytes of memory, for kernels that tell no peak.
        code: the exit code, where the software ended.
    """
    if toll.killed:
        words = memory_words(toll.peak or measured, limits.memory)
        return TaskFailed("out-of-memory", f"{words[0].upper()}{words[1:]}: the kernel ended it.", exit_code=code)
    most = f"{limits.processes:,}"
    if toll.processes >= limits.processes:
        text = f"The task started more than {most} processes and threads."
    elif toll.processes:
        text = f"The instance let the task start no more processes and threads (it had {toll.processes:,} of its {most})."
    else:
        text = f"The task could start no more processes and threads (its limit is {most}; the instance may have had fewer left)."
    return TaskFailed("crashed", text, exit_code=code)


def memory_words(peak: int, limit: int, who: str = "the task") -> str:
    """Return whose limit it was that something was killed for, by its peak of memory: the kernel does not say."""
    if limit and peak >= _NEAR_LIMIT * limit:
        return f"{who} needed more memory than its limit of {_mib(limit)} (peak {_mib(peak)})"
    return f"the instance had no memory left ({who} had {_mib(peak)}{f' of its {_mib(limit)}' if limit else ''})"


def cause_of_message(message: str, otherwise: str) -> str:
    """Return the cause that an error's text tells of."""
    if refusal_in(message):
        return "licence"
    return next((cause for cause, reader in _READERS if reader.search(message)), otherwise)


def failure_without_licence(failure: TaskFailed, signs: LicenceSigns) -> TaskFailed:
    """Return a failure as what it is when the software had said before that it has no licence: then there was nothing to expect."""
    if failure.cause not in _MAY_LACK_A_LICENCE or not signs.refused:
        return failure
    return TaskFailed("licence", f"The software got no licence: {signs.refused}\n{failure.what}", exit_code=failure.exit_code)


def limit_words(cause: str, memory_limit: int) -> str:
    """Return what there was to use, for software that says it was out of memory: it sees its limit as the machine's end."""
    return f" Its limit is {_mib(memory_limit)}." if cause == "out-of-memory" and memory_limit else ""


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def without_licence_server(failure: TaskFailed, package: Package) -> TaskFailed:
    """Return a lacking licence with what to do where no server of licences can be reached: the operator may allow it."""
    head, _, rest = str(failure).partition("\n")
    hint = (
        f"Its tasks have no network: if its licences come from a server, say `network: true` for {package.name} {package.version}"
        " in the catalogue (docs/service.md)."
    )
    return TaskFailed(failure.cause, f"{head} {hint}\n{rest}".rstrip(), exit_code=failure.exit_code)
