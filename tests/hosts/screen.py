"""A screen of its own for programs with windows: an X server without a monitor, a window manager, mouse and keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

#: what has to be installed (apt-get install NAME)
PROGRAMS = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool", "import": "imagemagick"}
#: seconds between two looks
_LOOK = 0.1


class Screen:
    """An X server with nothing on it at first."""

    def __init__(self, size: str = "1400x900x24") -> None:
        reading, writing = os.pipe()
        words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
        self._server = subprocess.Popen(words, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as said:
            self.display = f":{said.readline().strip()}"
        self._manager = subprocess.Popen(
            ["openbox"], env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of a program on this screen, drawn by software."""
        own = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYTHONPATH")}
        return {**own, "DISPLAY": self.display, "LIBGL_ALWAYS_SOFTWARE": "1"}

    def close(self) -> None:
        """Switch the screen off."""
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(20)

    def window(self, name: str) -> str:
        """Return the number of the visible window whose title matches, "" where there is none."""
        return (self._xdotool("search", "--onlyvisible", "--name", name).split() or [""])[-1]

    def wait_for(self, there: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not there():
            late = time.monotonic() >= deadline
            assert not late, f"{what} did not come within {seconds:.0f} s; the keyboard has {self._in_front()!r}"
            time.sleep(_LOOK)

    def click(self, window: str, x: int, y: int) -> None:
        """Move the mouse to a place inside of a window and press it, as a hand would: not all at once."""
        self.hover(window, x, y)
        self._xdotool("click", "1", "sleep", "0.3")

    def hover(self, window: str, x: int, y: int) -> None:
        """Move the mouse to a place inside of a window."""
        self._xdotool("mousemove", "--window", window, str(x), str(y), "sleep", "0.4")

    def size(self, window: str) -> tuple[int, int]:
        """Return width and height of a window."""
        lines = dict(
            line.split("=") for line in self._xdotool("getwindowgeometry", "--shell", window).splitlines() if "=" in line
        )
        return int(lines["WIDTH"]), int(lines["HEIGHT"])

    def keys(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self._xdotool("key", "--clearmodifiers", key, "sleep", "0.2")

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "30", text)

    def activate(self, window: str) -> None:
        """Give a window the keyboard."""
        self._xdotool("windowactivate", "--sync", window)

    def picture(self, file: Path) -> None:
        """Keep what is on the screen."""
        subprocess.run(["import", "-window", "root", str(file)], env=self.environment(), check=True, timeout=60)

    def _in_front(self) -> str:
        """Return the title of the window that has the keyboard."""
        return self._xdotool("getactivewindow", "getwindowname").strip()

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout


def lacking() -> str:
    """Return which package has to be installed for a screen, "" for none."""
    return next((package for program, package in PROGRAMS.items() if shutil.which(program) is None), "")
