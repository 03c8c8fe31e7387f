"""The fake `nuke`: behaviours behind the guard of the published stubs (types-nuke), put together and installed.

    session = install(gui=True)     # `import nuke` is the fake from here on
    uninstall()

Written from the stubs and Foundry's pages alone, without a look at the adapter that it tests.
"""

from __future__ import annotations

import os
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from fakes import nuke_menus, nuke_nodes, nuke_rendering, nuke_scripts, nuke_upstream
from fakes.nuke_knobs import FLAGS, KNOB_CLASSES
from fakes.nuke_nodes import Group, Node, by_name, node_class
from fakes.nuke_session import RECORD, STUBS, At, Session, session, start
from fakes.nuke_values import found as found_name
from fakes.nuke_values import number, shown, tcl
from fakes.stub_modules import Fake, bare, fake_module

#: events whose functions are added and removed (nuke.callbacks)
EVENTS = [
    "OnUserCreate",
    "OnCreate",
    "OnScriptLoad",
    "OnScriptSave",
    "OnScriptClose",
    "OnDestroy",
    "KnobChanged",
    "UpdateUI",
    "Autolabel",
    "BeforeRender",
    "BeforeFrameRender",
    "AfterFrameRender",
    "AfterRender",
    "RenderProgress",
    "BeforeBackgroundRender",
    "AfterBackgroundFrameRender",
    "AfterBackgroundRender",
    "FilenameFilter",
    "ValidateFilename",
    "AutoSaveFilter",
]
#: values of constants that the stubs only name
CONSTANTS: dict[str, object] = {
    **{name: value for name, value in FLAGS.items() if name != "HIDDEN"},
    "EXPRESSIONS": nuke_nodes.EXPRESSIONS,
    "INPUTS": nuke_nodes.INPUTS,
    "HIDDEN_INPUTS": nuke_nodes.HIDDEN_INPUTS,
    **{name: getattr(nuke_nodes, name) for name in ("TO_SCRIPT", "TO_VALUE", "WRITE_ALL")},
    "WRITE_NON_DEFAULT_ONLY": nuke_nodes.WRITE_NON_DEFAULT_ONLY,
    "WRITE_USER_KNOB_DEFS": nuke_nodes.WRITE_USER_KNOB_DEFS,
    "REPLACE": 1,
    "ALL": 1,
    "untitled": "Untitled",
}


class CancelledError(Exception):
    """The user has cancelled."""


@node_class
class OutputContext(Fake):
    """A frame and a view; view 0 is the default one, which has no name in the script."""

    _frame: float
    _view: int

    def __init__(self) -> None:
        self._frame, self._view = session().frame, 0

    def _names(self) -> list[str]:
        return ["default", *session().root._views()]

    def _at(self) -> At:
        return At(self._frame, self._names()[self._view] if self._view else "")

    def frame(self) -> float:
        return self._frame

    def setFrame(self, frame: float) -> bool:
        self._frame = frame
        return True

    def view(self) -> int:
        return self._view

    def setView(self, view: int) -> bool:
        if not isinstance(view, int) or not 0 <= view < len(self._names()):
            raise TypeError(f"{view!r} is no number of a view")
        self._view = view
        return True

    def viewcount(self) -> int:
        return len(self._names())

    def viewname(self, n: int) -> str:
        return self._names()[n]

    def viewFromName(self, name: str) -> int:
        return self._names().index(name) if name in self._names() else -1


@node_class
class Undo(Fake):
    """Steps to undo."""

    def __init__(self, name: str = "") -> None:
        self._title = name

    def __enter__(self) -> Any:
        session().history.begin(self._title)
        return self

    def __exit__(self, type: object, value: object, traceback: object) -> Any:
        session().history.end()

    @classmethod
    def begin(cls, name: str = "") -> None:
        session().history.begin(name)

    @classmethod
    def end(cls) -> None:
        session().history.end()

    @classmethod
    def new(cls, name: str = "") -> None:
        session().history.end()
        session().history.begin(name)

    @classmethod
    def name(cls, name: str) -> None:
        entry = session().history.open
        if entry is not None:
            entry.name = name

    @classmethod
    def cancel(cls) -> None:
        session().history.cancel()

    @classmethod
    def disable(cls) -> None:
        session().history.disabled += 1

    @classmethod
    def enable(cls) -> None:
        session().history.disabled = max(0, session().history.disabled - 1)

    @classmethod
    def disabled(cls) -> bool:
        return session().history.disabled > 0

    @classmethod
    def undo(cls) -> None:
        session().history.undo()

    @classmethod
    def redo(cls) -> None:
        session().history.redo()

    @classmethod
    def undoSize(cls) -> int:
        return len(session().history.done)

    @classmethod
    def redoSize(cls) -> int:
        return len(session().history.undone)

    @classmethod
    def undoDescribe(cls, n: int = 0) -> str:
        return session().history.done[-1 - n].name


@node_class
class GlobalsEnvironment(Fake):
    """What Nuke runs as: `nuke.env`."""

    def __getitem__(self, index: str) -> Any:
        return session().env[index]

    def __contains__(self, other: object) -> bool:
        return other in session().env

    def __len__(self) -> int:
        return len(session().env)

    def get(self, key: str, default: Any = None) -> Any:
        return session().env.get(key, default)

    def keys(self) -> Any:
        return list(session().env)

    def items(self) -> Any:
        return list(session().env.items())

    def values(self) -> Any:
        return list(session().env.values())


@node_class
class NodeConstructor(Fake):
    """`nuke.nodes.Read`: makes a node without connecting or selecting it."""

    _kind: str

    def __call__(self, **knobs: Any) -> Node:
        inputs, name = knobs.pop("inputs", []), knobs.pop("name", "")
        with nuke_scripts.WithoutUndo():
            node = nuke_scripts.create(self._kind, "", session().group(), connect=False)
        node._inputs = list(inputs)
        for key, value in knobs.items():
            node[key].setValue(value)
        if name:
            node.setName(name)
        return node


@node_class
class Nodes(Fake):
    """`nuke.nodes`."""

    def __getattr__(self, item: str) -> Any:
        if item.startswith("_"):
            raise AttributeError(item)
        made = bare(NodeConstructor)
        made._kind = item
        return made


def _on_main(what: str) -> None:
    """Refuse what Nuke only allows on its main thread."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{what} was called outside the main thread")


def _to_node(s: str) -> Node | None:
    _on_main("toNode")
    return by_name(s, session().group()) or by_name(s, session().root)


def _all_nodes(filter: str | None = None, group: Group | None = None, recurseGroups: bool = False) -> list[Node]:
    _on_main("allNodes")
    return nuke_scripts.all_nodes(filter or None, group or session().group(), recurseGroups)


def _modified(state: bool | None = None) -> bool:
    if state is not None:
        session().modified = bool(state)
    return session().modified


def _frame(f: int | None = None) -> int:
    if f is not None:
        session().frame = f
    return int(session().frame)


def _create_node(typ: str, knobs: str = "", inpanel: bool = True) -> Node:
    return nuke_scripts.create(typ, knobs, session().group(), connect=True)


def _selected(filter: str | None = None) -> list[Node]:
    return [n for n in session().group()._children if n.isSelected() and (filter is None or n._kind == filter)]


def _selected_node() -> Node:
    chosen = _selected()
    if not chosen:
        raise ValueError("no node selected")
    return chosen[-1]


def _this(place: int) -> Callable[[], Any]:
    def answer() -> Any:
        contexts = session().contexts
        return contexts[-1][place] if contexts else (session().root if place == 0 else None)

    return answer


def _value(knob: str, default: str | None = None) -> str:
    try:
        return shown(found_name(knob, _this(0)()), session().here())
    except LookupError:
        if default is None:
            raise RuntimeError(f"no knob named {knob}") from None
        return default


def _default(classknob: str, value: str | None = None) -> str | None:
    if value is not None:
        session().defaults[classknob] = value
    return session().defaults.get(classknob)


def _read_file(s: str) -> None:
    with open(s, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        nuke_scripts.read_into(stream.read(), session().group(), root_too=True)


def _open(filename: str | None = None) -> None:
    _on_main("scriptOpen")
    if filename is None or (session().gui and (session().modified or session().root._children)):
        session().asked.append("what becomes of the script that is open")
        raise RuntimeError("Nuke would open another window")
    nuke_scripts.open_script(filename)


def _add_path(args: Any, addToSysPath: bool = True) -> None:
    for folder in [args] if isinstance(args, str) else reversed(list(args)):
        session().plugin_path.insert(0, folder)
        if addToSysPath and folder not in sys.path:
            sys.path.insert(0, folder)


def _append_path(args: Any, addToSysPath: bool = True) -> None:
    for folder in [args] if isinstance(args, str) else args:
        session().plugin_path.append(folder)
        if addToSysPath and folder not in sys.path:
            sys.path.append(folder)


def _in_main(call: Any, args: Any = (), kwargs: Any = None) -> Any:
    given = args if isinstance(args, tuple) else (args,)
    if threading.current_thread() is threading.main_thread():
        return call(*given, **(kwargs or {}))
    raise RECORD.no_behaviour("executeInMainThread from another thread")


def _ask(prompt: str) -> Any:
    session().asked.append(prompt)
    if not session().gui:
        raise RuntimeError(f"nobody can answer in a terminal: {prompt}")
    return False


def _callbacks() -> dict[str, object]:
    made: dict[str, object] = {}
    for event in EVENTS:
        name = event[0].lower() + event[1:]

        def add(call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*", _name: str = name) -> None:
            session().callbacks.setdefault(_name, []).append((call, tuple(args), dict(kwargs or {}), nodeClass))

        def remove(call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*", _name: str = name) -> None:
            wanted = (call, tuple(args), dict(kwargs or {}), nodeClass)
            session().callbacks[_name] = [one for one in session().callbacks.get(_name, []) if one != wanted]

        if event not in {"AutoSaveFilter"}:
            made[f"add{event}"] = add
            made["removeFilenameValidate" if event == "ValidateFilename" else f"remove{event}"] = remove
    return made


def _functions() -> dict[str, object]:
    return {
        "root": lambda: session().root,
        "toNode": _to_node,
        "allNodes": _all_nodes,
        "exists": lambda s: by_name(s, session().group()) is not None,
        "modified": _modified,
        "frame": _frame,
        "createNode": _create_node,
        "delete": nuke_scripts.delete,
        "selectedNodes": _selected,
        "selectedNode": _selected_node,
        "thisNode": _this(0),
        "thisKnob": _this(1),
        "thisGroup": lambda: session().group(),
        "thisRoot": lambda: session().root,
        "thisClass": lambda: _this(0)()._kind,
        "thisParent": lambda: _this(0)()._parent,
        "views": lambda: session().root._views(),
        "thisView": lambda: session().view or session().root._views()[0],
        "tcl": lambda cmd, *args: tcl().run(_this(0)(), session().here(), " ".join([cmd, *args])),
        "expression": lambda s: number(_this(0)(), s, session().here()),
        "value": _value,
        "numvalue": lambda knob, default=None: float(_value(knob, None if default is None else str(default))),
        "filename": lambda node, i=0: nuke_upstream.filename(node, i == CONSTANTS["REPLACE"]),
        "undo": lambda: session().history.undo() and None,
        "redo": lambda: session().history.redo() and None,
        "knobDefault": _default,
        **_script_functions(),
        **_program_functions(),
        **_callbacks(),
    }


def _script_functions() -> dict[str, object]:
    return {
        "scriptName": nuke_scripts.script_name,
        "scriptSave": nuke_scripts.save,
        "scriptSaveAs": nuke_scripts.save_as,
        "scriptSaveToTemp": nuke_scripts.save_to_temp,
        "scriptOpen": _open,
        "scriptReadFile": _read_file,
        "scriptSource": _read_file,
        "scriptReadText": lambda s: nuke_scripts.read_into(s, session().group(), root_too=True),
        "scriptClear": nuke_scripts.clear,
        "execute": nuke_rendering.execute,
        "executeMultiple": nuke_rendering.execute_multiple,
        "script_directory": lambda: os.path.dirname(session().root._knobs["name"]._text),
    }


def _program_functions() -> dict[str, object]:
    return {
        "menu": nuke_menus.menu,
        "getPaneFor": nuke_menus.pane_for,
        "pluginPath": lambda: list(session().plugin_path),
        "pluginAddPath": _add_path,
        "pluginAppendPath": _append_path,
        "executeInMainThread": lambda call, args=(), kwargs=None: _in_main(call, args, kwargs) and None,
        "executeInMainThreadWithResult": _in_main,
        "message": lambda prompt: session().asked.append(prompt),
        "alert": lambda prompt: session().asked.append(prompt),
        "ask": _ask,
        "askWithCancel": _ask,
        "tprint": lambda *args, **named: print(*args, **{k: v for k, v in named.items() if k in {"sep", "end", "file"}}),
        "zoom": lambda scale, center, group=None: session().panels.__setitem__("zoom", (scale, tuple(center))),
        "zoomToFitSelected": lambda: session().panels.__setitem__("zoom", "selected"),
        "show": lambda n, forceFloat=False: n.showControlPanel(),
        "showDag": lambda n: session().panels.__setitem__("dag", n),
        "ofxPluginPath": lambda: ["/usr/OFX/Plugins"],
        "warning": lambda message: print(f"WARNING: {message}", file=sys.stderr),
        "debug": lambda message: None,
        "error": lambda message: print(f"ERROR: {message}", file=sys.stderr),
        "waitForThreadsToFinish": lambda: "",
    }


def _classes() -> dict[str, object]:
    names = ("Node", "Group", "Gizmo", "Precomp", "LiveGroup", "Root", "Viewer", "BackdropNode", "FrameRange")
    return {
        **KNOB_CLASSES,
        **{name: getattr(nuke_nodes, name) for name in names},
        "FrameRanges": nuke_rendering.FrameRanges,
        "OutputContext": OutputContext,
        "Undo": Undo,
        "Menu": nuke_menus.Menu,
        "MenuItem": nuke_menus.MenuItem,
        "CancelledError": CancelledError,
        "GlobalsEnvironment": GlobalsEnvironment,
    }


def _version(text: str) -> dict[str, object]:
    major, _, rest = text.partition(".")
    minor, _, release = rest.partition("v")
    return {
        "NUKE_VERSION_STRING": text,
        "NUKE_VERSION_MAJOR": int(major),
        "NUKE_VERSION_MINOR": int(minor),
        "NUKE_VERSION_RELEASE": int(release),
    }


def make() -> types.ModuleType:
    """Return a fake `nuke` for the session that runs."""
    versions = _version(session().version)
    own = {
        "nuke": True,
        "gui": session().gui,
        "interactive": session().gui,
        "nukex": False,
        "studio": False,
        "hiero": False,
        "assist": False,
        "nc": False,
        "indie": False,
        "ple": False,
        "NukeVersionString": session().version,
        "NukeVersionMajor": versions["NUKE_VERSION_MAJOR"],
        "NukeVersionMinor": versions["NUKE_VERSION_MINOR"],
        "NukeVersionRelease": versions["NUKE_VERSION_RELEASE"],
        "ExecutablePath": "/usr/local/Nuke/Nuke",
        "PluginExt": "so",
        "LINUX": sys.platform == "linux",
        "WIN32": sys.platform == "win32",
        "MACOS": sys.platform == "darwin",
        "numCPUs": 8,
        "threads": 8,
    }
    session().env.update(own)
    constants = {**CONSTANTS, **versions, "GUI": session().gui, "INTERACTIVE": session().gui, "EXE_PATH": own["ExecutablePath"]}
    more = {"env": bare(GlobalsEnvironment), "nodes": bare(Nodes), "rawArgs": list(sys.argv)}
    return fake_module(STUBS, "nuke", {**_functions(), **_classes(), **constants, **more}, RECORD)


_MODULES: dict[str, types.ModuleType] = {}


def install(**settings: Any) -> Session:
    """Start a Nuke and put it where `import nuke` finds it: the same module each time, as those who imported it hold it."""
    running = start(**settings)
    made = make()
    module = _MODULES.setdefault("nuke", made)
    vars(module).update(vars(made))
    sys.modules["nuke"] = module
    sys.modules.update(nuke_menus.nukescripts())
    return running


def uninstall() -> None:
    """Take the fake away, and the adapter's modules that hold it."""
    for name in list(sys.modules):
        if name in {"nuke", "nukescripts"} or name.startswith(("nukescripts.", "conductor_nuke")):
            del sys.modules[name]
