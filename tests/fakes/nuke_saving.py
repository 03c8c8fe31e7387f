"""Scripts of the fake Nuke, saved and cleared.

Sources: nuke.scriptSave, nuke.scriptSaveAs, nuke.scriptSaveToTemp and nuke.scriptName on
https://learn.foundry.com/nuke/developers/latest/pythondevguide/; that `scriptName` raises for a script without a name:
nuke_internal/scripts.py, shown there.
"""

from __future__ import annotations

import os

from fakes import nuke_files
from fakes.nuke_making import new_root
from fakes.nuke_session import session
from fakes.nuke_telling import stored_script


def write(file: str) -> None:
    """Write what is open to a file.

    Raises:
        RuntimeError: it cannot be written.
    """
    text = nuke_files.written(stored_script())
    try:
        with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            stream.write(text)
    except OSError as exc:
        raise RuntimeError(f"Can't write {file}: {exc.strerror}") from None


def script_name() -> str:
    """Return the open script's file."""
    name = session().root._knobs["name"]._text
    if not name:
        raise RuntimeError("no filename")
    return name


def save(filename: str | None = None) -> bool:
    """Save to the script's own file, or a copy to another one; the name stays."""
    if filename is None and not session().root._knobs["name"]._text:
        _ask("a file name to save under")
    session().call("onScriptSave", "Root")
    write(filename or script_name())
    if filename is None or session().unsure.copy_clears_modified:
        session().modified = False
    return True


def save_as(filename: str | None = None, overwrite: int = -1) -> None:
    """Save under another name, which is the script's from then on."""
    if filename is None:
        _ask("a file name to save under")
        return
    if os.path.exists(filename) and overwrite != 1:
        if overwrite == -1 and session().gui:
            _ask(f"whether to overwrite {filename}")
        raise RuntimeError(f"{filename} exists")
    before = session().root._knobs["name"]._text
    session().root._knobs["name"]._text = filename
    session().call("onScriptSave", "Root")
    try:
        write(filename)
    except RuntimeError:
        session().root._knobs["name"]._text = before
        raise
    session().modified = False


def save_to_temp(filename: str) -> str:
    """Save a copy without any change to what is open; a file that is there is not overwritten."""
    if os.path.exists(filename):
        raise RuntimeError(f"{filename} exists")
    write(filename)
    return filename


def _ask(what: str) -> None:
    """Ask the user; nobody answers in a test, nor in a terminal."""
    session().asked.append(what)
    raise RuntimeError(f"Nuke would ask for {what}")


def clear() -> None:
    """Empty the script."""
    session().call("onScriptClose", "Root")
    new_root()
