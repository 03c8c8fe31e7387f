"""What Houdini's expressions may ask of the nodes that are in the file."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from conductor_core.discovery.houdini_node import HipNode, Network, as_number
from conductor_core.discovery.houdini_values import Value as Stored
from conductor_core.discovery.hscript import evaluate, expand
from conductor_core.discovery.hscript_values import NotEvaluated, Value, number, string

#: stands for what ships with Houdini where nobody says where that is
HFS = "$HFS"
#: the root of an asset's contents; its parameters are those of the node that uses the asset
ASSET_ROOT = "/hdaroot"
#: whose parameters those of the asset are, in reasons
OF_THE_USER = "the node that uses the asset"
_PLACEHOLDERS = (HFS, "$HOUDINI_TEMP_DIR", "$TEMP", "$PDG_TEMP")
_TO_STRING = frozenset({"chs", "chsop", "chsoplist"})
_TO_NUMBER = frozenset({"ch", "chi", "chf"})


@dataclass(slots=True)
class Budget:
    """How many parameters one text may ask for: each may ask for several, and those for several more."""

    left: int = 2000


@dataclass(frozen=True, slots=True)
class NodeScope:
    """The view of one node."""

    network: Network
    node: HipNode
    variables: Mapping[str, str]
    frame: int | None = None
    depth: int = 0
    budget: Budget = field(default_factory=Budget)

    def variable(self, name: str) -> str | None:
        """Return `$OS`, or what scene and environment say."""
        if name == "OS":
            return self.node.own_name
        if name == "ACTIVETAKE" and self.node.take:
            return self.node.take
        value = self.variables.get(name)
        if value and "$" in value and not value.startswith(_PLACEHOLDERS):
            raise NotEvaluated(f"${name} is {value[:80]!r}, which names a variable that is not set")
        return value

    def call(self, function: str, arguments: tuple[Value, ...]) -> Value | None:
        """Answer the functions that ask about parameters and nodes."""
        if function in _TO_STRING:
            return self._parameter(arguments).string_value()
        if function in _TO_NUMBER:
            return self._parameter(arguments).number_value()
        if function == "chsraw":
            return self._parameter(arguments).stored.text
        if function in _NODES:
            return self._of_node(function, arguments)
        return None

    def value_of(self, attribute: str, stored: Stored) -> str:
        """Return the text of one of the node's own parameters.

        Raises:
            NotEvaluated, NeedsFrame: as `expand` says.
        """
        return _Parameter(self, attribute, stored).string_value()

    def number_of(self, attribute: str, stored: Stored) -> float:
        """Return one of the node's own parameters as a number.

        Raises:
            NotEvaluated, NeedsFrame: as `expand` says; it is no number.
        """
        return _Parameter(self, attribute, stored).number_value()

    def _parameter(self, arguments: tuple[Value, ...]) -> _Parameter:
        self.budget.left -= 1
        if self.budget.left < 0:
            raise NotEvaluated("it refers to too many parameters")
        path = string(arguments[0]) if arguments else ""
        folder, _, name = path.rpartition("/")
        node = self.network.at(folder or ("/" if path.startswith("/") else "."), self.node.path)
        if node is None:
            raise NotEvaluated(f"it refers to {path}, which is not in the file", host_knows=True)
        stored = node.component(name)
        if stored is None:
            owner = OF_THE_USER if node.path == ASSET_ROOT else f"{node.path}, which does not store it"
            raise NotEvaluated(f"it refers to the parameter {name} of {owner}", host_knows=True)
        return _Parameter(replace(self, node=node, depth=self.depth + 1), name, stored)

    def _of_node(self, function: str, arguments: tuple[Value, ...]) -> Value:
        path = string(arguments[0]) if arguments else "."
        node = self.network.at(path, self.node.path)
        if function in ("opfullpath", "oppath"):
            return posixpath.normpath(posixpath.join(self.node.path, path))
        if node is None:
            raise NotEvaluated(f"it refers to the node {path}, which is not in the file", host_knows=True)
        if node.path.startswith(ASSET_ROOT) and node.path.count("/") == 1:
            raise NotEvaluated("it asks for the name of the node that uses the asset")
        if function == "opname":
            return node.own_name
        if function == "opdigits":
            digits = node.own_name[len(node.own_name.rstrip("0123456789")) :]
            return float(digits) if digits else 0.0
        if function == "optype":
            return node.full_type
        wanted = number(arguments[1]) if len(arguments) > 1 else 0.0
        found = next((name for at, name in node.inputs.items() if at == wanted), None)
        if found is None:
            raise NotEvaluated(f"nothing is wired to {node.path}")
        return found if function == "opinput" else posixpath.join(node.parent, found)


_NODES = frozenset({"opname", "opdigits", "opfullpath", "oppath", "optype", "opinput", "opinputpath"})


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter of some node, seen by an expression."""

    scope: NodeScope
    name: str
    stored: Stored

    def string_value(self) -> str:
        driven = self._driven()
        return expand(self.stored.text, self.scope) if driven is None else string(driven)

    def number_value(self) -> float:
        driven = self._driven()
        if driven is not None:
            return number(driven)
        text = expand(self.stored.text, self.scope)
        value = as_number(text, float("nan"))
        if value != value:
            why = f"{self.scope.node.path}/{self.name} is {text!r}, a choice whose number only Houdini knows"
            raise NotEvaluated(why, host_knows=True)
        return value

    def _driven(self) -> Value | None:
        """Return what its expression gives; None where it has none."""
        if not self.stored.channel:
            return None
        channel = self.scope.node.channels.get(self.stored.channel)
        if channel is None:
            return None
        if channel.keyed:
            raise NotEvaluated(f"{self.scope.node.path}/{self.name} is keyed over time", host_knows=True)
        if (channel.language or self.scope.node.language) == "python":
            raise NotEvaluated("it is a Python expression", host_knows=True)
        return evaluate(channel.expression, replace(self.scope, depth=self.scope.depth + 1))
