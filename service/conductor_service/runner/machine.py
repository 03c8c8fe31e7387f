"""An instance, and the worlds that it makes for the sessions of its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import conductor_core
from conductor_core.paths import Flavour

from conductor_service.runner.assignment import Assignment, Package
from conductor_service.runner.binds import Node
from conductor_service.runner.collect import OutputFolder, copy_tree
from conductor_service.runner.groups import Groups
from conductor_service.runner.isolation import Isolation, World
from conductor_service.runner.launching import HOSTS, HostScripts, software_view
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.places import WINDOWS_FILES, Places, output_folders
from conductor_service.runner.stages import Stage, ensure_folder

#: the hosts' scripts use the core too
_CORE = Path(conductor_core.__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Machine:
    """What all sessions of an instance share."""

    isolation: Isolation
    hosts: Path
    resources: ResourceLimits
    room: Callable[[], Room]
    clock: Callable[[], float]
    groups: Groups

    @property
    def promises(self) -> str:
        """Return how tasks are kept apart and limited here, for the runner's log."""
        return f"isolation: {self.isolation.name}; limits: {self.groups.name}"

    def places(self, flavour: Flavour, stage: Path) -> Places:
        """Return where a session's software finds the paths of a client."""
        if not self.isolation.shows_own_paths:
            return Places(flavour, str(stage))
        return Places(flavour, "/" if flavour is Flavour.POSIX else WINDOWS_FILES)

    def host_scripts(self) -> HostScripts:
        """Return where software finds the hosts' scripts."""
        if self.isolation.shows_own_paths:
            return HostScripts(self.hosts, HOSTS, f"{HOSTS}/core")
        return HostScripts(self.hosts, str(self.hosts), str(_CORE.parent))

    def software_view(self, packages: Sequence[Package], session: Path) -> dict[str, str]:
        """Return what a task needs to see of its packages and of us, target → source.

        Raises:
            TaskFailed: a package is not on this instance, or would show what no task may see.
        """
        # The session's folder stands for the work folder: what holds the one holds the other.
        hidden = (str(Path.home()), str(session)) if self.isolation.shows_own_paths else ()
        scripts = self.host_scripts()
        view: dict[str, str] = {}
        for package in packages:
            view |= software_view(package, scripts, hidden)
        return {**view, f"{scripts.core}/{_CORE.name}": str(_CORE)}

    def make_world(
        self, folder: Path, stage: Stage, places: Places, outputs: Sequence[OutputFolder], software: dict[str, str]
    ) -> World:
        """Return what a session may see and use."""

        def seen(staged: str) -> str:
            return f"{places.seen_root.rstrip('/')}/{staged}"

        inputs = {seen(f.path): Node(f.path, "folder") for f in stage.plan.folders if f.path}
        inputs |= {seen(f.path): Node(f.path, "file") for f in stage.plan.files}
        inputs |= {seen(link.path): Node(link.path, "link", link.target) for link in stage.plan.links}
        for output in outputs:
            above = output.seen
            while (above := above.rpartition("/")[0]) in inputs:
                inputs[above] = Node(above, "folder")
        return World(
            folder=folder,
            stage=stage.folder,
            inputs=inputs,
            outputs={o.seen: str(o.backing) for o in outputs},
            software=software,
            seen_root=places.seen_root,
            limits=self.resources,
        )


def make_output_folders(
    assignment: Assignment, places: Places, stage: Stage, folder: Path, *, apart: bool
) -> tuple[OutputFolder, ...]:
    """Make the folders that the step may write; `apart` from the stage, in `folder`, the job's inputs in them are copied,
    since they may be overwritten.
    """
    result = []
    for number, client in enumerate(output_folders(assignment.step, assignment.flavour)):
        backing = ensure_folder(stage.folder, client)
        if apart:
            staged, backing = backing, folder / "out" / str(number)
            backing.mkdir()
            copy_tree(staged, backing)
        result.append(OutputFolder(client, places.seen(client), backing))
    return tuple(result)
