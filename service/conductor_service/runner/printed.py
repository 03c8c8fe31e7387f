"""How far a frame is, from what renderers print: the frame server cannot tell it while it waits for the renderer.

One row per renderer. What each prints: its manual, and the parsers of CGRU
(https://github.com/CGRU/cgru/tree/master/afanasy/python/parsers) and of deadline-cloud-for-maya, which read the same lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

#: of a line without an end
_MOST = 4096
_INTERVAL = 0.25
_PERCENT = r"(\d{1,3}(?:\.\d+)?) ?%"

#: renderer → patterns: one group is percent, two are a count and of how many
_ROWS: Mapping[str, tuple[str, ...]] = {
    # `00:00:05  512MB |   45% done - 23 rays/pixel`; Arnold 7: `45% done`
    "arnold": (r"(?:^|\s)(\d{1,3})% done\b",),
    # `Rendering image...: 12.3% done [  0h  0m  1.2s]`, and with Maya's own words around it
    "vray": (rf"Rendering image.{{0,20}}?{_PERCENT}", r"\[PROGRESS\] (\d{1,3}) percent"),
    # `[Redshift] Block 32/48 (7,4) rendered by GPU 0 in 2ms`
    "redshift": (r"Block (\d{1,7})/(\d{1,7})",),
    # `R90000   45%`
    "renderman": (r"R90000\s{1,20}(\d{1,3})%",),
    # `[PROGRESS] Percentage of rendering done: 45 (/show/images/a.0001.iff)`
    "mayaSoftware": (r"Percentage of rendering done: ?(\d{1,3})",),
    # `Writing /show/a.0001.exr .1.2.3`: tenths, on one line, as they come
    "nuke": (r"Writing .{1,2000}? (?:\.\d){0,9}\.(\d)(?=\s|\.|\Z)",),
    # mantra, karma and husk with `Alfred style progress`
    "alfred": (r"ALF_PROGRESS\s{0,20}(\d{1,3})%",),
}
_TENTHS = {"nuke"}
#: programs of command steps → whose lines they print
_PROGRAMS = {"kick": "arnold", "vray": "vray", "redshiftcmdline": "redshift", "prman": "renderman"}
_PROGRAMS |= dict.fromkeys(("mantra", "husk", "karma", "hython", "hbatch"), "alfred")


def printed_by(program: str) -> str:
    """Return whose lines a program prints; "" where nobody knows."""
    name = program.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    return _PROGRAMS.get(name, "")


class PrintedProgress:
    """Read the log of a renderer as it comes, from one thread; tell how much of the picture is there."""

    def __init__(self, who: str, tell: Callable[[float, str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Tell `tell(fraction, line)`, not more often than a few times a second; an unknown `who` tells nothing."""
        self._patterns = tuple(re.compile(row) for row in _ROWS.get(who, ()))
        self._scale = 10.0 if who in _TENTHS else 100.0
        self._tell = tell
        self._clock = clock
        self._rest = ""
        self._told = -1.0
        self._told_at = float("-inf")

    def feed(self, data: bytes) -> None:
        """Take what was printed."""
        if not self._patterns:
            return
        text = self._rest + data.decode(errors="replace").replace("\r", "\n")
        lines = text.split("\n")
        self._rest = lines[-1][-_MOST:]
        read = [(fraction, line) for line in lines if (fraction := self._fraction(line[:_MOST])) is not None]
        if read:
            self._say(*read[-1])

    def _fraction(self, line: str) -> float | None:
        for pattern in self._patterns:
            found = None
            for found in pattern.finditer(line):  # noqa: B007  the last one counts
                pass
            if found is None:
                continue
            count = float(found[1])
            of = max(float(found[2]), 1.0) if pattern.groups > 1 else self._scale
            return min(count / of, 1.0)
        return None

    def _say(self, fraction: float, line: str) -> None:
        now = self._clock()
        if fraction == self._told or now - self._told_at < _INTERVAL:
            return
        self._told, self._told_at = fraction, now
        self._tell(fraction, line.strip()[-200:])
