# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender answers about the open scene: the values the panel and `conductor submit` build a job from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conductor_core.discovery.finding import Finding
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.submission import Software

from . import discover, modified, revealing, saving, settings
from .discover import scan
from .engines import gpu_steps, plug_ins
from .steps import own_steps, steps

if TYPE_CHECKING:
    from conductor_plugins.host import HostScene, Snapshot


class BlenderHost:
    """The Blender that this runs in, as `conductor_plugins.host.Host`. Blender's main thread only."""

    def scene(self) -> HostScene:
        """Return what is open."""
        import bpy
        from conductor_plugins.host import HostScene

        scene = active_scene()
        return HostScene(
            path=os.path.normpath(bpy.data.filepath) if bpy.data.filepath else "",
            modified=modified.is_modified(),
            software=Software("blender", version()),
            frames=own_frames(scene),
            current_frame=int(scene.frame_current),
            # not `bpy.data.version`: what is submitted is a copy that this Blender writes
            saved_by=".".join(version().split(".")[:2]),
            plug_ins=plug_ins(),
            settings=settings.recall(),
            colour_config=os.environ.get("OCIO", ""),
            gpu_steps=gpu_steps(self.steps()),
        )

    def steps(self) -> Sequence[SceneStep]:
        """Return each scene, and for those with several view layers or cameras each of these too."""
        return tuple(steps(active_scene()))

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the scene reads and writes, a few milliseconds at a time."""
        return discover.pieces(frames)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of Blender's process."""
        return dict(os.environ)

    def save(self) -> None:
        """Save the scene under its own name."""
        saving.save()

    def snapshot(self, file: str) -> Snapshot:
        """Write the scene as it is now to `file`."""
        from conductor_plugins.host import Snapshot

        return Snapshot(file, saving.snapshot(file))

    def remember(self, settings_text: str) -> None:
        """Keep a text in the scene."""
        settings.remember(settings_text)

    def reveal(self, referrer: str) -> bool:
        """Select the datablock that a referrer names, or the step of this name, and show it where it can be shown."""
        return revealing.reveal(referrer)


def describe(frames: Iterable[int] = ()) -> SceneDescription:
    """Return the description of the open scene, its dependencies limited to some frames (none: its own range)."""
    import bpy

    return SceneDescription(
        report=scan(frames),
        software=Software("blender", version()),
        frames=own_frames(active_scene()),
        steps=tuple(own_steps(active_scene())),
        modified=bool(bpy.data.is_dirty),
        saved_by=".".join(str(n) for n in bpy.data.version[:2]),
    )


def version() -> str:
    """Return this Blender's version, as the service's catalogue names it (`4.5.15`)."""
    import bpy

    return ".".join(str(n) for n in bpy.app.version)


def own_frames(scene: Any) -> str:
    """Return a scene's range in the grammar of `conductor_core.frames`."""
    if scene.frame_start == scene.frame_end:
        return str(scene.frame_start)
    step = f"x{scene.frame_step}" if scene.frame_step > 1 else ""
    return f"{scene.frame_start}-{scene.frame_end}{step}"


def active_scene() -> Any:
    """Return the scene that Blender would render; a timer is in no window, so the first one counts there."""
    import bpy

    if bpy.context.scene is not None:
        return bpy.context.scene
    windows = bpy.context.window_manager.windows
    return windows[0].scene if len(windows) else bpy.data.scenes[0]
