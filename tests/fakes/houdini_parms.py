"""`hou.Parm`, `hou.ParmTuple` of the fake: https://www.sidefx.com/docs/houdini/hom/hou/Parm.html."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from fakes import houdini_values as values
from fakes.houdini_session import RECORD, STUBS, WORLD, ObjectWasDeleted, OperationFailed, enum
from fakes.houdini_templates import ParmTemplate, template_of
from fakes.houdini_values import Place
from fakes.houdini_world import Component, NodeState
from fakes.stub_modules import Fake, bare, fake_class

if TYPE_CHECKING:
    from fakes.houdini_nodes import OpNode

C = TypeVar("C", bound=type)


def living(cls: C) -> C:
    """Let every method refuse an object whose node was deleted, as Houdini does."""
    for name, method in list(vars(cls).items()):
        if callable(method) and not name.startswith("_"):
            setattr(cls, name, _alive(method))
    return cls


def _alive(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **named: Any) -> Any:
        if self._state.deleted:
            raise ObjectWasDeleted("Attempt to access an object that no longer exists in Houdini.")
        return method(self, *args, **named)

    return call


@fake_class(STUBS, "hou.BaseKeyframe", RECORD)
class BaseKeyframe(Fake):
    """A keyframe: which expression holds from there; what value and when the fake does not keep."""

    _parm: Parm

    def expression(self) -> str:
        """Return its expression."""
        return self._parm.rawValue()


@fake_class(STUBS, "hou.Keyframe", RECORD)
class Keyframe(BaseKeyframe):
    """Of a number."""


@fake_class(STUBS, "hou.StringKeyframe", RECORD)
class StringKeyframe(BaseKeyframe):
    """Of a text."""


def _keyframe(parm: Parm, number: int) -> BaseKeyframe:
    keyframe: BaseKeyframe = bare(StringKeyframe if parm._is_text() else Keyframe)
    keyframe._parm = parm
    return keyframe


@fake_class(STUBS, "hou.Parm", RECORD)
@living
class Parm(Fake):
    """One component of a parameter."""

    _state: NodeState
    _name: str
    _place: Place

    def node(self) -> OpNode:
        """Return its node."""
        from fakes.houdini_nodes import node_of

        return node_of(self._state)

    def name(self) -> str:
        """Return its name."""
        return self._name

    def path(self) -> str:
        """Return its full path."""
        return f"{self._state.path}/{self._name}"

    def description(self) -> str:
        """Return its label."""
        return values.declaration(self._state, self._place.tuple).label

    def componentIndex(self) -> int:
        """Return which component it is."""
        return self._place.index

    def tuple(self) -> ParmTuple:
        """Return the tuple that it is of."""
        return tuple_of(self._state, self._place.tuple)

    def parmTemplate(self) -> ParmTemplate:
        """Return its template."""
        return template_of(values.declaration(self._state, self._place.tuple))

    def eval(self) -> int | float | str:
        """Return its value now."""
        return values.value_of(self._state, self._place, WORLD.frame)

    def evalAtFrame(self, frame: float) -> int | float | str:
        """Return its value at a frame."""
        return values.value_of(self._state, self._place, frame)

    def evalAsString(self) -> str:
        """Return its value now as a text."""
        return values.text_of(self._state, self._place, WORLD.frame)

    def evalAsStringAtFrame(self, frame: float) -> str:
        """Return its value at a frame as a text."""
        return values.text_of(self._state, self._place, frame)

    def evalAsInt(self) -> int:
        """Return its value now as a whole number."""
        return int(self._as_number(WORLD.frame))

    def evalAsIntAtFrame(self, frame: float) -> int:
        """Return its value at a frame as a whole number."""
        return int(self._as_number(frame))

    def evalAsFloat(self) -> float:
        """Return its value now as a number."""
        return float(self._as_number(WORLD.frame))

    def evalAsFloatAtFrame(self, frame: float) -> float:
        """Return its value at a frame as a number."""
        return float(self._as_number(frame))

    def _as_number(self, frame: float) -> float:
        value = values.value_of(self._state, self._place, frame)
        try:
            return float(value)
        except ValueError:
            raise TypeError(f"Cannot convert {value!r} to a number") from None

    def _set(self) -> Component:
        return values.component(self._state, self._place)

    def _is_text(self) -> bool:
        return values.kind(values.declaration(self._state, self._place.tuple)) == "String"

    def unexpandedString(self) -> str:
        """Return its text before expansion; only texts without keyframes have one."""
        if not self._is_text():
            raise OperationFailed("Cannot get the unexpanded string of a non-string parameter.")
        if self._set().keys:
            raise OperationFailed("Cannot get the unexpanded string of a parameter with keyframes.")
        return self._set().text

    def rawValue(self) -> str:
        """Return its expression, else its text."""
        return self._set().expression if self._set().keys else self._set().text

    def expression(self) -> str:
        """Return its expression."""
        if not self._set().keys:
            raise OperationFailed("Parameter does not have an expression.")
        return self._set().expression

    def expressionLanguage(self) -> Any:
        """Return the language of its expression."""
        if not self._set().keys:
            raise OperationFailed("Parameter does not have an expression.")
        return enum("exprLanguage", "Python" if self._set().python else "Hscript")

    def isTimeDependent(self) -> bool:
        """Tell whether its value depends on the time."""
        if not self._is_text() and not self._set().keys:
            return False
        return values.text_of(self._state, self._place, 1234.0) != values.text_of(self._state, self._place, 4321.0)

    def isAtDefault(self, compare_temporary_defaults: bool = True, compare_expressions: bool = True) -> bool:
        """Tell whether nobody has changed it."""
        default = values.default(values.declaration(self._state, self._place.tuple), self._place.index)
        return (self._set().text, self._set().expression) == (default.text, default.expression)

    def isDisabled(self) -> bool:
        """Tell whether its conditions disable it."""
        condition = values.declaration(self._state, self._place.tuple).disable_when
        return values.holds_true(self._state, condition, WORLD.frame)

    def isHidden(self) -> bool:
        """Tell whether it or its conditions hide it."""
        declared = values.declaration(self._state, self._place.tuple)
        return declared.hidden or values.holds_true(self._state, declared.hide_when, WORLD.frame)

    def isVisible(self) -> bool:
        """Tell whether it can be seen."""
        return not self.isHidden()

    def isSpare(self) -> bool:
        """Tell whether it was added to this node."""
        return self._place.tuple in self._state.spare

    def isLocked(self) -> bool:
        """Tell whether it is locked."""
        return self._place.tuple in self._state.locked_parameters

    def isMultiParmInstance(self) -> bool:
        """Tell whether it is one of a block that repeats."""
        name = self._place.tuple
        return name not in self._state.declared and values._of_instance(self._state, name) is not None

    def menuItems(self) -> Any:
        """Return its menu's tokens."""
        return tuple(token for token, _ in values.declaration(self._state, self._place.tuple).menu)

    def keyframes(self) -> Any:
        """Return its keyframes."""
        return tuple(_keyframe(self, number) for number in range(self._set().keys))

    def set(self, value: Any, language: Any = None, follow_parm_reference: bool = True) -> None:
        """Set its value."""
        if self.isLocked():
            raise OperationFailed("The parameter is locked.")
        if not isinstance(value, (int, float, str)) or (isinstance(value, str) and not self._takes_text()):
            raise TypeError(f"Invalid argument types for {self._name}: {value!r}")
        self._write(Component(value if isinstance(value, str) else f"{value:.17g}"), "Change parameter")

    def _takes_text(self) -> bool:
        return values.kind(values.declaration(self._state, self._place.tuple)) in ("String", "Menu", "Toggle", "Label", "Folder")

    def setExpression(self, expression: str, language: Any = None, replace_expression: bool = True) -> None:
        """Set an expression."""
        python = language is not None and language.name() == "Python"
        self._write(Component(self._set().text, expression=expression, python=python, keys=1), "Set expression")

    def deleteAllKeyframes(self) -> None:
        """Keep the value that it has now, without expression."""
        if self._set().keys:
            self._write(Component(values.text_of(self._state, self._place, WORLD.frame)), "Delete channels")

    def _write(self, new: Component, label: str) -> None:
        state, place = self._state, self._place
        before = list(state.values[place.tuple]) if place.tuple in state.values else None
        declared = values.declaration(state, place.tuple)

        def redo() -> None:
            row = list(state.values.get(place.tuple) or [values.default(declared, index) for index in range(place.count)])
            row[place.index] = new
            state.values[place.tuple] = row

        def undo() -> None:
            if before is None:
                state.values.pop(place.tuple, None)
            else:
                state.values[place.tuple] = before

        WORLD.change(f"{label} {self._name}", redo, undo)

    def revertToDefaults(self) -> None:
        """Set its default."""
        declared = values.declaration(self._state, self._place.tuple)
        self._write(values.default(declared, self._place.index), "Revert to defaults")

    def pressButton(self, arguments: Any = None) -> None:
        """Press it."""
        from fakes.houdini_rops import press

        if values.kind(values.declaration(self._state, self._place.tuple)) != "Button":
            raise OperationFailed("The parameter is no button.")
        press(self)

    def lock(self, on: bool) -> None:
        """Lock it."""
        (self._state.locked_parameters.add if on else self._state.locked_parameters.discard)(self._place.tuple)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parm) and self._state is other._state and self._name == other._name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._state.id, self._name))

    def __repr__(self) -> str:
        return f"<hou.Parm {self._name} in {self._state.path}>"


def parm_of(state: NodeState, name: str) -> Parm | None:
    """Return a component by its name; None: there is none."""
    place = values.places(state).get(name)
    return _parm(state, name, place) if place else None


def _parm(state: NodeState, name: str, place: Place) -> Parm:
    parm = bare(Parm)
    parm._state, parm._name, parm._place = state, name, place
    return parm


def parms_of(state: NodeState) -> tuple[Parm, ...]:
    """Return all components."""
    return tuple(_parm(state, name, place) for name, place in values.places(state).items())


@fake_class(STUBS, "hou.ParmTuple", RECORD)
@living
class ParmTuple(Fake):
    """A parameter with all its components."""

    _state: NodeState
    _name: str

    def _all(self) -> tuple[Parm, ...]:
        found = [(n, p) for n, p in values.places(self._state).items() if p.tuple == self._name]
        return tuple(_parm(self._state, name, place) for name, place in found)

    def node(self) -> OpNode:
        """Return its node."""
        from fakes.houdini_nodes import node_of

        return node_of(self._state)

    def name(self) -> str:
        """Return its name."""
        return self._name

    def description(self) -> str:
        """Return its label."""
        return values.declaration(self._state, self._name).label

    def parmTemplate(self) -> ParmTemplate:
        """Return its template."""
        return template_of(values.declaration(self._state, self._name))

    def eval(self) -> Any:
        """Return its values."""
        return tuple(one.eval() for one in self._all())

    def evalAtFrame(self, frame: float) -> Any:
        """Return its values at a frame."""
        return tuple(one.evalAtFrame(frame) for one in self._all())

    def set(self, value: Any, language: Any = None, follow_parm_reference: bool = True) -> None:
        """Set its values."""
        parts = self._all()
        if len(value) != len(parts):
            raise OperationFailed("Invalid size.")
        with WORLD.group(f"Change parameter {self._name}"):
            for one, item in zip(parts, value, strict=True):
                one.set(item)

    def isSpare(self) -> bool:
        """Tell whether it was added to this node."""
        return self._name in self._state.spare

    def isMultiParmInstance(self) -> bool:
        """Tell whether it is one of a block that repeats."""
        return self._name not in self._state.declared and values._of_instance(self._state, self._name) is not None

    def __len__(self) -> int:
        return len(self._all())

    def __getitem__(self, index: int) -> Parm:
        return self._all()[index]

    def __iter__(self) -> Iterator[Parm]:
        return iter(self._all())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParmTuple) and self._state is other._state and self._name == other._name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._state.id, self._name))


def tuple_of(state: NodeState, name: str) -> ParmTuple:
    """Return a tuple."""
    found = bare(ParmTuple)
    found._state, found._name = state, name
    return found
