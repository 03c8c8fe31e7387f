"""Path mapping inside an open scene: what HOUDINI_PATHMAP does not reach is written anew.

The runner sets HOUDINI_PATHMAP, by which Houdini finds files of the artist's (https://www.sidefx.com/docs/houdini/ref/env.html). USD's
own resolver does not know it, and Houdini takes a rule to be off where the artist's folder exists here as well
(https://www.sidefx.com/docs/houdini/commands/pathmap.html). So every parameter that refers to a file by the artist's path gets this machine's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import hou
from conductor_core.paths import PathRule
from conductor_plugins.frame_server.path_mapping import mapped

Log = Callable[[str], None]


def rewrite_scene(rules: Sequence[PathRule], log: Log) -> None:
    """Map every file reference of the open scene that the rules speak of.

    https://www.sidefx.com/docs/houdini/hom/hou/fileReferences.html
    """
    for parm, _path in hou.fileReferences():
        if parm is None:  # the library of an asset: found by HOUDINI_PATHMAP, or by its place beside the scene
            continue
        try:
            old = parm.unexpandedString()
        except hou.OperationFailed:  # an expression or keyframes make it
            log(f"path mapping: {parm.path()} is made by an expression, and is not mapped")
            continue
        new = map_text(old, rules)
        if new != old:
            _write(parm, old, new, log)


def map_text(text: str, rules: Sequence[PathRule]) -> str:
    """Return a text that begins with a folder of the artist's with this machine's in its place; tokens after it stay."""
    folder = text.replace("\\", "/")
    while folder.rstrip("/"):
        there = mapped(folder, rules)
        if there != folder:
            return there.replace("\\", "/") + text[len(folder) :].replace("\\", "/")
        folder = folder.rpartition("/")[0]
    return text


def _write(parm: hou.Parm, old: str, new: str, log: Log) -> None:
    try:
        parm.set(new)
    except hou.Error as exc:
        log(f"path mapping: {parm.path()} stays {old}: {' '.join(exc.instanceMessage().split())}")
        return
    log(f"path mapping: {parm.path()}: {old} -> {new}")
