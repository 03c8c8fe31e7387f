"""What the panel asks a host (Maya, Nuke, Houdini, Blender): eight questions, answered with values, never with widgets.

All are asked on the host's main thread, and each answer must come within 50 ms, since the artist's application stands still
meanwhile; `dependencies` is cut into slices for that. Every host passes `conductor_plugins.compliance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conductor_core.discovery.finding import Finding
    from conductor_core.host import SceneStep
    from conductor_core.submission import Software


@dataclass(frozen=True, slots=True)
class HostScene:
    """The scene that is open, as far as it can be told at once."""

    #: absolute path of its file; "": it was never saved
    path: str
    #: it has changes that are not in the file
    modified: bool
    #: the host itself, by its catalogue name, with its full version
    software: Software
    #: the scene's own range in the grammar of `conductor_core.frames`
    frames: str
    #: the frame at which the artist stands
    current_frame: int = 1
    #: of the software that saved the file, as far as the host tells
    saved_by: str = ""
    #: plug-ins that the scene uses and that do not come with the host: catalogue name (`mtoa`) and version
    plug_ins: tuple[Software, ...] = ()
    #: what `remember` has left in the scene, or ""
    settings: str = ""
    #: the project's folder where the host knows one (Maya's workspace, `$JOB`)
    project_root: str = ""
    #: file of the colour-management configuration: a path, "" where the host has its own built in
    colour_config: str = ""
    #: steps that render by a GPU alone (`Scene` → `Cycles is set to GPU compute`), by step name
    gpu_steps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of the scene as it was at one instant."""

    #: where it lies: every path in it is still relative to the scene's own place
    file: str
    #: the scene's own path, under which it is submitted
    scene: str


class HostRefused(Exception):
    """A host could not do what it was asked; the text says what, where and what to do, and is shown as it is."""


class Host(Protocol):
    """An application with a scene open in it."""

    def scene(self) -> HostScene:
        """Return what is open."""
        ...

    def steps(self) -> Sequence[SceneStep]:
        """Return what can be rendered: view layers, render layers, write nodes, ROPs, cameras."""
        ...

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the scene reads and writes for these frames (none: its own range), a few at a time.

        Each piece costs a few milliseconds of the main thread: it asks the host and does not look at the disk; whether the
        files are there is judged elsewhere. The values hold nothing of the host's, so that another thread may read them.
        The scene may change between two pieces: what is gone by then is left out, nothing is raised for it.
        """
        ...

    def environment(self) -> Mapping[str, str]:
        """Return the variables of the host's own process that its scene may depend on, all of them."""
        ...

    def save(self) -> None:
        """Save the scene under its own name.

        Raises:
            HostRefused: it has none, or the file cannot be written.
        """
        ...

    def snapshot(self, file: str) -> Snapshot:
        """Write the scene as it is now, unsaved changes included, to `file`; neither name nor modified flag of the open one change.

        Raises:
            HostRefused: it was never saved, or `file` cannot be written.
        """
        ...

    def remember(self, settings: str) -> None:
        """Keep a text in the scene, to be saved with it; undo must not take it away nor step through it."""
        ...

    def reveal(self, referrer: str) -> bool:
        """Select the node or datablock that a finding's `referrer` names, and show it; tell whether it is there."""
        ...
