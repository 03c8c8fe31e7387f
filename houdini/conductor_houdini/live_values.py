"""The values of a live node's parameters as a scene's file would store them, each asked for when a reader wants it.

https://www.sidefx.com/docs/houdini/hom/hou/Parm.html: `unexpandedString` is the text before `$` and backticks; a parameter with
keys has an expression instead, and `evalAsString` gives a menu's token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import hou
from conductor_core.discovery.houdini_parameter_kind import FILE_TYPES, ParameterKind
from conductor_core.discovery.houdini_values import Channel, Value, escaped

#: what an expression calls that has to cook geometry, images or simulations before it knows: never asked for here
_COOKS = re.compile(
    r"\b(?:points?|prims?|vertex|vertexs|details?|detailsattrib|bbox|centroid|npoints\w*|nprims\w*|nvertices|surflen|unituv|mindist"
    r"|dop\w+|stamps?|spare\w*|volume\w+|pic\w*|res|seqanim|ic\w*|oc\w*|chop\w*|optransform|origin|qorigin|vorigin|curvature"
    r"|normal|uvdist|pointavg|pointdist|haspoint\w*|isspherevisible|system|run|unix)\s*\("
    r"|\.(?:geometry|simulation|stage|editableStage|cook|cookWorkItems|render|evalAsGeometry\w*|intrinsicValue)\b|@",
)
_TYPES = {"Image": "image", "Geometry": "geometry", "Directory": "directory"}


class LiveValues(Mapping[str, tuple[Value, ...]]):
    """The values of one node, by the names of its parameters; those of several components stand together."""

    __slots__ = ("_known", "tuples")

    def __init__(self, node: hou.OpNode) -> None:
        self.tuples = {one.name(): one for one in node.parmTuples()}
        self._known: dict[str, tuple[Value, ...]] = {}

    def __getitem__(self, name: str) -> tuple[Value, ...]:
        if name not in self._known:
            self._known[name] = tuple(value_of(parm) for parm in self.tuples[name])
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tuples)

    def __len__(self) -> int:
        return len(self.tuples)

    def texts(self) -> Iterator[tuple[str, Value]]:
        """Yield the parameters that hold text: no other can name a file."""
        for name, one in self.tuples.items():
            if one.parmTemplate().type() == hou.parmTemplateType.String and (values := self[name]):
                yield name, values[0]


class LiveChannels(Mapping[str, Channel]):
    """What drives the values of one node."""

    __slots__ = ("_node",)

    def __init__(self, node: hou.OpNode) -> None:
        self._node = node

    def __getitem__(self, name: str) -> Channel:
        parm = self._node.parm(name)
        keys = parm.keyframes() if parm is not None else ()
        if parm is None or not keys:
            raise KeyError(name)
        python = parm_language(parm) == hou.exprLanguage.Python
        return Channel(expression_of(parm), "python" if python else "hscript", len(keys) > 1)

    def __iter__(self) -> Iterator[str]:
        return (parm.name() for parm in self._node.parms() if parm.keyframes())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LiveKinds(Mapping[str, ParameterKind]):
    """How the parameters of one node are declared that are files, where that is not Houdini's own to say.

    https://www.sidefx.com/docs/houdini/hom/hou/StringParmTemplate.html (`stringType`, `fileType`; tag `filechooser_mode`)
    """

    __slots__ = ("_all", "_tuples")

    def __init__(self, tuples: Mapping[str, hou.ParmTuple], *, all_of_them: bool) -> None:
        self._tuples = tuples
        self._all = all_of_them

    def __getitem__(self, name: str) -> ParameterKind:
        one = self._tuples[name]
        template = one.parmTemplate()
        if not isinstance(template, hou.StringParmTemplate) or template.stringType() != hou.stringParmType.FileReference:
            raise KeyError(name)
        if not self._all and not one.isSpare():
            raise KeyError(name)
        type_ = _TYPES.get(template.fileType().name(), "file")
        if type_ not in FILE_TYPES:
            raise KeyError(name)
        disabled = template.conditionals().get(hou.parmCondType.DisableWhen, "")
        return ParameterKind(name, type_, mode=template.tags().get("filechooser_mode", ""), disabled_when=disabled)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._tuples if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def value_of(parm: hou.Parm) -> Value:
    """Return a component as a scene stores it."""
    kind = parm.parmTemplate().type()
    if kind == hou.parmTemplateType.String:
        return _text(parm)
    if kind not in (hou.parmTemplateType.Int, hou.parmTemplateType.Float, hou.parmTemplateType.Toggle, hou.parmTemplateType.Menu):
        return Value("")
    driven = bool(parm.keyframes())
    channel = parm.name() if driven else ""
    if driven and must_cook(expression_of(parm)):
        return Value(escaped(expression_of(parm)), channel)
    if kind == hou.parmTemplateType.Toggle:
        return Value("on" if parm.evalAsInt() else "off", channel)
    if kind == hou.parmTemplateType.Menu:
        return Value(escaped(parm.evalAsString()), channel)
    return Value(f"{parm.evalAsFloat():.15g}" if kind == hou.parmTemplateType.Float else str(parm.evalAsInt()), channel)


def must_cook(expression: str) -> bool:
    """Tell whether an expression can only be told by cooking something, which may take minutes."""
    return bool(_COOKS.search(expression))


def raw_text(parm: hou.Parm) -> str:
    """Return what is written in a parameter: its text, or the expression that drives it."""
    return expression_of(parm) if parm.keyframes() else unexpanded(parm)


def expression_of(parm: hou.Parm) -> str:
    """Return the expression that drives a parameter; "" where it only has keys."""
    try:
        return parm.expression()
    except hou.OperationFailed:
        return ""


def parm_language(parm: hou.Parm) -> hou.EnumValue | None:
    """Return the language of a parameter's expression; None where it has none."""
    try:
        return parm.expressionLanguage()
    except hou.OperationFailed:
        return None


def unexpanded(parm: hou.Parm) -> str:
    """Return a parameter's text before anything in it is filled in."""
    try:
        return parm.unexpandedString()
    except hou.OperationFailed:  # it is no text, or has keys
        return parm.rawValue()


def _text(parm: hou.Parm) -> Value:
    if not parm.keyframes():
        return Value(escaped(unexpanded(parm)))
    expression = expression_of(parm)
    if must_cook(expression):
        return Value(escaped(expression), parm.name())
    try:
        return Value(escaped(parm.evalAsString()), parm.name())
    except hou.Error:  # an expression that fails
        return Value(escaped(expression), parm.name())
