"""What a host says in states that an artist brings it into by hand, as values: the same states in every host.

Runs wherever the host's Python does, with nothing but the panel's own modules.
"""

from __future__ import annotations

import os
from typing import Any

from conductor_plugins.compliance.world import HostWorld
from conductor_plugins.wire import encode

#: state → the validators that must speak in it, in every host
SPEAK = {
    "never saved": {"unsaved-scene"},
    "saved": set(),
    "changed": {"modified-scene"},
    "a texture is gone": {"missing-files"},
    "an output over an input": {"output-over-input"},
    "no such colour configuration": {"colour-config-missing"},
}
#: those that may speak as well: where the configuration is a file of the scene, it is a file that lacks
MAY_SPEAK = {"no such colour configuration": {"missing-files"}}


def states(world: HostWorld) -> dict[str, Any]:
    """Return what the host says in each state, encoded."""
    folder = str(world.folder)
    file = os.path.join(folder, f"shot{world.extension}")
    told: dict[str, Any] = {}
    world.new_scene("")
    told["never saved"] = _said(world)
    world.new_scene(file)
    told["saved"] = _said(world)
    world.change()
    told["changed"] = _said(world)
    world.new_scene(file)
    world.add_texture(os.path.join(folder, "gone.png"))
    world.host.save()
    told["a texture is gone"] = _said(world)
    world.new_scene(file)
    for step in world.host.steps():
        for output in step.outputs[:1]:
            _write(_first(output.path))
            world.add_texture(_first(output.path))
    world.host.save()
    told["an output over an input"] = _said(world)
    world.new_scene(file)
    world.set_variable("OCIO", os.path.join(folder, "none.ocio"))
    if hasattr(world, "manage_colours"):  # a script of Nuke asks for it; the others always do
        world.manage_colours()
    world.host.save()
    told["no such colour configuration"] = _said(world)
    return told


def _said(world: HostWorld) -> dict[str, Any]:
    host = world.host
    findings = [finding for piece in host.dependencies(()) for finding in piece]
    return {"scene": encode(host.scene()), "steps": encode(list(host.steps())), "findings": encode(findings)}


def _first(pattern: str) -> str:
    """Return the path of frame 1."""
    digits = pattern.count("#")
    return pattern.replace("#" * digits, "1".zfill(digits)) if digits else pattern


def _write(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"picture")
