"""Save the scene, or a copy of it as it is now.

`hou.hipFile.save(file)` is *Save As*: the open scene would take the copy's name, and `$HIP` with it. The copy is HScript's
`mwrite -n`, which leaves the name alone: https://www.sidefx.com/docs/houdini/commands/mwrite.html. Its texts are those of the
scene: at the scene's own place they mean the same files. By its licence Houdini may write another ending than it is asked for
(https://www.sidefx.com/docs/houdini/basics/license.html).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile

import hou
from conductor_plugins.host import HostRefused

from conductor_houdini import changes, scene
from conductor_houdini.hscript_commands import is_plain, write_copy


def save() -> None:
    """Save the scene under its own name.

    Raises:
        HostRefused: it has none, or the file cannot be written.
    """
    path = _path()
    try:
        hou.hipFile.save()
    except hou.OperationFailed as exc:
        raise HostRefused(f"Houdini cannot save {path} ({_reason(exc)}). Save it under another name.") from exc


def snapshot(file: str) -> str:
    """Write the scene as it is now, unsaved changes included, to `file`, and return the scene's own path.

    Raises:
        HostRefused: the scene was never saved, or `file` cannot be written.
    """
    path = _path()
    if os.path.normcase(os.path.abspath(file)) == os.path.normcase(path):
        raise HostRefused(f"A copy of {path} cannot be written over the scene itself. Choose another place.")
    folder = os.path.dirname(os.path.abspath(file))
    try:
        # Houdini would make missing folders
        if not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, "its folder is not there")
        problem = _copy(file, folder)
    except OSError as exc:
        problem = exc.strerror or str(exc)
    finally:
        _keep_name(path)
    if problem:
        raise HostRefused(f"A copy cannot be written to {file} ({problem}). Make room there, or look at your rights to it.")
    return path


def _copy(file: str, folder: str) -> str:
    """Write a copy, by way of a folder of its own; return what Houdini has against it, "": it is there.

    In that folder nothing else is called alike, whatever ending Houdini gives the copy, and HScript takes its path as it stands.
    """
    with tempfile.TemporaryDirectory(prefix=".conductor-", dir=folder if is_plain(folder) else None) as own:
        try:
            with changes.silent():
                problem = write_copy(os.path.join(own, "copy" + os.path.splitext(file)[1]))
        except hou.OperationFailed as exc:
            problem = _reason(exc)
        written = sorted(os.listdir(own))
        if not written:
            return problem or "Houdini does not say why"
        shutil.move(os.path.join(own, written[0]), file)
    return ""


def _keep_name(path: str) -> None:
    """Give the scene its name back, should a version of Houdini have taken the copy's."""
    if os.path.normpath(hou.hipFile.path()) != path:
        hou.hipFile.setName(path)


def _path() -> str:
    path = scene.path()
    if not path:
        raise HostRefused("The scene has no name yet. Save it under one first: File > Save As.")
    return path


def _reason(exc: hou.Error) -> str:
    return " ".join(exc.instanceMessage().split()).rstrip(".")
