# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender answers about the open scene: the values the panel and `conductor submit` build a job from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conductor_core.host import SceneDescription, SceneStep
from conductor_core.submission import Software

from .discover import scan
from .output_paths import as_outputs


def describe(frames: Iterable[int] = ()) -> SceneDescription:
    """Return the description of the open scene, its dependencies limited to some frames (none: its own range)."""
    import bpy

    return SceneDescription(
        report=scan(frames),
        software=Software("blender", version()),
        frames=own_frames(active_scene()),
        steps=tuple(_step(scene) for scene in bpy.data.scenes if scene.library is None),
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
    """Return the scene that Blender would render."""
    import bpy

    return bpy.context.scene


def _step(scene: Any) -> SceneStep:
    """Return one scene as a step; which view layer and camera are the scene's own choice unless a submission says."""
    parameters = {"scene": scene.name, "view_layer": "", "camera": ""}
    problem = "has no camera" if lacks_camera(scene) else ""
    return SceneStep(scene.name, as_outputs(scene), parameters, enabled=scene == active_scene(), problem=problem)


def lacks_camera(scene: Any) -> bool:
    """Tell whether a scene has no camera and needs one: the sequencer makes pictures without (`RE_is_rendering_allowed`)."""
    editor = scene.sequence_editor
    if scene.camera is not None or any(o.type == "CAMERA" for o in scene.objects):
        return False
    strips = getattr(editor, "strips", getattr(editor, "sequences", ()))
    return not (scene.render.use_sequencer and editor is not None and len(strips))
