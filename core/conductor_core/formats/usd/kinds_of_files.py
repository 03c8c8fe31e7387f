"""What a file is, told by its extension where the attribute that names it does not say."""

from __future__ import annotations

from conductor_core.discovery.kinds import Kind

_BY_KIND: dict[Kind, str] = {
    "layer": "usd usda usdc usdz",
    "texture": "exr tif tiff tx tex rat png jpg jpeg hdr tga bmp gif webp dds ktx ktx2 dpx cin pic psd ptx ptex rstexbin iff avif",
    "movie": "mov mp4 avi mkv webm m4v mxf",
    "sound": "wav mp3 m4a aac aif aiff ogg flac",
    "cache": "abc",
    "geometry": "bgeo obj fbx ply stl gltf glb geo sc drc",
    "volume": "vdb nvdb f3d bvx",
    "profile": "ies",
    "material": "mtlx mtl",
    "shader": "osl oso mdl glslfx glsl sl slo hlsl metal",
    "procedural": "ass rib vrscene ifd",
    "proxy": "rs vrmesh vrproxy",
    "lut": "cube 3dl csp spi1d spi3d lut look icc",
    "data": "json xml csv yaml yml splinenet",
    "script": "py hip hiplc hipnc",
    "text": "txt md",
    "font": "ttf otf ttc",
    "library": "hda otl",
}
_KINDS: dict[str, Kind] = {extension: kind for kind, names in _BY_KIND.items() for extension in names.split()}


def kind_of(path: str) -> Kind:
    """Return what a file is by its extension; "other" where that says nothing."""
    return _KINDS.get(path.rpartition(".")[2].rstrip("]").lower(), "other")
