"""What a host does for the frame server: load a scene, render a frame of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from conductor_core.paths import PathRule
from conductor_core.submission import Step

#: fraction of the frame (0 … 1), what is done right now
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """The scene to load, as the runner asks for it; all paths are where the files lie on this machine."""

    scene: str
    step: Step
    #: by which the paths in the scene must be rewritten; empty: the artist's own are right here
    rules: tuple[PathRule, ...] = ()
    #: Python files to be run in the loaded scene, in this order
    startup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the runner is told of a scene that is ready."""

    #: whose lines in the log tell how far a frame is (docs/api.md, "Printed progress"); "": `render` tells it itself
    prints: str = ""
    #: pictures that a frame has, one after the other: each has a percentage of its own
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a frame came to."""

    #: files that were written, absolute
    outputs: tuple[str, ...]
    #: pixels of the first; 0: not known
    width: int = 0
    height: int = 0
    #: names of the layers in the first file
    layers: tuple[str, ...] = ()


class Renderer(Protocol):
    """The software, as the frame server uses it. Its methods run on the main thread, and may take hours."""

    def load(self, load: Load) -> Loaded:
        """Open the scene, map its paths, run the startup files and set it up for the step.

        Raises:
            ConductorError: it cannot be rendered; `scene-load`, unless the error has a `cause` of its own.
        """

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render exactly this frame of the loaded scene, over a file of the same name.

        Raises:
            FrameNotRendered: with the cause.
        """
