"""Render a small picture by the calls of the frame server, then by the frame server's renderer as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conductor_core.submission import Output, Step
from conductor_plugins.frame_server import Load

import nuke
from conductor_nuke.frame_server import NukeRenderer
from conductor_nuke.smoke.calls import NOTHING, Try


def render_calls(folder: Path) -> Iterator[Try]:
    """Yield the calls; a script of two nodes is made for them."""
    folder.mkdir()
    yield Try("a picture's script", lambda: _script(folder), NOTHING)
    yield Try("addFilenameFilter", lambda: nuke.addFilenameFilter(_same), NOTHING)
    yield Try("scriptOpen", lambda: _opened(folder), NOTHING)
    yield Try("Knob.clearAnimated", lambda: _write()["use_limit"].clearAnimated(), NOTHING)
    yield Try("execute", lambda: nuke.execute(_write(), 1, 1, 1, [nuke.views()[0]]), NOTHING)
    yield Try("the picture", lambda: (folder / "smoke.0001.exr").stat().st_size, (int,))
    yield Try("the frame server's renderer", lambda: _rendered(folder), (str,))


def _script(folder: Path) -> None:
    nuke.scriptClear()
    picture = nuke.createNode("CheckerBoard2", "", False)
    write = nuke.createNode("Write", "name SmokeRender", False)
    write.setInput(0, picture)
    write["file"].setValue((folder / "smoke.%04d.exr").as_posix())
    write["file_type"].setValue("exr")
    nuke.scriptSaveAs(str(folder / "render.nk"), 1)


def _opened(folder: Path) -> None:
    nuke.scriptClear()
    nuke.scriptOpen((folder / "render.nk").as_posix())


def _rendered(folder: Path) -> str:
    """Render frame 3 to a place that is not the script's."""
    place = str(folder / "elsewhere" / "smoke.####.exr")
    step = Step("SmokeRender", "1-3", outputs=(Output(place),), parameters={"write": "SmokeRender"})
    renderer, started = NukeRenderer(), os.getcwd()
    try:
        renderer.load(Load(scene=str(folder / "render.nk"), step=step))
        done = renderer.render(3, lambda *_: None)
    finally:
        os.chdir(started)  # the renderer goes to its script's folder; this Nuke is somebody's
    return f"{done.outputs}, {done.width}x{done.height}"


def _write() -> nuke.Node:
    node = nuke.toNode("SmokeRender")
    if node is None:
        raise LookupError("the node SmokeRender is not there")
    return node


def _same(name: Any) -> Any:
    return name
