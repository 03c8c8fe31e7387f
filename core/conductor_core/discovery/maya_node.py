"""Nodes of a Maya scene, and the two names of each of their attributes: files hold the short one, documentation the long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from conductor_core.discovery.arithmetic import countable

_INDEX = re.compile(r"\[[\d:]*\]")
#: node type → long name → short name
_SHORT: dict[str, dict[str, str]] = {}


def short_names(*types: str, **names: str) -> None:
    """Say how files write some attributes of a type: `short_names("file", fileTextureName="ftn")`."""
    for type_ in types:
        _SHORT.setdefault(type_, {}).update(names)


def both_names(type_: str, attribute: str) -> tuple[str, ...]:
    """Return the names under which an attribute may stand, the one that was asked for first; `.name` is `name`."""
    attribute = attribute.removeprefix(".")
    short = _SHORT.get(type_, {}).get(attribute)
    return (attribute,) if short is None else (attribute, short)


def long_name(type_: str, attribute: str) -> str:
    """Return the long name of an attribute, as far as it is known."""
    return next((long for long, short in _SHORT.get(type_, {}).items() if short == attribute), attribute)


def bare(attribute: str) -> str:
    """Return the last part of an attribute without indices: `rep[0].rda` → `rda`."""
    return _INDEX.sub("", attribute).rpartition(".")[2]


@dataclass(slots=True)
class MayaNode:
    """A node with those of its attributes that were kept while the file was read."""

    type: str
    name: str
    #: by the name in the file, with its indices: one text, or several of an array
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: short → long names of attributes that the scene itself has added
    added: dict[str, str] = field(default_factory=dict)
    #: attributes whose value comes from another node → `node.attribute` of it
    inputs: dict[str, str] = field(default_factory=dict)
    #: names of the plug-in that brings the type; "": Maya itself, as far as the file says
    plugin: str = ""
    #: whether the scene has it already
    kept: bool = False
    #: the transform above a camera, without those above that; "": another node, or nobody has said
    parent: str = ""

    def stored(self, attribute: str) -> list[str]:
        """Return the names under which the file holds values of an attribute: itself, or each element of it."""
        attribute = attribute.removeprefix(".")
        if attribute in self.values:
            return [attribute]
        names = (*both_names(self.type, attribute), *(short for short, long in self.added.items() if long == attribute))
        if plain := [name for name in names if name in self.values]:
            return plain
        within = [key for key in self.values if "[" in key or "." in key]
        return [key for key in within if _INDEX.sub("", key) in names or bare(key) in names]

    def text(self, attribute: str) -> str:
        """Return the text of an attribute as stored; "" where it has none."""
        for key in self.stored(attribute):
            return next((v for v in self.values[key] if v), "")
        return ""

    def texts(self, attribute: str) -> Iterator[tuple[str, str]]:
        """Yield each text of an attribute with the name under which it is stored."""
        for key in self.stored(attribute):
            for value in self.values[key]:
                if value:
                    yield key, value

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return an attribute as a number: `yes` is 1."""
        value = self.text(attribute)
        if value in ("yes", "on", "true"):
            return 1.0
        try:
            return countable(float(value), default)
        except ValueError:
            return 0.0 if value in ("no", "off", "false") else default

    def attributes(self) -> Iterable[str]:
        """Return the names of the attributes that are stored."""
        return self.values

    def source(self, attribute: str) -> str:
        """Return the `node.attribute` that feeds an attribute; "" where nothing does."""
        names = both_names(self.type, attribute)
        return next((self.inputs[n] for n in names if n in self.inputs), "")

    def spelled(self, attribute: str) -> str:
        """Return the long name of a stored attribute, for rules that look at words in it."""
        last = bare(attribute)
        return self.added.get(last) or long_name(self.type, last)
