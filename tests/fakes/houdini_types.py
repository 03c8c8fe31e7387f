"""Node types that the fake Houdini can make itself, with the parameters of theirs that matter here.

Names and defaults are those of the vendor's node pages (https://www.sidefx.com/docs/houdini/nodes/out/ifd.html and its neighbours)
and of scenes that Houdini saved. A node of any other type comes from a file, with what the file says of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from fakes.houdini_words import Declared

#: what a network of a type holds, where that is not its own category
#: (https://www.sidefx.com/docs/houdini/hom/hou/NodeTypeCategory.html)
CHILDREN_OF_TYPE = {
    "sopnet": "Sop",
    "objnet": "Object",
    "ropnet": "Driver",
    "matnet": "Vop",
    "shopnet": "Shop",
    "vopnet": "VopNet",
    "topnet": "Top",
    "lopnet": "Lop",
    "chopnet": "Chop",
    "cop2net": "Cop2",
    "copnet": "Cop",
    "img": "Cop2",
    "dopnet": "Dop",
    "materiallibrary": "Vop",
    "editmaterial": "Vop",
    "sopcreate": "Sop",
    "sopmodify": "Sop",
    "vopcop2gen": "Vop",
    "popvop": "Vop",
    "attribvop": "Vop",
    "foreach": "Sop",
}
CHILDREN_OF_CATEGORY = {"Object": "Sop", "Shop": "Vop", "VopNet": "Vop", "CopNet": "Cop2", "ChopNet": "Chop"}
#: the networks that every scene has, in the order of the scene's records, and what they hold
MANAGERS = {
    "vex": "VopNet",
    "mat": "Vop",
    "obj": "Object",
    "out": "Driver",
    "ch": "ChopNet",
    "shop": "Shop",
    "img": "CopNet",
    "part": "Pop",
    "stage": "Lop",
    "tasks": "TopNet",
}
#: components are named by letters after these types, by numbers after all others
LETTERS = {
    "vector": "xyzw",
    "vector2": "xyzw",
    "vector4": "xyzw",
    "intvector": "xyzw",
    "intvector2": "xyzw",
    "intvector4": "xyzw",
    "direction": "xyzw",
    "color": "rgba",
    "color4": "rgba",
    "uvw": "uvw",
}
#: parameters whose components have letters though a saved scene does not say their type
LETTERED = {"t", "r", "s", "p", "pr", "res", "res_override", "dcolor", "win", "winsize", "up", "size", "center"}


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A node type."""

    category: str
    name: str
    parameters: tuple[Declared, ...] = ()


def _p(kind: str, name: str, *defaults: str, menu: str = "", size: int = 0, tags: dict[str, str] | None = None) -> Declared:
    items = tuple((token, token.title()) for token in menu.split())
    return Declared("parm", name, name, kind, size or max(1, len(defaults)), defaults, items, dict(tags or {}))


_READ = {"filechooser_mode": "read"}
_WRITE = {"filechooser_mode": "write"}


def _range(mode: str = "off") -> tuple[Declared, ...]:
    """Return what every render node begins with (https://www.sidefx.com/docs/houdini/nodes/out/geometry.html)."""
    return (
        _p("button", "execute", "0"),
        _p("ordinal", "trange", mode, menu="off normal on"),
        Declared("parm", "f", "Start/End/Inc", "float", 3, ("$FSTART", "$FEND", "1")),
        _p("string", "take", "_current_"),
    )


def _scripts() -> tuple[Declared, ...]:
    found: list[Declared] = []
    for name in ("prerender", "preframe", "postframe", "postrender"):
        found += [_p("toggle", f"t{name}", "1"), _p("file", name, ""), _p("string", f"l{name}", "hscript")]
    return tuple(found)


def _driver(name: str, *parameters: Declared, mode: str = "off") -> TypeFacts:
    return TypeFacts("Driver", name, (*_range(mode), *parameters, *_scripts()))


_IFD = _driver(
    "ifd",
    _p("oppath", "camera", "/obj/cam1"),
    _p("toggle", "override_camerares", "0"),
    _p("intvector2", "res_override", "1280", "720"),
    _p("file", "soho_program", "IFD.py"),
    _p("image", "vm_picture", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE),
    _p("string", "vm_device", ""),
    _p("toggle", "soho_mkpath", "1"),
    _p("string", "vobject", "*"),
    _p("string", "alights", "*"),
    _p("string", "soho_pipecmd", "mantra"),
    _p("toggle", "soho_outputmode", "0"),
    _p("file", "soho_diskfile", "$HIP/mantra.ifd", tags=_WRITE),
    _p("image", "vm_dcmfilename", "$HIP/dcm.rat", tags=_WRITE),
    _p("image", "vm_dsmfilename", "$HIP/dsm.rat", tags=_WRITE),
    _p("ordinal", "vm_deepresolver", "null", menu="null camera shadow"),
    _p("integer", "vm_numaux", "0"),
)
_GEOMETRY = (
    _p("oppath", "soppath", ""),
    _p("file", "sopoutput", "$HIP/geo/$HIPNAME.$OS.$F.bgeo.sc", tags=_WRITE),
    _p("toggle", "mkpath", "1"),
    _p("toggle", "initsim", "0"),
)
_USD_RENDER = (
    _p("string", "renderer", "BRAY_HdKarma"),
    _p("oppath", "loppath", ""),
    _p("string", "rendersettings", ""),
    _p("string", "override_camera", ""),
    _p("image", "outputimage", "", tags=_WRITE),
    _p("file", "lopoutput", "__render__.usd", tags=_WRITE),
    _p("toggle", "allframesatonce", "0"),
    _p("toggle", "soho_foreground", "1"),
)
_ARNOLD = (
    _p("image", "ar_picture", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE),
    _p("toggle", "ar_ass_export_enable", "0"),
    _p("file", "ar_ass_file", "$HIP/ass/$HIPNAME.$F4.ass", tags=_WRITE),
    _p("oppath", "camera", "/obj/cam1"),
)
_REDSHIFT = (
    _p("image", "RS_outputFileNamePrefix", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE),
    _p("toggle", "RS_archive_enable", "0"),
    _p("file", "RS_archive_file", "$HIP/rsproxy/$HIPNAME.$F4.rs", tags=_WRITE),
    _p("oppath", "RS_renderCamera", "/obj/cam1"),
)

_ALL = (
    _IFD,
    _driver("geometry", *_GEOMETRY),
    TypeFacts("Sop", "rop_geometry", (*_range(), *_GEOMETRY, *_scripts())),
    _driver("comp", _p("oppath", "coppath", ""), _p("image", "copoutput", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE)),
    _driver("opengl", _p("oppath", "camera", "/obj/cam1"), _p("image", "picture", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE)),
    _driver("alembic", _p("file", "filename", "$HIP/output.abc", tags=_WRITE), _p("oppath", "root", "/obj")),
    _driver("filmboxfbx", _p("file", "sopoutput", "$HIP/out.fbx", tags=_WRITE)),
    _driver("usd", _p("oppath", "loppath", ""), _p("file", "lopoutput", "$HIP/$HIPNAME.$OS.usd", tags=_WRITE)),
    _driver("usdrender", *_USD_RENDER),
    TypeFacts("Lop", "usdrender_rop", (*_range(), *_USD_RENDER, *_scripts())),
    TypeFacts("Lop", "usd_rop", (*_range(), _p("file", "lopoutput", "$HIP/geo/$HIPNAME.$OS.usd", tags=_WRITE), *_scripts())),
    _driver("karma", _p("image", "picture", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE), _p("string", "camera", "/cameras/camera1")),
    _driver("baketexture::3.0", _p("image", "vm_uvoutputpicture1", "$HIP/render/$HIPNAME_%(CHANNEL)s.rat", tags=_WRITE)),
    _driver("arnold", *_ARNOLD),
    _driver("Redshift_ROP", *_REDSHIFT),
    _driver("fetch", _p("oppath", "source", "")),
    _driver("wedge", _p("oppath", "driver", ""), _p("integer", "wedges", "0"), _p("string", "prefix", "$OS")),
    _driver("batch", _p("string", "hipname", "")),
    _driver("shell", _p("string", "command", "")),
    TypeFacts("Driver", "merge"),
    TypeFacts("Driver", "null"),
    TypeFacts("Driver", "switch", (_p("integer", "index", "0"),)),
    TypeFacts("Driver", "subnet", (_p("button", "execute", "0"),)),
    TypeFacts("Driver", "ropnet", (_p("button", "execute", "0"),)),
    TypeFacts("Object", "geo"),
    TypeFacts("Object", "null"),
    TypeFacts("Object", "subnet"),
    TypeFacts("Object", "ropnet", (_p("button", "execute", "0"),)),
    TypeFacts("Object", "matnet"),
    TypeFacts("Object", "lopnet"),
    TypeFacts("Object", "topnet", (_p("file", "taskgraphfile", "$HIP/$HIPNAME.taskgraph.$F.py", tags=_WRITE),)),
    TypeFacts("Object", "cam", (_p("intvector2", "res", "1280", "720"), _p("float", "aspect", "1"), _p("image", "vm_background", ""))),
    TypeFacts("Object", "envlight", (_p("image", "env_map", ""),)),
    TypeFacts("Object", "hlight::2.0", (_p("image", "projmap", ""), _p("image", "areamap", ""), _p("image", "shadowmap_file", "$HIP/render/$OS.rat"))),
    TypeFacts(
        "Sop",
        "file",
        (
            _p("ordinal", "filemode", "read", menu="auto read write none"),
            _p("geometry", "file", "$HIP/default.bgeo", tags=_READ),
            _p("ordinal", "missingframe", "error", menu="error empty"),
        ),
    ),
    TypeFacts(
        "Sop",
        "filecache::2.0",
        (
            _p("toggle", "loadfromdisk", "0"),
            _p("ordinal", "filemethod", "constructed", menu="constructed explicit"),
            _p("toggle", "timedependent", "1"),
            _p("string", "basename", "$HIPNAME.$OS"),
            _p("string", "filetype", ".bgeo.sc"),
            _p("geometry", "file", "$HIP/geo/$HIPNAME.$OS.$F.bgeo.sc", tags={"filechooser_mode": "read_and_write"}),
            _p("directory", "basedir", "$HIP/geo"),
            _p("toggle", "enableversion", "1"),
            _p("integer", "version", "1"),
            *_range("normal"),
        ),
    ),
    TypeFacts("Sop", "alembic", (_p("file", "fileName", "default.abc", tags=_READ),)),
    TypeFacts("Sop", "null", (_p("toggle", "copyinput", "1"),)),
    TypeFacts("Sop", "box"),
    TypeFacts("Sop", "merge"),
    TypeFacts("Sop", "subnet"),
    TypeFacts("Sop", "font", (_p("file", "file", "Source Sans Pro"), _p("string", "text", "$HIPFILE"))),
    TypeFacts("Vop", "principledshader::2.0", (_p("toggle", "basecolor_useTexture", "0"), _p("image", "basecolor_texture", "", tags=_READ))),
    TypeFacts("Vop", "texture::2.0", (_p("image", "map", "Mandril.pic", tags=_READ),)),
    TypeFacts("Vop", "subnet"),
    TypeFacts("Cop2", "file", (_p("image", "filename1", "default.pic", tags=_READ),)),
    TypeFacts("CopNet", "img"),
    TypeFacts("Lop", "sublayer", (_p("integer", "num_files", "1"), _p("file", "filepath1", "", tags=_READ), _p("toggle", "enable1", "1"))),
    TypeFacts("Lop", "reference::2.0", (_p("integer", "num_files", "1"), _p("file", "filepath1", "", tags=_READ), _p("toggle", "enable1", "1"))),
    TypeFacts("Lop", "karmarenderproperties", (_p("image", "picture", "$HIP/render/$HIPNAME.$OS.$F4.exr", tags=_WRITE),)),
    TypeFacts("Lop", "null"),
    TypeFacts("TopNet", "topnet", (_p("file", "taskgraphfile", "$HIP/$HIPNAME.taskgraph.$F.py", tags=_WRITE),)),
    TypeFacts("Top", "ropfetch", (_p("oppath", "roppath", ""),)),
    TypeFacts("Top", "filepattern", (_p("file", "pattern", ""),)),
    TypeFacts("ChopNet", "ch"),
    TypeFacts("Shop", "shopnet"),
)  # fmt: skip

TYPES = {(facts.category, facts.name): facts for facts in _ALL}
#: file parameters of types that come from a file without a description of theirs: kind by type and name, digits left out
FILE_PARAMETERS = {(facts.name, one.name): one.type for facts in _ALL for one in facts.parameters} | {
    ("loadlayer", "filepath"): "file",
    ("assetreference", "filepath"): "file",
    ("reference::2.0", "filepath"): "file",
    ("sublayer", "filepath"): "file",
    ("valueclip", "manifestfile"): "file",
    ("valueclip", "clipfile"): "file",
    ("valueclip", "topologyfile"): "file",
    ("configurelayer", "savepath"): "file",
    ("usdstitchclips", "infile"): "file",
    ("usdstitchclips", "outtemplatefile"): "file",
    ("hlight", "areamap"): "image",
    ("hlight", "projmap"): "image",
    ("hlight", "shadowmap_file"): "image",
    ("cam", "vm_bokehfile"): "image",
    ("filemerge", "file"): "geometry",
    ("output", "dopoutput"): "file",
    ("dopnet", "playfilesname"): "file",
    ("dopnet", "explicitcachename"): "file",
    ("file", "filename"): "image",
}
