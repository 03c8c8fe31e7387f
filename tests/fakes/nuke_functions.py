"""Functions of the fake `nuke`, by the names of the published stubs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from fakes import nuke_editing, nuke_menus, nuke_nodes, nuke_rendering, nuke_saving, nuke_scripts, nuke_upstream
from fakes.nuke_finding import by_name
from fakes.nuke_groups import Group
from fakes.nuke_knobs import FLAGS
from fakes.nuke_nodes import Node
from fakes.nuke_session import RECORD, session
from fakes.nuke_values import found as found_name
from fakes.nuke_values import number, shown, tcl

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


def _on_main(what: str) -> None:
    """Refuse what Nuke only allows on its main thread."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{what} was called outside the main thread")


def _to_node(s: str) -> Node | None:
    _on_main("toNode")
    if s == "preferences":
        return session().preferences
    return by_name(s, session().group()) or by_name(s, session().root)


def _all_nodes(filter: str | None = None, group: Group | None = None, recurseGroups: bool = False) -> list[Node]:
    _on_main("allNodes")
    return nuke_editing.all_nodes(filter or None, group or session().group(), recurseGroups)


def _modified(state: bool | None = None) -> bool:
    if state is not None:
        session().modified = bool(state)
    return session().modified


def _frame(f: int | None = None) -> int:
    if f is not None:
        session().frame = f
    return int(session().frame)


def _create_node(typ: str, knobs: str = "", inpanel: bool = True) -> Node:
    return nuke_editing.create(typ, knobs, session().group(), connect=True)


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


def functions() -> dict[str, object]:
    return {
        "root": lambda: session().root,
        "toNode": _to_node,
        "allNodes": _all_nodes,
        "exists": lambda s: by_name(s, session().group()) is not None,
        "modified": _modified,
        "frame": _frame,
        "createNode": _create_node,
        "delete": nuke_editing.delete,
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
        "scriptName": nuke_saving.script_name,
        "scriptSave": nuke_saving.save,
        "scriptSaveAs": nuke_saving.save_as,
        "scriptSaveToTemp": nuke_saving.save_to_temp,
        "scriptOpen": _open,
        "scriptReadFile": _read_file,
        "scriptSource": _read_file,
        "scriptReadText": lambda s: nuke_scripts.read_into(s, session().group(), root_too=True),
        "scriptClear": nuke_saving.clear,
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
