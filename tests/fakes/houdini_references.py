"""`hou.fileReferences()` of the fake: https://www.sidefx.com/docs/houdini/hom/hou/fileReferences.html."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from fakes.houdini_parms import parms_of
from fakes.houdini_session import WORLD
from fakes.houdini_types import TYPES
from fakes.houdini_values import FILES, component, declaration
from fakes.houdini_world import HFS, NodeState

#: what comes with Houdini is no file of the project
_SHIPPED = ("$HH", "$HFS", HFS, "default.", "Mandril.pic", "defgeo.", "op:", "opdef:", "temp:")


def references_of(states: Iterable[NodeState], variable: str, all_of_them: bool) -> tuple[tuple[Any, str], ...]:
    """Return parameter and text of each reference; those that the artist took out are left out unless all are wanted."""
    found = []
    for state in states:
        for parm in parms_of(state):
            declared = declaration(state, parm._place.tuple)
            text = component(state, parm._place).text
            if declared.type not in FILES or not text or text.startswith(_SHIPPED) or component(state, parm._place).keys:
                continue
            if all_of_them or text not in WORLD.unselected:
                found.append((parm, _with_variable(text, variable)))
    return tuple(found)


def library_references(variable: str) -> tuple[tuple[None, str], ...]:
    """Return the asset libraries of the scene: no parameter names them."""
    used = {(state.category, state.type) for state in WORLD.root.below()}
    libraries = [d.library for key, d in WORLD.definitions.items() if key in used and key not in TYPES]
    files = [file for file in dict.fromkeys([*WORLD.libraries, *libraries]) if file not in ("", "Embedded")]
    return tuple((None, _with_variable(file, variable)) for file in files if not _ships(file))


def missing_libraries() -> list[str]:
    """Return the types of nodes whose library is not there: Houdini warns of them when it loads a scene."""
    used = {(state.category, state.type) for state in WORLD.root.below()}
    found = [(key, one.library) for key, one in WORLD.definitions.items() if key in used and key not in TYPES]
    lacking = [key for key, file in found if file != "Embedded" and not _ships(file) and not os.path.exists(WORLD.mapped(file))]
    return ["/".join(key) for key in lacking]


def _ships(file: str) -> bool:
    return file.startswith(_SHIPPED) or "/houdini/otls/" in file


def _with_variable(text: str, variable: str) -> str:
    folder = WORLD.variable(variable, WORLD.frame)
    return f"${variable}{text[len(folder) :]}" if folder and text.startswith(f"{folder}/") else text
