# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between Conductor and Blender.

ConductorError
├── SceneNotOpened          a scene that is not there, not a .blend, of a newer Blender, or broken
├── SceneNotRenderable      an open scene that lacks something: the named scene, view layer, camera, an image format
└── FrameNotRendered        Blender gave up on a frame, or wrote nothing
"""

from __future__ import annotations

from conductor_core.errors import ConductorError


class SceneNotOpened(ConductorError):
    """Name the scene file that cannot be opened, and why."""

    def __init__(self, path: str, reason: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}.", next_step)


class SceneNotRenderable(ConductorError):
    """Name what the open scene lacks."""

    def __init__(self, path: str, reason: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}.", next_step)


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
