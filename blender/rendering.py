# SPDX-License-Identifier: GPL-3.0-or-later
"""Render single frames of the open scene, as `blender -b scene -f N` would, and tell exactly what was written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from conductor_core.discovery.blender_outputs import EXTENSIONS
from conductor_core.submission import Step
from conductor_plugins.frame_server import Progress, Rendered
from conductor_plugins.frame_server.errors import FrameNotRendered, SceneNotRenderable
from conductor_plugins.frame_server.pictures import Picture, picture
from conductor_plugins.frame_server.written import Before, cause_of, full_or

from .host import active_scene
from .output_paths import MOVIE_FORMATS, SceneOutput, frame_file, scene_outputs, size
from .progress import FrameProgress
from .steps import lacks_camera


class FrameRenderer:
    """Render frames of one step; the scene is open, its settings stay as the artist made them."""

    def __init__(self, scene: Any, clock: Callable[[], float] = time.monotonic) -> None:
        """Take a scene of the open file as it stands, after `apply_step`."""
        self._scene = scene
        self._clock = clock
        self._layers = sum(1 for layer in scene.view_layers if layer.use)

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render exactly this frame.

        Raises:
            FrameNotRendered: Blender gave up, or the file is not there or is still the old one.
        """
        before = Before(expected_files(self._scene, frame))
        self._run(frame, progress)
        new = before.written()
        main = _render_files(self._scene, frame)
        for path in main:
            if path not in new:
                raise FrameNotRendered(frame, *_why_not_written(path))
        first = picture(main[0])
        if not first.width:
            first = Picture(*size(self._scene), first.layers)
        return Rendered(new, first.width, first.height, first.layers)

    def _run(self, frame: int, progress: Progress) -> None:
        import bpy

        follow = FrameProgress(self._layers, progress, self._clock)

        def stats(*arguments: Any) -> None:
            follow.line(str(arguments[0]))

        if frame < 0:  # otherwise Blender takes 0 for it without a word
            bpy.context.preferences.edit.use_negative_frames = True
        bpy.app.handlers.render_stats.append(stats)
        try:
            result = _render(self._scene, frame)
        except RuntimeError as exc:
            raise FrameNotRendered(frame, *why_failed(str(exc), _render_files(self._scene, frame)[0])) from exc
        except MemoryError as exc:
            raise FrameNotRendered(frame, "out-of-memory", "Python ran out of memory") from exc
        finally:
            bpy.app.handlers.render_stats.remove(stats)
        if "FINISHED" not in result:
            raise FrameNotRendered(frame, "exit-code", f"Blender broke the render off ({', '.join(sorted(result))})")


def _render(scene: Any, frame: int) -> Any:
    """Render one frame and return what the operator says.

    Since 5.0 the operator takes a range and is what `-f` does. Before, it would need the scene's own range changed, which
    simulations read; a still is the same picture, with the frame in its path put there by Blender's `frame_path`. (In 5.0 a
    still is not: its File Output nodes leave the frame out of their names.)
    """
    import bpy

    if "frame_start" in bpy.ops.render.render.get_rna_type().properties:
        scene.render.use_overwrite, scene.render.use_placeholder = True, False
        return bpy.ops.render.render(animation=True, scene=scene.name, frame_start=frame, frame_end=frame)
    kept = scene.render.filepath
    scene.render.filepath = literal(scene.render.frame_path(frame=frame))
    scene.frame_current = frame
    try:
        return bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        scene.render.filepath = kept


def apply_step(step: Step, scene_file: str, log: Callable[[str], None]) -> Any:
    """Set the open file up for a step and return its scene.

    Parameters: `scene`, `view_layer`, `camera` (names; empty: as the file says). Where the step's first output is not the
    scene's own, the scene renders there.

    Raises:
        SceneNotRenderable: something that the step names is not in the file, or there is no camera.
    """
    parameters = step.parameters
    scene = _scene(str(parameters.get("scene") or ""), scene_file)
    if parameters.get("view_layer"):
        _only_layer(scene, str(parameters["view_layer"]), scene_file)
    if parameters.get("camera"):
        _only_camera(scene, str(parameters["camera"]), scene_file)
    if lacks_camera(scene):
        raise SceneNotRenderable(scene_file, f'scene "{scene.name}" has no camera', "Add a camera to it and submit again.")
    if step.outputs:
        _render_to(scene, step.outputs[0].path, log)
    if not all(o.path for o in scene_outputs(scene) if o.active):
        texts = ", ".join(o.slot.text() for o in scene_outputs(scene) if not o.path)
        raise SceneNotRenderable(
            scene_file, f"Blender cannot read the templates in {texts}", "Correct the path and submit again."
        )
    if scene.render.image_settings.file_format in MOVIE_FORMATS:
        reason = f'scene "{scene.name}" writes a movie, which cannot be rendered frame by frame on several machines'
        raise SceneNotRenderable(
            scene_file, reason, "Set an image format, or submit with an output path that ends in .exr or .png."
        )
    _choose_device(scene, log)
    return scene


def expected_files(scene: Any, frame: int) -> tuple[str, ...]:
    """Return every file that the scene writes at a frame."""
    paths = [*_render_files(scene, frame), *(frame_file(o.path, frame) for o in _node_outputs(scene))]
    return tuple(dict.fromkeys(paths))


def literal(path: str) -> str:
    """Return a path so that Blender's templates (4.5) leave it alone: braces are doubled."""
    import bpy

    return path.replace("{", "{{").replace("}", "}}") if tuple(bpy.app.version) >= (4, 5, 0) else path


def _render_files(scene: Any, frame: int) -> tuple[str, ...]:
    return tuple(frame_file(o.path, frame) for o in scene_outputs(scene) if o.active and o.slot.struct == scene.render)


def _node_outputs(scene: Any) -> list[SceneOutput]:
    return [o for o in scene_outputs(scene) if o.active and o.slot.struct != scene.render]


def _scene(name: str, scene_file: str) -> Any:
    import bpy

    if not name:
        return active_scene()
    scene = bpy.data.scenes.get((name, None))
    if scene is None:
        names = ", ".join(f'"{s.name}"' for s in bpy.data.scenes)
        raise SceneNotRenderable(scene_file, f'there is no scene "{name}" in it, only {names}', "Submit it again.")
    return scene


def _only_layer(scene: Any, name: str, scene_file: str) -> None:
    if name not in scene.view_layers:
        names = ", ".join(f'"{v.name}"' for v in scene.view_layers)
        raise SceneNotRenderable(scene_file, f'scene "{scene.name}" has no view layer "{name}", only {names}', "Submit it again.")
    for layer in scene.view_layers:
        layer.use = layer.name == name


def _only_camera(scene: Any, name: str, scene_file: str) -> None:
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        raise SceneNotRenderable(scene_file, f'scene "{scene.name}" has no camera "{name}"', "Submit it again.")
    for marker in scene.timeline_markers:  # they would switch to another one; unbinding the last but one does, too
        marker.camera = None
    scene.camera = camera


def _render_to(scene: Any, path: str, log: Callable[[str], None]) -> None:
    """Render to another path than the scene's, in the format that its extension asks for."""
    own = next(o for o in scene_outputs(scene) if o.slot.struct == scene.render)
    if os.path.normpath(path) == own.path:
        return
    settings = scene.render.image_settings
    extension = os.path.splitext(path)[1].lower()
    if extension and extension not in EXTENSIONS.get(settings.file_format, ()):
        image_format = next((f for f, known in EXTENSIONS.items() if extension in known), "")
        if image_format:
            if hasattr(settings, "media_type"):  # 5.0 shows only the formats of one medium
                settings.media_type = "IMAGE"
            settings.file_format = image_format
            log(f"output format: {image_format}, since {path} was asked for")
    scene.render.filepath = literal(path)
    log(f"output: {path} (the scene says {own.slot.text()})")


def _choose_device(scene: Any, log: Callable[[str], None]) -> None:
    """Use the GPU where the scene wants one and the machine has one; the CPU, and a line in the log, where not."""
    import bpy

    cycles = getattr(scene, "cycles", None)
    if scene.render.engine != "CYCLES" or cycles is None or cycles.device != "GPU":
        return
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI"):
        try:
            devices = preferences.get_devices_for_type(kind)
        except (ValueError, TypeError):  # this build does not know the kind
            continue
        if devices:
            preferences.compute_device_type = kind
            for device in devices:
                device.use = device.type == kind
            log(f"rendering on {kind}: {', '.join(d.name for d in devices if d.type == kind)}")
            return
    cycles.device = "CPU"
    log("the scene asks for a GPU and this machine has none: rendering on the CPU")


def why_failed(text: str, path: str) -> tuple[str, str]:
    """Return cause and reason for what Blender says when it gives up."""
    lines = [line.removeprefix("Error:").strip() for line in text.splitlines() if line.strip()]
    reason = " ".join(dict.fromkeys(lines)) or "Blender gave no reason"
    if (told := cause_of(reason, "")) != "":
        return told, reason
    lower = reason.lower()
    if "camera" in lower:
        return "scene-load", reason
    if "writ" in lower or "save" in lower:
        return full_or("bad-output", path), reason
    return "exit-code", reason


def _why_not_written(path: str) -> tuple[str, str]:
    return full_or("bad-output", path), f"Blender finished, but did not write {path}"
