"""Commands of HScript that have no function in `hou`; each names its page.

https://www.sidefx.com/docs/houdini/hom/hou/hscript.html
"""

from __future__ import annotations

import re

import hou

#: what HScript fills in between double quotes, and what ends them
_SPECIAL = re.compile(r'[\\"$`]')


def write_copy(file: str) -> str:
    """Save a copy of the scene under another name, and return what HScript says to it: the name of the open scene stays.

    `mwrite -n`: https://www.sidefx.com/docs/houdini/commands/mwrite.html
    """
    _out, problem = hou.hscript(f"mwrite -n {quoted(file)}")
    return problem.strip()


def quoted(text: str) -> str:
    """Return a text as one word of HScript.

    https://www.sidefx.com/docs/houdini/commands/_guide.html (quoting)
    """
    return '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'
