"""Houdini as the frame server's renderer: load the scene once, render frames of one node of it.

What was never run in a real Houdini is told in docs/hosts/houdini.md.
"""

from __future__ import annotations

import os

import hou
from conductor_core.sequences import frame_path
from conductor_plugins.frame_server import Load, Loaded, Progress, Rendered, serve
from conductor_plugins.frame_server.errors import FrameNotRendered, SceneNotRenderable
from conductor_plugins.frame_server.pictures import Picture, picture
from conductor_plugins.frame_server.startup import run_script
from conductor_plugins.frame_server.streams import log
from conductor_plugins.frame_server.written import Before, FoldersBefore, cause_of, full_or

from conductor_houdini.drivers import Prepared, prepare
from conductor_houdini.rewriting import rewrite_scene

#: https://www.sidefx.com/docs/houdini/hom/hou/Error.html
_ERRORS = (hou.Error, RuntimeError, TypeError, ValueError)


def main() -> int:
    """Serve until the runner says quit or goes away; hython has taken its licence before this file is read."""
    return serve("houdini", hou.applicationVersionString(), HoudiniRenderer())


class HoudiniRenderer:
    """Render what is open in this Houdini."""

    def __init__(self) -> None:
        """Begin with no scene."""
        self._prepared: Prepared | None = None

    def load(self, load: Load) -> Loaded:
        """Open the scene and set its node up for the step."""
        self._prepared = None
        _open(load.scene)
        if load.rules:
            rewrite_scene(load.rules, log)
        for script in load.startup:
            run_script(script, log)
        path = str(load.step.parameters.get("node") or load.step.name)
        node = hou.node(path)
        if not isinstance(node, hou.OpNode):
            raise SceneNotRenderable(load.scene, f"it has no node {path}", "Save the scene and submit it again.")
        self._prepared = prepare(node, load.step, log)
        return Loaded(self._prepared.prints)

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render one frame of the node; one that writes all frames into one file writes it once, whole."""
        prepared = self._prepared
        if prepared is None:
            raise FrameNotRendered(frame, "internal", "no scene is loaded")
        expected = tuple(frame_path(output, frame) for output in prepared.outputs)
        if prepared.one_file and prepared.rendered and all(map(os.path.exists, expected)):
            return _rendered(expected, ())
        for folder in {os.path.dirname(path) for path in expected}:
            os.makedirs(folder, exist_ok=True)
        around, before = FoldersBefore(prepared.folders), Before(expected)
        progress(0.0, prepared.node.path())
        _run(prepared, frame)
        new = around.written()
        if prepared.names_its_files and not new:
            raise FrameNotRendered(frame, "bad-output", f"{prepared.node.path()} finished, but wrote nothing")
        for path in () if prepared.names_its_files else expected:
            if not before.is_new(path):
                raise FrameNotRendered(frame, full_or("bad-output", path), _not_written(prepared, path, new))
        return _rendered(() if prepared.names_its_files else expected, new)


def _open(scene: str) -> None:
    """Open a scene; what Houdini warns of (an asset that is not there) is log: the artist may live with it too.

    https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html#load

    Raises:
        SceneNotRenderable: it cannot be opened.
    """
    try:
        hou.hipFile.load(scene, suppress_save_prompt=True)
    except hou.LoadWarning as exc:
        log(f"Houdini warns of {scene}: {_said(exc)}")
    except hou.LicenseError as exc:
        raise SceneNotRenderable(scene, _said(exc), "A licence helps that may open it.", cause="licence") from exc
    except hou.Error as exc:
        raise SceneNotRenderable(scene, _said(exc), "Open it in Houdini, save it and submit it again.") from exc


def _run(prepared: Prepared, frame: int) -> None:
    try:
        prepared.render(frame)
    except hou.LicenseError as exc:
        raise FrameNotRendered(frame, "licence", _said(exc)) from exc
    except _ERRORS as exc:
        reason = "; ".join(dict.fromkeys((_said(exc), *prepared.complaints()))) or "Houdini gave no reason"
        raise FrameNotRendered(frame, cause_of(reason, "exit-code"), reason) from exc
    for complaint in prepared.complaints():
        log(f"{prepared.node.path()}: {complaint}")


def _said(exc: Exception) -> str:
    """Return what an exception of Houdini says, in one line."""
    words = exc.instanceMessage() if isinstance(exc, hou.Error) else str(exc)
    return " ".join(words.split()) or type(exc).__name__


def _not_written(prepared: Prepared, path: str, new: tuple[str, ...]) -> str:
    """Return why a frame is no frame, naming what was written in its place."""
    instead = f"; it wrote {', '.join(new[:3])}{' …' if len(new) > 3 else ''}" if new else ""
    said = "".join(f"; {complaint}" for complaint in prepared.complaints())
    return f"{prepared.node.path()} finished, but did not write {path}{instead}{said}"


def _rendered(expected: tuple[str, ...], new: tuple[str, ...]) -> Rendered:
    files = tuple(dict.fromkeys((*expected, *new)))
    first = picture(files[0]) if files else Picture()
    return Rendered(files, first.width, first.height, first.layers)
