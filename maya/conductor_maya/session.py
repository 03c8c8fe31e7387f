"""Questions to the Maya that this runs in, as typed answers: what is gone, or was never there, answers empty and raises nothing.

Maya's main thread only. https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from maya import cmds

#: what Maya raises for a node or an attribute that is not there; "Invalid flag 'x'" is a TypeError too, and a mistake of ours
_GONE = (RuntimeError, ValueError, TypeError)
_OUR_MISTAKE = re.compile(r"(?i)\bflags?\b")


def scene_path() -> str:
    """Return the absolute path of the open scene; "" where it was never saved."""
    path = _text(cmds.file(query=True, sceneName=True))
    return os.path.normpath(path) if path else ""


def is_modified() -> bool:
    """Tell whether there are changes that are not in the file."""
    return bool(cmds.file(query=True, modified=True))


def has_window() -> bool:
    """Tell whether Maya has a window: not in mayapy, nor with `maya -batch`."""
    return not bool(cmds.about(batch=True))


def version() -> str:
    """Return the version of this Maya, its year: that is what its files tell, and what farms have it under.

    Updates of a year (2025.1, 2025.2) open each other's scenes.
    """
    return str(cmds.about(majorVersion=True))


def nodes_of(*types: str) -> list[str]:
    """Return the nodes of some types, or of types made from them, by their shortest unique names."""
    # for a type that Maya does not know `ls` raises
    known = [type_ for type_ in types if type_ in _known_types()]
    return _list(lambda: cmds.ls(type=known)) if known else []


def paths_of(name: str) -> list[str]:
    """Return the nodes of a name: several where it stands below several parents."""
    return _list(lambda: cmds.ls(name))


def with_types(pattern: str) -> list[tuple[str, str]]:
    """Return the nodes of a pattern, in any namespace, each with its type."""
    told = _list(lambda: cmds.ls(pattern, recursive=True, showType=True))
    return list(zip(told[::2], told[1::2], strict=False))


def exists(node: str) -> bool:
    """Tell whether there is a node of this name."""
    return bool(cmds.objExists(node))


def type_of(node: str) -> str:
    """Return a node's type; "" where it is gone."""
    return _text(_asked(lambda: cmds.nodeType(node)))


def transform_of(shape: str) -> str:
    """Return the name of the transform above a shape, without those above that."""
    return _text(_asked(lambda: cmds.listRelatives(shape, parent=True, path=True))).rpartition("|")[2]


def value(plug: str) -> Any:
    """Return what `getAttr` says; None where there is no such attribute, or it is of a kind that it does not tell."""
    return _asked(lambda: cmds.getAttr(plug))


def value_type(plug: str) -> str:
    """Return the type of an attribute's value: `string`; "" where nobody knows."""
    return _text(_asked(lambda: cmds.getAttr(plug, type=True)))


def indices(plug: str) -> list[int]:
    """Return which elements of an array there are."""
    return [int(n) for n in _asked(lambda: cmds.getAttr(plug, multiIndices=True)) or ()]


def attributes(node: str) -> list[str]:
    """Return the names of all attributes of a node."""
    return _list(lambda: cmds.listAttr(node))


def added_attributes(node: str) -> list[str]:
    """Return the names of the attributes that a scene or its scripts have added to a node."""
    return _list(lambda: cmds.listAttr(node, userDefined=True))


def file_attributes(node: str) -> list[str]:
    """Return the names of the attributes that Maya itself takes for names of files."""
    return _list(lambda: cmds.listAttr(node, usedAsFilename=True))


def attribute_exists(node: str, name: str) -> bool:
    """Tell whether a node has an attribute."""
    return bool(_asked(lambda: cmds.attributeQuery(name, node=node, exists=True)))


def attribute_type(node: str, name: str) -> str:
    """Return the kind of an attribute: `typed` is that of texts."""
    return _text(_asked(lambda: cmds.attributeQuery(name, node=node, attributeType=True)))


def short_name(node: str, name: str) -> str:
    """Return the short name of an attribute: files have that one."""
    return _text(_asked(lambda: cmds.attributeQuery(name, node=node, shortName=True))) or name


def is_stored(node: str, name: str) -> bool:
    """Tell whether an attribute is saved with the scene."""
    return bool(_asked(lambda: cmds.attributeQuery(name, node=node, storable=True)))


def is_array(node: str, name: str) -> bool:
    """Tell whether an attribute has elements."""
    return bool(_asked(lambda: cmds.attributeQuery(name, node=node, multi=True)))


def parent_of(node: str, name: str) -> str:
    """Return the name of the attribute that one is a part of; "" where it is a whole."""
    return _text(_asked(lambda: cmds.attributeQuery(name, node=node, listParent=True)))


def default_of(node: str, name: str) -> float | None:
    """Return the number that an attribute has by itself; None where it is no number."""
    told = _asked(lambda: cmds.attributeQuery(name, node=node, listDefault=True))
    return float(told[0]) if isinstance(told, (list, tuple)) and told else None


def source_of(plug: str) -> str:
    """Return the `node.attribute` that feeds an attribute; "" where nothing does."""
    found = _list(lambda: cmds.listConnections(plug, source=True, destination=False, plugs=True))
    return found[0] if found else ""


def file_info() -> dict[str, str]:
    """Return the notes that the scene keeps beside its nodes."""
    told = _list(lambda: cmds.fileInfo(query=True))
    return dict(zip(told[::2], told[1::2], strict=False))


def plug_ins_in_use() -> list[tuple[str, str]]:
    """Return the plug-ins that the scene needs, each with its version.

    A flat list of names and versions, in some versions of Maya one of pairs.
    """
    told = _asked(lambda: cmds.pluginInfo(query=True, pluginsInUse=True)) or []
    flat = [str(part) for one in told for part in (one if isinstance(one, (list, tuple)) else (one,))]
    return list(zip(flat[::2], flat[1::2], strict=False))


def plug_ins() -> list[str]:
    """Return the plug-ins that are loaded."""
    return _list(lambda: cmds.pluginInfo(query=True, listPlugins=True))


def plug_in_types(plug_in: str) -> list[str]:
    """Return the node types that a plug-in brings."""
    return _list(lambda: cmds.pluginInfo(plug_in, query=True, dependNode=True))


def plug_in_version(plug_in: str) -> str:
    """Return the version of a plug-in that is loaded; "" where it is not."""
    return _text(_asked(lambda: cmds.pluginInfo(plug_in, query=True, version=True)))


def plug_in_path(plug_in: str) -> str:
    """Return the file of a plug-in; "" where it is not loaded."""
    return _text(_asked(lambda: cmds.pluginInfo(plug_in, query=True, path=True)))


def project() -> tuple[str, dict[str, str]]:
    """Return the folder of the project that is set, and where its files of each kind lie."""
    root = _text(cmds.workspace(query=True, rootDirectory=True))
    rules = {
        rule: _text(cmds.workspace(query=True, fileRuleEntry=rule))
        for rule in _list(lambda: cmds.workspace(query=True, fileRuleList=True))
    }
    return (os.path.normpath(root) if root else ""), rules


def reference_nodes() -> list[str]:
    """Return the nodes that stand for references, those within others too."""
    return _list(lambda: cmds.ls(references=True))


def reference_file(node: str) -> str:
    """Return the file of a reference as it is written in the scene, with its copy number; "" where the node has none."""
    return _text(_asked(lambda: cmds.referenceQuery(node, filename=True, unresolvedName=True)))


def reference_is_loaded(node: str) -> bool:
    """Tell whether a reference is loaded."""
    return bool(_asked(lambda: cmds.referenceQuery(node, isLoaded=True)))


def current_frame() -> int:
    """Return the frame at which the artist stands."""
    return round(float(cmds.currentTime(query=True)))


@contextlib.contextmanager
def nothing_to_undo() -> Iterator[None]:
    """Keep what is done within out of the steps to undo, without throwing those away that there are."""
    recorded = bool(cmds.undoInfo(query=True, state=True))
    cmds.undoInfo(stateWithoutFlush=False)
    try:
        yield
    finally:
        cmds.undoInfo(stateWithoutFlush=recorded)


def registered_paths() -> Iterator[Sequence[tuple[str, str]]]:
    """Yield, folder by folder, what Maya's File Path Editor lists: (path, `node.attribute`).

    Plug-ins tell it more of their files than their attributes do.
    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/filePathEditor.html
    """
    with nothing_to_undo():
        _asked(lambda: cmds.filePathEditor(refresh=True))
    for folder in _list(lambda: cmds.filePathEditor(query=True, listDirectories="")):
        yield _registered_in(folder)


def _registered_in(folder: str) -> list[tuple[str, str]]:
    told = _list(lambda: cmds.filePathEditor(query=True, listFiles=folder, withAttribute=True))
    return [(f"{folder.rstrip('/')}/{name}", plug) for name, plug in zip(told[::2], told[1::2], strict=False)]


def _known_types() -> set[str]:
    return set(_list(lambda: cmds.allNodeTypes()))


def _list(ask: Callable[[], Any]) -> list[str]:
    """Return an answer as a list of texts: Maya says None for an empty one."""
    told = _asked(ask)
    if told is None:
        return []
    return [str(one) for one in told] if isinstance(told, (list, tuple)) else [str(told)]


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except _GONE as exc:
        if isinstance(exc, TypeError) and _OUR_MISTAKE.search(str(exc)):
            raise
        return None


def _text(told: Any) -> str:
    """Return an answer as one text: some commands answer with a list of one."""
    if isinstance(told, (list, tuple)):
        told = told[0] if told else ""
    return "" if told is None else str(told)
