"""Keep the panel's settings in the scene: a text at its /obj network, which Houdini saves with the file.

https://www.sidefx.com/docs/houdini/hom/hou/Node.html#setUserData. At /obj and not at the root, since the user data of /obj is seen
in scenes that Houdini saved (`obj.userdata`). It is set with undo off, so it makes no step, and no step that is taken back holds
what it was before: https://www.sidefx.com/docs/houdini/hom/hou/undos.html#disabler.
"""

from __future__ import annotations

import hou

KEY = "conductor.settings"
_KEEPER = "/obj"


def remember(text: str) -> None:
    """Keep a text in the scene."""
    keeper = hou.node(_KEEPER)
    if keeper is None:
        return
    with hou.undos.disabler():
        if text:
            keeper.setUserData(KEY, text)
        elif keeper.userData(KEY) is not None:
            keeper.destroyUserData(KEY)


def recall() -> str:
    """Return what is kept in the scene, or ""."""
    keeper = hou.node(_KEEPER)
    return (keeper.userData(KEY) or "") if keeper is not None else ""
