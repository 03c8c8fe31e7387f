"""Save the scene, or write a copy of it as it is now.

The copy is Maya's *Export All*, with references kept as references: name, modified flag and undo of the open scene stay out of it,
also where Maya dies in the middle; texts of paths are written as they stand, so a copy submitted under the scene's own path reads
the same files. https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/file.html (exportAll,
preserveReferences, exportUnloadedReferences); "For Maya ASCII (.ma) and Maya Binary formats (.mb), the Export All options are the
same as the File > Save Scene As options": https://download.autodesk.com/us/maya/2011help/files/File__Export_All_Export_Selection.htm
"""

from __future__ import annotations

import contextlib
import os

from conductor_plugins.host import HostRefused

from conductor_maya import session, settings
from maya import cmds

#: bytes at the beginning of a scene in which its notes stand
_HEAD = 1 << 18
#: ending of a file → Maya's name of its format
_FORMATS = {".ma": "mayaAscii", ".mb": "mayaBinary"}


def save() -> None:
    """Save the scene under its own name.

    Raises:
        HostRefused: it has none, or the file cannot be written.
    """
    path = _own_path()
    try:
        cmds.file(save=True, type=_format(path))
    except RuntimeError as exc:
        raise HostRefused(f"Maya cannot save {path} ({_reason(exc)}). Save it under another name.") from exc


def snapshot(file: str) -> str:
    """Write the scene as it is now, unsaved changes included, to `file`, and return the scene's own path.

    Raises:
        HostRefused: the scene was never saved, or `file` cannot be written.
    """
    path = _own_path()
    if os.path.normcase(os.path.abspath(file)) == os.path.normcase(path):
        raise HostRefused(f"A copy of {path} cannot be written over the scene itself. Choose another place.")
    if not os.path.isdir(os.path.dirname(file)):
        raise HostRefused(
            f"There is no folder {os.path.dirname(file)} for a copy of the scene. Make it, or choose another place."
        )
    modified = session.is_modified()
    try:
        with session.nothing_to_undo():
            cmds.file(
                file.replace("\\", "/"),
                exportAll=True,
                preserveReferences=True,
                exportUnloadedReferences=True,
                type=_format(path),
                force=True,
            )
    except RuntimeError as exc:
        raise HostRefused(
            f"Maya cannot write a copy to {file} ({_reason(exc)}). Make room there, or look at your rights to it."
        ) from exc
    finally:
        # scripts of the studio that run with an export may have changed something of their own
        if session.is_modified() != modified:
            cmds.file(modified=modified)
    _as_named(file)
    if _format(path) == "mayaAscii":
        _add_settings(file)
    return path


def _as_named(file: str) -> None:
    """Give the copy its name where Maya has put its own ending behind it.

    Raises:
        HostRefused: nothing was written.
    """
    for ending in () if os.path.isfile(file) else _FORMATS:
        with contextlib.suppress(OSError):
            os.replace(file + ending, file)
            return
    if not os.path.isfile(file):
        raise HostRefused(f"Maya did not write a copy to {file}. Save the scene, then submit again.")


def _add_settings(file: str) -> None:
    """Give a copy the panel's settings, if the export left them out: Maya promises to keep notes when it saves, and no more.

    The statements of a scene in text may stand in any order. In a binary one they cannot be added; what renders it wants none.
    """
    note = session.file_info().get(settings.KEY, "")
    if not note:
        return
    with open(file, "r+b") as copy:
        if settings.KEY.encode() not in copy.read(_HEAD):
            copy.seek(0, os.SEEK_END)
            copy.write(f'fileInfo "{settings.KEY}" "{note}";\n'.encode("ascii"))


def _own_path() -> str:
    path = session.scene_path()
    if not path:
        raise HostRefused("The scene has no name yet. Save it under one first: File > Save Scene As.")
    return path


def _format(path: str) -> str:
    """Return the format of a scene: by its name; a scene that was opened from something else is saved as text."""
    return _FORMATS.get(os.path.splitext(path)[1].lower(), "mayaAscii")


def _reason(exc: RuntimeError) -> str:
    return " ".join(str(exc).split()).rstrip(".")
