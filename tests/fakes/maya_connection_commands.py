"""Commands of `maya.cmds` about connections and the DAG, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

from typing import Any

from fakes.maya_asking import Many, below, is_shape, many, stands_on
from fakes.maya_attribute_commands import AttributeCommands
from fakes.maya_graph import Node, is_a


class ConnectionCommands(AttributeCommands):
    """The commands, on one session."""

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
                if type and (other.type != type if exactType else type not in stands_on(other.type)):
                    continue
                shown = other.parent if not shapes and not plugs and is_shape(other) and other.parent else other
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
                found = below(node)
            else:
                found = [c for c in node.children if not shapes or is_shape(c)]
            answer += [n for n in found if not type or is_a(n, many(type))]
        return [n.path() if fullPath else self._told(n) if path else n.name for n in dict.fromkeys(answer)] or None
