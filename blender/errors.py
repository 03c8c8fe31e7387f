# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between Conductor and Blender.

ConductorError
├── SceneNotSaved           a scene that has no file yet
└── SceneNotOpened          a scene that is not there, not a .blend, or broken
    └── SceneIsNewer        a scene that a newer Blender saved
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
