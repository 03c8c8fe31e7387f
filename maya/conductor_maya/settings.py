"""Keep the panel's settings in the scene, as a note beside its nodes.

Notes are saved with the scene, in text and binary, and are no step to undo: `fileInfo is NOT undoable`
(https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/fileInfo.html). Maya tells a note as it stands in
the file, quotes and line ends escaped, so the text is kept in letters and digits alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from maya import cmds

KEY = "conductorSettings"


def remember(text: str) -> None:
    """Keep a text in the scene."""
    if text:
        cmds.fileInfo(KEY, base64.urlsafe_b64encode(text.encode()).decode("ascii"))
    elif cmds.fileInfo(KEY, query=True):
        cmds.fileInfo(remove=KEY)


def recall(notes: Mapping[str, str]) -> str:
    """Return what is kept among the notes of a scene, or "": also where somebody has spoilt it."""
    try:
        return base64.urlsafe_b64decode(notes.get(KEY, "").encode("ascii", "replace")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
