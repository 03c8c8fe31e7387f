"""Whether Qt can draw here, found out in a child process: a library that is missing makes Qt end the process it is loaded into.

Standard library only. https://doc.qt.io/qt-6/linux-requirements.html names what Qt wants of a Linux system.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: seconds; a first start from a network share takes its time
_PATIENCE = 60.0
_TRY = """
import sys
sys.path[:0] = [p for p in sys.argv[1:] if p]
from PySide6 import QtCore, QtWidgets
application = QtWidgets.QApplication([])
print(QtCore.qVersion(), application.platformName())
"""


@dataclass(frozen=True, slots=True)
class QtCheck:
    """What came of the attempt."""

    #: of Qt; "": it cannot be used
    version: str
    #: how it draws: `xcb`, `wayland`, `windows`, `cocoa`, `offscreen`
    platform: str = ""
    #: what it said last, where it cannot be used
    problem: str = ""


def check_qt(python: str | Path, folder: str | Path = "", *, environ: Mapping[str, str] | None = None) -> QtCheck:
    """Try Qt in a process of its own: by an interpreter, with the folder that PySide6 lies in ("": the interpreter's own)."""
    environ = os.environ if environ is None else environ
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        tried = subprocess.run(
            [str(python), "-c", _TRY, str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=dict(environ),
            timeout=_PATIENCE,
            check=False,
            creationflags=flags,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        return QtCheck("", problem=str(exc))
    words = tried.stdout.split()
    if tried.returncode == 0 and len(words) >= 2:
        return QtCheck(words[-2], words[-1])
    said = [line.strip() for line in (tried.stderr + tried.stdout).splitlines() if line.strip()]
    telling = next((line for line in said if "cannot open shared object" in line or "could not connect to display" in line), "")
    last = telling or (said[-1] if said else f"it ended with {tried.returncode}")
    return QtCheck("", problem=last)


def has_screen(environ: Mapping[str, str] | None = None, *, platform: str = sys.platform) -> bool:
    """Tell whether there is a screen to draw on, as far as the variables of the session say."""
    environ = os.environ if environ is None else environ
    return platform in ("win32", "darwin") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
