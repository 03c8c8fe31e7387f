"""`hou.hipFile` of the fake: https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from fakes.houdini_files import NotAScene
from fakes.houdini_loading import load
from fakes.houdini_references import missing_libraries
from fakes.houdini_scripts import write_scene, written_name
from fakes.houdini_session import RECORD, STUBS, WORLD, LoadWarning, OperationFailed, enum
from fakes.stub_modules import Fake, fake_class

HIP_CALLBACKS: list[Callable[[Any], None]] = []


def _event(name: str) -> None:
    for callback in list(HIP_CALLBACKS):
        callback(enum("hipFileEventType", name))


@fake_class(STUBS, "hou.hipFile", RECORD)
class HipFile(Fake):
    """The scene's file."""

    @staticmethod
    def path() -> str:
        """Return its absolute path, also of a scene that was never saved."""
        return WORLD.file.replace(os.sep, "/")

    @staticmethod
    def name() -> str:
        """Return its path from the current folder."""
        return os.path.relpath(WORLD.file).replace(os.sep, "/")

    @staticmethod
    def basename() -> str:
        """Return its name."""
        return os.path.basename(WORLD.file)

    @staticmethod
    def setName(file_name: str) -> None:
        """Set the path that it will be saved at."""
        WORLD.file = os.path.abspath(WORLD.variable_text(file_name))
        WORLD.new_file = os.path.basename(WORLD.file) == "untitled.hip"

    @staticmethod
    def isNewFile() -> bool:
        """Tell whether it was never saved; without a window only the name tells."""
        return WORLD.new_file if WORLD.graphical else os.path.basename(WORLD.file) == "untitled.hip"

    @staticmethod
    def hasUnsavedChanges() -> bool:
        """Tell whether it was changed; without a window always."""
        return WORLD.modified if WORLD.graphical else True

    @staticmethod
    def isLoadingHipFile() -> bool:
        """Tell whether one is being loaded."""
        return False

    @staticmethod
    def isShuttingDown() -> bool:
        """Tell whether Houdini ends."""
        return False

    @staticmethod
    def save(file_name: str | None = None, save_to_recent_files: bool = True) -> None:
        """Save, under another name from then on when one is given."""
        file = os.path.abspath(WORLD.variable_text(file_name)) if file_name is not None else WORLD.file
        file = written_name(file)
        _event("BeforeSave")
        _write(file)
        WORLD.file, WORLD.new_file, WORLD.modified = file, False, False
        _event("AfterSave")

    @staticmethod
    def saveAsBackup() -> str:
        """Save to a new file in the folder of backups; the session keeps its name."""
        folder = WORLD.variable("HOUDINI_BACKUP_DIR", WORLD.frame) or "backup"
        folder = os.path.join(os.path.dirname(WORLD.file), folder)
        stem, ending = os.path.splitext(os.path.basename(WORLD.file))
        number = 1
        while os.path.exists(os.path.join(folder, f"{stem}_bak{number}{ending}")):
            number += 1
        file = os.path.join(folder, f"{stem}_bak{number}{ending}")
        _write(file)
        return file.replace(os.sep, "/")

    @staticmethod
    def load(file_name: str, suppress_save_prompt: bool = False, ignore_load_warnings: bool = False) -> None:
        """Open a file; with a window Houdini asks first, which nobody answers here."""
        _may_leave(suppress_save_prompt)
        _event("BeforeLoad")
        try:
            load(WORLD, WORLD.mapped(WORLD.variable_text(file_name)))
        except (OSError, NotAScene) as exc:
            raise OperationFailed(f"Unable to open file {file_name}: {exc}") from exc
        _event("AfterLoad")
        missing = missing_libraries()
        if missing and not ignore_load_warnings:
            raise LoadWarning("The following node types are using incomplete asset definitions:\n" + "\n".join(missing))

    @staticmethod
    def clear(suppress_save_prompt: bool = False) -> bool:
        """Begin a new scene."""
        _may_leave(suppress_save_prompt)
        _event("BeforeClear")
        WORLD.clear()
        _event("AfterClear")
        return True

    @staticmethod
    def addEventCallback(callback: Callable[[Any], None]) -> None:
        """Call this on each event."""
        HIP_CALLBACKS.append(callback)

    @staticmethod
    def removeEventCallback(callback: Callable[[Any], None]) -> None:
        """Call it no more."""
        if callback not in HIP_CALLBACKS:
            raise OperationFailed("The callback was not added.")
        HIP_CALLBACKS.remove(callback)

    @staticmethod
    def eventCallbacks() -> tuple[Any, ...]:
        """Return who is called."""
        return tuple(HIP_CALLBACKS)


def _may_leave(suppressed: bool) -> None:
    if WORLD.graphical and WORLD.modified and not suppressed:
        raise RECORD.no_behaviour("the question whether changes are to be saved")


def _write(file: str) -> None:
    try:
        write_scene(file)
    except OSError as exc:
        raise OperationFailed(f"Unable to save file {file}: {exc.strerror}") from exc
