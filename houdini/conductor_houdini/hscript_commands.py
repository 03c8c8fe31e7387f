"""Commands of HScript that have no function in `hou`; each names its page.

https://www.sidefx.com/docs/houdini/hom/hou/hscript.html
"""

from __future__ import annotations

import os
import re

import hou

#: what HScript fills in between double quotes, what ends them, and patterns of names
_SPECIAL = re.compile(r'[\\"$`*?\n]')


def write_copy(file: str) -> str:
    """Save a copy of the scene under another name, and return what HScript says to it: the name of the open scene stays.

    `mwrite -n`: https://www.sidefx.com/docs/houdini/commands/mwrite.html
    """
    if not is_plain(file):
        raise ValueError(f"HScript would fill in something in {file}")
    _out, problem = hou.hscript(f'mwrite -n "{file.replace(os.sep, "/")}"')
    return problem.strip()


def is_plain(path: str) -> bool:
    """Tell whether HScript takes a path between double quotes as it stands.

    https://www.sidefx.com/docs/houdini/commands/_guide.html (quoting)
    """
    return not _SPECIAL.search(path.replace(os.sep, "/"))
