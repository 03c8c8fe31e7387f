"""The asset libraries behind the open scene: those of the types that its nodes have.

https://www.sidefx.com/docs/houdini/hom/hou/HDADefinition.html#libraryFilePath
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import hou
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_libraries import installation_folders, library_finding
from conductor_core.discovery.houdini_node import without_version

_TYPE = re.compile(r"((?:\w+::)*)(\w+)/(\S+)")


class Libraries:
    """Collects the libraries while the nodes are gone through."""

    def __init__(self) -> None:
        self._types: set[tuple[str, str]] = set()
        #: library → the first type that was found in it
        self._users: dict[str, str] = {}

    def note(self, node: hou.OpNode) -> None:
        """Take in a node's type."""
        type_ = node.type()
        key = (type_.category().name(), type_.name())
        if key in self._types:
            return
        self._types.add(key)
        definition = type_.definition()
        if definition is not None:
            self._users.setdefault(definition.libraryFilePath(), referrer_of(*key))

    def findings(self, ask: HipAsk) -> Iterator[list[Finding]]:
        """Yield the finding for each library; the referrer is the type that it is needed for."""
        listed = "\n".join(f"{user} {path}" for path, user in self._users.items())
        # a scene may still name the libraries of the Houdini that it was made with
        asking = replace(ask, installed=(*ask.installed, *installation_folders(listed)))
        for path, user in self._users.items():
            yield list(library_finding(path, user, (), asking))


def referrer_of(category: str, type_: str) -> str:
    """Return a type as a scene's file names it: `Sop/chair`, `labs::Top/concatenate_text::1.0`."""
    *space, name = without_version(type_).split("::")
    rest = type_[len(without_version(type_)) :]
    return "".join(f"{part}::" for part in space) + f"{category}/{name}{rest}"


def type_of(referrer: str) -> tuple[str, str] | None:
    """Return category and name of the type that such a referrer names; None where it names none."""
    match = _TYPE.fullmatch(referrer)
    return (match[2], f"{match[1] or ''}{match[3]}") if match else None
