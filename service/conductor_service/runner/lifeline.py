"""Run a command and end with it everything it started; end it all at once when whoever started us is gone.

Run as a script, by path: `python lifeline.py PID-OF-THE-RUNNER COMMAND …`. Where there is no sandbox, this takes the place of its process
namespace: as child subreaper it inherits every process that escapes its parent (daemons, setsid), and the kernel sends it
SIGTERM when the runner dies, however that happens (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SWEEPS = 200


def main(parent: int, argv: list[str]) -> int:
    """Run `argv`; return its exit code, or 128 + the signal that ended it."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _end_all)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        return 1
    child = _start(libc, argv)
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    _kill_descendants()
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _start(libc: ctypes.CDLL, argv: list[str]) -> int:
    """Start the command so that it dies with us too, should somebody kill us by force."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        for number in (signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.execvp(argv[0], argv)  # noqa: S606 - that is what we are for
    except OSError as exc:
        os.write(2, f"{argv[0]} cannot be started: {exc.strerror}\n".encode())
    finally:
        os._exit(127)


def _end_all(*_: object) -> None:
    _kill_descendants()
    os._exit(128 + signal.SIGTERM)


def _kill_descendants() -> None:
    """Kill until nothing is left: a process may fork while it is being looked for."""
    for _ in range(_SWEEPS):
        found = _descendants(os.getpid())
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="latin-1") as stream:
                    fields = stream.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
    result: set[int] = set()
    layer = {root}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer} - result
        result |= layer
    return result


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
