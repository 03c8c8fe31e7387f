# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be rendered: each scene of the file, and for those with several view layers or cameras each of these by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conductor_core.discovery.blender_outputs import HASHES
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Parameter

from .output_paths import as_outputs

#: what must not come into the name of a file; `#` would be the frame
_UNFIT = re.compile(r'[\\/:*?"<>|#%\s]+')
_SEPARATORS = "._-"


def own_steps(active: Any) -> Iterator[SceneStep]:
    """Yield one step for each scene; the active one is what is rendered unless the artist says otherwise."""
    import bpy

    for scene in bpy.data.scenes:
        if scene.library is None:
            yield _step(scene, scene.name, enabled=scene == active)


def steps(active: Any) -> Iterator[SceneStep]:
    """Yield the same, each followed by its view layers and cameras where there are several; those are off at first.

    Each of these writes beside the scene's own output, under its own name, so that no two write the same file.
    """
    import bpy

    for whole in own_steps(active):
        yield whole
        scene = bpy.data.scenes[(str(whole.parameters["scene"]), None)]
        layers = [layer.name for layer in scene.view_layers if layer.use]
        for name in layers if len(layers) > 1 else ():
            yield _part(whole, name, {"view_layer": name})
        cameras = _cameras(scene)
        for name in cameras if len(cameras) > 1 else ():
            yield _part(whole, name, {"camera": name})


def lacks_camera(scene: Any) -> bool:
    """Tell whether a scene has no camera and needs one: the sequencer makes pictures without (`RE_is_rendering_allowed`)."""
    editor = scene.sequence_editor
    if scene.camera is not None or any(o.type == "CAMERA" for o in scene.objects):
        return False
    strips = getattr(editor, "strips", getattr(editor, "sequences", ()))
    return not (scene.render.use_sequencer and editor is not None and len(strips))


def beside(path: str, name: str) -> str:
    """Return an output path with a name put before its frame number: `shot_####.exr` → `shot_Fog_####.exr`."""
    folder, file = os.path.split(path)
    fit = _UNFIT.sub("_", name).strip(_SEPARATORS) or "part"
    runs = list(HASHES.finditer(file))
    at = runs[-1].start() if runs else len(os.path.splitext(file)[0])
    head, tail = file[:at], file[at:]
    separator = head[-1] if head and head[-1] in _SEPARATORS else "_"
    head = head.rstrip(_SEPARATORS)
    between = separator if runs else ""
    return os.path.join(folder, f"{head}{separator if head else ''}{fit}{between}{tail}")


def _step(scene: Any, name: str, *, enabled: bool) -> SceneStep:
    """Return one scene as a step; which view layer and camera are the scene's own choice unless a submission says."""
    parameters: dict[str, Parameter] = {"scene": scene.name, "view_layer": "", "camera": ""}
    problem = "has no camera" if lacks_camera(scene) else ""
    return SceneStep(name, as_outputs(scene), parameters, enabled=enabled, problem=problem)


def _part(whole: SceneStep, name: str, parameters: dict[str, Parameter]) -> SceneStep:
    kind = "camera" if "camera" in parameters else "layer"
    return SceneStep(
        f"{whole.name}, {kind} {name}",
        tuple(_renamed(output, name, first=not number) for number, output in enumerate(whole.outputs)),
        {**whole.parameters, **parameters},
        enabled=False,
        problem=whole.problem,
    )


def _renamed(output: Output, name: str, *, first: bool) -> Output:
    """Return an output of a part: the first is where the render goes and can be told; the compositor writes as it is set up."""
    return replace(output, path=beside(output.path, name), layers=()) if first else output


def _cameras(scene: Any) -> list[str]:
    import bpy

    if len(bpy.data.cameras) < 2 and sum(c.users for c in bpy.data.cameras) < 2:
        return []
    return [o.name for o in scene.objects if o.type == "CAMERA"]
