"""What a path that stands in a .blend means: https://docs.blender.org/manual/en/latest/files/blend/open_save.html."""

from __future__ import annotations

import os

from conductor_core.discovery import place

NOWHERE = "it is relative to the folder Blender was started in; write it relative to the scene (//) or absolute"


def absolute(text: str, folder: str) -> str | None:
    r"""Return the absolute path of a text in a .blend of `folder`; None where it hangs on the folder Blender was started in.

    What follows `//` is below the folder whatever it is, `///a` and `//~/a` too (`BLI_path_abs`, seen in bpy 4.5); `\` is
    read as `/`. A path of another system keeps its drive or share.
    """
    if text.startswith("//"):
        below = text[2:] if os.name == "nt" else text[2:].replace("\\", "/")
        return os.path.normpath(os.path.join(folder, below.lstrip("/\\")))
    return place.absolute(text, folder) if place.is_absolute(text) else None
