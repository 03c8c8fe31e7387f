"""Path mapping inside an open scene: what `dirmap` leaves as it is, since only plug-ins read it, is written anew here.

Maya maps what it finds itself while it opens a scene: references, textures. Caches and what renderers read from their own
attributes keep the artist's path then (known of `absoluteCacheName` and of RenderMan's textures). So every text in the scene
that is a path of the artist's, as a whole, gets the path of this machine.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

from conductor_core.paths import PathRule
from conductor_plugins.frame_server.path_mapping import mapped

from conductor_maya import session
from conductor_maya.attributes import Log
from conductor_maya.live_scene import LiveScene
from maya import cmds

#: how names of nodes begin (https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/rename.html)
_FIRST = string.ascii_letters + "_"


def rewrite_scene(rules: Sequence[PathRule], log: Log) -> None:
    """Map every path of the open scene that the rules speak of."""
    scene = LiveScene()
    names = [named for first in _FIRST for named in session.with_types(f"{first}*")]
    for name, type_ in names:
        if not session.exists(name):
            continue
        node = scene.node(name, type_)
        for key, texts in node.values.items():
            if len(texts) == 1 and (there := map_text(texts[0], rules)) != texts[0]:
                _write(f"{name}.{key}", texts[0], there, log)


def map_text(text: str, rules: Sequence[PathRule]) -> str:
    """Return a text with the paths of the artist's in it mapped: one, or several with `;` between them (search paths)."""
    return ";".join(_parts(text, rules))


def _parts(text: str, rules: Sequence[PathRule]) -> Iterator[str]:
    for part in text.split(";"):
        there = mapped(part, rules)
        yield part if there == part else there.replace("\\", "/")


def _write(plug: str, old: str, new: str, log: Log) -> None:
    try:
        if cmds.getAttr(plug, lock=True):
            cmds.setAttr(plug, lock=False)
        cmds.setAttr(plug, new, type="string")
    except RuntimeError as exc:  # something feeds it, or its reference is locked
        log(f"path mapping: {plug} stays {old}: {' '.join(str(exc).split())}")
        return
    log(f"path mapping: {plug}: {old} -> {new}")
