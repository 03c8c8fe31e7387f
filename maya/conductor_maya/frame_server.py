"""Maya as the frame server's renderer: open the scene once, render frames of one layer as `Render` would.

What was never run in a real Maya is told in docs/hosts/maya.md.
"""

from __future__ import annotations

import os

from conductor_core.sequences import frame_path
from conductor_plugins.frame_server import Load, Loaded, Progress, Rendered, serve
from conductor_plugins.frame_server.errors import FrameNotRendered
from conductor_plugins.frame_server.pictures import Picture, picture
from conductor_plugins.frame_server.startup import run_script
from conductor_plugins.frame_server.streams import log
from conductor_plugins.frame_server.written import Before, FoldersBefore, cause_of, full_or, put_in_place

from conductor_maya.opening import map_directories, open_scene, run_pre_render, set_project, start_maya
from conductor_maya.render_setup import Prepared, prepare
from conductor_maya.rewriting import rewrite_scene


def main() -> int:
    """Start Maya, then serve until the runner says quit or goes away."""
    return serve("maya", start_maya(), MayaRenderer())


class MayaRenderer:
    """Render what is open in this Maya."""

    def __init__(self) -> None:
        """Begin with no scene."""
        self._prepared: Prepared | None = None

    def load(self, load: Load) -> Loaded:
        """Open the scene and set it up for the step."""
        self._prepared = None
        map_directories(load.rules, load.scene)
        set_project(load, log)
        open_scene(load.scene, log)
        if load.rules:
            rewrite_scene(load.rules, log)
        for script in load.startup:
            run_script(script, log)
        run_pre_render(load.scene)
        self._prepared = prepare(load.step, load.scene, log)
        run_pre_render(load.scene, "preRenderLayerMel")
        return Loaded(self._prepared.engine.prints, len(self._prepared.shots()))

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render one frame from each camera."""
        if self._prepared is None:
            raise FrameNotRendered(frame, "internal", "no scene is loaded")
        expected = self._prepared.files(frame)
        for path in expected:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        around, before = FoldersBefore(self._prepared.folders), Before(expected)
        self._run(self._prepared, frame, progress, before)
        new = around.written()
        for path in expected:
            if not before.is_new(path):
                raise FrameNotRendered(frame, full_or("bad-output", path), not_written(path, new))
        main = next(iter(expected), next(iter(new), ""))
        first = picture(main) if main else Picture()
        return Rendered(tuple(dict.fromkeys((*expected, *new))), first.width, first.height, first.layers)

    def _run(self, prepared: Prepared, frame: int, progress: Progress, before: Before) -> None:
        shots = prepared.shots()
        try:
            for number, shot in enumerate(shots):
                progress(number / len(shots), f"camera {shot.camera}" if shot.camera else "")
                around = FoldersBefore(prepared.folders)
                prepared.render(shot, frame)
                for output in prepared.outputs_of(shot):
                    if not before.is_new(frame_path(output.path, frame)):
                        put_in_place(output.path, frame, around.written(), log)
        except (RuntimeError, ValueError, OSError) as exc:  # what Maya's commands raise, and Python of plug-ins
            reason = " ".join(str(exc).split()) or "Maya gave no reason"
            raise FrameNotRendered(frame, cause_of(reason, "exit-code"), reason) from exc


def not_written(path: str, new: tuple[str, ...]) -> str:
    """Return why a frame is no frame, naming what was written in its place."""
    instead = f"; it wrote {', '.join(new[:3])}{' …' if len(new) > 3 else ''}" if new else ""
    return f"Maya finished, but did not write {path}{instead}"
