"""What can go wrong between the frame server and the software that it runs in.

ConductorError
├── SceneNotRenderable      a scene that is not there, cannot be opened, or lacks what the step names
├── ScriptFailed            a startup script or a plug-in of the artist's raised an exception
└── FrameNotRendered        the software gave up on a frame, or wrote nothing
"""

from __future__ import annotations

from conductor_core.errors import ConductorError


class SceneNotRenderable(ConductorError):
    """Name the scene, and why nothing of it can be rendered.

    Attributes:
        path: the scene's file.
        cause: one of the causes of docs/api.md; `licence`: the software itself may not run yet.
    """

    def __init__(self, path: str, reason: str, next_step: str, cause: str = "scene-load") -> None:
        self.path = path
        self.cause = cause
        super().__init__(f"{path}: {reason.rstrip('.')}.", next_step)


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
