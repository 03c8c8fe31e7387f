"""What a layer says about other files, however it is stored: its head, its prims, and where it is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal


#: what `@…@` holds; a `str` so that lists, dictionaries and samples may mix it with text
class Asset(str):
    """The text of an asset path."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Arc:
    """An item of subLayers, references or payloads."""

    asset: str
    role: Literal["used", "deleted", "reordered"] = "used"
    offset: float = 0.0
    scale: float = 1.0


#: numbers, text, assets, and lists and dictionaries of them; None stands for what no reader needs
Value = float | str | Asset | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True)
class Property:
    """An attribute that may hold a path."""

    name: str
    #: as USD writes it: `asset`, `string[]`, `token`
    type: str
    value: Value = None
    samples: tuple[tuple[float, Value], ...] = ()
    #: metadata in which something looks like a path
    fields: dict[str, Value] = field(default_factory=dict)

    def values(self) -> Iterator[Value]:
        """Yield its value and those of all its samples."""
        yield self.value
        yield from (value for _, value in self.samples)


@dataclass(frozen=True, slots=True)
class Head:
    """The metadata of the layer itself."""

    fields: dict[str, Value]
    sublayers: tuple[Arc, ...] = ()

    def number(self, name: str) -> float | None:
        """Return a number of the metadata; None where there is none."""
        value = self.fields.get(name)
        return float(value) if isinstance(value, (int, float)) else None


@dataclass(frozen=True, slots=True)
class Prim:
    """A prim, or a variant of one, with what of it may point to files."""

    path: str
    type: str
    fields: dict[str, Value]
    references: tuple[Arc, ...] = ()
    payloads: tuple[Arc, ...] = ()
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Damage:
    """Where the layer cannot be read, in words."""

    where: str
    reason: str


Item = Head | Prim | Damage
#: attributes whose text says what a prim is or writes
TELLING = frozenset({"info:id", "productName", "productType"})


def may_name_file(text: str) -> bool:
    """Tell whether text of an attribute could name a file: it has an extension; paths of prims have none."""
    if not 4 < len(text) < 4096 or "\n" in text:
        return False
    name = text.replace("\\", "/").rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return bool(dot and stem and extension.isalnum() and len(extension) < 10 and not extension.isdigit() and not stem.isdigit())


def matters(name: str, value: Value) -> bool:
    """Tell whether the value of an attribute may be needed: it could name a file, or says what the prim is."""
    return interesting(value) or (bool(value) and (name in TELLING or name.endswith("filename")))


def interesting(value: Value) -> bool:
    """Tell whether a value has an asset path, or text that could name a file, anywhere in it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if isinstance(one, Asset) or may_name_file(one):
                return True
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False
