"""Parts of the fake `hou`: the playbar, what can be undone, texts, asset libraries."""

from __future__ import annotations

import os
from typing import Any

from fakes.houdini_expressions import BadExpression, UnknownExpression, expand
from fakes.houdini_node_types import HDADefinition, definition_of
from fakes.houdini_session import RECORD, STUBS, WORLD, NotAvailable, OperationFailed
from fakes.houdini_values import Around
from fakes.houdini_world import HFS, Step
from fakes.stub_modules import Fake, bare, fake_class


@fake_class(STUBS, "hou.Vector2", RECORD)
class Vector2(Fake):
    """Two numbers."""

    def __init__(self, x: Any = 0.0, y: float = 0.0) -> None:
        self._pair = (float(x), float(y)) if isinstance(x, (int, float)) else tuple(float(one) for one in x)

    def __getitem__(self, index: int) -> float:
        return self._pair[index]

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        return iter(self._pair)

    def x(self) -> float:
        """Return the first."""
        return self._pair[0]

    def y(self) -> float:
        """Return the second."""
        return self._pair[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector2) and self._pair == other._pair

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._pair)


@fake_class(STUBS, "hou.playbar", RECORD)
class Playbar(Fake):
    """The playbar."""

    @staticmethod
    def frameRange() -> Vector2:
        """Return the scene's range."""
        return Vector2(*WORLD.range)

    @staticmethod
    def setFrameRange(start: float, end: float) -> None:
        """Set the scene's range."""
        WORLD.range = WORLD.playback = (float(start), float(end))
        WORLD.modified = True

    @staticmethod
    def playbackRange() -> Vector2:
        """Return the range that is played."""
        return Vector2(*WORLD.playback)

    @staticmethod
    def setPlaybackRange(start: float, end: float) -> None:
        """Set the range that is played."""
        if not WORLD.graphical:
            raise NotAvailable("The playbar is not available.")
        WORLD.playback = (float(start), float(end))

    @staticmethod
    def timelineRange() -> Vector2:
        """Return the scene's range."""
        return Vector2(*WORLD.range)


@fake_class(STUBS, "hou.UndosDisabler", RECORD)
class UndosDisabler(Fake):
    """Nothing within can be undone."""

    def __enter__(self) -> UndosDisabler:
        WORLD.disabled += 1
        return self

    def __exit__(self, *_: object) -> None:
        WORLD.disabled -= 1


@fake_class(STUBS, "hou.UndosGroup", RECORD)
class UndosGroup(Fake):
    """All within is one step."""

    _label = ""
    _context: Any = None

    def label(self) -> str:
        """Return what the step is called."""
        return self._label

    def __enter__(self) -> UndosGroup:
        self._context = WORLD.group(self._label)
        self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


@fake_class(STUBS, "hou.undos", RECORD)
class Undos(Fake):
    """What can be undone: only with a window, hython starts without."""

    @staticmethod
    def areEnabled() -> bool:
        """Tell whether changes can be undone."""
        return WORLD.disabled == 0 and WORLD.graphical

    @staticmethod
    def disabler() -> UndosDisabler:
        """Return a context in which nothing can be undone."""
        return bare(UndosDisabler)

    @staticmethod
    def group(label: str, editor: Any = None) -> UndosGroup:
        """Return a context that is one step."""
        group = bare(UndosGroup)
        group._label = label
        return group

    @staticmethod
    def clear() -> None:
        """Forget all steps."""
        WORLD.done.clear()
        WORLD.undone.clear()

    @staticmethod
    def performUndo() -> bool:
        """Take one step back."""
        return WORLD.undo()

    @staticmethod
    def performRedo() -> bool:
        """Do it again."""
        return WORLD.redo()

    @staticmethod
    def undoLabels() -> tuple[str, ...]:
        """Return the steps, the next one first."""
        return tuple(step.label for step in reversed(WORLD.done))

    @staticmethod
    def redoLabels() -> tuple[str, ...]:
        """Return what can be done again, the next one first."""
        return tuple(step.label for step in reversed(WORLD.undone))

    @staticmethod
    def add(undo: Any, label: str, tag: str | None = None) -> None:
        """Add a step."""
        if not (hasattr(undo, "undo") and hasattr(undo, "redo")):
            raise OperationFailed("The undo object has no undo() or redo().")
        WORLD.done.append(Step(label, undo.undo, undo.redo))


@fake_class(STUBS, "hou.text", RECORD)
class Text(Fake):
    """Texts."""

    @staticmethod
    def expandString(str: str, expand_tilde: bool = True) -> str:
        """Return a text with variables and expressions put in, now."""
        return _expanded(str, WORLD.frame, expand_tilde)

    @staticmethod
    def expandStringAtFrame(str: str, frame: float, expand_tilde: bool = True) -> str:
        """Return a text with variables and expressions put in, at a frame."""
        return _expanded(str, frame, expand_tilde)

    @staticmethod
    def abspath(path: str, anchor_path: str | None = None) -> str:
        """Return an absolute path."""
        anchor = anchor_path if anchor_path is not None else os.path.dirname(WORLD.file)
        return os.path.normpath(os.path.join(anchor, path)).replace(os.sep, "/")

    @staticmethod
    def normpath(path: str) -> str:
        """Return a path without what is too much in it."""
        return os.path.normpath(path).replace(os.sep, "/")


def _expanded(wanted: str, frame: float, tilde: bool) -> str:
    try:
        found = expand(wanted, Around(WORLD.pwd, frame))
    except BadExpression as exc:
        raise OperationFailed(str(exc)) from exc
    except UnknownExpression as exc:
        raise RECORD.no_behaviour(str(exc)) from exc
    return os.path.expanduser(found) if tilde and found.startswith("~") else found


@fake_class(STUBS, "hou.hda", RECORD)
class Hda(Fake):
    """Asset libraries."""

    @staticmethod
    def loadedFiles() -> tuple[str, ...]:
        """Return the libraries that are loaded, Houdini's own included."""
        own = [definition.library for definition in WORLD.definitions.values()]
        return tuple(dict.fromkeys([f"{HFS}/houdini/otls/OPlibSop.hda", *WORLD.libraries, *own]))

    @staticmethod
    def definitionsInFile(file_path: str) -> tuple[HDADefinition, ...]:
        """Return what a library defines, of what the scene knows."""
        found = [one for one in WORLD.definitions.values() if one.library == file_path]
        return tuple(definition_of(one) for one in found)
