"""Geometry and simulation caches on disk.

https://docs.blender.org/api/current/bpy.types.CacheFile.html, Volume.html, PointCache.html, FluidDomainSettings.html,
OceanModifier.html, MeshCacheModifier.html, MultiresModifier.html, NodesModifier.html, DynamicPaintSurface.html; for what
is gone since 2.82 (smoke, the old fluids, voxel data) https://docs.blender.org/api/2.79/
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.blender_numbers import numbered, volume_numbers
from conductor_core.discovery.blender_reach import Numbers, point_cache_files, point_cache_folder
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.reach import Folder, Reach
from conductor_core.formats.blend.animation import is_animated
from conductor_core.formats.blend.reading import Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import in_modifier, reads_datablock, reads_modifier

_API = "https://docs.blender.org/api/current/bpy.types."
_OLD_API = "https://docs.blender.org/api/2.79/bpy.types."
_NOT_BAKED = "nothing is baked there"
#: `PointCache.flag` (DNA_pointcache_types.h)
_DISK_CACHE, _EXTERNAL = 1 << 6, 1 << 9
#: `FluidDomainSettings.cache_flag` (DNA_fluid_types.h): data, noise, mesh, particles, guides
_FLUID_DOMAIN, _FLUID_BAKED = 1 << 0, 0x2AA
_OLD_FLUID_DOMAIN = 1 << 1
#: `DynamicPaintSurface.format`
_PAINTS_IMAGES = 2
#: `CustomDataLayer.type` and `.flag` (DNA_customdata_types.h): displacements, kept outside
_DISPLACEMENTS, _OUTSIDE = 19, 1 << 3
#: `Tex.type`, `VoxelData.file_format` (2.79): Blender's own, 8 and 16 bit
_VOXEL_TEXTURE, _VOXEL_FILES = 15, (0, 1, 2)
#: `Volume.sequence_mode` (DNA_volume_types.h)
_MODES = ("CLIP", "EXTEND", "REPEAT", "PING_PONG")
#: `NodesModifierBake.flag` and `.bake_target` (DNA_modifier_types.h)
_CUSTOM_PATH, _PACKED, _ON_DISK = 1 << 1, 1, 2


@reads_datablock(b"CF", source=f"{_API}CacheFile.html")
def cache_file(reading: Reading, cache: Record) -> Iterator[Finding]:
    """Yield an Alembic or USD file, or the files of a sequence, with its layers."""
    slot = Slot(cache.owner, cache.text("filepath"))
    path = reading.path(slot)
    name = numbered(path, at_end=True) if path and cache.number("is_sequence") else None
    reach: Reach | None = None
    if name is not None:
        held = bool(cache.number("override_frame"))
        wanted: tuple[int, ...] | None = reading.frames
        if held:
            wanted = None if is_animated(cache, "frame") else (cache.number("frame"),)
        reach = Numbers(name, wanted, welcome=() if held else reading.neighbours())
    yield from reading.read(slot, "cache", reach)
    for layer in cache.listed("layers"):
        yield from reading.read(Slot(cache.owner, layer.text("filepath"), "filepath", " layer"), "cache")


@reads_datablock(b"VO", source=f"{_API}Volume.html")
def volume(reading: Reading, volume: Record) -> Iterator[Finding]:
    """Yield the OpenVDB file or files of a volume."""
    slot = Slot(volume.owner, volume.text("filepath"))
    if volume.points("packedfile"):
        yield from reading.ignore(slot, "the volume is packed into the .blend")
        return
    path = reading.path(slot)
    name = numbered(path, at_end=True) if path and volume.number("is_sequence") else None
    reach: Reach | None = None
    if name is not None:
        welcome = _volume_numbers(volume, reading.neighbours()) or ()
        reach = Numbers(name, _volume_numbers(volume, reading.frames), welcome=welcome)
    yield from reading.read(slot, "volume", reach)


@reads_modifier("MeshCacheModifierData", source=f"{_API}MeshCacheModifier.html")
def mesh_cache(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield an MDD or PC2 file."""
    yield from reading.read(Slot(thing.owner, modifier.text("filepath"), within=in_modifier(modifier)), "cache", follow=False)


@reads_modifier("MultiresModifierData", source=f"{_API}MultiresModifier.html")
def multires(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the .btx file of displacements that were saved outside; the mesh has its path."""
    mesh = thing.follow("data")
    corners = mesh.part("ldata") or mesh.part("corner_data") if mesh is not None else None
    for faces in (corners, mesh.part("fdata") if mesh is not None else None):
        if faces is None:
            continue
        layers = (la for la in faces.array("layers") if la.number("type") == _DISPLACEMENTS)
        outside = faces.follow("external", "CustomDataExternal")
        if outside is not None and any(la.number("flag") & _OUTSIDE for la in layers):
            slot = Slot(thing.owner, outside.text("filename"), "filepath", in_modifier(modifier))
            yield from reading.read(slot, "cache", follow=False)


@reads_modifier("OceanModifierData", source=f"{_API}OceanModifier.html")
def ocean(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the folder of a baked ocean."""
    absent_is = "" if modifier.number("cached") else _NOT_BAKED
    slot = Slot(thing.owner, modifier.text("cachepath"), "filepath", in_modifier(modifier))
    yield from reading.read(slot, "cache", Folder(), absent_is=absent_is, follow=False)


@reads_modifier("FluidModifierData", source=f"{_API}FluidDomainSettings.html")
def fluid(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the folder of a fluid domain (Mantaflow, since 2.82)."""
    domain = modifier.follow("domain") if modifier.number("type") & _FLUID_DOMAIN else None
    if domain is not None:
        absent_is = "" if domain.number("cache_flag") & _FLUID_BAKED else _NOT_BAKED
        slot = Slot(thing.owner, domain.text("cache_directory"), "cache_directory", in_modifier(modifier))
        yield from reading.read(slot, "cache", Folder(), absent_is=absent_is, follow=False)


@reads_modifier("FluidsimModifierData", source=f"{_OLD_API}DomainFluidSettings.html")
def old_fluid(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the folder of a fluid domain (until 2.81)."""
    settings = modifier.follow("fss")
    if settings is not None and settings.number("type") & _OLD_FLUID_DOMAIN:
        slot = Slot(thing.owner, settings.text("surfdataPath"), "filepath", in_modifier(modifier))
        yield from reading.read(slot, "cache", Folder((".gz", ".bobj")), absent_is=_NOT_BAKED, follow=False)


@reads_modifier("SmokeModifierData", source=f"{_OLD_API}SmokeDomainSettings.html")
def old_smoke(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the point cache of a smoke domain (until 2.81)."""
    domain = modifier.follow("domain")
    cache = domain.follow("point_cache") if domain is not None else None
    if cache is not None:
        yield from _point_cache(reading, thing, cache, in_modifier(modifier))


@reads_modifier("NodesModifierData", source=f"{_API}NodesModifier.html")
def geometry_nodes(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the folders of the bakes of a geometry-nodes modifier (since 4.0)."""
    within = in_modifier(modifier)
    own = Slot(thing.owner, modifier.text("simulation_bake_directory", "bake_directory"), "bake_directory", within)
    packs = modifier.number("bake_target") == _PACKED
    bakes = list(modifier.array("bakes"))
    at_own_place = [b for b in bakes if b.number("flag") & _CUSTOM_PATH]
    on_disk = any(b.number("bake_target") == _ON_DISK and b not in at_own_place for b in bakes)
    places = [(own, packs and not on_disk)]
    for bake in at_own_place:
        slot = Slot(thing.owner, bake.text("directory"), "directory", f"{within} bake {bake.number('id')}")
        target = bake.number("bake_target")
        places.append((slot, target == _PACKED or (not target and packs)))
    for slot, in_the_file in places:
        if in_the_file:
            yield from reading.ignore(slot, "the bake is packed into the .blend")
        else:
            yield from reading.read(slot, "cache", Folder(), absent_is=_NOT_BAKED, follow=False)


@reads_modifier("ClothModifierData", source=f"{_API}PointCache.html")
def cloth(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the point cache of a cloth."""
    cache = modifier.follow("point_cache")
    if cache is not None:
        yield from _point_cache(reading, thing, cache, in_modifier(modifier))


@reads_modifier("SoftbodyModifierData", source=f"{_API}PointCache.html")
def soft_body(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the point cache of a soft body, which the object keeps."""
    cache = _shared_cache(thing.follow("soft"))
    if cache is not None:
        yield from _point_cache(reading, thing, cache, in_modifier(modifier))


@reads_modifier("DynamicPaintModifierData", source=f"{_API}DynamicPaintSurface.html")
def dynamic_paint(reading: Reading, thing: Record, modifier: Record) -> Iterator[Finding]:
    """Yield the point caches of painted surfaces; the images that baking writes are read by image datablocks."""
    canvas = modifier.follow("canvas")
    for surface in canvas.listed("surfaces") if canvas is not None else ():
        within = f'{in_modifier(modifier)} surface "{surface.text("name")}"'
        cache = surface.follow("pointcache")
        if cache is not None:
            yield from _point_cache(reading, thing, cache, within)
        if surface.number("format") == _PAINTS_IMAGES:
            slot = Slot(thing.owner, surface.text("image_output_path"), "image_output_path", within)
            yield from reading.ignore(slot, "baking writes there, rendering does not")


@reads_datablock(b"OB", source=f"{_API}PointCache.html")
def particles(reading: Reading, thing: Record) -> Iterator[Finding]:
    """Yield the point caches of particle systems."""
    for system in thing.listed("particlesystem"):
        cache = system.follow("pointcache")
        if cache is not None:
            yield from _point_cache(reading, thing, cache, f' particle system "{system.text("name")}"')


@reads_datablock(b"SC", source=f"{_API}PointCache.html")
def rigid_bodies(reading: Reading, scene: Record) -> Iterator[Finding]:
    """Yield the point cache of a scene's rigid bodies."""
    cache = _shared_cache(scene.follow("rigidbody_world"))
    if cache is not None:
        yield from _point_cache(reading, scene, cache, " rigid body world")


@reads_datablock(b"TE", source=f"{_OLD_API}VoxelData.html")
def voxels(reading: Reading, texture: Record) -> Iterator[Finding]:
    """Yield the file of a voxel texture (until 2.79)."""
    data = texture.follow("vd") if texture.number("type") == _VOXEL_TEXTURE else None
    if data is not None and data.number("file_format") in _VOXEL_FILES:
        yield from reading.read(Slot(texture.owner, data.text("source_path"), within=" voxel data"), "volume")


def _point_cache(reading: Reading, thing: Record, cache: Record, within: str) -> Iterator[Finding]:
    """Yield the folder a point cache reads: its own, or `blendcache_<scene>` beside the .blend (`ptcache_path`)."""
    slot = Slot(thing.owner, cache.text("path"), "filepath", f"{within} cache")
    flag = cache.number("flag")
    files = point_cache_files(cache.text("name"), thing.owner.name, external=bool(flag & _EXTERNAL))
    if flag & _EXTERNAL:
        yield from reading.read(slot, "cache", files, follow=False)
        return
    yield from reading.ignore(slot, "the cache is not external")
    if not flag & _DISK_CACHE:
        return
    folder = Slot(thing.owner, point_cache_folder(reading.survey.file), "use_disk_cache", within)
    usage = reading.judge(folder, "cache", files, absent_is=_NOT_BAKED, follow=False)
    if isinstance(usage, Usage):
        yield usage


def _shared_cache(holder: Record | None) -> Record | None:
    """Return the cache of a soft body or rigid body world; since 2.80 it is in what copies share."""
    if holder is None:
        return None
    shared = holder.follow("shared")
    return (shared.follow("pointcache") if shared is not None else None) or holder.follow("pointcache")


def _volume_numbers(volume: Record, frames: tuple[int, ...]) -> tuple[int, ...] | None:
    if is_animated(volume, "frame_"):
        return None
    start, duration, offset = (volume.number(n) for n in ("frame_start", "frame_duration", "frame_offset"))
    mode = volume.number("sequence_mode")
    name = _MODES[mode] if 0 <= mode < len(_MODES) else "CLIP"
    return volume_numbers(frames, name, start=start, duration=duration, offset=offset)
