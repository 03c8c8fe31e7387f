"""Write small .blend files in every form there has been: header, blocks and DNA, with just the structs that a test needs.

https://developer.blender.org/docs/features/core/blend_file/ and …/dna/
"""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import zstandard

Values = Mapping[str, Any]
_PRIMITIVES = {"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "float": "f", "double": "d", "int64_t": "q"}
_DECLARED = re.compile(r"(?P<stars>\**)(?P<name>\w+)(?P<arrays>(?:\[[0-9]+\])*)")
_ID = "void *next; void *prev; void *lib; char name[66]; short flag; int us; void *properties; void *library_weak_reference"
_IMAGE_USER = "int frames; int offset; int sfra; char cycl"
_FORMAT = "uchar imtype; char views_format"
#: structs in the order in which one may hold another; written as in DNA, `;` between members
STRUCTS: dict[str, str] = {
    "Link": "void *next; void *prev",
    "ListBase": "void *first; void *last",
    "rctf": "float xmin; float xmax; float ymin; float ymax",
    "ID": _ID,
    "ImageUser": _IMAGE_USER,
    "ImageFormatData": _FORMAT,
    "FFMpegCodecData": "int type; int flags",
    "BakeData": "char filepath[1024]",
    "RenderData": "ImageFormatData im_format; FFMpegCodecData ffcodecdata; int sfra; int efra; int images; int framapto;"
    "int frame_step; short size; int xsch; int ysch; int scemode; int mode; rctf border; char pic[1024]; BakeData bake;"
    "ListBase views; short frs_sec; float frs_sec_base",
    "Scene": "ID id; void *adt; void *camera; void *nodetree; char use_nodes; void *ed; RenderData r; ListBase view_layers",
    "SceneRenderView": "void *next; void *prev; char name[64]; char suffix[64]; int viewflag",
    "FileGlobal": "void *curscene; char filename[1024]",
    "Library": "ID id; char name[1024]; ushort flag; void *packedfile",
    "Image": "ID id; void *adt; char name[1024]; int flag; short source; short type; void *packedfile; ListBase packedfiles;"
    "ListBase tiles; ListBase views; char views_format",
    "ImageView": "void *next; void *prev; char name[64]; char filepath[1024]",
    "ImageTile": "void *next; void *prev; int tile_number",
    "MovieClipProxy": "char dir[768]",
    "MovieClip": "ID id; void *adt; char name[1024]; int source; MovieClipProxy proxy; int flag; int len; int start_frame;"
    "int frame_offset",
    "VFont": "ID id; char name[1024]; void *packedfile",
    "bSound": "ID id; char name[1024]; void *packedfile",
    "Text": "ID id; char *name; int flags",
    "CacheFile": "ID id; void *adt; ListBase layers; char filepath[1024]; char is_sequence; char override_frame; float frame",
    "Volume": "ID id; void *adt; char filepath[1024]; void *packedfile; char is_sequence; char sequence_mode; int frame_start;"
    "int frame_duration; int frame_offset",
    "Object": "ID id; void *adt; short type; void *data; ListBase modifiers; ListBase particlesystem; void *iuser; void *soft",
    "Mesh": "ID id; void *mat",
    "Material": "ID id; void *adt; void *nodetree",
    "bNodeTree": "ID id; void *adt; ListBase nodes; ListBase links",
    "bNode": "void *next; void *prev; char idname[64]; char name[64]; int flag; void *id; void *storage; ListBase inputs;"
    "void *prop",
    "NodeTexImage": "int base; ImageUser iuser",
    "NodeShaderScript": "int mode; char filepath[1024]",
    "NodeShaderTexIES": "int mode; char filepath[1024]",
    "NodeImageMultiFile": "char base_path[1024]; ImageFormatData format",
    "NodeImageMultiFileSocket": "short use_node_format; char path[1024]; ImageFormatData format",
    "bNodeSocket": "void *next; void *prev; char identifier[64]; char name[64]; char idname[64]; void *storage; void *default_value",
    "bNodeSocketValueString": "int subtype; char value[1024]",
    "ModifierData": "void *next; void *prev; int type; char name[64]",
    "MeshCacheModifierData": "ModifierData modifier; char filepath[1024]",
    "OceanModifierData": "ModifierData modifier; char cachepath[1024]; char cached",
    "ClothModifierData": "ModifierData modifier; void *point_cache",
    "PointCache": "void *next; void *prev; int flag; char name[64]; char path[1024]",
    "ParticleSystem": "void *next; void *prev; char name[64]; void *pointcache",
    "FluidsimSettings": "short type; char surfdataPath[1024]",
    "FluidsimModifierData": "ModifierData modifier; void *fss",
    "IDPropertyData": "void *pointer; ListBase group; int val; int val2",
    "IDProperty": "void *next; void *prev; char type; char subtype; char name[64]; IDPropertyData data; int len",
    "LibraryWeakReference": "char library_filepath[1024]",
    "AnimData": "void *action; ListBase nla_tracks; ListBase drivers",
    "bAction": "ID id; ListBase curves",
    "Editing": "ListBase seqbase; char act_imagedir[1024]; char proxy_dir[1024]",
    "Strip": "void *stripdata; char dir[768]; void *proxy",
    "StripElem": "char name[256]; int orig_width",
    "Sequence": "void *next; void *prev; char name[64]; int flag; int type; int len; float start; float startofs; float endofs;"
    "void *strip; void *scene; ListBase seqbase; float strobe; int anim_startofs",
    "FileSelectParams": "char title[96]; char dir[1090]",
    "bScreen": "ID id; void *area",
    "MVert": "float co[3]",
}


@dataclass(frozen=True)
class Form:
    """How a file is written."""

    version: int = 405
    pointer: int = 8
    endian: str = "<"
    #: `plain`, `gzip`, `zstd`
    packing: str = "plain"

    @property
    def large(self) -> bool:
        """Whether it has the header and heads of 5.0."""
        return self.version >= 500


@dataclass
class BlendWriter:
    """One file: add blocks, then ask for its bytes."""

    form: Form = field(default_factory=Form)
    structs: Mapping[str, str] = field(default_factory=lambda: STRUCTS)
    _blocks: list[bytes] = field(default_factory=list)
    _next: int = 0x7F0010
    _laid_out: dict[str, list[tuple[str, str, str, int]]] = field(default_factory=dict)

    def address(self) -> int:
        """Return an address that nothing has yet."""
        self._next += 0x100
        return self._next

    def add(self, code: str, struct_name: str, values: Values | None = None, *, at: int = 0, name: str = "") -> int:
        """Add a block with one struct and return its address; `name` is a datablock's (`IMwood`)."""
        whole = {**(values or {}), **({"id": {"name": name, **(values or {}).get("id", {})}} if name else {})}
        return self.add_raw(code, self.pack(struct_name, whole), struct_name, at=at)

    def add_many(self, struct_name: str, every: list[Values]) -> int:
        """Add a data block with an array of a struct."""
        data = b"".join(self.pack(struct_name, v) for v in every)
        return self.add_raw("DATA", data, struct_name, many=len(every))

    def add_list(self, struct_name: str, every: list[dict[str, Any]], *, outer: str = "") -> dict[str, int]:
        """Add a linked list and return its head; `outer` is the member that begins the struct and has the pointers."""
        addresses = [self.address() for _ in every]
        for i, values in enumerate(every):
            pointers = {"next": addresses[i + 1] if i + 1 < len(addresses) else 0, "prev": addresses[i - 1] if i else 0}
            inner = {**values, outer: {**values.get(outer, {}), **pointers}} if outer else {**values, **pointers}
            self.add("DATA", struct_name, inner, at=addresses[i])
        return {"first": addresses[0], "last": addresses[-1]} if addresses else {}

    def add_raw(self, code: str, data: bytes, struct_name: str = "", *, at: int = 0, many: int = 1) -> int:
        """Add a block of bytes and return its address."""
        at = at or self.address()
        number = list(self.structs).index(struct_name) if struct_name else 0
        self._blocks.append(self._head(code, len(data), at, number, many) + data)
        return at

    def add_text(self, text: str) -> int:
        """Add a data block that is a text."""
        return self.add_raw("DATA", text.encode("utf-8", "surrogateescape") + b"\0")

    def data(self) -> bytes:
        """Return the file."""
        dna = self._dna()
        end = [self._head("DNA1", len(dna), self.address(), 0, 1), dna, self._head("ENDB", 0, 0, 0, 0)]
        whole = self._header() + b"".join((*self._blocks, *end))
        if self.form.packing == "gzip":
            return gzip.compress(whole, 1)
        if self.form.packing == "zstd":
            return zstd_frames(whole)
        return whole

    def pack(self, struct_name: str, values: Values) -> bytes:
        """Return a struct's bytes."""
        return b"".join(self._member(*m, values) for m in self._members(struct_name))

    def _member(self, type_: str, stars: str, name: str, count: int, values: Values) -> bytes:
        value = values.get(name, 0)
        if stars:
            every = list(value) if isinstance(value, (list, tuple)) else [value] * (count if value == 0 else 1)
            return struct.pack(f"{self.form.endian}{count}{self._pointer}", *every)
        if type_ == "char" and count > 1:
            text = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else (value or b"")
            assert len(text) < count, f"{name} is too long"
            return bytes(text).ljust(count, b"\0")
        if type_ in _PRIMITIVES:
            every = list(value) if isinstance(value, (list, tuple)) else [value] * count
            return struct.pack(f"{self.form.endian}{count}{_PRIMITIVES[type_]}", *every)
        return self.pack(type_, value or {})

    def _members(self, struct_name: str) -> list[tuple[str, str, str, int]]:
        """Return (type, stars, name, count) of each member, padded so that everything lies where Blender would put it."""
        if struct_name not in self._laid_out:
            found: list[tuple[str, str, str, int]] = []
            offset = 0
            for part in self.structs[struct_name].split(";"):
                type_, declared = part.split()
                match = _DECLARED.fullmatch(declared)
                assert match, declared
                count = 1
                for size in re.findall("[0-9]+", match["arrays"]):
                    count *= int(size)
                each = self.form.pointer if match["stars"] else self._size(type_)
                short = -offset % (each if type_ in _PRIMITIVES and not match["stars"] else 8)
                found += [("char", "", f"_pad{len(found)}", short)] if short else []
                found.append((type_, match["stars"], match["name"], count))
                offset += short + each * count
            found += [("char", "", f"_pad{len(found)}", -offset % 8)] if offset % 8 else []
            self._laid_out[struct_name] = found
        return self._laid_out[struct_name]

    def _size(self, type_: str) -> int:
        if type_ == "void":
            return 0
        if type_ in _PRIMITIVES:
            return struct.calcsize("<" + _PRIMITIVES[type_])
        return sum((self.form.pointer if stars else self._size(inner)) * count for inner, stars, _, count in self._members(type_))

    def _dna(self) -> bytes:
        names: dict[str, int] = {}
        types: dict[str, int] = {t: i for i, t in enumerate((*_PRIMITIVES, "void", *self.structs))}
        bodies = []
        for struct_name in self.structs:
            declared = [
                (t, f"{stars}{n}{f'[{count}]' if count > 1 else ''}") for t, stars, n, count in self._members(struct_name)
            ]
            pairs = [(types[t], names.setdefault(n, len(names))) for t, n in declared]
            bodies.append(self._shorts(types[struct_name], len(pairs), *(n for pair in pairs for n in pair)))
        data = b"SDNANAME" + self._texts(list(names))
        data = _aligned(data) + b"TYPE" + self._texts(list(types))
        data = _aligned(data) + b"TLEN" + self._shorts(*(self._size(t) for t in types))
        return _aligned(data) + b"STRC" + struct.pack(f"{self.form.endian}i", len(bodies)) + b"".join(bodies)

    def _texts(self, texts: list[str]) -> bytes:
        return struct.pack(f"{self.form.endian}i", len(texts)) + b"".join(t.encode() + b"\0" for t in texts)

    def _shorts(self, *values: int) -> bytes:
        return struct.pack(f"{self.form.endian}{len(values)}H", *values)

    @property
    def _pointer(self) -> str:
        return "Q" if self.form.pointer == 8 else "I"

    def _header(self) -> bytes:
        pointer, endian = ("-" if self.form.pointer == 8 else "_"), ("v" if self.form.endian == "<" else "V")
        if self.form.large:
            return f"BLENDER17{pointer}01{endian}{self.form.version:04d}".encode()
        return f"BLENDER{pointer}{endian}{self.form.version:03d}".encode()

    def _head(self, code: str, length: int, at: int, number: int, many: int) -> bytes:
        word = code.encode().ljust(4, b"\0")
        if self.form.endian == ">" and len(code) == 2:
            word = code.encode().rjust(4, b"\0")
        if self.form.large:
            return struct.pack(f"{self.form.endian}4siQqq", word, number, at, length, many)
        return struct.pack(f"{self.form.endian}4si{self._pointer}ii", word, length, at, number, many)


def zstd_frames(data: bytes, size: int = 1 << 16) -> bytes:
    """Return bytes packed as Blender packs them: one frame for each stretch, a seek table behind them."""
    packer = zstandard.ZstdCompressor()
    frames = [(packer.compress(data[i : i + size]), len(data[i : i + size])) for i in range(0, len(data), size)]
    table = b"".join(struct.pack("<II", len(f), n) for f, n in frames) + struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    return b"".join(f for f, _ in frames) + struct.pack("<II", 0x184D2A5E, len(table)) + table


def _aligned(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
