"""Node types of the fake, their categories and definitions: https://www.sidefx.com/docs/houdini/hom/hou/NodeType.html."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakes.houdini_scene_text import Definition
from fakes.houdini_session import RECORD, STUBS, WORLD
from fakes.houdini_types import TYPES
from fakes.houdini_world import NodeState
from fakes.stub_modules import Fake, bare, fake_class

if TYPE_CHECKING:
    from fakes.houdini_nodes import OpNode


@fake_class(STUBS, "hou.NodeTypeCategory", RECORD)
class NodeTypeCategory(Fake):
    """What kind of network a node lives in."""

    _name: str

    def name(self) -> str:
        """Return its name (`Driver`)."""
        return self._name

    def nodeTypes(self) -> dict[str, OpNodeType]:
        """Return its types by name: those that the fake or the scene knows."""
        return {name: _op_type(self._name, name) for name in _known_types(self._name)}

    def nodeType(self, type_name: str) -> OpNodeType | None:
        """Return the type of a name; None: there is none."""
        return self.nodeTypes().get(type_name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeTypeCategory) and self._name == other._name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._name)


@fake_class(STUBS, "hou.OpNodeTypeCategory", RECORD)
class OpNodeTypeCategory(NodeTypeCategory):
    """The same, of operators."""


def category_of(name: str) -> OpNodeTypeCategory:
    """Return a category."""
    category = bare(OpNodeTypeCategory)
    category._name = name
    return category


def _known_types(category: str) -> list[str]:
    listed = [name for held, name in [*TYPES, *WORLD.definitions] if held == category]
    return list(dict.fromkeys([*listed, *(state.type for state in WORLD.root.below() if state.category == category)]))


@fake_class(STUBS, "hou.HDADefinition", RECORD)
class HDADefinition(Fake):
    """Where a node type comes from."""

    _definition: Definition

    def libraryFilePath(self) -> str:
        """Return the library, or "Embedded"."""
        return self._definition.library

    def nodeTypeName(self) -> str:
        """Return the type's name."""
        return self._definition.name

    def nodeTypeCategory(self) -> OpNodeTypeCategory:
        """Return the type's category."""
        return category_of(self._definition.category)

    def isInstalled(self) -> bool:
        """Tell whether its library is installed."""
        return True

    def isCurrent(self) -> bool:
        """Tell whether it is the one in use."""
        return True

    def isPreferred(self) -> bool:
        """Tell whether it is preferred."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HDADefinition) and self._definition is other._definition

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self._definition)


def definition_of(definition: Definition) -> HDADefinition:
    """Return a definition."""
    found = bare(HDADefinition)
    found._definition = definition
    return found


@fake_class(STUBS, "hou.NodeType", RECORD)
class NodeType(Fake):
    """A node type."""

    _category: str
    _name: str
    _holds: str = ""

    def name(self) -> str:
        """Return its full name."""
        return self._name

    def category(self) -> OpNodeTypeCategory:
        """Return its category."""
        return category_of(self._category)

    def nameWithCategory(self) -> str:
        """Return `Driver/ifd`."""
        return f"{self._category}/{self._name}"

    def nameComponents(self) -> tuple[str, str, str, str]:
        """Return scope, namespace, name and version."""
        parts = self._name.split("::")
        version = parts.pop() if len(parts) > 1 and re.fullmatch(r"[\d.]+", parts[-1]) else ""
        return "", "::".join(parts[:-1]), parts[-1], version

    def description(self) -> str:
        """Return what artists read."""
        return self.nameComponents()[2].replace("_", " ").title()

    def childTypeCategory(self) -> OpNodeTypeCategory | None:
        """Return what its networks hold."""
        return category_of(self._holds) if self._holds else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeType) and (self._category, self._name) == (other._category, other._name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._category, self._name))


@fake_class(STUBS, "hou.OpNodeType", RECORD)
class OpNodeType(NodeType):
    """A type of operators."""

    def definition(self) -> HDADefinition | None:
        """Return where it comes from; None: it is built in."""
        found = WORLD.definitions.get((self._category, self._name))
        return definition_of(found) if found is not None else None

    def sourcePath(self) -> str:
        """Return where it comes from."""
        found = WORLD.definitions.get((self._category, self._name))
        return found.library if found is not None else "Internal"

    def instances(self) -> tuple[OpNode, ...]:
        """Return all nodes of it."""
        from fakes.houdini_nodes import node_of

        found = [s for s in WORLD.root.below() if (s.category, s.type) == (self._category, self._name)]
        return tuple(node_of(state) for state in found)


def _op_type(category: str, name: str) -> OpNodeType:
    type_ = bare(OpNodeType)
    type_._category, type_._name = category, name
    return type_


def type_of(state: NodeState) -> OpNodeType:
    """Return a node's type."""
    type_ = bare(OpNodeType)
    type_._category, type_._name, type_._holds = state.category, state.type, WORLD.holds(state)
    return type_
