"""The fake `hou`: everything that it offers stands in the published stub, everything else is refused.

`hou()` is the module, `WORLD` the session behind it; `WORLD.clear()` begins anew, `WORLD.graphical = False` makes it hython.
What was never tried in the real Houdini is said where it is assumed: user data and flags are steps of undo, `mwrite -n` and
`saveAsBackup` leave the modified flag alone, a new session is not modified, a root node's user data is not saved.
"""

from __future__ import annotations

import getpass
import os
import types
from functools import lru_cache
from typing import Any

from fakes import houdini_rops
from fakes.houdini_expressions import BadExpression, UnknownExpression, as_text, evaluate
from fakes.houdini_hip import HipFile
from fakes.houdini_node_types import HDADefinition, NodeType, NodeTypeCategory, OpNodeType, OpNodeTypeCategory, category_of
from fakes.houdini_nodes import CLASSES, Node, OpNode, node_of
from fakes.houdini_parms import BaseKeyframe, Keyframe, Parm, ParmTuple, StringKeyframe, parm_of
from fakes.houdini_parts import Hda, Playbar, Text, Undos, UndosDisabler, UndosGroup, Vector2
from fakes.houdini_references import library_references, references_of
from fakes.houdini_scripts import hscript
from fakes.houdini_session import ENUMS, ERRORS, RECORD, STUBS, WORLD, EnumValue, OperationFailed, enum
from fakes.houdini_templates import TEMPLATES, ParmTemplate, ParmTemplateGroup
from fakes.houdini_values import Around
from fakes.houdini_window import MESSAGES, POSTED, Qt, Ui
from fakes.houdini_world import HFS, VERSION
from fakes.stub_modules import fake_module

__all__ = ["MESSAGES", "POSTED", "RECORD", "WORLD", "hou"]


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
    WORLD.variables[name] = value


def _unsetenv(name: str) -> None:
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
        "expandString": Text.expandString,
        "expandStringAtFrame": Text.expandStringAtFrame,
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
    parts = (HipFile, Playbar, Undos, UndosDisabler, UndosGroup, Text, Hda, Qt, Ui, Vector2, EnumValue)
    types_ = (NodeType, OpNodeType, NodeTypeCategory, OpNodeTypeCategory, HDADefinition)
    plain = (*parts, *types_, Node, OpNode, Parm, ParmTuple, ParmTemplate, ParmTemplateGroup)
    keys = (BaseKeyframe, Keyframe, StringKeyframe)
    nodes = {cls.__name__: cls for cls in CLASSES.values()} | {"RopNode": houdini_rops.RopNode}
    templates = {cls.__name__: cls for cls in TEMPLATES.values()}
    return {cls.__name__: cls for cls in (*plain, *keys)} | nodes | templates | ENUMS | ERRORS


@lru_cache
def hou() -> types.ModuleType:
    """Return the module."""
    return fake_module(STUBS, "hou", _functions() | _classes(), RECORD)
