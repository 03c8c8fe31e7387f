"""Keep the panel's settings in the scene: a text at its root node, which Houdini saves with the file.

https://www.sidefx.com/docs/houdini/hom/hou/Node.html#setUserData. It is set with undo off, so it makes no step, and no step that
is taken back holds what it was before: https://www.sidefx.com/docs/houdini/hom/hou/undos.html#disabler.
"""

from __future__ import annotations

import hou

KEY = "conductor.settings"


def remember(text: str) -> None:
    """Keep a text in the scene."""
    root = hou.root()
    with hou.undos.disabler():
        if text:
            root.setUserData(KEY, text)
        elif root.userData(KEY) is not None:
            root.destroyUserData(KEY)


def recall() -> str:
    """Return what is kept in the scene, or ""."""
    return hou.root().userData(KEY) or ""
