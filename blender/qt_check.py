# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out, in a child process, whether Qt can open a window here: a missing library makes it abort its whole process.

A good answer is kept, by all that it depends on; a bad one is asked for again each time, since somebody may have mended it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_core.user_folders import user_folders, write_private

FILE = "blender-qt.json"
#: seconds after which a child that has not answered counts as one that cannot
PATIENCE = 30.0
_WORD = "conductor-qt-is-usable"
_SCRIPT = f"""
import sys
sys.path[:0] = [p for p in sys.argv[-1:] if p]
from PySide6 import QtCore, QtGui, QtWidgets
app = QtWidgets.QApplication(["conductor"])
window = QtWidgets.QWidget()
window.winId()
print("{_WORD}", QtCore.qVersion())
sys.stdout.flush()
import os
os._exit(0)
"""
#: what decides whether Qt finds a display and its libraries
_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM", "QT_PLUGIN_PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether Qt is usable in this process, and if not, why."""

    usable: bool
    reason: str = ""


class QtCheck:
    """One check, asked in a child process; nothing here waits."""

    def __init__(self, folder: Path | None, python: str, environ: Mapping[str, str] | None = None) -> None:
        """Ask about the PySide6 in `folder`, or the one that `python` has itself."""
        self._environ = dict(os.environ if environ is None else environ)
        self._key = _key(folder, python, self._environ)
        self._child: subprocess.Popen[str] | None = None
        self._known = Verdict(True) if _kept() == self._key else None
        if self._known is None:
            self._known = self._start([python, "-c", _SCRIPT, str(folder or "")])

    def verdict(self) -> Verdict | None:
        """Return the answer, None as long as there is none."""
        if self._known is None and self._child is not None and self._child.poll() is not None:
            self._known = self._read(self._child)
        return self._known

    def wait(self) -> Verdict:
        """Return the answer when it is there: for a Blender without a loop of its own."""
        if self._known is None and self._child is not None:
            try:
                self._child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.give_up()
        return self.verdict() or Verdict(False, "Qt did not answer")

    def give_up(self) -> None:
        """End the child: it has had its time."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self._known = self._known or Verdict(False, f"Qt did not open a window within {PATIENCE:.0f} seconds")

    def _start(self, command: list[str]) -> Verdict | None:
        try:
            self._child = subprocess.Popen(
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as exc:
            return Verdict(False, f"{command[0]} cannot be started ({exc.strerror})")
        return None

    def _read(self, child: subprocess.Popen[str]) -> Verdict:
        said = child.stdout.read() if child.stdout is not None else ""
        if child.stdout is not None:
            child.stdout.close()
        if child.returncode == 0 and _WORD in said:
            with contextlib.suppress(OSError):
                write_private(user_folders().cache / FILE, json.dumps(self._key).encode())
            return Verdict(True)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return Verdict(False, _shortest_reason(lines) or f"its process ended with {child.returncode}")


def own_python() -> str:
    """Return the Python program that is nearest to this process's own: Blender's, where `sys.executable` is another's."""
    prefix = Path(sys.prefix)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if "python" in Path(sys.executable).name.lower() and prefix in Path(sys.executable).parents:
        return sys.executable
    places = (
        prefix / "bin" / f"python{version}",
        prefix / "bin" / "python3",
        prefix / "bin" / "python.exe",
        prefix / "python.exe",
    )
    return next((str(place) for place in places if place.is_file()), sys.executable)


def _shortest_reason(lines: list[str]) -> str:
    """Return the line that says why: the library that Qt lacks, what it could not do, or the last of a traceback."""
    for words in ("xcb-cursor0", "could not", "could be initialized"):
        for line in lines:
            if words in line.lower():
                return line
    return lines[-1] if lines else ""


def _key(folder: Path | None, python: str, environ: Mapping[str, str]) -> dict[str, str]:
    stamp = ""
    if folder is not None:
        with contextlib.suppress(OSError):
            stamp = str((folder / "PySide6" / "__init__.py").stat().st_mtime_ns)
    return {
        "folder": str(folder or ""),
        "stamp": stamp,
        "python": f"{python} {sys.version_info[0]}.{sys.version_info[1]}",
        **{name: environ.get(name, "") for name in _VARIABLES},
    }


def _kept() -> object:
    try:
        return json.loads((user_folders().cache / FILE).read_bytes())
    except (OSError, ValueError):
        return None
