"""A pattern of the farm as Houdini writes it: `####` is `$F4`.

https://www.sidefx.com/docs/houdini/render/expressions.html ($F, padding)
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"#+|%0?(\d*)d")
#: what HScript would fill in
_SPECIAL = re.compile(r"([$`])")


def houdini_pattern(pattern: str) -> str:
    """Return the text of a parameter that names the files of a pattern."""
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(pattern):
        digits = len(match[0]) if match[0].startswith("#") else int(match[1] or 1)
        parts += (_SPECIAL.sub(r"\\\1", pattern[end : match.start()]), "$F" if digits < 2 else f"$F{digits}")
        end = match.end()
    return "".join((*parts, _SPECIAL.sub(r"\\\1", pattern[end:])))
