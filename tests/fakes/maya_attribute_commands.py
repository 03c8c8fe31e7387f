"""Commands of `maya.cmds` about attributes, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import os
import re
from typing import Any

from fakes.maya_asking import AskingCommands, Many, fits, many, raise_unknown
from fakes.maya_graph import Node
from fakes.maya_types import CHILDREN, Attribute, by_any_name, inherited

_SETTING_TYPES = {"string", "stringArray", "double3", "float3", "double2", "float2", "long2", "Int32Array", "matrix"}


class AttributeCommands(AskingCommands):
    """The commands, on one session."""

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
                if string and not any(fits(n, p) for p in many(string) for n in (one.long, one.short)):
                    continue
                if (hasData or inUse) and not any(k.partition("[")[0].partition(".")[0] == one.long for k in node.values):
                    continue
                text = one.short if shortNames else one.long
                texts = [f"{text}[{i}]" for i in self._indices(node, one.long)] if multi and one.multi else [text]
                before = f"{node.path() if fullNodeName else self.graph.short(node)}." if fullNodeName or nodeName else ""
                answer += [before + t for t in texts]
        return list(dict.fromkeys(answer)) or None
