"""What is known while one layer is read: its times, its variables, where it lies, and how to a finding its paths come."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import is_elsewhere
from conductor_core.discovery.reach import Folder, OneFile, Reach, TheseFiles
from conductor_core.discovery.reach import Frames as FramesReach
from conductor_core.discovery.survey import Survey
from conductor_core.formats.usd.asset_path import Anchor, Inside, Nowhere
from conductor_core.formats.usd.kinds_of_files import kind_of
from conductor_core.formats.usd.layer import Arc, Head
from conductor_core.formats.usd.package import LAYERS, Package, PackageDamaged
from conductor_core.formats.usd.timing import Frames, below, frames_of, rate_of
from conductor_core.report import Ignored, Unresolved
from conductor_core.sequences import DirectoryListing, has_frame_token

RATE, VARIABLES, SUBLAYER, INNER, MOVES = "usd.rate", "usd.variables", "usd.sublayer", "usd.inner", "usd.moves"
#: times that a layer may be moved in time on its way from the scene: layers that refer to each other would move on for ever
_MOST_MOVES = 5
#: different frames for which one layer is read; a crowd may have it at a thousand offsets, and then all of its times count
_MOST_TIMES = 8
#: by scan: layer → the frames for which it is read
_times: WeakKeyDictionary[DirectoryListing, dict[str, set[Frames]]] = WeakKeyDictionary()
_ROLES = {"deleted": "the layer takes it out of a list", "reordered": "it only says where in a list it stands"}
#: MDL modules of the renderer's own library. https://docs.omniverse.nvidia.com/materials-and-rendering/latest/materials.html
_SHIPPED = dict.fromkeys(
    [
        "OmniPBR.mdl",
        "OmniPBR_Opacity.mdl",
        "OmniPBR_ClearCoat.mdl",
        "OmniPBR_ClearCoat_Opacity.mdl",
        "OmniGlass.mdl",
        "OmniGlass_Opacity.mdl",
        "OmniSurface.mdl",
        "OmniSurfaceLite.mdl",
        "OmniSurfacePresets.mdl",
        "OmniSurfaceBlend.mdl",
        "OmniHair.mdl",
        "OmniHairPresets.mdl",
        "OmniHairBase.mdl",
        "OmniVolumeDensity.mdl",
        "OmniVolumeNoise.mdl",
        "OmniEmissive.mdl",
        "OmniUe4Base.mdl",
        "UsdPreviewSurface.mdl",
        "gltf/pbr.mdl",
        "nvidia/core_definitions.mdl",
        "nvidia/support_definitions.mdl",
        "nvidia/aux_definitions.mdl",
    ],
    "ships with Omniverse",
)


@dataclass(frozen=True, slots=True)
class Context:
    """A layer that is being read."""

    anchor: Anchor
    #: times of this layer that the job needs; None: all
    frames: Frames
    rate: float

    @property
    def survey(self) -> Survey:
        """The scan."""
        return self.anchor.survey

    def under(self, arc: Arc | None, *, sublayer: bool = False, inner: str = "") -> Survey:
        """Return what a layer that this one points to is read with; no arc: all of its times."""
        given = {RATE: repr(self.rate), VARIABLES: json.dumps(self.anchor.variables, sort_keys=True)}
        if sublayer:
            given[SUBLAYER] = "yes"
        if inner:
            given[INNER] = inner
        frames = below(self.frames, arc) if arc else None
        moves = int(dict(self.survey.given).get(MOVES, "0")) + (frames != self.frames)
        if moves > _MOST_MOVES:
            frames = None
        elif frames is not None and moves:
            given[MOVES] = str(moves)
        scene = self.survey.scene or self.survey.file
        return replace(self.survey, frames=frames, given=tuple(sorted(given.items())), scene=scene)

    def arc(self, arc: Arc, referrer: str, *, sublayer: bool = False) -> Iterator[Finding | Survey]:
        """Yield the finding for a sublayer, reference or payload."""
        if arc.role != "used":
            yield Ignored(arc.asset, referrer, _ROLES[arc.role])
            return
        kind = kind_of(arc.asset.split(":SDF_FORMAT_ARGS:", 1)[0].rstrip("`\"'"))
        yield from self.read(arc.asset, referrer, "layer" if kind == "other" else kind, arc=arc, sublayer=sublayer)

    def read(
        self,
        text: str,
        referrer: str,
        kind: Kind | None = None,
        *,
        arc: Arc | None = None,
        sublayer: bool = False,
        reach: Reach | None = None,
        wanted: bool = True,
    ) -> Iterator[Finding | Survey]:
        """Yield the finding for an asset path, or what a layer in the same package is read with.

        `wanted`: no frame of the job needs it else.
        """
        located = self.anchor.locate(text)
        if isinstance(located, Nowhere):
            if located.reason:
                yield Unresolved(text, referrer, located.reason)
            return
        if isinstance(located, Inside):
            if wanted and located.entry.rstrip("]").lower().endswith((*LAYERS, ".usdz")):
                under = self.under(arc, sublayer=sublayer, inner=located.entry)
                yield _bounded(under, f"{self.survey.file}[{located.entry}]")
            return
        kind = kind or kind_of(text)
        below_it: Survey | None = None
        if kind in ("layer", "cache", "material"):
            below_it = _bounded(self.under(arc, sublayer=sublayer, inner=located.inner), f"{located.places[0]}[{located.inner}]")
        if not wanted:
            reach = TheseFiles(())
        elif located.inner and not below_it:
            reach = _in_package(located.places, located.inner)
        absent_is = _SHIPPED.get(text, "")
        yield Usage(text, referrer, kind, located.places, reach or self._reach(located.places), absent_is, under=below_it)

    def _reach(self, places: tuple[str, ...]) -> Reach:
        """Return how a path comes to files: it may be a folder; `#` and `%d` may be just a name, if there is such a file."""
        if not os.path.splitext(places[0])[1] and any(os.path.isdir(p) for p in places):
            return Folder()
        if not any(has_frame_token(p) for p in places):
            return OneFile()
        there = next((p for p in places if self.survey.listing.has(p)), "")
        return TheseFiles((there,)) if there else FramesReach(self.frames)


def _in_package(places: tuple[str, ...], inner: str) -> Reach | None:
    """Return that a file which is no layer lacks in its package, if it does; who reads layers finds that out for them."""
    place = next((p for p in places if os.path.isfile(p) and not is_elsewhere(p)), "")
    if not place:
        return None
    try:
        with open(place, "rb") as stream:
            _, entry = Package(stream).find(inner)
    except (OSError, PackageDamaged):
        return None
    return None if entry else TheseFiles((place,), (f"{place}[{inner}]",))


def _bounded(under: Survey, layer: str) -> Survey:
    """Return what a layer is read with: all of its times, where it is read for many already."""
    known = _times.setdefault(under.listing, {}).setdefault(layer, set())
    if under.frames in known:
        return under
    if len(known) >= _MOST_TIMES:
        return replace(under, frames=None, given=tuple(g for g in under.given if g[0] != MOVES))
    known.add(under.frames)
    return under


def context_of(survey: Survey, head: Head, package: Package | None, inner: str) -> Context:
    """Return what is known of a layer once its head was read."""
    given = dict(survey.given)
    parent_rate = float(given[RATE]) if RATE in given else None
    passed: Mapping[str, object] = json.loads(given[VARIABLES]) if VARIABLES in given else {}
    own = head.fields.get("expressionVariables")
    # those of a sublayer do not count, and who refers to a layer has the last word
    variables = {**(own if isinstance(own, dict) and SUBLAYER not in given else {}), **passed}
    anchor = Anchor(survey, variables, package, inner)
    return Context(anchor, frames_of(survey, head, parent_rate), rate_of(head))


def base_name(survey: Survey) -> str:
    """Return the name of the layer, for sentences."""
    return dict(survey.given).get(INNER) or os.path.basename(survey.file)
