# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel in a process of its own: started here, and answered by a timer on Blender's main thread.

The protocol is that of `conductor_plugins.remote_host`.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO

from conductor_core.agent_start import own_program
from conductor_core.errors import ConductorError
from conductor_core.user_folders import user_folders

from .palette import blender_colours

#: seconds between two looks at what the panel asks, and how long one look may take
INTERVAL = 1 / 50
BUDGET = 0.015

_panel: PanelProcess | None = None


def start(say: Callable[[str], None], owner: int) -> None:
    """Start the panel's process, above the window of number `owner`; what it dies of is said by `say`.

    Raises:
        ConductorError: there is no Python of ours to start it with, or the system refuses.
    """
    import bpy

    from . import bootstrap

    global _panel
    bootstrap.add_packages()
    _panel = PanelProcess(say, owner)
    if not bpy.app.timers.is_registered(answer):
        bpy.app.timers.register(answer, first_interval=0.0, persistent=True)


def is_open() -> bool:
    """Tell whether there is a panel's process."""
    return _panel is not None and _panel.alive()


def raise_panel() -> None:
    """Bring the panel to the front."""
    if _panel is not None:
        _panel.tell("raise")


def scene_changed() -> None:
    """Tell the panel that another file is open, or that this one was saved."""
    if _panel is not None:
        _panel.tell("scene")


def close() -> None:
    """Close the panel and stop answering."""
    import bpy

    global _panel
    if _panel is not None:
        _panel.end()
    _panel = None
    if bpy.app.timers.is_registered(answer):
        bpy.app.timers.unregister(answer)


def answer() -> float | None:
    """Answer what the panel asked since the last time; return when to come again, None once it is closed."""
    global _panel
    if _panel is None:
        return None
    if _panel.answer(BUDGET):
        return INTERVAL
    _panel.end()
    _panel = None
    return None


class PanelProcess:
    """One panel, with its pipes."""

    def __init__(self, say: Callable[[str], None], owner: int) -> None:
        """Start it.

        Raises:
            ConductorError: see `start`.
        """
        from conductor_plugins.host_server import HostServer

        from .host import BlenderHost

        self._say = say
        self._errors: list[str] = []
        python, environment = own_program(user_folders())
        look = {"CONDUCTOR_PALETTE": json.dumps(blender_colours()), "CONDUCTOR_ABOVE": str(owner)}
        self._process = _spawn(python, {**environment, **look})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._server = HostServer(BlenderHost(), self._process.stdout, self._process.stdin)
        self.tell = self._server.tell
        threading.Thread(target=self._note, args=(self._process.stderr,), name="conductor panel", daemon=True).start()

    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def answer(self, budget: float) -> bool:
        """Answer for so many seconds of the main thread; False once the panel is closed, and why where it failed."""
        if self._server.answer(budget):
            return True
        if self._process.poll():
            why = self._errors[-1] if self._errors else f"exit code {self._process.returncode}"
            self._say(f"The panel could not be opened ({why}). What is lacking says, in a terminal: conductor doctor")
        return self._process.poll() is None

    def end(self) -> None:
        """Close the panel's window and let its process end."""
        self._server.close()

    def _note(self, pipe: IO[str]) -> None:
        for line in pipe:
            if line.strip():
                self._errors = [*self._errors[-20:], line.strip()]
                print(f"Conductor's panel: {line.rstrip()}", flush=True)
        pipe.close()
        self._process.wait()


def _spawn(python: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            [python, "-m", "conductor_plugins.panel_process"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as exc:
        raise ConductorError(f"{python} cannot be started ({exc.strerror}).", "Install Conductor again.") from exc
