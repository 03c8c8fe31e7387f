# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry and simulation caches on disk.

https://docs.blender.org/api/current/bpy.types.CacheFile.html, Volume.html, PointCache.html, FluidDomainSettings.html,
OceanModifier.html, MeshCacheModifier.html, MultiresModifier.html, NodesModifier.html, DynamicPaintSurface.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conductor_core.discovery.blender_numbers import volume_numbers
from conductor_core.discovery.blender_reach import Itself, Numbers, point_cache_files, point_cache_folder
from conductor_core.discovery.reach import Folder, Reach

from .animation import is_animated
from .readers import in_modifier, reads, reads_modifier
from .survey import Survey, ignored
from .usage import Finding, Slot, Usage, named

_NOT_BAKED = "nothing is baked there"


@reads("cache_files")
def cache_file(survey: Survey, cache: Any) -> Iterator[Finding]:
    """Yield an Alembic or USD file, or the files of a sequence, with its layers."""
    slot = Slot(cache, cache)
    name = survey.numbered(slot, at_end=True) if cache.is_sequence else None
    reach: Reach = Itself()
    if name is not None:
        welcome = () if cache.override_frame else survey.neighbours()
        reach = Numbers(name, _cache_numbers(survey, cache), welcome=welcome)
    yield from survey.read(slot, "cache", reach)
    for layer in getattr(cache, "layers", ()):
        yield from survey.read(Slot(cache, layer, "filepath", " layer"), "cache", Itself())


@reads("volumes")
def volume(survey: Survey, volume: Any) -> Iterator[Finding]:
    """Yield the OpenVDB file or files of a volume."""
    slot = Slot(volume, volume)
    if volume.packed_file is not None:
        yield from ignored(slot, "the volume is packed into the .blend")
        return
    name = survey.numbered(slot, at_end=True) if volume.is_sequence else None
    reach: Reach = Itself()
    if name is not None:
        welcome = _volume_numbers(volume, survey.neighbours()) or ()
        reach = Numbers(name, _volume_numbers(volume, survey.frames), welcome=welcome)
    yield from survey.read(slot, "volume", reach)


@reads_modifier("MESH_CACHE")
def mesh_cache(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield an MDD or PC2 file."""
    yield from survey.read(Slot(thing, modifier, within=in_modifier(modifier)), "cache", Itself())


@reads_modifier("MULTIRES")
def multires(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the .btx file of displacements that were saved outside."""
    if modifier.is_external:
        yield from survey.read(Slot(thing, modifier, within=in_modifier(modifier)), "cache", Itself())


@reads_modifier("OCEAN")
def ocean(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the folder of a baked ocean."""
    absent_is = "" if modifier.is_cached else _NOT_BAKED
    yield from survey.read(Slot(thing, modifier, within=in_modifier(modifier)), "cache", Folder(), absent_is=absent_is)


@reads_modifier("FLUID")
def fluid(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the folder of a fluid domain."""
    domain = modifier.domain_settings if modifier.fluid_type == "DOMAIN" else None
    if domain is not None:
        absent_is = "" if domain.has_cache_baked_any else _NOT_BAKED
        slot = Slot(thing, domain, "cache_directory", in_modifier(modifier))
        yield from survey.read(slot, "cache", Folder(), absent_is=absent_is)


@reads_modifier("NODES")
def geometry_nodes(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the folders of the bakes of a geometry-nodes modifier (since 4.0)."""
    if not hasattr(modifier, "bake_directory"):
        return
    within = in_modifier(modifier)
    packed = getattr(modifier, "bake_target", "DISK") == "PACKED"
    places = [(Slot(thing, modifier, "bake_directory", within), packed)]
    for bake in modifier.bakes:
        target = getattr(bake, "bake_target", "INHERIT")
        if bake.use_custom_path:
            slot = Slot(thing, bake, "directory", f"{within} bake {bake.bake_id}")
            places.append((slot, target == "PACKED" or (target == "INHERIT" and packed)))
    for slot, in_the_file in places:
        if in_the_file and not _has_disk_bake(modifier, slot):
            yield from ignored(slot, "the bake is packed into the .blend")
        else:
            yield from survey.read(slot, "cache", Folder(), absent_is=_NOT_BAKED)


@reads_modifier("CLOTH", "SOFT_BODY")
def simulation(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the point cache of a simulation."""
    yield from _point_cache(survey, thing, modifier.point_cache, in_modifier(modifier))


@reads_modifier("DYNAMIC_PAINT")
def dynamic_paint(survey: Survey, thing: Any, modifier: Any) -> Iterator[Finding]:
    """Yield the point caches of painted surfaces; the images that baking writes are read by image datablocks."""
    canvas = modifier.canvas_settings
    for surface in canvas.canvas_surfaces if canvas is not None else ():
        within = f'{in_modifier(modifier)} surface "{surface.name}"'
        yield from _point_cache(survey, thing, surface.point_cache, within)
        if surface.surface_format == "IMAGE":
            yield from ignored(Slot(thing, surface, "image_output_path", within), "baking writes there, rendering does not")


@reads("objects")
def particles(survey: Survey, thing: Any) -> Iterator[Finding]:
    """Yield the point caches of particle systems."""
    for system in thing.particle_systems:
        yield from _point_cache(survey, thing, system.point_cache, f' particle system "{system.name}"')


@reads("scenes")
def rigid_bodies(survey: Survey, scene: Any) -> Iterator[Finding]:
    """Yield the point cache of a scene's rigid bodies."""
    if scene.rigidbody_world is not None:
        yield from _point_cache(survey, scene, scene.rigidbody_world.point_cache, " rigid body world")


def _point_cache(survey: Survey, owner: Any, cache: Any, within: str) -> Iterator[Finding]:
    """Yield the folder a point cache reads: its own, or `blendcache_<scene>` beside the .blend (`ptcache_path`)."""
    slot = Slot(owner, cache, "filepath", f"{within} cache")
    files = point_cache_files(cache.name, owner.name, external=cache.use_external)
    if cache.use_external:
        yield from survey.read(slot, "cache", files)
        return
    yield from ignored(slot, "the cache is not external")
    if not cache.use_disk_cache:
        return
    folder = point_cache_folder(_blend_of(owner))
    usage = survey.judge(folder, slot, "cache", files, absent_is=_NOT_BAKED)
    if isinstance(usage, Usage):
        referrer = f"{named(owner)}{within} .use_disk_cache"
        yield Usage(referrer, folder, usage.path, usage.kind, usage.reach, usage.absent_is)


def _blend_of(owner: Any) -> str:
    import bpy

    return str(owner.library.filepath if owner.library is not None else bpy.data.filepath)


def _cache_numbers(survey: Survey, cache: Any) -> tuple[int, ...] | None:
    if not cache.override_frame:
        return survey.frames
    return None if is_animated(cache, "frame") else (int(cache.frame),)


def _volume_numbers(volume: Any, frames: tuple[int, ...]) -> tuple[int, ...] | None:
    if is_animated(volume, "frame_"):
        return None
    settings = {"start": volume.frame_start, "duration": volume.frame_duration, "offset": volume.frame_offset}
    return volume_numbers(frames, volume.sequence_mode, **settings)


def _has_disk_bake(modifier: Any, slot: Slot) -> bool:
    """Tell whether some bake of a modifier that packs by default is kept on disk all the same."""
    return slot.attribute == "bake_directory" and any(
        getattr(b, "bake_target", "INHERIT") == "DISK" and not b.use_custom_path for b in modifier.bakes
    )
