"""Nodes of the open scene, as readers of scene files see them: what a file would hold is asked of Maya."""

from __future__ import annotations

from dataclasses import dataclass

from conductor_core.discovery.arithmetic import countable
from conductor_core.discovery.maya_node import MayaNode, bare, both_names

from conductor_maya import session

#: elements of one array that are looked at
_ELEMENTS = 10_000
_TEXTS = ("string", "stringArray")
#: kinds of attributes that may hold texts: those of one type that is not a number, and those of any type (overrides of layers)
_KINDS = ("typed", "generic")


@dataclass(frozen=True, slots=True)
class TextAttribute:
    """An attribute that may hold texts, with the attributes that it is a part of, the outermost first."""

    #: long names; each with elements or not
    path: tuple[tuple[str, bool], ...]
    #: the same in short, as files have it
    short: tuple[str, ...]
    of_any_type: bool = False

    @property
    def long(self) -> str:
        """Its own long name."""
        return self.path[-1][0]

    @property
    def has_elements(self) -> bool:
        """Whether there may be several of it in one node."""
        return any(array for _, array in self.path)


#: node type → its attributes that may hold texts; a type's attributes do not change while its plug-in is loaded
_texts_of_types: dict[str, tuple[TextAttribute, ...]] = {}
_files_of_types: dict[str, frozenset[str]] = {}


def forget_types() -> None:
    """Look at the types of nodes anew: a plug-in adds attributes to types of others when it is loaded."""
    _texts_of_types.clear()
    _files_of_types.clear()


class LiveNode(MayaNode):
    """A node of the open scene: its texts are asked for at once, its numbers and connections by whoever wants them."""

    __slots__ = ("_longs", "file_keys", "path")

    def __init__(self, path: str, type_: str, plugin: str = "") -> None:
        #: by which Maya finds it
        self.path = path
        super().__init__(type_, path.rpartition("|")[2], plugin=plugin)
        if type_ == "camera":
            self.parent = session.transform_of(path)
        self._longs: dict[str, str] = {}
        #: keys of `values` that Maya itself takes for names of files
        self.file_keys: set[str] = set()
        added = session.added_attributes(path)
        files = _file_attributes(path, type_) | (set(session.file_attributes(path)) if added else set())
        for attribute in (*_text_attributes(path, type_), *(t for name in added if (t := _text_attribute(path, name)))):
            if attribute.long in added:
                self.added[attribute.short[-1]] = attribute.long
            self._longs[attribute.short[-1]] = attribute.long
            for key, texts in _values(path, attribute):
                self.values[key] = texts
                if attribute.long in files:
                    self.file_keys.add(key)

    def stored(self, attribute: str) -> list[str]:
        """Return the names under which values of an attribute are kept; Maya knows both names of each."""
        found = super().stored(attribute)
        name = attribute.removeprefix(".")
        return found or [key for key in self.values if self._longs.get(bare(key)) == name]

    def spelled(self, attribute: str) -> str:
        """Return the long name of an attribute."""
        last = bare(attribute)
        return self._longs.get(last) or super().spelled(attribute)

    def text(self, attribute: str) -> str:
        """Return the text of an attribute; of a number, as a file has it: nothing where it is what the node begins with."""
        name = attribute.removeprefix(".")
        if (text := super().text(name)) or self.stored(name):
            return text
        number = self._number(name)
        if number is None or number == session.default_of(self.path, name):
            return ""
        return str(int(number)) if number == int(number) else str(number)

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return an attribute as a number: Maya knows it, whether it was ever changed or not."""
        name = attribute.removeprefix(".")
        if self.stored(name):
            return super().number(name, default)
        number = self._number(name)
        return default if number is None else number

    def source(self, attribute: str) -> str:
        """Return the `node.attribute` that feeds an attribute; "" where nothing does."""
        for name in both_names(self.type, attribute):
            if session.attribute_exists(self.path, name):
                return session.source_of(f"{self.path}.{name}")
        return ""

    def is_fed(self, attribute: str) -> bool:
        """Tell whether an attribute gets its value from another node."""
        return bool(attribute) and bool(session.source_of(f"{self.path}.{attribute}"))

    def _number(self, name: str) -> float | None:
        if not session.attribute_exists(self.path, name):
            return None
        value = session.value(f"{self.path}.{name}")
        return countable(float(value), 0.0) if isinstance(value, (bool, int, float)) else None


def _text_attributes(path: str, type_: str) -> tuple[TextAttribute, ...]:
    if type_ not in _texts_of_types:
        added = set(session.added_attributes(path))
        found = (_text_attribute(path, name) for name in session.attributes(path) if name not in added)
        _texts_of_types[type_] = tuple(dict.fromkeys(one for one in found if one))
    return _texts_of_types[type_]


def _file_attributes(path: str, type_: str) -> frozenset[str]:
    if type_ not in _files_of_types:
        _files_of_types[type_] = frozenset(name.rpartition(".")[2] for name in session.file_attributes(path))
    return _files_of_types[type_]


def _text_attribute(path: str, name: str) -> TextAttribute | None:
    """Return an attribute that may hold texts; None for one that holds something else, or is not saved."""
    name = name.rpartition(".")[2].partition("[")[0]
    kind = session.attribute_type(path, name)
    if kind not in _KINDS or not session.is_stored(path, name):
        return None
    parts = [(name, session.is_array(path, name))]
    while parent := session.parent_of(path, parts[0][0]):
        parts.insert(0, (parent, session.is_array(path, parent)))
    # a part of what has no elements is named by itself
    while len(parts) > 1 and not parts[0][1]:
        parts.pop(0)
    attribute = TextAttribute(tuple(parts), tuple(session.short_name(path, part) for part, _ in parts), kind == "generic")
    # an array that is empty does not tell what it holds
    return attribute if attribute.has_elements or session.value_type(f"{path}.{name}") in _TEXTS else None


def _values(path: str, attribute: TextAttribute) -> list[tuple[str, tuple[str, ...]]]:
    """Return the texts of an attribute by their names in a file: `rep[0].rda`."""
    plugs = [("", "")]
    for (name, array), short in zip(attribute.path, attribute.short, strict=True):
        grown: list[tuple[str, str]] = []
        for plug, key in plugs:
            plug, key = f"{plug}.{name}", f"{key}.{short}" if key else short
            numbers = session.indices(path + plug)[:_ELEMENTS] if array else ()
            grown += [(f"{plug}[{n}]", f"{key}[{n}]") for n in numbers] if array else [(plug, key)]
        plugs = grown
    if attribute.has_elements and not attribute.of_any_type:
        # its elements are of one type
        plugs = plugs if plugs and session.value_type(path + plugs[0][0]) in _TEXTS else []
    return [(key, texts) for plug, key in plugs if (texts := _texts(session.value(path + plug)))]


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, (list, tuple)):
        return tuple(text for text in value if isinstance(text, str) and text)
    return ()
