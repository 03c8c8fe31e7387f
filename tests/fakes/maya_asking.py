"""Commands of `maya.cmds` that ask for nodes and types, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them.

What a command of Maya answers with nothing (`None` for an empty list) is None here too, since callers forget it.
"""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any, NoReturn

from fakes.maya_graph import Graph, Node, is_a
from fakes.maya_session import Session
from fakes.maya_types import inherited, types
from fakes.stub_modules import UnknownToFake

Many = str | Sequence[str]


def many(value: Many) -> list[str]:
    """Return a flag that may be given once or several times."""
    return [value] if isinstance(value, str) else list(value)


class AskingCommands:
    """The commands, on one session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def graph(self) -> Graph:
        """The open scene's nodes."""
        return self.session.graph

    def ls(
        self,
        *names: str,
        type: Many = (),
        exactType: Many = (),
        long: bool = False,
        shortNames: bool = False,
        selection: bool = False,
        references: bool = False,
        referencedNodes: bool = False,
        defaultNodes: bool = False,
        dagObjects: bool = False,
        dependencyNodes: bool = False,
        cameras: bool = False,
        lights: bool = False,
        materials: bool = False,
        textures: bool = False,
        transforms: bool = False,
        shapes: bool = False,
        assemblies: bool = False,
        sets: bool = False,
        uuid: bool = False,
        showType: bool = False,
        recursive: bool = False,
        objectsOnly: bool = False,
        absoluteName: bool = False,
    ) -> list[str]:
        """Return names; of a pattern with `recursive` in every namespace."""
        chosen: list[Node] = []
        for name in names or ("",):
            chosen += self._listed(name, recursive=recursive, selection=selection)
        chosen = list(dict.fromkeys(chosen))
        kinds = many(type) + ["camera"] * cameras + ["light"] * lights + ["transform"] * transforms
        kinds += ["shape"] * shapes + ["objectSet"] * sets + ["reference"] * references + ["dagNode"] * dagObjects
        if kinds:
            unknown = [k for k in kinds if not self._is_type(k)]
            if unknown:
                raise RuntimeError(f"Unknown object type: {unknown[0]}")
            chosen = [n for n in chosen if is_a(n, kinds)]
        if exactType:
            chosen = [n for n in chosen if n.type in many(exactType)]
        if materials or textures:
            raise_unknown("ls(materials/textures)")
        if assemblies:
            chosen = [n for n in chosen if n.in_dag and n.parent is None]
        if referencedNodes:
            chosen = [n for n in chosen if n.reference is not None]
        if defaultNodes:
            chosen = [n for n in chosen if n.default]
        answer: list[str] = []
        for node in chosen:
            answer.append(node.uuid if uuid else self._told(node, long=long, absolute=absoluteName))
            answer += [node.type] if showType else []
        return answer

    def _listed(self, name: str, *, recursive: bool, selection: bool) -> list[Node]:
        if selection and not name:
            return list(self.session.selected)
        if not name:
            return list(self.graph.nodes)
        found = self.graph.matching(name.partition(".")[0])
        if recursive and ("*" in name or "?" in name):
            bare = name.rpartition(":")[2]
            found = [n for n in self.graph.nodes if n in found or fits(n.name.rpartition(":")[2], bare)]
        return [n for n in found if n in self.session.selected] if selection else found

    def _told(self, node: Node, *, long: bool = False, absolute: bool = False) -> str:
        if long:
            return node.path()
        name = self.graph.short(node)
        return f":{name}" if absolute and not name.startswith("|") else name

    def _is_type(self, name: str) -> bool:
        return name in types() or name in self.session.plugin_types or any(n.type == name for n in self.graph.nodes)

    def objExists(self, name: str) -> bool:
        """Tell whether there is a node or an attribute."""
        node, dot, attribute = name.partition(".")
        found = self.graph.matching(node) if node else []
        return bool(found) and (not dot or any(n.plug(attribute) is not None for n in found))

    def nodeType(
        self, name: str, *, inherited: bool = False, derived: bool = False, isTypeName: bool = False, apiType: bool = False
    ) -> Any:
        """Return a node's type, or with `inherited` what it stands on."""
        if apiType:
            raise_unknown("nodeType(apiType)")
        if isTypeName:
            if not self._is_type(name):
                raise RuntimeError(f"Unknown object type: {name}")
            type_ = name
        else:
            type_ = self._one(name.partition(".")[0]).type
        if derived:
            return [t for t in types() if type_ in stands_on(t)] or None
        return list(stands_on(type_)[1:]) if inherited else type_

    def objectType(self, name: str, *, isType: str = "", isAType: str = "") -> Any:
        """Return a node's type, or tell whether it is one."""
        node = self._one(name.partition(".")[0])
        if isType:
            return node.type == isType
        return isAType in stands_on(node.type) if isAType else node.type

    def allNodeTypes(self, *, includeAbstract: bool = False) -> list[str]:
        """Return every type there is, by name; those of plug-ins that are not loaded are not there."""
        loaded = self.session.loaded
        return sorted(
            {t for t, known in types().items() if not known.plugin or known.plugin in loaded} | set(self.session.plugin_types)
        )

    def _one(self, name: str) -> Node:
        try:
            return self.graph.one(name)
        except ValueError as exc:
            raise RuntimeError(str(exc)) from None


def raise_unknown(what: str) -> NoReturn:
    """Refuse what was not written."""
    raise UnknownToFake(f"{what} exists, and the fake has no behaviour for it.")


def stands_on(type_: str) -> tuple[str, ...]:
    return inherited(type_)


def is_shape(node: Node) -> bool:
    return "shape" in inherited(node.type)


def below(node: Node) -> list[Node]:
    found: list[Node] = []
    for child in node.children:
        found += [*below(child), child]
    return found


def fits(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern)
