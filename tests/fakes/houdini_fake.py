"""The fake `hou`: everything that it offers stands in the published stub, everything else is refused.

`hou()` is the module, `WORLD` the session behind it; `WORLD.clear()` begins anew, `WORLD.graphical = False` makes it hython.
What was never tried in the real Houdini is said where it is assumed: user data and flags are steps of undo, `mwrite -n` leaves the
modified flag alone, a new session is not modified.
"""

from __future__ import annotations

import getpass
import os
import types
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from fakes import houdini_rops
from fakes.houdini_expressions import BadExpression, UnknownExpression, as_text, evaluate, expand
from fakes.houdini_files import NotAScene
from fakes.houdini_loading import load
from fakes.houdini_nodes import CLASSES, HDADefinition, Node, NodeType, NodeTypeCategory, OpNode, OpNodeType, category_of
from fakes.houdini_nodes import OpNodeTypeCategory, definition_of, node_of
from fakes.houdini_parms import TEMPLATES, Parm, ParmTemplate, ParmTemplateGroup, ParmTuple, parm_of
from fakes.houdini_references import library_references, references_of
from fakes.houdini_scripts import hscript, write_scene
from fakes.houdini_session import ENUMS, ERRORS, RECORD, STUBS, WORLD, EnumValue, NotAvailable, OperationFailed, enum
from fakes.houdini_values import Around
from fakes.houdini_world import HFS, VERSION, Step
from fakes.stub_modules import bare, fake_class, fake_module

#: callbacks of hip events, and what was posted to the event loop
HIP_CALLBACKS: list[Callable[[Any], None]] = []
POSTED: list[Callable[[], None]] = []
#: what artists were shown
MESSAGES: list[str] = []


def _event(name: str) -> None:
    for callback in list(HIP_CALLBACKS):
        callback(enum("hipFileEventType", name))


@fake_class(STUBS, "hou.hipFile", RECORD)
class hipFile:
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
            load(WORLD, WORLD.variable_text(file_name))
        except (OSError, NotAScene) as exc:
            raise OperationFailed(f"Unable to open file {file_name}: {exc}") from exc
        _event("AfterLoad")

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


@fake_class(STUBS, "hou.Vector2", RECORD)
class Vector2:
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
class playbar:
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
class UndosDisabler:
    """Nothing within can be undone."""

    def __enter__(self) -> UndosDisabler:
        WORLD.disabled += 1
        return self

    def __exit__(self, *_: object) -> None:
        WORLD.disabled -= 1


@fake_class(STUBS, "hou.UndosGroup", RECORD)
class UndosGroup:
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
class undos:
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
class text:
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
class hda:
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


@fake_class(STUBS, "hou.qt", RECORD)
class qt:
    """What Houdini gives of its window."""

    @staticmethod
    def mainWindow() -> Any:
        """Return the main window."""
        _need_window("hou.qt.mainWindow")
        if WINDOW is None:
            raise RECORD.no_behaviour("hou.qt.mainWindow() before a test gave a window")
        return WINDOW

    @staticmethod
    def styleSheet(file_path: str | None = None) -> str:
        """Return the style sheet of Houdini's widgets."""
        _need_window("hou.qt.styleSheet")
        return "QWidget { background-color: #3a3a3a; color: #cccccc; }"


#: the main window, given by a test that has one
WINDOW: Any = None


def _need_window(what: str) -> None:
    if not WORLD.graphical:
        raise NotAvailable(f"{what} is not available without a user interface.")


@fake_class(STUBS, "hou.ui", RECORD)
class ui:
    """The user interface: of houdini, not of hython."""

    @staticmethod
    def displayMessage(
        text: str,
        buttons: Sequence[str] = ("OK",),
        severity: Any = None,
        default_choice: int = 0,
        close_choice: int = -1,
        help: str | None = None,
        title: str | None = None,
        details: str | None = None,
        details_label: str | None = None,
        details_expanded: bool = False,
    ) -> int:
        """Show a message; the first button is pressed."""
        _need_window("hou.ui.displayMessage")
        MESSAGES.append(text)
        return 0

    @staticmethod
    def setStatusMessage(message: str, severity: Any = None) -> None:
        """Show a line below."""
        _need_window("hou.ui.setStatusMessage")
        MESSAGES.append(message)

    @staticmethod
    def postEventCallback(callback: Callable[[], None]) -> None:
        """Call this once from the event loop."""
        _need_window("hou.ui.postEventCallback")
        POSTED.append(callback)

    @staticmethod
    def globalScaleFactor() -> float:
        """Return how much larger the interface is drawn."""
        _need_window("hou.ui.globalScaleFactor")
        return 1.0

    @staticmethod
    def paneTabOfType(type: Any, index: int = 0) -> Any:
        """Return a pane: none is open."""
        _need_window("hou.ui.paneTabOfType")
        return None

    @staticmethod
    def paneTabs() -> tuple[Any, ...]:
        """Return the panes: none is open."""
        _need_window("hou.ui.paneTabs")
        return ()


def _node(path: str) -> OpNode | None:
    state = WORLD.find(path, WORLD.pwd)
    return node_of(state) if state is not None else None


def _parm(path: str) -> Parm | None:
    node_path, _, name = path.rpartition("/")
    state = WORLD.find(node_path or "/", WORLD.pwd) if "/" in path else WORLD.pwd
    return parm_of(state, name) if state is not None else None


def _expression(expression: str) -> Any:
    try:
        return evaluate(expression, Around(WORLD.pwd, WORLD.frame))
    except BadExpression as exc:
        raise OperationFailed(str(exc)) from exc
    except UnknownExpression as exc:
        raise RECORD.no_behaviour(str(exc)) from exc


def _file_references(project_dir_variable: str = "HIP", include_all_refs: bool = True) -> tuple[Any, ...]:
    states = WORLD.root.below()
    return (*library_references(project_dir_variable), *references_of(states, project_dir_variable, include_all_refs))


def _getenv(name: str, default_value: str | None = None) -> str | None:
    found = WORLD.variable(name, WORLD.frame)
    return default_value if found is None else found


def _putenv(name: str, value: str) -> None:
    WORLD.exported[name] = value
    if name in WORLD.variables:
        WORLD.variables[name] = value


def _unsetenv(name: str) -> None:
    WORLD.exported.pop(name, None)
    WORLD.variables.pop(name, None)


def _set_frame(frame: float) -> None:
    WORLD.frame = float(frame)


def _set_pwd(node: Any) -> None:
    WORLD.pwd = node._state


def _may_overwrite(name: str, onoff: bool) -> None:
    (WORLD.may_overwrite.add if onoff else WORLD.may_overwrite.discard)(name)


def _clear_selected() -> None:
    for state in WORLD.root.below():
        state.selected = False


def _set_session(source: str) -> None:
    WORLD.session = source
    WORLD.modified = True


def _set_option(option: str, value: Any) -> None:
    if value is None:
        WORLD.context_options.pop(option, None)
    else:
        WORLD.context_options[option] = value


def _functions() -> dict[str, Any]:
    """Return the functions of the module."""
    return {
        "isUIAvailable": lambda: WORLD.graphical,
        "applicationName": lambda: "houdini" if WORLD.graphical else "hython",
        "applicationVersion": lambda include_patch=False: VERSION,
        "applicationVersionString": lambda: ".".join(map(str, VERSION)),
        "applicationPlatformInfo": lambda: "linux-x86_64-gcc11.2",
        "licenseCategory": lambda: enum("licenseCategoryType", WORLD.licence),
        "isApprentice": lambda: WORLD.licence.startswith("Apprentice"),
        "maxThreads": lambda: 2,
        "userName": lambda alpha=True: getpass.getuser(),
        "root": lambda: node_of(WORLD.root),
        "pwd": lambda: node_of(WORLD.pwd),
        "setPwd": _set_pwd,
        "node": _node,
        "nodes": lambda paths: tuple(found for path in paths if (found := _node(path)) is not None),
        "parm": _parm,
        "evalParm": lambda path: _need_parm(path).eval(),
        "selectedNodes": lambda include_hidden=False: tuple(node_of(s) for s in WORLD.root.below() if s.selected),
        "clearAllSelected": _clear_selected,
        "hscript": hscript,
        "hscriptExpression": _expression,
        "hscriptStringExpression": lambda expression: as_text(_expression(expression)),
        "hscriptFloatExpression": lambda expression: float(_expression(expression)),
        "getenv": _getenv,
        "getEnvConfigValue": _getenv,
        "putenv": _putenv,
        "unsetenv": _unsetenv,
        "allowEnvironmentToOverwriteVariable": _may_overwrite,
        "frame": lambda full_precision=False: WORLD.frame,
        "intFrame": lambda: round(WORLD.frame),
        "setFrame": _set_frame,
        "time": lambda: (WORLD.frame - 1) / WORLD.fps,
        "fps": lambda: WORLD.fps,
        "timeToFrame": lambda time, full_precision=False: time * WORLD.fps + 1,
        "frameToTime": lambda frame: (frame - 1) / WORLD.fps,
        "fileReferences": _file_references,
        "houdiniPath": lambda pathvar=None: (os.path.expanduser("~/houdini21.0"), f"{HFS}/houdini"),
        "homeHoudiniDirectory": lambda: os.path.expanduser("~/houdini21.0"),
        "nodeTypeCategories": lambda: {name: category_of(name) for name in [*CLASSES, "Driver", "Manager", "Director"]},
        "ropNodeTypeCategory": lambda: category_of("Driver"),
        "objNodeTypeCategory": lambda: category_of("Object"),
        "sopNodeTypeCategory": lambda: category_of("Sop"),
        "lopNodeTypeCategory": lambda: category_of("Lop"),
        "topNodeTypeCategory": lambda: category_of("Top"),
        "vopNodeTypeCategory": lambda: category_of("Vop"),
        "dopNodeTypeCategory": lambda: category_of("Dop"),
        "cop2NodeTypeCategory": lambda: category_of("Cop2"),
        "copNodeTypeCategory": lambda: category_of("Cop"),
        "chopNodeTypeCategory": lambda: category_of("Chop"),
        "shopNodeTypeCategory": lambda: category_of("Shop"),
        "rootNodeTypeCategory": lambda: category_of("Director"),
        "managerNodeTypeCategory": lambda: category_of("Manager"),
        "sessionModuleSource": lambda: WORLD.session,
        "setSessionModuleSource": _set_session,
        "appendSessionModuleSource": lambda source: _set_session(WORLD.session + source),
        "contextOption": lambda opt: WORLD.context_options.get(opt, ""),
        "hasContextOption": lambda opt: opt in WORLD.context_options,
        "contextOptionNames": lambda: tuple(WORLD.context_options),
        "setContextOption": _set_option,
        "removeContextOption": lambda opt: _set_option(opt, None),
    }


def _need_parm(path: str) -> Parm:
    found = _parm(path)
    if found is None:
        raise OperationFailed(f"Invalid parameter: {path}")
    return found


def _classes() -> dict[str, Any]:
    """Return the classes of the module."""
    own = (hipFile, Vector2, playbar, UndosDisabler, UndosGroup, undos, text, hda, qt, ui, EnumValue, Node, OpNode, NodeType, OpNodeType)
    more = (NodeTypeCategory, OpNodeTypeCategory, HDADefinition, Parm, ParmTuple, ParmTemplate, ParmTemplateGroup)
    nodes = {cls.__name__: cls for cls in CLASSES.values()} | {"RopNode": houdini_rops.RopNode}
    templates = {cls.__name__: cls for cls in TEMPLATES.values()}
    return {cls.__name__: cls for cls in (*own, *more)} | nodes | templates | ENUMS | ERRORS


@lru_cache
def hou() -> types.ModuleType:
    """Return the module."""
    return fake_module(STUBS, "hou", _functions() | _classes(), RECORD)
