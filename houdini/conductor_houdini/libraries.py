"""The asset libraries behind the open scene: those of the types that its nodes have.

https://www.sidefx.com/docs/houdini/hom/hou/HDADefinition.html#libraryFilePath
"""

from __future__ import annotations

from collections.abc import Iterator

import hou
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_libraries import library_finding


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
            self._users.setdefault(definition.libraryFilePath(), "/".join(key))

    def findings(self, ask: HipAsk) -> Iterator[list[Finding]]:
        """Yield the finding for each library; the referrer is the type, as a scene's file names it: `Sop/chair`."""
        for path, user in self._users.items():
            yield list(library_finding(path, user, (), ask))
