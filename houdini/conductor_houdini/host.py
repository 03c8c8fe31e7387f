"""What Houdini answers about the open scene: the values the panel builds a job from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import hou
from conductor_core.discovery.finding import Finding
from conductor_core.host import SceneStep
from conductor_core.submission import Software
from conductor_plugins.host import HostScene, Snapshot

from conductor_houdini import dependencies, plug_ins, revealing, saving, scene
from conductor_houdini.settings import recall
from conductor_houdini.settings import remember as keep
from conductor_houdini.steps import steps


class HoudiniHost:
    """The Houdini that this runs in, as `conductor_plugins.host.Host`. Houdini's main thread only."""

    def scene(self) -> HostScene:
        """Return what is open. Without a window Houdini counts every scene as modified.

        https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html#hasUnsavedChanges
        """
        found = self.steps()
        return HostScene(
            path=scene.path(),
            modified=hou.hipFile.hasUnsavedChanges(),
            software=Software("houdini", scene.version()),
            frames=scene.own_frames(),
            current_frame=hou.intFrame(),
            # what is submitted is a copy that this Houdini writes
            saved_by=scene.version(),
            plug_ins=plug_ins.plug_ins(),
            settings=recall(),
            project_root=(hou.getenv("JOB") or "").replace("\\", "/"),
            colour_config=os.environ.get("OCIO", ""),
            gpu_steps=plug_ins.gpu_steps(found),
        )

    def steps(self) -> Sequence[SceneStep]:
        """Return the render nodes and those that write caches."""
        return steps()

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the scene reads and writes, a few milliseconds at a time."""
        return dependencies.pieces(frames)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of Houdini's process, `$JOB` as Houdini has it now."""
        result = dict(os.environ)
        job = hou.getenv("JOB")
        return result | {"JOB": job} if job else result

    def save(self) -> None:
        """Save the scene under its own name."""
        saving.save()

    def snapshot(self, file: str) -> Snapshot:
        """Write the scene as it is now to `file`."""
        return Snapshot(file, saving.snapshot(file))

    def remember(self, settings: str) -> None:
        """Keep a text in the scene."""
        keep(settings)

    def reveal(self, referrer: str) -> bool:
        """Select the node that a referrer or a step names, and show it where it can be shown."""
        return revealing.reveal(referrer)
