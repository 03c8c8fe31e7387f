"""RenderMan in the fake Maya: the Python module that its plug-in brings, and pictures where `rmanGlobals` says.

Tokens: https://rmanwiki.pixar.com/display/RFM23/String+tokens+in+RfM; batches: https://rmanwiki.pixar.com/display/RFM/Batch+Rendering, and
how a public farm drives it (https://github.com/aws-deadline/deadline-cloud-for-maya, renderman_handler.py).
"""

from __future__ import annotations

import os
import re
import types
from pathlib import Path
from typing import Any

from fakes.maya_graph import Node
from fakes.maya_rendering import Renderers, cameras, value, write

_TOKEN = re.compile(r"<(\w+)>")
_PLUG_IN = "RenderMan_for_Maya.py"
#: what each display writes: the picture, and a pass beside it
_PASSES = ("beauty", "albedo")
_FLAGS = re.compile(r"-(s|e|layer|numThreads) (\S+)|-(txmake)")


def renderman_modules(renderers: Renderers) -> dict[str, types.ModuleType]:
    """Return `rfm2` and what is in it."""
    session = renderers.session
    started: list[str] = []

    def rman_globals(create: bool = True) -> str:
        renderers.needs(_PLUG_IN, "rman_globals")
        if create and not session.graph.named.get("rmanGlobals"):
            session.graph.add(Node("rmanGlobals", "rmanGlobals"))
        return "rmanGlobals"

    def frame(words: str) -> None:
        renderers.needs(_PLUG_IN, "rman")
        if started != ["batch", "started"]:
            raise RuntimeError("the renderer was not started for a batch")
        if _FLAGS.sub("", words).strip():
            raise RuntimeError(f"unknown words: {words}")
        flags = {m[1]: m[2] for m in _FLAGS.finditer(words) if m[1]}
        if flags["layer"] not in session.graph.named:
            raise RuntimeError(f"no layer {flags['layer']}")
        for number in range(int(flags["s"]), int(flags["e"]) + 1):
            for camera in cameras(session):
                for name in _PASSES:
                    _write(session, flags["layer"], camera.name, name, number)
        print("R90000  100%", flush=True)

    rndr = types.SimpleNamespace(
        set_render_type=lambda kind: started.append(kind),
        start=lambda: started.append("started"),
        stop=started.clear,
    )
    render = types.ModuleType("rfm2.render")
    render.RNDR, render.RT_BATCH, render.frame = rndr, "batch", frame  # type: ignore[attr-defined]
    nodes = types.ModuleType("rfm2.api.nodes")
    nodes.rman_globals = rman_globals  # type: ignore[attr-defined]
    api = types.ModuleType("rfm2.api")
    api.nodes, api.__path__ = nodes, []  # type: ignore[attr-defined]
    rfm2 = types.ModuleType("rfm2")
    rfm2.render, rfm2.api, rfm2.__path__ = render, api, []  # type: ignore[attr-defined]
    rfm2.render_with_renderman = lambda: None  # type: ignore[attr-defined]
    return {"rfm2": rfm2, "rfm2.render": render, "rfm2.api": api, "rfm2.api.nodes": nodes}


def _write(session: Any, layer: str, camera: str, name: str, frame: int) -> None:
    words = {"scene": os.path.splitext(os.path.basename(session.name))[0], "layer": layer, "camera": camera, "aov": name}
    words |= {"ws": str(session.project), "ext": "exr", "version": "1", "take": "1"}
    words |= {f"f{digits}": f"{frame:0{digits}d}" for digits in range(1, 10)}
    folder = str(value(session, "rmanGlobals", "imageOutputDir") or "<ws>/images/<scene>_v<version>_t<take>")
    text = str(value(session, "rmanGlobals", "imageFileFormat") or "<scene>_<layer>_<camera>_<aov>.<f4>.<ext>")
    file = Path(_TOKEN.sub(lambda m: words.get(m[1], m[0]), f"{folder}/{text}"))
    file.parent.mkdir(parents=True, exist_ok=True)
    width, height = (int(value(session, "defaultResolution", side)) for side in ("width", "height"))
    write(file, width, height, "exr")
