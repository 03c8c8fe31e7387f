# SPDX-License-Identifier: GPL-3.0-or-later
"""What renders: engines that an add-on brings, and those that want a GPU.

https://docs.blender.org/api/current/bpy.types.RenderEngine.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from conductor_core.host import SceneStep
from conductor_core.submission import Software

_EEVEE = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
_OF_BLENDER = (*_EEVEE, "BLENDER_WORKBENCH", "CYCLES", "HYDRA_STORM")


def gpu_steps(steps: Sequence[SceneStep]) -> tuple[tuple[str, str], ...]:
    """Return the steps that want a GPU, with why."""
    return tuple((step.name, why) for step in steps if (why := _wants_gpu(step)))


def plug_ins() -> tuple[Software, ...]:
    """Return the add-ons whose render engine a scene of this file is set to."""
    import bpy

    engines = {scene.render.engine for scene in bpy.data.scenes if scene.library is None}
    found = (_add_on_of(engine) for engine in sorted(engines) if engine and engine not in _OF_BLENDER)
    return tuple(dict.fromkeys(add_on for add_on in found if add_on is not None))


def _wants_gpu(step: SceneStep) -> str:
    import bpy

    scene = bpy.data.scenes.get((str(step.parameters["scene"]), None))
    if scene is None:
        return ""
    if scene.render.engine in _EEVEE:
        return "EEVEE draws with a GPU"
    cycles = getattr(scene, "cycles", None)
    return "Cycles is set to GPU compute" if scene.render.engine == "CYCLES" and cycles and cycles.device == "GPU" else ""


def _add_on_of(engine: str) -> Software | None:
    """Return the add-on that registered an engine; the engine's own name where that cannot be told."""
    for kind in _engines():
        if getattr(kind, "bl_idname", "") == engine:
            module = _add_on_module(kind.__module__)
            if module is None:
                return Software(engine.lower(), "")
            return None if _comes_with_blender(module) else Software(_name(module), _version(module))
    return Software(engine.lower(), "")


def _engines() -> Iterator[Any]:
    import bpy

    waiting = list(bpy.types.RenderEngine.__subclasses__())
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


def _add_on_module(name: str) -> Any:
    """Return the module of the add-on that a module belongs to: `bl_ext.user_default.x.engine` → `bl_ext.user_default.x`."""
    parts = name.split(".")
    return sys.modules.get(".".join(parts[: 3 if parts[0] == "bl_ext" else 1]))


def _name(module: Any) -> str:
    return str(module.__name__).rpartition(".")[2].lower()


def _version(module: Any) -> str:
    version = getattr(module, "bl_info", {}).get("version", ())
    return ".".join(str(n) for n in version)


def _comes_with_blender(module: Any) -> bool:
    import bpy

    from .survey import is_within, shipped_folders

    file = getattr(module, "__file__", "") or ""
    scripts = bpy.utils.system_resource("SCRIPTS")
    return is_within(file, (*shipped_folders(), *((scripts,) if scripts else ())))
