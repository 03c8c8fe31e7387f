"""Prims and shaders of USD whose attributes hold paths.

An attribute of type `asset` is a file whatever prim it is on; what stands here says what kind of file, and names the attributes that
hold a path as plain text, as some renderers have it. The type is that of the prim, or the `info:id` of a shader.
"""

from __future__ import annotations

from conductor_core.discovery.node import files

_SCHEMA = "https://openusd.org/release/api/"
_PREVIEW = "https://openusd.org/release/spec_usdpreviewsurface.html"
#: any Arnold node is a prim of its name in camel case, with the attributes of the node
_ARNOLD = "https://github.com/Autodesk/arnold-usd"
_RENDERMAN = "https://rmanwiki.pixar.com/display/REN/Patterns"
_MATERIALX = "https://materialx.org/Specification.html"

files("usd", "UsdUVTexture", "inputs:file", kind="texture", source=_PREVIEW)
for _light in ("DomeLight", "DomeLight_1", "RectLight", "PortalLight"):
    files("usd", _light, "inputs:texture:file", "texture:file", kind="texture", source=_SCHEMA + "class_usd_lux_dome_light.html")
for _light in ("SphereLight", "DiskLight", "RectLight", "CylinderLight", "DistantLight", "PluginLight", "GeometryLight"):
    files(
        "usd",
        _light,
        "inputs:shaping:ies:file",
        "shaping:ies:file",
        kind="profile",
        source=_SCHEMA + "class_usd_lux_shaping_a_p_i.html",
    )
files("usd", "OpenVDBAsset", "filePath", kind="volume", source=_SCHEMA + "class_usd_vol_open_v_d_b_asset.html")
files("usd", "Field3DAsset", "filePath", kind="volume", source=_SCHEMA + "class_usd_vol_field3_d_asset.html")
files("usd", "SpatialAudio", "filePath", kind="sound", source=_SCHEMA + "class_usd_media_spatial_audio.html")
files("usd", "RenderProduct", "productName", kind="image", role="write", source=_SCHEMA + "class_usd_render_product.html")

files("usd", "arnold:image", "inputs:filename", kind="texture", source=_ARNOLD)
files("usd", "arnold:photometric_light", "inputs:filename", kind="profile", source=_ARNOLD)
files("usd", "arnold:osl", "inputs:shadername", kind="shader", source=_ARNOLD)
files("usd", "ArnoldImage", "inputs:filename", "filename", kind="texture", source=_ARNOLD)
files("usd", "ArnoldPhotometricLight", "inputs:filename", "filename", kind="profile", source=_ARNOLD)
files("usd", "ArnoldAlembic", "arnold:filename", "filename", kind="cache", source=_ARNOLD)
files("usd", "ArnoldUsd", "arnold:filename", "filename", kind="layer", source=_ARNOLD)
files("usd", "ArnoldProcedural", "arnold:filename", "filename", kind="procedural", source=_ARNOLD)
files("usd", "ArnoldProceduralCustom", "arnold:filename", "filename", kind="procedural", source=_ARNOLD)
files("usd", "ArnoldIncludeGraph", "arnold:filename", "filename", kind="procedural", source=_ARNOLD)
files("usd", "ArnoldMaterialx", "arnold:filename", "filename", kind="material", source=_ARNOLD)
files("usd", "ArnoldVolume", "arnold:filename", "filename", kind="volume", source=_ARNOLD)
files("usd", "ArnoldColorManagerOcio", "arnold:config", "config", kind="ocio", source=_ARNOLD)
for _driver in ("ArnoldDriverExr", "ArnoldDriverJpeg", "ArnoldDriverPng", "ArnoldDriverTiff", "ArnoldDriverDeepexr"):
    files("usd", _driver, "arnold:filename", "filename", kind="image", role="write", source=_ARNOLD)

for _shader in ("PxrTexture", "PxrNormalMap", "PxrBump", "PxrPtexture", "PxrProjectionLayer"):
    files("usd", _shader, "inputs:filename", kind="texture", source=_RENDERMAN)
files("usd", "PxrMultiTexture", *(f"inputs:filename{i}" for i in range(10)), kind="texture", source=_RENDERMAN)
for _shader in ("PxrGobo", "PxrCookieLightFilter", "PxrGoboLightFilter"):
    files("usd", _shader, "inputs:map", "map", kind="texture", source=_RENDERMAN)
for _light in ("PxrDomeLight", "PxrRectLight", "PxrEnvDayLight", "PxrPortalLight"):
    files("usd", _light, "inputs:lightColorMap", "inputs:ri:light:lightColorMap", kind="texture", source=_RENDERMAN)
for _light in ("PxrDiskLight", "PxrRectLight", "PxrSphereLight", "PxrCylinderLight", "PxrDistantLight"):
    files("usd", _light, "inputs:iesProfile", "inputs:ri:light:iesProfile", kind="profile", source=_RENDERMAN)
for _kind in ("color3", "color4", "vector2", "vector3", "vector4", "float"):
    files("usd", f"ND_image_{_kind}", "inputs:file", kind="texture", source=_MATERIALX)
    files("usd", f"ND_tiledimage_{_kind}", "inputs:file", kind="texture", source=_MATERIALX)
