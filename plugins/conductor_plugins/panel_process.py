"""The panel in a process of its own, for a host in which Qt cannot live: `python -m conductor_plugins.panel_process`.

Started by the host, which answers at the other ends of stdin and stdout (`conductor_plugins.remote_host`). It ends when its
window is closed, and when the host is.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
from typing import IO, Any


def main() -> int:
    """Show the panel until it is closed; return the exit code."""
    lines, out = _private_pipes()
    _find_qt()
    from qtpy.QtWidgets import QApplication

    from conductor_plugins.palette import dress

    app = QApplication.instance() or QApplication(["conductor"])
    if colours := os.environ.pop("CONDUCTOR_PALETTE", ""):
        dress(app, json.loads(colours))
    from conductor_plugins.host import HostRefused
    from conductor_plugins.panel.opening import open_panel

    told = _told()
    from conductor_plugins.remote_host import RemoteHost

    host = RemoteHost(lines, out, told.heard.emit)
    try:
        window = open_panel(host, above=int(os.environ.pop("CONDUCTOR_ABOVE", "0")))
    except HostRefused as exc:
        print(exc, file=sys.stderr)
        return 1
    told.follow(window)
    window.closed.connect(app.quit)  # Qt itself would wait for the host's window, which it counts as ours
    code = int(app.exec_())
    _leave(code)
    return code


def _told() -> Any:
    from qtpy.QtCore import QObject, Qt, QTimer, Signal

    class Told(QObject):
        """What the host tells, carried from the thread that hears it to Qt's own."""

        heard = Signal(str)

        def follow(self, window: Any) -> None:
            self._window = window
            self.heard.connect(self._do, Qt.ConnectionType.QueuedConnection)

        def _do(self, word: str) -> None:
            if word == "close":
                self._window.close()
            elif word == "scene":
                # not from within this call: the window may be asking the host something just now
                QTimer.singleShot(0, self._window.read_scene)
            elif word == "raise":
                self._window.show()
                self._window.raise_()
                self._window.activateWindow()

    return Told()


def _private_pipes() -> tuple[IO[str], IO[str]]:
    """Return the host's two pipes, and lead whatever else prints to stdout to stderr."""
    lines = io.TextIOWrapper(io.FileIO(os.dup(0)), encoding="utf-8")
    out = io.TextIOWrapper(io.BufferedWriter(io.FileIO(os.dup(1), "w")), encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return lines, out


def _find_qt() -> None:
    """Make Qt importable: that of this environment, or the one that install.py made for hosts."""
    from conductor_core.user_folders import qt_folder

    if importlib.util.find_spec("PySide6") is None and (folder := qt_folder()) is not None:
        sys.path.append(str(folder))
    os.environ.setdefault("QT_API", "pyside6")


def _leave(code: int) -> None:
    """End at once: threads that wait for the agent or the host hold nothing that matters, and must not keep us."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    raise SystemExit(main())
