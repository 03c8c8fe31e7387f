"""Members of structs that are as long as paths are in Blender, and that no reader here knows.

All such members of Blender 2.79 to 5.2 are known (seen in the DNA of files saved by them); a later version or a fork may add some.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

from conductor_core.formats.blend.dna import DNA, Struct

#: characters: `FILE_MAXDIR` is 768 and `FILE_MAX` 1024; names are 64 to 258
_SHORTEST = 700
_DEEPEST = 8
#: a text in a socket may be a path; it is no part of anything
_SOCKET = "bNodeSocketValueString"
_PADS = ("_pad", "pad")
#: read, or ignored with a reason, by the readers
_READ = (
    "BakeData.filepath Brush.icon_filepath CacheFile.filepath CacheFileLayer.filepath Camera.custom_filepath "
    "CustomDataExternal.filename DynamicPaintSurface.image_output_path Editing.act_imagedir Editing.act_sounddir Editing.proxy_dir "
    "FileSelectParams.dir FluidDomainSettings.cache_directory FluidsimSettings.surfdataPath Image.name Library.name "
    "LibraryWeakReference.library_filepath MeshCacheModifierData.filepath MovieClip.name MovieClipProxy.dir NodeImageFile.name "
    "NodeImageMultiFile.base_path NodeImageMultiFileSocket.path NodeShaderScript.filepath NodeShaderTexIES.filepath "
    "OceanModifierData.cachepath PointCache.path RenderData.pic Strip.dir StripProxy.dir VFont.name Volume.filepath "
    "VoxelData.source_path bSound.name"
)
#: no paths, or the same path once more (objects in an Alembic file, what was packed from where, the name at the last save), or
#: preferences
_OTHERS = (
    "AlembicObjectPath.path CacheFile.handle_filepath CacheObjectPath.path FileGlobal.filename ImagePackedFile.filepath "
    "ImageView.filepath KeyingSet.description Library.filepath Library.filepath_abs Library_Runtime.filepath_abs "
    "MeshSeqCacheModifierData.object_path MeshSeqCacheModifierData.reader_object_path RenderData.stamp_udata Script.scriptname bTransformCacheConstraint.object_path "
    "bTransformCacheConstraint.reader_object_path FileDirEntryArr.root UserDef.anim_player UserDef.font_path_ui "
    "UserDef.font_path_ui_mono UserDef.fontdir UserDef.i18ndir UserDef.image_editor UserDef.pythondir UserDef.render_cachedir "
    "UserDef.renderdir UserDef.sequencer_disk_cache_dir UserDef.sounddir UserDef.tempdir UserDef.text_editor UserDef.textudir "
    "bPathCompare.path bTheme.filepath bUserAssetLibrary.path bUserExtensionRepo.custom_dirpath bUserExtensionRepo.remote_url "
    "bUserScriptDirectory.dir_path uiFont.filename UserDef.texture_cachedir bUserAssetLibrary.remote_url"
)
_KNOWN = frozenset(f"{_READ} {_OTHERS}".split())


class LongText(NamedTuple):
    """A place in a struct where a text as long as a path stands."""

    offset: int
    size: int
    #: `NodeNewThing.filepath`
    name: str


@functools.lru_cache(maxsize=4)
def long_texts(dna: DNA) -> dict[str, tuple[LongText, ...]]:
    """Return, by struct, the places of long texts that nothing here knows; of structs that have none, nothing.

    Only structs that have an unknown one, or one of those structs as a part, are looked at more closely: in most files none.
    """
    holding = {s.name for s in dna.structs if _has_one(s)}
    inner = holding - {_SOCKET}
    for _ in range(_DEEPEST if inner else 0):
        inner |= {s.name for s in dna.structs if not inner.isdisjoint(dna.parts_of(s))}
    holding |= inner
    found = {name: tuple(_long_texts(dna.by_name[name], 0, 0)) for name in holding}
    return {name: places for name, places in found.items() if places}


def _has_one(struct: Struct) -> bool:
    return any(
        f"{struct.name}.{name}" not in _KNOWN and not name.startswith(_PADS) for name in struct.dna.long_names(struct, _SHORTEST)
    )


def _long_texts(struct: Struct, start: int, depth: int) -> Iterator[LongText]:
    for member in struct.members.values():
        name = f"{struct.name}.{member.name}"
        if member.pointer or name in _KNOWN:
            continue
        if member.type == "char":
            if member.count >= _SHORTEST and not member.name.startswith(_PADS):
                yield LongText(start + member.offset, member.size, name)
        elif member.count == 1 and depth < _DEEPEST and (inner := struct.dna.by_name.get(member.type)) is not None:
            yield from _long_texts(inner, start + member.offset, depth + 1)
