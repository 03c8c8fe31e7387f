"""Read one .blend: what of it counts, at which frames, and what its readers find.

https://developer.blender.org/docs/features/core/blend_file/
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from conductor_core.discovery.blender_frames import SceneTime, scene_times
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.formats.blend import (
    read_caches,
    read_images,
    read_libraries,
    read_media,
    read_nodes,
    read_outputs,
    read_properties,
)
from conductor_core.formats.blend.blocks import parse_header
from conductor_core.formats.blend.container import is_packed, unpacked_start
from conductor_core.formats.blend.leftovers import leftovers
from conductor_core.formats.blend.library_shelf import load_library
from conductor_core.formats.blend.loading import BlendFile, load
from conductor_core.formats.blend.read_images import image_uses
from conductor_core.formats.blend.read_media import strips
from conductor_core.formats.blend.read_outputs import step
from conductor_core.formats.blend.reading import Linked, NodeTree, Reading
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import findings
from conductor_core.formats.format import reads_format
from conductor_core.report import Unresolved
from conductor_core.submission import Software

#: imported for the readers they register
READERS = (read_outputs, read_caches, read_images, read_libraries, read_media, read_nodes, read_properties)
#: codes of datablocks that may hold a node tree of their own
_TREE_OWNERS = (b"MA", b"WO", b"LA", b"TE", b"LS", b"SC")
#: Blender's own limit (`MAXFRAME`)
_LAST_FRAME = 1_048_574
_MOTION_BLUR, _SCENE_STRIP = 1 << 14, 2


def _is_blend(head: bytes, extension: str) -> bool:
    """Tell whether a file is a .blend; a packed one whose start does not unpack by itself is told by its name."""
    start = unpacked_start(head)
    return parse_header(start) is not None or (not start and is_packed(head) and extension.startswith(".blend"))


@reads_format("blend", _is_blend)
def read_scene(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a .blend says; of a library only what the file that links it wants of it."""
    errand = survey.errand if isinstance(survey.errand, Linked) else None
    blend = load(survey.content, survey.limits) if errand is None else load_library(survey)
    linked = _needed(blend, errand.names) if errand is not None else None
    reading = _reading(survey, blend, linked, blurred=errand is not None and errand.blurred)
    if errand is None:
        yield from _facts(reading)
        yield from _colours(survey)
    spoken = set()
    for finding in findings(reading):
        spoken.add(finding.as_written)
        yield finding
    yield from leftovers(reading, spoken)
    if blend.broken:
        name = f"{blend.header.release} file"
        yield Unresolved(survey.file, name, f"the file is damaged: {blend.broken}; what stands before that was read")


def _colours(survey: Survey) -> Iterator[Finding]:
    """Yield the colour configuration that the environment puts in the place of Blender's own.

    https://docs.blender.org/manual/en/latest/render/color_management.html
    """
    config = survey.variables.get("OCIO", "")
    if config and "://" not in config:
        yield Usage(config, "environment.OCIO", "ocio", (absolute(config, os.getcwd()),))


def _reading(survey: Survey, blend: BlendFile, linked: frozenset[int] | None, *, blurred: bool) -> Reading:
    plain = Reading(survey, blend, (), blurred, linked)
    scenes = list(plain.heads(b"SC"))
    blurred = blurred or any(_render(scene).number("mode") & _MOTION_BLUR for scene in scenes)
    frames = scene_times(survey.frames or (), map(_time, scenes))
    reading = Reading(survey, blend, frames, blurred, linked)
    reading.trees.extend(_trees(reading))
    for one in blend.datablocks:
        if one.code == b"ID" and one.library is not None and (linked is None or one.address in linked):
            reading.linked_from.setdefault(one.library.address, {})[one.full_name] = None
    for address, use in image_uses(reading):
        reading.uses.setdefault(address, set()).add(use)
    return reading


def _trees(reading: Reading) -> Iterator[NodeTree]:
    """Yield every node tree: groups own themselves, the rest belongs to a material, world, light …"""
    for group in reading.heads(b"NT"):
        yield NodeTree(group.owner, group)
    for owner in reading.heads(*_TREE_OWNERS):
        tree = owner.follow("nodetree")
        if tree is not None and tree.owner is owner.owner:
            yield NodeTree(owner.owner, tree)


def _needed(blend: BlendFile, names: tuple[str, ...]) -> frozenset[int]:
    """Return the addresses of datablocks that some of them lead to, as Blender expands what it links."""
    asked = set(names)
    known = blend.world.datablocks
    waiting = [d for d in blend.datablocks if d.full_name in asked and d.code != b"ID"]
    needed = {d.address for d in waiting}
    while waiting:
        one = waiting.pop()
        if one.code == b"LI":
            continue
        library = {one.library.address} if one.library is not None else set()
        for address in (one.points_to | library) - needed:
            needed.add(address)
            waiting.append(known[address])
    return frozenset(needed)


def _time(scene: Record) -> SceneTime:
    render, editor = _render(scene), scene.follow("ed")
    shown = []
    for strip in strips(editor) if editor is not None else ():
        other = strip.follow("scene") if strip.number("type") == _SCENE_STRIP else None
        if other is not None and other.own != scene.own and other.has("r"):
            shown.append(range(*_bounds(other)))
    return SceneTime(_own_range(scene), render.number("framapto"), render.number("images"), tuple(shown))


def _own_range(scene: Record) -> range:
    return range(*_bounds(scene), max(_render(scene).number("frame_step"), 1))


def _bounds(scene: Record) -> tuple[int, int]:
    first, last = (min(max(_render(scene).number(n), -_LAST_FRAME), _LAST_FRAME) for n in ("sfra", "efra"))
    return first, last + 1


def _render(scene: Record) -> Record:
    return scene.part("r") or scene


def _facts(reading: Reading) -> Iterator[Facts]:
    scenes = list(reading.heads(b"SC"))
    if not scenes:
        return
    active = next((s for s in scenes if s.own == reading.blend.curscene), scenes[0])
    own = _own_range(active)
    frames = (
        str(own.start) if own.stop - own.start == 1 else f"{own.start}-{own.stop - 1}{f'x{own.step}' if own.step > 1 else ''}"
    )
    release = reading.blend.header.release
    steps = tuple(step(reading, scene, active=scene.own == active.own) for scene in scenes)
    yield Facts(Software("blender", release), frames, steps, release)
