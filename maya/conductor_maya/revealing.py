"""Show the artist who wants a file: select the node, and show it in the Attribute Editor."""

from __future__ import annotations

import re

from conductor_maya import mel_calls, session
from maya import cmds

#: `file1.ftn`, `|group|plane.imn`, `char:file1.rep[0].rda`, `charRN`, the name of a step
_NODE = re.compile(r"\A(?P<node>[A-Za-z_|:][\w|:]*)(?:\.[^\s]*)?\Z", re.ASCII)


def reveal(referrer: str) -> bool:
    """Select the node that a finding's referrer names, or the layer of a step; tell whether it is there."""
    match = _NODE.match(referrer)
    if match is None:
        return False
    name = match["node"]
    # layers of render setup are nodes of this name, and steps are named as artists see them
    for candidate in (name, f"rs_{name}", "defaultRenderLayer" if name == "masterLayer" else ""):
        nodes = session.paths_of(candidate) if candidate else []
        if nodes:
            cmds.select(*nodes, replace=True, noExpand=True)
            if session.has_window():
                mel_calls.show_in_attribute_editor(nodes[0])
            return True
    return False
