"""Save the script, and write copies of it that leave no trace in what is open.

Source: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.scriptSaveToTemp.html (neither the root
nor the script itself is modified) and nuke.scriptSave.html there.
"""

from __future__ import annotations

import os

from conductor_plugins.host import HostRefused

import nuke
from conductor_nuke.script import is_modified, script_path

_NO_NAME = "The script has no name yet. Save it under one first: File > Save Comp As."


def save() -> None:
    """Save the script under its own name.

    Raises:
        HostRefused: it was never saved, or its file cannot be written.
    """
    path = script_path()
    if not path:
        raise HostRefused(_NO_NAME)
    try:
        saved = nuke.scriptSave()
    except RuntimeError as exc:
        raise HostRefused(f"Nuke cannot write {path} ({_reason(exc)}). Save the script under another name.") from exc
    if saved is False:  # the artist was asked by a callback of the studio's and said no
        raise HostRefused(f"{path} was not saved. Save the script, then submit again.")


def snapshot(file: str) -> str:
    """Write the script as it is now to `file`, unsaved changes included; return its own path.

    Raises:
        HostRefused: the script was never saved, or `file` cannot be written.
    """
    path = script_path()
    if not path:
        raise HostRefused(_NO_NAME)
    if os.path.normcase(os.path.abspath(file)) == os.path.normcase(path):
        raise HostRefused(f"A copy of {path} cannot be written over the script itself. Choose another place.")
    _make_way(file)
    modified = is_modified()
    try:
        nuke.scriptSaveToTemp(file)
    except (RuntimeError, OSError) as exc:
        raise HostRefused(
            f"Nuke cannot write a copy to {file} ({_reason(exc)}). Make room there, or look at your rights."
        ) from exc
    finally:
        if is_modified() != modified:
            nuke.root().setModified(modified)
    if not os.path.isfile(file):
        raise HostRefused(f"Nuke did not write a copy to {file}. Save the script, then submit again.")
    return path


def _make_way(file: str) -> None:
    """Remove an older copy: Nuke does not write over one."""
    try:
        os.remove(file)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise HostRefused(f"{file} cannot be replaced ({exc.strerror}). Choose another place.") from exc


def _reason(exc: BaseException) -> str:
    return " ".join(str(exc).split()).rstrip(".") or type(exc).__name__
