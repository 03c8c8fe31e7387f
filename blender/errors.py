# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between Conductor and Blender.

ConductorError
├── SceneNotSaved           a scene that has no file yet
├── SceneNotOpened          a scene that is not there, not a .blend, or broken
│   └── SceneIsNewer        a scene that a newer Blender saved
├── SceneNotRenderable      an open scene that lacks something: the named scene, view layer, camera, an image format
├── ScriptFailed            a startup script or an add-on of the artist's raised an exception
└── FrameNotRendered        Blender gave up on a frame, or wrote nothing
"""

from __future__ import annotations

from conductor_core.errors import ConductorError


class SceneNotSaved(ConductorError):
    """Say that a scene without a file cannot be described: its paths are relative to the file."""

    def __init__(self) -> None:
        super().__init__("This scene has never been saved.", "Save it, then try again.")


class SceneNotOpened(ConductorError):
    """Name the scene file that cannot be opened, and why."""

    def __init__(self, path: str, reason: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}.", next_step)


class SceneIsNewer(SceneNotOpened):
    """Say which Blender saved the scene: an asker that knows another Blender can go on with that."""


class SceneNotRenderable(ConductorError):
    """Name what the open scene lacks."""

    def __init__(self, path: str, reason: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}.", next_step)


class ScriptFailed(ConductorError):
    """Name the artist's own script, the line of it, and what went wrong there.

    Attributes:
        path: the script.
        line: in it; 0: nobody knows.
    """

    def __init__(self, what: str, path: str, line: int, reason: str) -> None:
        self.path = path
        self.line = line
        where = f"{path}, line {line}" if line else path
        super().__init__(f"{what} failed: {where}: {reason}.", "Correct it and submit again, or leave it out.")


class FrameNotRendered(ConductorError):
    """Say why a frame failed.

    Attributes:
        frame: the frame.
        cause: one of the causes of docs/api.md.
    """

    def __init__(self, frame: int, cause: str, reason: str, next_step: str = "") -> None:
        self.frame = frame
        self.cause = cause
        super().__init__(f"Frame {frame}: {reason.rstrip('.')}.", next_step)
