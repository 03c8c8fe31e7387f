# SPDX-License-Identifier: GPL-3.0-or-later
"""What readers yield: a path that stands in the scene, how it comes to files, and how to write another in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.reach import Reach
from conductor_core.report import Ignored, ScanOutput, Unresolved


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the scene where a path stands."""

    #: the datablock; its library says what `//` means
    owner: Any
    #: what has the attribute: the datablock, a node, a modifier, a strip …
    struct: Any
    attribute: str = "filepath"
    #: ` modifier "Ocean"`, ` node "IES"`; empty for the datablock itself
    within: str = ""

    def text(self) -> str:
        """Return what stands there."""
        return str(getattr(self.struct, self.attribute))

    def referrer(self) -> str:
        """Name the place: `Object "Sea" modifier "Ocean" .filepath`."""
        return f"{named(self.owner)}{self.within} .{self.attribute}"

    def write(self, text: str) -> None:
        """Put another text there."""
        setattr(self.struct, self.attribute, text)


@dataclass(frozen=True, slots=True)
class Usage:
    """A path that the scene reads."""

    #: `Image "wood.png" .filepath`
    referrer: str
    #: the text in the scene
    as_written: str
    #: the text, made absolute by the folder of the .blend that holds it
    path: str
    kind: Kind
    reach: Reach
    #: where nothing on disk is no fault (a bake that was not made): the reason to ignore it
    absent_is: str = ""
    #: where it stands, to write another in its place; None for what Blender computes (`blendcache_…`)
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A path that the scene writes when it renders."""

    output: ScanOutput
    slot: Slot


Finding = Usage | Written | Ignored | Unresolved


def named(datablock: Any) -> str:
    """Name a datablock as an artist finds it: `Image "wood.png [prop.blend]"`."""
    kind = datablock.bl_rna
    while kind.base is not None and kind.base.identifier != "ID":  # a PointLight is a Light
        kind = kind.base
    return f'{kind.identifier} "{datablock.name_full}"'
