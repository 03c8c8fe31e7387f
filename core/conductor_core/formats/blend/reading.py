"""What every reader of a .blend is given: the file, the frames at which the scene may stand, and Blender's path rules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.discovery.blender_frames import neighbours
from conductor_core.discovery.blender_numbers import ImageUse
from conductor_core.discovery.blender_places import NOWHERE, absolute
from conductor_core.discovery.blender_reach import Itself, shown
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.reach import Reach
from conductor_core.discovery.survey import Survey
from conductor_core.formats.blend.loading import BlendFile
from conductor_core.formats.blend.record import Datablock, Record, head_of
from conductor_core.report import Ignored, Unresolved

#: code of a datablock → what `bpy.types` calls it, which is how an artist finds it
TYPES = {
    **{b"IM": "Image", b"MC": "MovieClip", b"VF": "VectorFont", b"SO": "Sound", b"LI": "Library", b"TX": "Text"},
    **{b"CF": "CacheFile", b"VO": "Volume", b"SC": "Scene", b"OB": "Object", b"MA": "Material", b"WO": "World"},
    **{b"LA": "Light", b"TE": "Texture", b"LS": "FreestyleLineStyle", b"NT": "NodeTree", b"CA": "Camera", b"GR": "Collection"},
    **{b"ME": "Mesh", b"BR": "Brush", b"AC": "Action", b"CU": "Curve", b"SK": "Speaker", b"PA": "ParticleSettings"},
    **{b"AR": "Armature", b"KE": "Key", b"MB": "MetaBall", b"LT": "Lattice", b"MS": "Mask", b"GD": "GreasePencil"},
    **{b"WM": "WindowManager", b"SR": "Screen", b"SN": "Screen", b"WS": "WorkSpace", b"PT": "PointCloud", b"CV": "Curves"},
}
#: Blender's own installation: `…/4.5/datafiles/assets/brushes/…`
_SHIPPED = re.compile(r"[\\/][2-9]\.[0-9]{1,2}[\\/]datafiles[\\/]")


@dataclass(frozen=True, slots=True)
class Linked:
    """What the .blend that links another wants of it (`Survey.errand`)."""

    #: full names of datablocks: `OBchair`
    names: tuple[str, ...]
    #: motion blur looks at the neighbours of a frame
    blurred: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the file where a path stands."""

    owner: Datablock
    #: with `/` for `\\`, as Blender reads it wherever it runs; of a Windows share the first two stay
    text: str
    #: as `bpy` names it: `filepath`
    attribute: str = "filepath"
    #: ` modifier "Ocean"`, ` node "IES"`; empty for the datablock itself
    within: str = ""

    def __post_init__(self) -> None:
        """Write the slashes as Blender does when it loads a file."""
        if "\\" in self.text:
            share = "\\\\" if self.text.startswith("\\\\") else ""
            object.__setattr__(self, "text", share + self.text[len(share) :].replace("\\", "/"))


@dataclass(frozen=True, slots=True)
class NodeTree:
    """A tree of nodes, with the datablock that an artist finds it in."""

    owner: Datablock
    tree: Record


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one .blend."""

    survey: Survey
    blend: BlendFile
    #: frames at which scene time may stand, sorted
    frames: tuple[int, ...]
    blurred: bool
    #: None: this file is the scene, everything in it counts; else what of it is linked
    linked: frozenset[int] | None = None
    #: address of an image → who shows it
    uses: dict[int, set[ImageUse]] = field(default_factory=dict)
    trees: list[NodeTree] = field(default_factory=list)
    #: address of a library → full names of what is linked from it and counts here
    linked_from: dict[int, dict[str, None]] = field(default_factory=dict)

    def heads(self, *codes: bytes) -> Iterator[Record]:
        """Yield the datablocks of some codes that count here."""
        for head in self.blend.heads(*codes):
            if self.linked is None or head.owner.address in self.linked:
                yield head

    def referrer(self, slot: Slot) -> str:
        """Name a place: `Object "Sea" modifier "Ocean" .filepath`."""
        return f"{self.named(slot.owner)}{slot.within} .{slot.attribute}"

    def named(self, datablock: Datablock) -> str:
        """Name a datablock as an artist finds it: `Image "wood.png"`, `Image "wood.png [prop.blend]"` for a linked one."""
        library = os.path.basename(self.survey.file) if self.linked is not None else ""
        if datablock.library is not None and datablock.code != b"ID":
            library = datablock.library.name
        library = library and f" [{library}]"
        return f'{TYPES.get(datablock.code, datablock.code.decode("latin-1"))} "{datablock.name}{library}"'

    def path(self, slot: Slot) -> str | None:
        """Return what the text of a slot means by Blender's rules; None where it hangs on the working folder.

        `//` is the folder of the .blend; of data that were linked and then packed (5.0) that of the .blend they came from.
        """
        folder = self.survey.folder
        library = slot.owner.library
        if library is not None and slot.owner.code != b"ID" and library is not slot.owner:
            head = head_of(self.blend.world, library)
            home = self.path(Slot(library, head.text("name", "filepath"))) if head else None
            folder = os.path.dirname(home) if home else folder
        return absolute(slot.text, folder)

    def read(
        self, slot: Slot, kind: Kind, reach: Reach | None = None, *, absent_is: str = "", follow: bool | None = None
    ) -> Iterator[Finding]:
        """Yield the one finding for a path that the scene reads; nothing where there is no text."""
        if slot.text:
            yield self.judge(slot, kind, reach, absent_is=absent_is, follow=follow)

    def judge(
        self, slot: Slot, kind: Kind, reach: Reach | None = None, *, absent_is: str = "", follow: bool | None = None
    ) -> Finding:
        """Return what the text of a slot is: a usage, shipped with Blender, or relative to nowhere."""
        path = self.path(slot)
        referrer = self.referrer(slot)
        if path is None:
            return Unresolved(slot.text, referrer, NOWHERE)
        if _SHIPPED.search(path):
            return Ignored(slot.text, referrer, "it ships with Blender")
        reach = reach or Itself()
        return Usage(slot.text, referrer, kind, (shown(path, reach),), reach, absent_is=absent_is, follow=follow)

    def ignore(self, slot: Slot, reason: str) -> Iterator[Finding]:
        """Yield that a path is not sent, and why; nothing where there is no text."""
        if slot.text:
            yield Ignored(slot.text, self.referrer(slot), reason)

    def neighbours(self) -> tuple[int, ...]:
        """Return the frames beside the job's that motion blur may look at."""
        return neighbours(self.frames) if self.blurred else ()
