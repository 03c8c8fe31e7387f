"""Rows of Houdini's own node types: the parameters that hold paths, with nothing else to look at."""

from __future__ import annotations

from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import files

_NODES = "https://www.sidefx.com/docs/houdini/nodes/"


def _row(context: str, type_: str, *attributes: str, kind: Kind) -> None:
    page = type_.replace("::", "--")
    files("houdini", type_, *attributes, kind=kind, source=f"{_NODES}{context}/{page}.html")


def _output(context: str, type_: str, *attributes: str) -> None:
    page = type_.replace("::", "--")
    files("houdini", type_, *attributes, kind="other", role="write", source=f"{_NODES}{context}/{page}.html")


for _context, _type, _attributes, _kind in (
    ("sop", "alembic", ("fileName",), "cache"),
    ("sop", "alembicarchive", ("fileName",), "cache"),
    ("obj", "alembicxform", ("fileName",), "cache"),
    ("chop", "alembic", ("fileName",), "cache"),
    ("sop", "mdd", ("file",), "cache"),
    ("sop", "usdimport", ("filepath#", "filepath"), "layer"),
    ("sop", "heightfield_file", ("filename",), "texture"),
    ("sop", "attribfrommap", ("filename",), "texture"),
    ("sop", "texture", ("texture",), "texture"),
    ("sop", "uvquickshade", ("texture",), "texture"),
    ("sop", "trace", ("file",), "image"),
    ("sop", "tableimport", ("file",), "data"),
    ("sop", "lidarimport", ("filename",), "geometry"),
    ("sop", "pointcloudiso", ("filename",), "geometry"),
    ("sop", "gltf", ("filename",), "geometry"),
    ("sop", "agent", ("fbxfile", "usdfile", "agentclipfile#"), "geometry"),
    ("sop", "agentclip", ("file#", "fbxfile#", "usdfile#"), "cache"),
    ("sop", "agentlayer", ("layerfile#",), "data"),
    ("sop", "kinefx::fbxcharacterimport", ("fbxfile",), "geometry"),
    ("sop", "kinefx::fbxanimimport", ("fbxfile",), "geometry"),
    ("sop", "kinefx::fbxskinimport", ("fbxfile",), "geometry"),
    ("sop", "kinefx::gltfcharacterimport", ("gltffile", "filename"), "geometry"),
    ("sop", "kinefx::usdcharacterimport", ("usdfile", "filename"), "layer"),
    ("sop", "kinefx::mocapimport", ("asffile", "filename"), "cache"),
    ("sop", "kinefx::fbxcharacterimport", ("animfbxfile",), "geometry"),
    ("sop", "3dCoat", ("file_name",), "geometry"),
    ("obj", "sound", ("file",), "sound"),
    ("obj", "envlight", ("env_map",), "texture"),
    ("obj", "hlight", ("areamap", "light_texture", "projmap", "ies_file", "env_map"), "texture"),
    ("obj", "light", ("areamap", "projmap", "env_map", "ies_file"), "texture"),
    ("obj", "cam", ("vm_background", "background"), "image"),
    ("chop", "fbx", ("fbxfile",), "cache"),
    ("chop", "acoustic", ("file",), "sound"),
    ("cop2", "lookup", ("lutfile",), "lut"),
    ("cop", "ociotransform", ("ociofile",), "lut"),
    ("vop", "texture", ("map",), "texture"),
    ("vop", "environment", ("map",), "texture"),
    ("vop", "pcopen", ("file", "texture"), "geometry"),
    ("vop", "ptexture", ("map", "filename"), "texture"),
    ("vop", "shadowmap", ("map",), "texture"),
    ("vop", "mtlximage", ("file",), "texture"),
    ("vop", "mtlxtiledimage", ("file",), "texture"),
    ("vop", "mtlxtriplanarprojection", ("filex", "filey", "filez"), "texture"),
    ("vop", "usduvtexture", ("file",), "texture"),
    ("vop", "mtlxUsdUVTexture", ("file",), "texture"),
    ("vop", "mtlxUsdUVTexture23", ("file",), "texture"),
    ("vop", "kma_roundededge", ("file",), "texture"),
    ("top", "filepattern", ("pattern",), "other"),
    ("top", "geometryimport", ("geofile", "filename"), "geometry"),
    ("top", "jsoninput", ("filename", "jsonfile"), "data"),
    ("top", "csvinput", ("filename",), "data"),
    ("top", "xmlinput", ("filename",), "data"),
    ("top", "filecopy", ("srcfile", "sourcefile", "srcpath"), "other"),
    ("top", "filedecompress", ("filename", "inputfile"), "other"),
    ("top", "hdaprocessor", ("hdapath",), "library"),
    ("top", "hdaprocessor", ("inputfile#",), "geometry"),
    ("top", "ropfetch", ("hippath",), "scene"),
    ("out", "opengl", ("bgimage",), "image"),
    ("out", "opengl", ("lut",), "lut"),
    ("out", "comp", ("lut",), "lut"),
    ("out", "fetch", ("hippath",), "scene"),
):
    _row(_context, _type, *_attributes, kind=_kind)  # type: ignore[arg-type]

for _context, _type, _attributes in (
    ("sop", "heightfield_output", ("output",)),
    ("sop", "rop_alembic", ("filename",)),
    ("sop", "rop_fbx", ("sopoutput",)),
    ("sop", "rop_gltf", ("file",)),
    ("sop", "kinefx::rop_fbxcharacteroutput", ("outputfilepath", "sopoutput")),
    ("sop", "kinefx::rop_fbxanimoutput", ("outputfilepath", "sopoutput")),
    ("sop", "kinefx::rop_gltfcharacteroutput", ("filepath",)),
    ("sop", "rop_geometryraw", ("sopoutput",)),
    ("sop", "labs::niagara", ("csvpath", "outputpath")),
    ("sop", "labs::dembones_skinningconverter", ("sExportFile",)),
    ("out", "alembic", ("filename",)),
    ("out", "gltf", ("file",)),
    ("out", "opengl", ("picture",)),
    ("out", "karma", ("picture",)),
    ("out", "baketexture", ("vm_uvoutputpicture#",)),
    ("out", "mdd", ("mddfile",)),
    ("out", "agent", ("cachedir",)),
    ("out", "image", ("picture",)),
    ("cop", "rop_image", ("copoutput", "filename")),
    ("top", "textoutput", ("filepath",)),
    ("top", "jsonoutput", ("filepath", "filename", "jsonfile")),
    ("top", "csvoutput", ("filepath", "filename")),
    ("top", "xmloutput", ("filepath", "filename")),
    ("top", "filecopy", ("destfile", "dstfile", "dstpath")),
    ("top", "downloadfile", ("output_filename#",)),
    ("top", "ffmpegencodevideo", ("outputfilepath",)),
    ("top", "ffmpegextractimages", ("outputfilepath",)),
    ("top", "imagemagick", ("outputfilepath",)),
    ("top", "hdaprocessor", ("outputfilepath",)),
    ("top", "labs::concatenate_text", ("outputfile",)),
):
    _output(_context, _type, *_attributes)

files(
    "houdini", "afanasy", "cmd_files", "cmd_preview", "sep_files", "sep_images",
    kind="image", role="write", source="https://cgru.readthedocs.io/en/latest/software/houdini.html",
)  # fmt: skip
