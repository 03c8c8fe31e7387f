"""The pattern of a texture of several tiles or frames, from the one name that a Maya node stores.

https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/file.html: `uvTilingMode` is 0 off, 1 ZBrush (`u0_v0`),
2 Mudbox (`u1_v1`), 3 UDIM, 4 explicit tiles.
"""

from __future__ import annotations

import os
import re

from conductor_core.discovery.maya_places import with_tokens
from conductor_core.sequences import has_frame_token, sequence_pattern

_UDIM = re.compile(r"(?<![0-9])1(?!000)[0-9]{3}(?![0-9])")
_UV = re.compile(r"u[0-9]+_v[0-9]+", re.IGNORECASE)


def tile_pattern(text: str, mode: int) -> str:
    """Return a path with a token in the place of its tile's number; the last such number in the name counts."""
    text = with_tokens(text)
    folder, slash, name = _split(text)
    if mode == 3 and "<UDIM>" not in text:
        numbers = list(_UDIM.finditer(name))
        if numbers:
            name = name[: numbers[-1].start()] + "<UDIM>" + name[numbers[-1].end() :]
    if mode in (1, 2) and "<UVTILE>" not in text:
        tiles = list(_UV.finditer(name))
        if tiles:
            name = name[: tiles[-1].start()] + "<UVTILE>" + name[tiles[-1].end() :]
    return folder + slash + name


def frame_pattern(text: str) -> str:
    """Return a path with a token for the frame in the place of the frame's number."""
    text = with_tokens(text)
    if has_frame_token(text):
        return text
    folder, slash, name = _split(text)
    # the tile's token is no frame's, and neither is a number before it
    tiles = re.split(r"(<UDIM>|<UVTILE>)", name)
    for i in range(len(tiles) - 1, -1, -1):
        stem, extension = os.path.splitext(tiles[i]) if i == len(tiles) - 1 else (tiles[i], "")
        numbered = sequence_pattern(stem + ".x") if re.search(r"[0-9]", stem) else None
        if numbered is not None:
            tiles[i] = numbered.pattern[:-2] + extension
            break
    return folder + slash + "".join(tiles)


def _split(text: str) -> tuple[str, str, str]:
    cut = max(text.rfind("/"), text.rfind("\\"))
    return (text[:cut], text[cut], text[cut + 1 :]) if cut >= 0 else ("", "", text)
