"""What a parameter of the fake is: its kind, its components' names, its value at a frame."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fakes.houdini_expressions import BadExpression, UnknownExpression, Value, as_text, evaluate, expand
from fakes.houdini_session import RECORD, WORLD, OperationFailed
from fakes.houdini_types import FILE_PARAMETERS, LETTERED, LETTERS
from fakes.houdini_words import Declared
from fakes.houdini_world import Component, NodeState

TEXTS = {"string", "file", "image", "geometry", "directory", "oppath", "oplist", "op", "geometrydata_path"}
INTEGERS = {"integer", "int", "intvector", "intvector2", "intvector4", "intlog", "int_minmax"}
FILES = {"file": "Any", "image": "Image", "geometry": "Geometry", "directory": "Directory"}
_OTHER = {
    "toggle": "Toggle",
    "ordinal": "Menu",
    "iconstrip": "Menu",
    "buttonstrip": "Menu",
    "button": "Button",
    "separator": "Separator",
    "label": "Label",
    "ramp_flt": "Ramp",
    "ramp_rgb": "Ramp",
    "data": "Data",
    "geometrydata": "Data",
}
_DEPTH = 40


def kind(declared: Declared) -> str:
    """Return the name of a parameter's `hou.parmTemplateType`."""
    if declared.keyword != "parm":
        return "Folder"
    if declared.type in TEXTS:
        return "String"
    if declared.type in INTEGERS:
        return "Int"
    return _OTHER.get(declared.type, "Float")


@dataclass(frozen=True, slots=True)
class Place:
    """One component: of which tuple, which of how many."""

    tuple: str
    index: int
    count: int


def places(state: NodeState) -> dict[str, Place]:
    """Return the components of a node's parameters by their names, in order."""
    key = (len(state.values), len(state.declared), len(state.spare))
    known = state.cached.get("places")
    if isinstance(known, tuple) and known[0] == key:
        return dict(known[1])
    found = {name: place for tuple_ in tuples(state) for name, place in _components(state, tuple_)}
    state.cached["places"] = (key, found)
    return found


def tuples(state: NodeState) -> list[str]:
    """Return the names of a node's parameter tuples, in order."""
    declared = [name for name, one in {**state.declared, **state.spare}.items() if "#" not in name and not _only_layout(one)]
    return list(dict.fromkeys([*declared, *state.values]))


def _only_layout(one: Declared) -> bool:
    return one.keyword not in ("parm", "multiparm")


def _components(state: NodeState, name: str) -> Iterator[tuple[str, Place]]:
    count = len(state.values[name]) if name in state.values else declaration(state, name).size
    if count <= 1:
        yield name, Place(name, 0, max(count, 1))
        return
    type_ = declaration(state, name).type
    letters = LETTERS.get(type_, "xyzw" if name in LETTERED else "")
    if type_ in ("float_minmax", "int_minmax"):
        endings = ["min", "max"]
    else:
        endings = list(letters[:count]) if count <= len(letters) else [str(number + 1) for number in range(count)]
    for index, ending in enumerate(endings):
        yield name + ending, Place(name, index, count)


def declaration(state: NodeState, name: str) -> Declared:
    """Return how a tuple is declared; where nobody says, as its stored value looks."""
    known = state.declared.get(name) or state.spare.get(name)
    if known is None:
        pattern = re.sub(r"\d+", "#", name)
        known = state.declared.get(pattern) or state.spare.get(pattern) or _of_instance(state, name)
    if known is not None and known.keyword == "parm" and not known.type:
        # `baseparm`: it is a parameter of the type's built-in part, which no file declares
        return replace(known, type=_guessed(state, name).type)
    return known or _guessed(state, name)


def _of_instance(state: NodeState, name: str) -> Declared | None:
    """Return the declaration of a multiparm's instance: `file2_name` for `file#_name`."""
    for match in re.finditer(r"\d+", name):
        pattern = f"{name[: match.start()]}#{name[match.end() :]}"
        if pattern in state.declared:
            return state.declared[pattern]
        if pattern in state.spare:
            return state.spare[pattern]
    return None


def _guessed(state: NodeState, name: str) -> Declared:
    values = state.values.get(name, [])
    file_kind = FILE_PARAMETERS.get((state.type, name)) or FILE_PARAMETERS.get((state.type, re.sub(r"\d+$", "", name)))
    type_ = file_kind or (_look(values[0]) if values else "separator")
    return Declared("parm", name, name, type_, max(1, len(values)))


def _look(value: Component) -> str:
    """Return the type that a stored value looks like: Houdini writes menus and toggles in quotes, texts only where it must."""
    if value.quoted and value.text in ("on", "off"):
        return "toggle"
    if value.quoted and re.fullmatch(r"[\w:.\-]+", value.text):
        return "ordinal"
    if re.fullmatch(r"-?\d+", value.text) and not value.quoted:
        return "float" if value.keys else "integer"
    if re.fullmatch(r"-?\d*\.?\d+([eE][-+]?\d+)?", value.text) and not value.quoted:
        return "float"
    looks_like_file = re.search(r"^(\$HIP|\$JOB|/|[A-Za-z]:[/\\]).*\.\w+$", value.text)
    return "file" if looks_like_file else "string"


def component(state: NodeState, place: Place) -> Component:
    """Return what is set, or the default."""
    values = state.values.get(place.tuple)
    if values and place.index < len(values):
        return values[place.index]
    return default(declaration(state, place.tuple), place.index)


def default(declared: Declared, index: int) -> Component:
    """Return a component's default; a number's that is no number is an expression."""
    text = declared.defaults[index] if index < len(declared.defaults) else ""
    if kind(declared) in ("Int", "Float") and text and not re.fullmatch(r"-?[\d.]+([eE][-+]?\d+)?", text):
        return Component("0", expression=text, keys=1)
    return Component(text or ("0" if kind(declared) in ("Int", "Float") else ""))


@dataclass(frozen=True, slots=True)
class Around:
    """What an expression on a node's parameter can ask for."""

    state: NodeState
    frame: float
    channel: str = ""

    def variable(self, name: str) -> str | None:
        """Return a variable's text."""
        if name == "OS":
            return self.state.name
        if name == "CH" and self.channel:
            return self.channel
        return WORLD.variable(name, self.frame)

    def _found(self, path: str) -> tuple[NodeState, Place]:
        above, _, name = path.rpartition("/")
        node = WORLD.find(above or "/", self.state) if "/" in path else self.state
        place = places(node).get(name) if node is not None else None
        if node is None or place is None:
            raise BadExpression(f"Channel reference not found: {path}")
        return node, place

    def parameter(self, path: str) -> Value:
        """Return another parameter's value."""
        node, place = self._found(path)
        value = value_of(node, place, self.frame)
        return value if isinstance(value, str) else float(value)

    def raw_parameter(self, path: str) -> str:
        """Return another parameter's text."""
        node, place = self._found(path)
        return component(node, place).text

    def node_path(self, path: str) -> str:
        """Return a node's full path."""
        node = WORLD.find(path, self.state)
        return node.path if node is not None else ""

    def input_path(self, path: str, index: int) -> str:
        """Return the full path of a node's input."""
        node = WORLD.find(path, self.state)
        return node.wires[index][0].path if node is not None and index in node.wires else ""


def value_of(state: NodeState, place: Place, frame: float) -> int | float | str:
    """Return a component's value, as `hou.Parm.eval` does.

    Raises:
        OperationFailed: its expression is wrong.
    """
    if len(WORLD.evaluating) > _DEPTH:
        raise OperationFailed(f"Infinite recursion in evaluation: {state.path}/{place.tuple}")
    WORLD.evaluating.append((state, place.tuple))
    try:
        return _value_of(state, place, frame)
    except BadExpression as exc:
        raise OperationFailed(f"Unable to evaluate expression ({exc} ({state.path}/{place.tuple}))") from exc
    except UnknownExpression as exc:
        raise RECORD.no_behaviour(str(exc)) from exc
    finally:
        WORLD.evaluating.pop()


def _value_of(state: NodeState, place: Place, frame: float) -> int | float | str:
    declared, set_ = declaration(state, place.tuple), component(state, place)
    what = kind(declared)
    around = Around(state, frame, next((n for n, p in places(state).items() if p == place), place.tuple))
    if set_.keys:
        value = _channel_value(set_, around)
        return as_text(value) if what == "String" else _number(value, what)
    if what == "String":
        return expand(set_.text, around)
    if what == "Toggle":
        return int(set_.text in ("1", "on"))
    if what == "Menu":
        tokens = [token for token, _ in declared.menu]
        if set_.text in tokens:
            return tokens.index(set_.text)
    return _number(set_.text, what)


def _channel_value(set_: Component, around: Around) -> Value:
    """Return what an expression is; one that the fake cannot read is what Houdini saved beside it."""
    try:
        return _evaluated(set_, around)
    except UnknownExpression:
        if set_.evaluated:
            return set_.text
        raise


def python_value(expression: str) -> Value:
    """Return what a Python expression gives that asks nothing of the scene (ref/expressions.html: Python expressions)."""
    try:
        value = eval(
            compile(ast.parse(expression, mode="eval"), "expression", "eval"), {"__builtins__": {"str": str, "len": len}}
        )
    except NameError as exc:
        raise UnknownExpression(f"the Python expression {expression!r}") from exc
    except SyntaxError as exc:
        raise UnknownExpression(f"the Python program {expression!r}") from exc
    return value if isinstance(value, (str, float)) else float(value)


def _evaluated(set_: Component, around: Around) -> Value:
    if set_.python:
        return python_value(set_.expression)
    if (
        re.fullmatch(r"(bezier|linear|constant|cubic|spline|ease\w*|qlinear|match\w*)\(\)", set_.expression)
        or not set_.expression
    ):
        return set_.text
    return evaluate(set_.expression, around)


def _number(value: Value, what: str) -> int | float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    return number if what == "Float" else int(number)


def text_of(state: NodeState, place: Place, frame: float) -> str:
    """Return a component's value as `hou.Parm.evalAsString` does: tokens for menus, on and off for toggles."""
    declared = declaration(state, place.tuple)
    value = value_of(state, place, frame)
    if kind(declared) == "Toggle":
        return "on" if value else "off"
    if kind(declared) == "Menu":
        tokens = [token for token, _ in declared.menu]
        if not tokens:
            return component(state, place).text
        return tokens[int(value)] if 0 <= int(value) < len(tokens) else str(value)
    return value if isinstance(value, str) else as_text(value)


def holds_true(state: NodeState, condition: str, frame: float) -> bool:
    """Tell whether a condition of a dialog script holds: `{ a == 1 b != off } { c == 2 }`, one group is enough."""
    for group in re.findall(r"\{([^{}]*)\}", condition):
        tests = re.findall(r"(\S+)\s*(==|!=|<=|>=|<|>)\s*(\"[^\"]*\"|\S+)", group)
        if tests and all(_test_holds(state, name, sign, wanted, frame) for name, sign, wanted in tests):
            return True
    return False


def _test_holds(state: NodeState, name: str, sign: str, wanted: str, frame: float) -> bool:
    place = places(state).get(name)
    if place is None:
        return False
    wanted = wanted.strip('"')
    seen = {text_of(state, place, frame), as_text(value_of(state, place, frame)), component(state, place).text}
    if sign in ("==", "!="):
        return (wanted in seen) == (sign == "==")
    value, limit = value_of(state, place, frame), float(wanted)
    number = float(value) if not isinstance(value, str) else 0.0
    return {"<": number < limit, ">": number > limit, "<=": number <= limit, ">=": number >= limit}[sign]
