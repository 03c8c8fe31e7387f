"""`hou.Node` and its kin in the fake: https://www.sidefx.com/docs/houdini/hom/hou/OpNode.html.

Each call that gives a node gives a new object, as in Houdini: they are equal, never the same.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from fakes.houdini_loading import declare
from fakes.houdini_node_types import OpNodeType, OpNodeTypeCategory, category_of, type_of
from fakes.houdini_parms import Parm, ParmTuple, living, parm_of, parms_of, tuple_of
from fakes.houdini_references import references_of
from fakes.houdini_session import RECORD, STUBS, WORLD, OperationFailed, PermissionError, enum
from fakes.houdini_templates import ParmTemplateGroup, template_of
from fakes.houdini_types import TYPES
from fakes.houdini_values import declaration, default, tuples
from fakes.houdini_world import NodeState
from fakes.stub_modules import Fake, bare, fake_class

#: of each category, the flags that its nodes have (https://www.sidefx.com/docs/houdini/hom/hou/nodeFlag.html)
_FLAGS = {
    "Object": ("Display", "Selectable"),
    "Sop": ("Bypass", "Display", "Render", "Template", "Lock"),
    "Lop": ("Bypass", "Display"),
    "Top": ("Bypass", "Display", "Render"),
    "Driver": ("Bypass", "Lock"),
    "Vop": ("Bypass", "Debug"),
    "Dop": ("Bypass", "Display"),
    "Cop": ("Bypass", "Display"),
    "Cop2": ("Bypass", "Display", "Render", "Template"),
    "Chop": ("Bypass", "Display", "Export"),
}


@fake_class(STUBS, "hou.NetworkItem", RECORD)
class NetworkItem(Fake):
    """Anything in a network."""

    _state: NodeState

    def networkItemType(self) -> Any:
        """Return what it is."""
        return enum("networkItemType", "Node")


@fake_class(STUBS, "hou.NetworkMovableItem", RECORD)
@living
class NetworkMovableItem(NetworkItem):
    """Anything in a network that has a name."""

    def name(self) -> str:
        """Return its name."""
        return self._state.name if self._state.parent is not None else "/"

    def path(self) -> str:
        """Return its full path."""
        return self._state.path

    def parent(self) -> OpNode | None:
        """Return the node that holds it."""
        return node_of(self._state.parent) if self._state.parent is not None else None

    def sessionId(self) -> int:
        """Return its number in this session."""
        return self._state.id

    def isSelected(self) -> bool:
        """Tell whether it is selected."""
        return self._state.selected

    def setSelected(self, on: bool, clear_all_selected: bool = False, show_asset_if_selected: bool = False) -> None:
        """Select it."""
        if clear_all_selected:
            for state in WORLD.root.below():
                state.selected = False
        self._state.selected = on

    def setName(self, name: str, unique_name: bool = False) -> None:
        """Give it another name."""
        state, before = self._state, self._state.name
        if not re.fullmatch(r"[\w.\-]+", name) or state.manager:
            raise OperationFailed(f"Invalid node name {name!r}.")
        if any(one.name == name for one in (state.parent.children if state.parent else []) if one is not state):
            raise OperationFailed(f"Node name {name!r} already exists.")
        WORLD.change("Rename", lambda: setattr(state, "name", name), lambda: setattr(state, "name", before))

    def position(self) -> Any:
        """Where it lies in the network nobody asks here."""
        raise RECORD.no_behaviour("hou.NetworkMovableItem.position")


@fake_class(STUBS, "hou.Node", RECORD)
@living
class Node(NetworkMovableItem):
    """A node."""

    def type(self) -> OpNodeType:
        """Return its type."""
        return type_of(self._state)

    def childTypeCategory(self) -> OpNodeTypeCategory | None:
        """Return what its network holds."""
        held = WORLD.holds(self._state)
        return category_of(held) if held else None

    def isNetwork(self) -> bool:
        """Tell whether it can hold nodes."""
        return bool(self._state.children) or self._state.manager

    def isSubNetwork(self) -> bool:
        """Tell whether it holds nodes of its own category."""
        return WORLD.holds(self._state) == self._state.category and bool(self._state.children)

    def isEditable(self) -> bool:
        """Tell whether what is in it can be changed."""
        return not self._state.matches_definition

    def children(self) -> tuple[OpNode, ...]:
        """Return what it holds."""
        return tuple(node_of(child) for child in self._state.children)

    def allSubChildren(
        self, top_down: bool = True, recurse_in_locked_nodes: bool = True, sync_delayed_definition: bool = False
    ) -> tuple[OpNode, ...]:
        """Return all that it holds, however deep."""
        found: list[NodeState] = []

        def walk(state: NodeState) -> None:
            for child in state.children:
                inside = recurse_in_locked_nodes or not child.matches_definition
                if top_down:
                    found.append(child)
                if inside:
                    walk(child)
                if not top_down:
                    found.append(child)

        walk(self._state)
        return tuple(node_of(state) for state in found)

    def node(self, node_path: str) -> OpNode | None:
        """Return a node by its path from here."""
        return _node(WORLD.find(node_path, self._state))

    def glob(self, pattern: str, ignore_case: bool = False) -> tuple[OpNode, ...]:
        """Return the children whose names match."""
        patterns = pattern.split()
        found = [child for child in self._state.children if any(fnmatch.fnmatchcase(child.name, one) for one in patterns)]
        return tuple(node_of(child) for child in found)

    def inputs(self) -> tuple[OpNode | None, ...]:
        """Return where its inputs come from; None: nothing is connected there."""
        wires = self._state.wires
        last = max(wires, default=-1)
        return tuple(node_of(wires[i][0]) if i in wires else None for i in range(last + 1))

    def input(self, input_index: int) -> OpNode | None:
        """Return where one input comes from."""
        wire = self._state.wires.get(input_index)
        return node_of(wire[0]) if wire is not None else None

    def outputs(self) -> tuple[OpNode, ...]:
        """Return the nodes that it goes to."""
        siblings = self._state.parent.children if self._state.parent else []
        return tuple(node_of(one) for one in siblings if any(source is self._state for source, _ in one.wires.values()))

    def inputConnections(self) -> tuple[Any, ...]:
        """Return its wires."""
        return tuple(_connection(self._state, index) for index in sorted(self._state.wires))

    def inputAncestors(
        self, include_ref_inputs: bool = True, follow_subnets: bool = False, only_used_inputs: bool = False
    ) -> Any:
        """Return all that comes before it by wires."""
        if include_ref_inputs:
            raise RECORD.no_behaviour("hou.Node.inputAncestors(include_ref_inputs=True)")
        found: list[NodeState] = []

        def walk(state: NodeState) -> None:
            for source, _ in state.wires.values():
                if source not in found:
                    found.append(source)
                    walk(source)

        walk(self._state)
        return tuple(node_of(state) for state in found)

    def setInput(self, input_index: int, item_to_become_input: Any, output_index: int = 0) -> None:
        """Connect an input."""
        state, before = self._state, dict(self._state.wires)

        def redo() -> None:
            state.wires.pop(input_index, None)
            if item_to_become_input is not None:
                state.wires[input_index] = (item_to_become_input._state, output_index)

        WORLD.change("Connect", redo, lambda: setattr(state, "wires", before))

    def setFirstInput(self, item_to_become_input: Any, output_index: int = 0) -> None:
        """Connect the first input."""
        self.setInput(0, item_to_become_input, output_index)

    def setNextInput(self, item_to_become_input: Any, output_index: int = 0, unordered_only: bool = False) -> None:
        """Connect the first input that is free."""
        self.setInput(next(i for i in range(10**4) if i not in self._state.wires), item_to_become_input, output_index)

    def createNode(
        self,
        node_type_name: str,
        node_name: str | None = None,
        run_init_scripts: bool = True,
        load_contents: bool = True,
        exact_type_name: bool = False,
        force_valid_node_name: bool = False,
    ) -> OpNode:
        """Make a node in it."""
        if self._state.matches_definition:
            raise PermissionError("Failed to modify node or parameter because of a permission error.")
        return node_of(create(self._state, node_type_name, node_name))

    def destroy(self, disable_safety_checks: bool = False) -> None:
        """Delete it with all that it holds."""
        state, parent = self._state, self._state.parent
        if state.manager or parent is None:
            raise OperationFailed("Cannot delete this node.")
        index = parent.children.index(state)
        wires = {one: dict(one.wires) for one in parent.children}

        def redo() -> None:
            parent.children.remove(state)
            for one in [state, *state.below()]:
                one.deleted = True
            for one in parent.children:
                one.wires = {i: wire for i, wire in one.wires.items() if wire[0] is not state}

        def undo() -> None:
            parent.children.insert(index, state)
            for one in [state, *state.below()]:
                one.deleted = False
            for one, before in wires.items():
                one.wires = before

        WORLD.change("Delete", redo, undo)

    def comment(self) -> str:
        """Return its comment."""
        return self._state.comment

    def setComment(self, comment: str) -> None:
        """Set its comment."""
        state, before = self._state, self._state.comment
        WORLD.change("Comment", lambda: setattr(state, "comment", comment), lambda: setattr(state, "comment", before))

    def userData(self, name: str) -> str | None:
        """Return what was kept under a name; None: nothing."""
        return self._state.user_data.get(name)

    def userDataDict(self) -> dict[str, str]:
        """Return all that was kept."""
        return dict(self._state.user_data)

    def setUserData(self, name: str, value: str) -> None:
        """Keep a text with the node; it can be undone."""
        self._keep({**self._state.user_data, name: value})

    def destroyUserData(self, name: str, must_exist: bool = True) -> None:
        """Forget what was kept under a name."""
        if name not in self._state.user_data and must_exist:
            raise OperationFailed(f"No user data named {name!r}.")
        self._keep({key: value for key, value in self._state.user_data.items() if key != name})

    def _keep(self, entries: dict[str, str]) -> None:
        state, before = self._state, self._state.user_data
        WORLD.change("User data", lambda: setattr(state, "user_data", entries), lambda: setattr(state, "user_data", before))

    def isFlagReadable(self, flag: Any) -> bool:
        """Tell whether nodes of its category have a flag."""
        return flag.name() in _FLAGS.get(self._state.category, ())

    def isGenericFlagSet(self, flag: Any) -> bool:
        """Tell whether a flag is set."""
        if not self.isFlagReadable(flag):
            raise OperationFailed(f"This node has no flag {flag.name()}.")
        return self._state.flags.get(flag.name().lower(), False)

    def setGenericFlag(self, flag: Any, value: bool) -> None:
        """Set a flag."""
        self._flag(flag.name().lower(), value)

    def _flag(self, name: str, on: bool) -> None:
        state, before = self._state, dict(self._state.flags)
        after = {**before, name: on}
        WORLD.change(f"Flag {name}", lambda: setattr(state, "flags", after), lambda: setattr(state, "flags", before))

    def isCurrent(self) -> bool:
        """Tell whether it is the current one."""
        return WORLD.current is self._state

    def setCurrent(self, on: bool, clear_all_selected: bool = False) -> None:
        """Make it the current one, which selects it."""
        self.setSelected(on, clear_all_selected)
        WORLD.current = self._state if on else None

    def errors(self) -> tuple[str, ...]:
        """Return what went wrong: the fake does not cook."""
        return ()

    def warnings(self) -> tuple[str, ...]:
        """Return what it warns of: the fake does not cook."""
        return ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self._state is other._state

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._state.id)


@fake_class(STUBS, "hou.OpNode", RECORD)
@living
class OpNode(Node):
    """An operator."""

    def parm(self, parm_path: str) -> Parm | None:
        """Return a parameter's component by its name or path from here; None: there is none."""
        path, _, name = parm_path.rpartition("/")
        state = WORLD.find(path or "/", self._state) if "/" in parm_path else self._state
        return parm_of(state, name) if state is not None else None

    def parmTuple(self, parm_path: str) -> ParmTuple | None:
        """Return a parameter by its name."""
        return tuple_of(self._state, parm_path) if parm_path in tuples(self._state) else None

    def parms(self) -> tuple[Parm, ...]:
        """Return all components."""
        return parms_of(self._state)

    def parmTuples(self) -> tuple[ParmTuple, ...]:
        """Return all parameters."""
        return tuple(tuple_of(self._state, name) for name in tuples(self._state))

    def spareParms(self) -> tuple[Parm, ...]:
        """Return those that were added to this node."""
        return tuple(one for one in parms_of(self._state) if one.isSpare())

    def evalParm(self, parm_path: str) -> Any:
        """Return a parameter's value."""
        found = self.parm(parm_path)
        if found is None:
            raise OperationFailed(f"Invalid parameter name: {parm_path}")
        return found.eval()

    def expressionLanguage(self) -> Any:
        """Return the language of expressions that are written into it."""
        return enum("exprLanguage", "Python" if self._state.python else "Hscript")

    def needsToCook(self, time: float = 0.0) -> bool:
        """Tell whether it is not cooked: nothing is, in the fake."""
        return True

    def setParms(self, parm_dict: Any) -> None:
        """Set parameters by their names."""
        with WORLD.group("Set parameters"):
            for name, value in parm_dict.items():
                found = self.parm(name)
                if found is None:
                    raise OperationFailed(f"Invalid parameter name: {name}")
                found.set(value)

    def parmTemplateGroup(self) -> ParmTemplateGroup:
        """Return its templates."""
        group = bare(ParmTemplateGroup)
        group._templates = tuple(template_of(declaration(self._state, name)) for name in tuples(self._state))
        return group

    def fileReferences(self, recurse: bool = True, project_dir_variable: str = "HIP", include_all_refs: bool = True) -> Any:
        """Return what files it and all below it refer to."""
        states = [self._state, *self._state.below()] if recurse else [self._state]
        return references_of(states, project_dir_variable, include_all_refs)

    def isInsideLockedHDA(self) -> bool:
        """Tell whether an asset that is locked holds it."""
        above = self._state.parent
        while above is not None:
            if above.matches_definition:
                return True
            above = above.parent
        return False

    def isEditableInsideLockedHDA(self) -> bool:
        """Tell whether it can be changed though an asset that is locked holds it: a scene saves such nodes alone."""
        return not self.isInsideLockedHDA() or not self._state.implied

    def isLockedHDA(self) -> bool:
        """Tell whether it is an asset that is locked."""
        known = (self._state.category, self._state.type) in WORLD.definitions
        return known and self._state.matches_definition

    def matchesCurrentDefinition(self) -> bool:
        """Tell whether it is as its definition says."""
        return self._state.matches_definition

    def cachedUserData(self, name: str) -> Any:
        """Return what was kept for this session."""
        return self._state.cached.get(f"user {name}")

    def setCachedUserData(self, name: str, value: Any) -> None:
        """Keep something for this session; no scene has it."""
        self._state.cached[f"user {name}"] = value


def _flags(*names: str) -> Callable[[type], type]:
    """Give a class the flags that its stub has."""

    def give(cls: type) -> type:
        if "bypass" in names:
            cls.isBypassed = lambda self: self._state.flags.get("bypass", False)  # type: ignore[attr-defined]
            cls.bypass = lambda self, on: self._flag("bypass", on)  # type: ignore[attr-defined]
        if "display" in names:
            cls.isDisplayFlagSet = lambda self: self._state.flags.get("display", False)  # type: ignore[attr-defined]
            cls.setDisplayFlag = lambda self, on: self._flag("display", on)  # type: ignore[attr-defined]
        if "render" in names:
            cls.isRenderFlagSet = lambda self: self._state.flags.get("render", False)  # type: ignore[attr-defined]
            cls.setRenderFlag = lambda self, on: self._flag("render", on)  # type: ignore[attr-defined]
        return living(cls)

    return give


def _node_class(name: str, *flags: str) -> Any:
    return fake_class(STUBS, f"hou.{name}", RECORD)(_flags(*flags)(type(name, (OpNode,), {"__doc__": "A node of its category."})))


CLASSES: dict[str, Any] = {
    "Object": _node_class("ObjNode", "display"),
    "Sop": _node_class("SopNode", "bypass", "display", "render"),
    "Lop": _node_class("LopNode", "bypass", "display"),
    "Top": _node_class("TopNode", "bypass", "display", "render"),
    "Vop": _node_class("VopNode", "bypass"),
    "Dop": _node_class("DopNode", "bypass", "display"),
    "Cop": _node_class("CopNode", "bypass", "display"),
    "Cop2": _node_class("Cop2Node", "bypass", "display", "render"),
    "Chop": _node_class("ChopNode", "bypass", "display"),
    "Shop": _node_class("ShopNode"),
    "VopNet": _node_class("VopNetNode"),
}


@fake_class(STUBS, "hou.NodeConnection", RECORD)
class NodeConnection(Fake):
    """A wire."""

    _target: NodeState
    _index: int

    def inputNode(self) -> OpNode:
        """Return where it comes from."""
        return node_of(self._target.wires[self._index][0])

    def outputNode(self) -> OpNode:
        """Return where it goes to."""
        return node_of(self._target)

    def inputIndex(self) -> int:
        """Return the input that it goes to."""
        return self._index

    def outputIndex(self) -> int:
        """Return the output that it comes from."""
        return self._target.wires[self._index][1]


@fake_class(STUBS, "hou.OpNodeConnection", RECORD)
class OpNodeConnection(NodeConnection):
    """A wire of operators."""


def _connection(state: NodeState, index: int) -> OpNodeConnection:
    wire = bare(OpNodeConnection)
    wire._target, wire._index = state, index
    return wire


def node_of(state: NodeState) -> OpNode:
    """Return a node's object: a new one each time."""
    node: OpNode = bare(CLASSES.get(state.category, OpNode))
    node._state = state
    return node


def _node(state: NodeState | None) -> OpNode | None:
    return node_of(state) if state is not None else None


def create(parent: NodeState, kind: str, name: str | None) -> NodeState:
    """Make a node the way the vendor documents: the newest version of a type, a name with a number, defaults, an undo step.

    Raises:
        OperationFailed: the network cannot hold such a node, as far as the fake knows.
    """
    category = WORLD.holds(parent)
    known = [full for held, full in [*TYPES, *WORLD.definitions] if held == category]
    full = (
        kind
        if kind in known
        else next((one for one in sorted(known, reverse=True) if re.fullmatch(re.escape(kind) + r"::[\d.]+", one)), "")
    )
    if not full:
        raise OperationFailed(f"Invalid node type name {kind!r} in a network of {category}.")
    state = NodeState(_free_name(parent, name or re.sub(r"\W.*", "", kind) + "1"), full, category, parent, WORLD.new_id())
    declare(WORLD, state)
    for key in tuples(state):
        one = declaration(state, key)
        state.values[key] = [default(one, index) for index in range(max(1, one.size))]
    shown = category == "Object" or not parent.children
    state.flags = {"bypass": False, "display": shown, "render": not parent.children}

    def redo() -> None:
        state.deleted = False
        parent.children.append(state)

    def undo() -> None:
        parent.children.remove(state)
        state.deleted = True

    WORLD.change(f"Create {kind}", redo, undo)
    return state


def _free_name(parent: NodeState, wanted: str) -> str:
    taken = {child.name for child in parent.children}
    base, number = re.fullmatch(r"(.*?)(\d*)", wanted).groups()  # type: ignore[union-attr]
    name, count = wanted, int(number or 0)
    while name in taken:
        count += 1
        name = f"{base}{count}"
    return name
