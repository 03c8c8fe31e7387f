"""Commands of `maya.cmds` about nodes and attributes, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them.

What a command of Maya answers with nothing (`None` for an empty list) is None here too, since callers forget it.
"""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from fakes.maya_graph import Graph, Node, is_a
from fakes.maya_session import Session
from fakes.maya_types import CHILDREN, Attribute, by_any_name, inherited, node_type, types
from fakes.stub_modules import UnknownToFake

Many = str | Sequence[str]
_SETTING_TYPES = {"string", "stringArray", "double3", "float3", "double2", "float2", "long2", "Int32Array", "matrix"}


def many(value: Many) -> list[str]:
    """Return a flag that may be given once or several times."""
    return [value] if isinstance(value, str) else list(value)


class NodeCommands:
    """The commands, on one session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def graph(self) -> Graph:
        """The open scene's nodes."""
        return self.session.graph

    # ---- asking

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
            found = [n for n in self.graph.nodes if n in found or _matches(n.name.rpartition(":")[2], bare)]
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
            return [t for t in types() if type_ in _inherited(t)] or None
        return list(_inherited(type_)[1:]) if inherited else type_

    def objectType(self, name: str, *, isType: str = "", isAType: str = "") -> Any:
        """Return a node's type, or tell whether it is one."""
        node = self._one(name.partition(".")[0])
        if isType:
            return node.type == isType
        return isAType in _inherited(node.type) if isAType else node.type

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

    # ---- attributes

    def getAttr(
        self,
        *plugs: str,
        type: bool = False,
        asString: bool = False,
        size: bool = False,
        multiIndices: bool = False,
        time: float | None = None,
        silent: bool = False,
        lock: bool = False,
        settable: bool = False,
        keyable: bool = False,
        expandEnvironmentVariables: bool = False,
    ) -> Any:
        """Return a value; `double3` as a list of one tuple, a message attribute not at all."""
        node, plug = self.graph.plug(plugs[0])
        attribute = node.attribute(plug)
        if type:
            return (
                "string" if attribute.kind == "filename" else "TdataCompound" if attribute.kind == "compound" else attribute.kind
            )
        if lock:
            return False
        if settable:
            return plug not in node.inputs
        if keyable:
            return False
        whole = attribute.multi and not plug.endswith("]")
        if size:
            return len(self._indices(node, plug)) if whole else 1
        if multiIndices:
            return self._indices(node, plug) or None
        value = self._value(node, plug, attribute, time)
        if attribute.kind == "message" or attribute.kind == "compound":
            raise RuntimeError(f"The data is not a numeric or string value, and cannot be displayed: {plugs[0]}")
        if whole and plug not in node.values:
            stored = node.elements(plug)
            return [tuple(v) if isinstance(v, tuple) else v for _, v in sorted(stored.items())] or None
        if isinstance(value, tuple):
            return [value]
        if attribute.kind == "enum" and asString:
            raise_unknown(f"getAttr({plugs[0]!r}, asString=True)")
        if expandEnvironmentVariables and isinstance(value, str):
            value = os.path.expandvars(value)
        return list(value) if isinstance(value, list) else value

    def _indices(self, node: Node, plug: str) -> list[int]:
        connected = {int(m[1]) for k in node.inputs if (m := re.match(re.escape(plug) + r"\[(\d+)\]", k))}
        return sorted(set(node.elements(plug)) | connected)

    def _value(self, node: Node, plug: str, attribute: Attribute, time: float | None) -> object:
        source = node.inputs.get(plug)
        at = self.session.time if time is None else time
        if source is not None:
            other, other_plug = source
            if other.type == "time":
                return float(at)
            if other.type == "expression":
                return int(at) if "frame" in str(other.values.get("internalExpression") or other.values.get("expression")) else 0
            if other.plug(other_plug) is not None and other_plug in other.values:
                return other.values[other_plug]
        if node.type == "time" and plug == "outTime":
            return float(at)
        if plug in node.values:
            return node.values[plug]
        bare = re.sub(r"\[\d+\]$", "", plug)
        return attribute.default if bare == plug or attribute.kind not in ("string", "filename") else None

    def setAttr(
        self,
        plug: str,
        *values: Any,
        type: str = "",
        lock: bool | None = None,
        keyable: bool | None = None,
        clamp: bool = False,
        size: int | None = None,
    ) -> None:
        """Set a value; a string needs its type."""
        try:
            node, name = self.graph.plug(plug)
        except ValueError as exc:
            raise RuntimeError(str(exc)) from None
        attribute = node.attribute(name)
        if not values:
            if lock is None and keyable is None and size is None:
                raise RuntimeError("setAttr: no values supplied")
            return
        if name in node.inputs:
            raise RuntimeError(f"setAttr: The attribute '{plug}' is locked or connected and cannot be modified.")
        value = self._checked(attribute, plug, values, type)
        before = node.values.get(name, ...)

        def put(what: object) -> None:
            if what is ...:
                node.values.pop(name, None)
            else:
                node.values[name] = what

        if node.reference is not None:
            node.edited.add(name)
        self.session.do("setAttr", lambda: put(value), lambda: put(before))

    def _checked(self, attribute: Attribute, plug: str, values: tuple[Any, ...], type_: str) -> object:
        text = attribute.kind in ("string", "filename")
        if text != (type_ == "string"):
            raise RuntimeError(f"setAttr: '{plug}' is {attribute.kind}: a value of type {type_ or 'number'} cannot be set.")
        if text:
            if not isinstance(values[0], str):
                raise RuntimeError(f"setAttr: '{plug}' is a string.")
            return values[0]
        if type_ and type_ not in _SETTING_TYPES:
            raise_unknown(f"setAttr(type={type_!r})")
        if any(isinstance(v, str) for v in values):
            raise RuntimeError(f"setAttr: Type 'string' for '{plug}' needs type=\"string\".")
        return values[0] if len(values) == 1 else tuple(values)

    def addAttr(
        self,
        *nodes: str,
        longName: str,
        shortName: str = "",
        dataType: Many = "",
        attributeType: str = "",
        usedAsFilename: bool = False,
        hidden: bool = False,
        multi: bool = False,
        keyable: bool = False,
        storable: bool = True,
        category: Many = "",
        defaultValue: float = 0,
    ) -> None:
        """Add an attribute."""
        if bool(dataType) == bool(attributeType):
            raise RuntimeError("addAttr: either a data type or an attribute type is needed.")
        kind = many(dataType)[0] if dataType else attributeType
        for name in nodes or tuple(self.graph.short(n) for n in self.session.selected):
            node = self._one(name)
            if node.find(longName) is not None:
                raise RuntimeError(f"Found an attribute with the name '{longName}' on {name}.")
            new = Attribute(longName, shortName or longName, "filename" if usedAsFilename else kind, None, multi)
            self.session.do("addAttr", lambda n=node, a=new: n.added.update({a.long: a}), lambda n=node: n.added.pop(longName))  # type: ignore[misc]

    def deleteAttr(self, *plugs: str, attribute: str = "") -> None:
        """Delete an attribute that was added."""
        for text in plugs:
            node, plug = self.graph.plug(f"{text}.{attribute}" if attribute else text)
            if plug not in node.added:
                raise RuntimeError(f"Cannot delete the attribute '{text}': it is no dynamic one.")
            was, value = node.added[plug], node.values.get(plug)

            def undo(node: Node = node, plug: str = plug, was: Attribute = was, value: object = value) -> None:
                node.added[plug] = was
                node.values[plug] = value

            def redo(node: Node = node, plug: str = plug) -> None:
                node.added.pop(plug)
                node.values.pop(plug, None)

            self.session.do("deleteAttr", redo, undo)

    def attributeQuery(
        self,
        name: str,
        *,
        node: str = "",
        type: str = "",
        exists: bool = False,
        longName: bool = False,
        shortName: bool = False,
        usedAsFilename: bool = False,
        attributeType: bool = False,
        multi: bool = False,
        message: bool = False,
        listParent: bool = False,
        listChildren: bool = False,
        listDefault: bool = False,
        hidden: bool = False,
        storable: bool = False,
        writable: bool = False,
    ) -> Any:
        """Return something about an attribute of a node or type."""
        found = self._one(node).find(name) if node else by_any_name(type).get(name)
        if exists:
            return found is not None
        if found is None:
            raise RuntimeError(f"Attribute '{name}' does not exist on {node or type}.")
        owner = self._one(node).type if node else type
        if listParent:
            return next(
                ([over] for (t, over), inside in CHILDREN.items() if t in inherited(owner) and found.long in inside), None
            )
        if listChildren:
            return next(
                (list(inside) for (t, over), inside in CHILDREN.items() if t in inherited(owner) and found.long == over), None
            )
        if listDefault:
            return [float(found.default)] if isinstance(found.default, (bool, int, float)) else None
        if hidden:
            raise_unknown("attributeQuery(hidden)")
        if longName or shortName:
            return found.long if longName else found.short
        if usedAsFilename:
            return found.kind == "filename"
        if attributeType:
            return "typed" if found.kind in ("string", "filename", "stringArray") else found.kind
        if storable or writable:
            return True
        return found.multi if multi else found.kind == "message"

    def listAttr(
        self,
        *names: str,
        usedAsFilename: bool = False,
        userDefined: bool = False,
        shortNames: bool = False,
        string: Many = (),
        multi: bool = False,
        write: bool = False,
        read: bool = False,
        hasData: bool = False,
        changedSinceFileOpen: bool = False,
        inUse: bool = False,
        leaf: bool = False,
        fullNodeName: bool = False,
        nodeName: bool = False,
        array: bool = False,
        settable: bool = False,
        visible: bool = False,
        keyable: bool = False,
        attributeType: Many = (),
    ) -> list[str] | None:
        """Return names of attributes, None where there is none."""
        if changedSinceFileOpen or leaf or keyable or attributeType:
            raise_unknown("listAttr with these flags")
        answer = []
        for name in names or tuple(self.graph.short(n) for n in self.session.selected):
            node = self._one(name.partition(".")[0])
            for one in node.all_attributes():
                if usedAsFilename and one.kind != "filename":
                    continue
                if (userDefined and one.long not in node.added) or (array and not one.multi):
                    continue
                if string and not any(_matches(n, p) for p in many(string) for n in (one.long, one.short)):
                    continue
                if (hasData or inUse) and not any(k.partition("[")[0].partition(".")[0] == one.long for k in node.values):
                    continue
                text = one.short if shortNames else one.long
                texts = [f"{text}[{i}]" for i in self._indices(node, one.long)] if multi and one.multi else [text]
                before = f"{node.path() if fullNodeName else self.graph.short(node)}." if fullNodeName or nodeName else ""
                answer += [before + t for t in texts]
        return list(dict.fromkeys(answer)) or None

    # ---- connections

    def listConnections(
        self,
        *names: str,
        source: bool = True,
        destination: bool = True,
        plugs: bool = False,
        connections: bool = False,
        type: str = "",
        exactType: bool = False,
        shapes: bool = False,
        skipConversionNodes: bool = False,
        fullNodeName: bool = False,
    ) -> list[str] | None:
        """Return what is connected; None where nothing is."""
        answer: list[str] = []
        for name in names or tuple(self.graph.short(n) for n in self.session.selected):
            if "." in name:
                node, wanted = self.graph.plug(name)
            else:
                node, wanted = self.graph.one(name), ""
            rows = [(own, other, plug) for own, (other, plug) in node.inputs.items()] if source else []
            rows += list(self.graph.outputs(node)) if destination else []
            for own, other, plug in rows:
                if wanted and own != wanted and not own.startswith((wanted + ".", wanted + "[")):
                    continue
                if type and (other.type != type if exactType else type not in _inherited(other.type)):
                    continue
                shown = other.parent if not shapes and not plugs and _is_shape(other) and other.parent else other
                told = self._told(shown, long=fullNodeName)
                answer += [f"{self.graph.short(node)}.{own}"] if connections else []
                answer.append(f"{told}.{plug}" if plugs else told)
        return answer or None

    def connectionInfo(
        self,
        plug: str,
        *,
        sourceFromDestination: bool = False,
        destinationFromSource: bool = False,
        isDestination: bool = False,
        isSource: bool = False,
    ) -> Any:
        """Return the other end, "" where there is none."""
        node, own = self.graph.plug(plug)
        source = node.inputs.get(own)
        if isDestination:
            return source is not None
        outgoing = [f"{self.graph.short(other)}.{there}" for mine, other, there in self.graph.outputs(node) if mine == own]
        if isSource:
            return bool(outgoing)
        if destinationFromSource:
            return outgoing
        return f"{self.graph.short(source[0])}.{source[1]}" if source else ""

    def connectAttr(self, source: str, destination: str, *, force: bool = False, nextAvailable: bool = False) -> str:
        """Connect two plugs."""
        from_node, from_plug = self._plug(source)
        to_node, to_plug = self._plug(destination)
        if nextAvailable:
            to_plug = f"{to_plug}[{len([k for k in to_node.inputs if k.startswith(to_plug)])}]"
        if to_plug in to_node.inputs and not force:
            raise RuntimeError(f"The destination attribute '{destination}' has already an incoming connection.")
        before = to_node.inputs.get(to_plug)

        def undo() -> None:
            to_node.inputs.pop(to_plug, None)
            if before is not None:
                to_node.inputs[to_plug] = before

        self.session.do("connectAttr", lambda: to_node.inputs.update({to_plug: (from_node, from_plug)}), undo)
        return f"Connected {source} to {destination}."

    def disconnectAttr(self, source: str, destination: str) -> str:
        """Part two plugs."""
        from_node, from_plug = self._plug(source)
        to_node, to_plug = self._plug(destination)
        if to_node.inputs.get(to_plug) != (from_node, from_plug):
            raise RuntimeError(f"There is no connection from '{source}' to '{destination}' to disconnect.")
        self.session.do(
            "disconnectAttr",
            lambda: to_node.inputs.pop(to_plug) and None,
            lambda: to_node.inputs.update({to_plug: (from_node, from_plug)}),
        )
        return f"Disconnected {source} from {destination}."

    def _plug(self, text: str) -> tuple[Node, str]:
        try:
            return self.graph.plug(text)
        except ValueError:
            raise RuntimeError(f"The attribute '{text}' does not exist.") from None

    # ---- the DAG

    def listRelatives(
        self,
        *names: str,
        parent: bool = False,
        allParents: bool = False,
        children: bool = False,
        shapes: bool = False,
        allDescendents: bool = False,
        fullPath: bool = False,
        path: bool = False,
        type: Many = (),
        noIntermediate: bool = False,
    ) -> list[str] | None:
        """Return relatives in the DAG; None where there is none."""
        answer: list[Node] = []
        for name in names or tuple(self.graph.short(n) for n in self.session.selected):
            node = self.graph.one(name)
            if parent or allParents:
                found = [node.parent] if node.parent else []
            elif allDescendents:
                found = _below(node)
            else:
                found = [c for c in node.children if not shapes or _is_shape(c)]
            answer += [n for n in found if not type or is_a(n, many(type))]
        return [n.path() if fullPath else self._told(n) if path else n.name for n in dict.fromkeys(answer)] or None

    # ---- making and changing

    def createNode(self, type_: str, *, name: str = "", parent: str = "", shared: bool = False, skipSelect: bool = False) -> str:
        """Make a node; a shape without a parent gets a transform."""
        if not self._is_type(type_):
            raise RuntimeError(f"Unknown object type: {type_}")
        plugin = node_type(type_).plugin or self.session.plugin_types.get(type_, "")
        if plugin and plugin not in self.session.loaded:
            raise RuntimeError(f"Unknown object type: {type_}")
        if shared and name in self.graph.named and self.graph.named[name]:
            return ""
        over = self._one(parent) if parent else None
        made: list[Node] = []
        if over is None and _is_shape(Node("", type_)):
            stem = re.sub(r"Shape(\d*)$", r"\1", name) if name else f"{type_}1"
            over = Node(self.graph.free_name(stem, None, "transform"), "transform")
            made.append(over)
            name = name or f"{type_}Shape1"
        node = Node(self.graph.free_name(name or f"{type_}1", over, type_), type_)
        made.append(node)
        if plugin:
            self.session.plugins.setdefault(plugin, self.session.loaded[plugin])
            self.session.plugin_types.setdefault(type_, plugin)

        def redo() -> None:
            for one in made:
                self.graph.add(one, over if one is node else None)
            self.session.selected = self.session.selected if skipSelect else [node]

        def undo() -> None:
            for one in reversed(made):
                self.graph.remove(one)
            self.session.selected = [n for n in self.session.selected if n in self.graph.nodes]

        self.session.do("createNode", redo, undo)
        return self.graph.short(node)

    def expression(self, *, string: str, name: str = "expression1", object: str = "", alwaysEvaluate: bool = True) -> str:
        """Make an expression that feeds one attribute: `node.attribute = …`."""
        match = re.fullmatch(r"\s*([\w:|]*\.?[\w.]+)\s*=\s*(.+?)\s*;?\s*", string)
        if match is None:
            raise RuntimeError(f"Syntax error in the expression {string!r}.")
        target = match[1] if "." in match[1] and match[1].partition(".")[0] else f"{object}.{match[1].lstrip('.')}"
        self._plug(target)
        made = self.createNode("expression", name=name, skipSelect=True)
        self.setAttr(f"{made}.internalExpression", f".O[0]={match[2]}", type="string")
        self.connectAttr("time1.outTime", f"{made}.time")
        self.connectAttr(f"{made}.output[0]", target, force=True)
        return made

    def delete(self, *names: str) -> None:
        """Delete nodes, with what is below them; a default node and one that came by reference cannot be."""
        for name in names or tuple(self.graph.short(n) for n in self.session.selected):
            found = self.graph.matching(name)
            if not found:
                raise ValueError(f"No object matches name: {name}")
            for node in found:
                if node.default or node.reference is not None or node.locked:
                    raise RuntimeError(f"Cannot delete the node '{name}': it is a default, locked or referenced one.")
                self._delete(node)

    def _delete(self, node: Node) -> None:
        gone = [*_below(node), node]
        cut = [(n, p, s) for n in self.graph.nodes if n not in gone for p, s in n.inputs.items() if s[0] in gone]

        def redo() -> None:
            for one in gone:
                self.graph.remove(one)
            for other, plug, _ in cut:
                other.inputs.pop(plug, None)
            self.session.selected = [n for n in self.session.selected if n not in gone]

        def undo() -> None:
            for one in reversed(gone):
                self.graph.add(one, one.parent)
            for other, plug, source in cut:
                other.inputs[plug] = source

        self.session.do("delete", redo, undo)

    def rename(self, name: str, new: str, *, ignoreShape: bool = False) -> str:
        """Give a node a name."""
        node = self._one(name)
        if node.default or node.reference is not None:
            raise RuntimeError(f"Cannot rename the node '{name}'.")
        was, to = node.name, self.graph.free_name(new, node.parent, node.type)
        self.session.do("rename", lambda: self.graph.rename(node, to), lambda: self.graph.rename(node, was))
        return to

    def select(
        self,
        *names: str | Sequence[str],
        replace: bool = False,
        add: bool = False,
        clear: bool = False,
        deselect: bool = False,
        noExpand: bool = False,
        all: bool = False,
        toggle: bool = False,
    ) -> None:
        """Select nodes; it can be undone, and does not modify the scene."""
        texts = [t for n in names for t in many(n)]
        found = [n for text in texts for n in self._selectable(text)]
        before = list(self.session.selected)
        if clear:
            after: list[Node] = []
        elif add:
            after = list(dict.fromkeys([*before, *found]))
        elif deselect:
            after = [n for n in before if n not in found]
        elif all or toggle:
            raise_unknown("select(all/toggle)")
        else:
            after = found

        def put(what: list[Node]) -> None:
            self.session.selected = list(what)

        self.session.do("select", lambda: put(after), lambda: put(before), changes=False)

    def _selectable(self, text: str) -> list[Node]:
        found = self.graph.matching(text.partition(".")[0]) if text else []
        if not found:
            raise ValueError(f"No object matches name: {text}")
        return found

    def lockNode(self, *names: str, query: bool = False, lock: bool = True) -> Any:
        """Lock nodes, or tell whether they are."""
        nodes = [self._one(n) for n in names]
        if query:
            return [n.locked for n in nodes]
        for node in nodes:
            node.locked = lock
        return None


def raise_unknown(what: str) -> NoReturn:
    """Refuse what was not written."""
    raise UnknownToFake(f"{what} exists, and the fake has no behaviour for it.")


def _inherited(type_: str) -> tuple[str, ...]:
    return inherited(type_)


def _is_shape(node: Node) -> bool:
    return "shape" in inherited(node.type)


def _below(node: Node) -> list[Node]:
    found: list[Node] = []
    for child in node.children:
        found += [*_below(child), child]
    return found


def _matches(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern)
