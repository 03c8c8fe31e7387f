"""The script that is open in Nuke: its place, range and frame, and whether it has changes that are not saved.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Root.html
"""

from __future__ import annotations

import os

import nuke

#: what Nuke's objects raise once their node is gone ("A PythonObject is not attached to a node"), and its evaluation when it fails
GONE = (ValueError, RuntimeError)


def version() -> str:
    """Return this Nuke's version, as the service's catalogue names it (`15.1v3`)."""
    return str(nuke.NUKE_VERSION_STRING)


def script_path() -> str:
    """Return the absolute path of the script's file; "" where it was never saved."""
    name = str(nuke.root()["name"].value() or "")
    return os.path.abspath(name) if name else ""


def is_modified() -> bool:
    """Tell whether there are changes that are not in the file."""
    return bool(nuke.root().modified())


def own_range() -> tuple[int, int]:
    """Return the script's first and last frame; where they are an expression that fails, the frame at which the artist stands."""
    try:
        first, last = int(nuke.root().firstFrame()), int(nuke.root().lastFrame())
    except GONE:
        first = last = current_frame()
    return first, max(first, last)


def own_frames() -> str:
    """Return the script's range in the grammar of `conductor_core.frames`."""
    first, last = own_range()
    return f"{first}-{last}" if first < last else str(first)


def current_frame() -> int:
    """Return the frame at which the artist stands."""
    return int(nuke.frame())


def views() -> tuple[str, ...]:
    """Return the names of the script's views."""
    return tuple(str(view) for view in nuke.views())
