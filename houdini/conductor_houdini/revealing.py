"""Select the node that a finding's referrer or a step names, and show it in a network editor.

A referrer is a parameter's path (`/obj/geo1/file1/file`), with the take behind it where it is another than the current one, or the
type that a library is needed for (`Sop/chair`).
"""

from __future__ import annotations

import contextlib
import re

import hou

from conductor_houdini.libraries import type_of

_TAKE = re.compile(r" \(take [^)]*\)\Z")


def reveal(referrer: str) -> bool:
    """Show the node; tell whether it is there."""
    node = _node(referrer)
    if node is None:
        return False
    with hou.undos.disabler(), contextlib.suppress(hou.PermissionError):  # of what is in a locked asset
        node.setSelected(True, clear_all_selected=True)
    if hou.isUIAvailable():
        _show(node)
    return True


def _node(referrer: str) -> hou.Node | None:
    text = _TAKE.sub("", referrer)
    if not text.strip() or "\n" in text or len(text) > 4096:
        return None
    if not text.startswith("/"):
        return _of_type(text)
    node = hou.node(text)
    if node is not None and text != "/":
        return node
    # a step's name may have the renderer's program behind it
    step = hou.node(text.partition(" ")[0])
    owner = hou.node(text.rpartition("/")[0])
    return step if step is not None else owner


def _of_type(referrer: str) -> hou.Node | None:
    named = type_of(referrer)
    category = hou.nodeTypeCategories().get(named[0]) if named else None
    type_ = category.nodeTypes().get(named[1]) if named and category is not None else None
    return next(iter(type_.instances()), None) if isinstance(type_, hou.OpNodeType) else None


def _show(node: hou.Node) -> None:
    editor = hou.ui.paneTabOfType(hou.paneTabType.NetworkEditor)
    parent = node.parent()
    if isinstance(editor, hou.NetworkEditor) and parent is not None:
        editor.setPwd(parent)
        editor.setCurrentNode(node)
