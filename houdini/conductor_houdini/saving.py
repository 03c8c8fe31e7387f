"""Save the scene, or a copy of it as it is now.

`hou.hipFile.save(file)` is *Save As*: the open scene would take the copy's name, and `$HIP` with it. The copy is HScript's
`mwrite -n`, which leaves the name alone: https://www.sidefx.com/docs/houdini/commands/mwrite.html. Its texts are those of the
scene: at the scene's own place they mean the same files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

import hou
from conductor_plugins.host import HostRefused

from conductor_houdini import scene
from conductor_houdini.hscript_commands import is_plain, write_copy

#: by its licence Houdini writes another ending than it is asked for: https://www.sidefx.com/docs/houdini/basics/license.html
_ENDINGS = (".hip", ".hiplc", ".hipnc")


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
    # Houdini would make missing folders; beside a file that is in the way it cannot
    folder = os.path.dirname(os.path.abspath(file))
    if not os.path.isdir(folder):
        raise HostRefused(f"{folder} is no folder, so no copy of the scene can be written there. Choose another place.")
    _make_way(file)
    problem = _copy(file) if is_plain(file) else _copy_by_way(file)
    _keep_name(path)
    if not os.path.isfile(file):
        raise HostRefused(
            f"Houdini cannot write a copy to {file} ({problem or 'it does not say why'}). "
            "Make room there, or look at your rights to it."
        )
    return path


def _copy(file: str) -> str:
    """Write a copy; return what Houdini has against it."""
    try:
        problem = write_copy(file)
    except hou.OperationFailed as exc:
        problem = _reason(exc)
    _take_other_ending(file)
    return problem


def _copy_by_way(file: str) -> str:
    """Write a copy to a place in whose path Houdini would fill in variables, by way of one where it does not."""
    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        plain = os.path.join(folder, "copy" + os.path.splitext(file)[1])
        problem = _copy(plain)
        if os.path.isfile(plain):
            try:
                shutil.move(plain, file)
            except OSError as exc:
                return exc.strerror or str(exc)
    return problem


def _keep_name(path: str) -> None:
    """Give the scene its name back, should a version of Houdini have taken the copy's."""
    if os.path.normpath(hou.hipFile.path()) != path:
        hou.hipFile.setName(path)


def _make_way(file: str) -> None:
    """Remove an older copy, so that one that is there afterwards is the new one."""
    stem = os.path.splitext(file)[0]
    for old in (file, *(stem + ending for ending in _ENDINGS)):
        try:
            with contextlib.suppress(FileNotFoundError):
                os.remove(old)
        except OSError as exc:
            raise HostRefused(f"{old} cannot be replaced ({exc.strerror}). Choose another place.") from exc


def _take_other_ending(file: str) -> None:
    stem = os.path.splitext(file)[0]
    other = next((stem + ending for ending in _ENDINGS if os.path.isfile(stem + ending)), "")
    if other and not os.path.isfile(file):
        os.replace(other, file)


def _path() -> str:
    path = scene.path()
    if not path:
        raise HostRefused("The scene has no name yet. Save it under one first: File > Save As.")
    return path


def _reason(exc: hou.Error) -> str:
    return " ".join(exc.instanceMessage().split()).rstrip(".")
