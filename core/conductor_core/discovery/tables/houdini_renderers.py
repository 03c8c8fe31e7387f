"""Nodes that renderers bring to Houdini: Arnold, Redshift, V-Ray, RenderMan, Octane."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node

_ARNOLD = "https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_houdini_html"
_REDSHIFT = "https://help.maxon.net/r3d/houdini/en-us/"
_VRAY = "https://documentation.chaos.com/space/VRHOUDINI"
_RENDERMAN = "https://rmanwiki-26.pixar.com/space/RFH26"
_OCTANE = "https://docs.otoy.com/houdini/"
_3DELIGHT = "https://gitlab.com/3Delight/3delight-for-houdini"
_MANTRA = "https://www.sidefx.com/docs/houdini/nodes/vop/principledshader.html"

_ROWS: tuple[tuple[str, str, tuple[str, ...], Kind], ...] = (
    (_ARNOLD, "arnold::image", ("filename",), "texture"),
    (_ARNOLD, "arnold::ptex", ("filename",), "texture"),
    (_ARNOLD, "arnold::osl", ("shadername", "filename"), "shader"),
    (_ARNOLD, "arnold::photometric_light", ("filename",), "profile"),
    (_ARNOLD, "arnold::cache", ("filename",), "other"),
    (_ARNOLD, "arnold::materialx", ("filename",), "material"),
    (_ARNOLD, "arnold::include_graph", ("filename",), "procedural"),
    (_ARNOLD, "arnold_light", ("ar_filename", "ar_photometric_filename"), "profile"),
    (_ARNOLD, "arnold_procedural", ("ar_filename", "filename"), "procedural"),
    (_ARNOLD, "arnold_include", ("ar_filename", "filename"), "procedural"),
    (_ARNOLD, "arnold_alembic", ("ar_filename", "filename"), "cache"),
    (_ARNOLD, "arnold_asstoc", ("ass_file",), "procedural"),
    (_ARNOLD, "arnold_usd", ("ar_filename", "filename"), "layer"),
    (_ARNOLD, "arnold_volume", ("ar_filename", "filename"), "volume"),
    (_REDSHIFT, "redshift::TextureSampler", ("tex0", "tex#"), "texture"),
    (_REDSHIFT, "redshift::NormalMap", ("tex0",), "texture"),
    (_REDSHIFT, "redshift::Sprite", ("tex0",), "texture"),
    (_REDSHIFT, "redshift::RSEnvironment", ("tex#",), "texture"),
    (_REDSHIFT, "redshift::rsOSL", ("RS_osl_file", "osl_file"), "shader"),
    (_REDSHIFT, "redshift::OSL", ("RS_osl_file", "osl_file"), "shader"),
    (_REDSHIFT, "redshift::MaterialX", ("filename",), "material"),
    (_REDSHIFT, "rslight", ("TextureSampler#_tex#", "tex0", "RSL_texture"), "texture"),
    (_REDSHIFT, "rslightdome", ("env_map", "background_map", "tex0"), "texture"),
    (_REDSHIFT, "rslighties", ("RSL_iesProfile",), "profile"),
    (_REDSHIFT, "rslightportal", ("tex0",), "texture"),
    (_REDSHIFT, "redshift_proxySOP", ("RS_proxy_file",), "proxy"),
    (_REDSHIFT, "redshift_packedProxySOP", ("RS_proxy_file",), "proxy"),
    (_REDSHIFT, "redshift_volumeSOP", ("RS_volume_file", "file"), "volume"),
    (_REDSHIFT, "cam", ("RS_campro_dofBokehImage", "RS_campro_lensDistortionImage", "RS_campro_LUTFile"), "image"),
    (_REDSHIFT, "Redshift_ROP", ("RS_postFx_LUTFile", "RS_LUTFile"), "lut"),
    (_VRAY, "VRayNodeMetaImageFile", ("BitmapBuffer_file",), "texture"),
    (_VRAY, "VRayNodeBitmapBuffer", ("file",), "texture"),
    (_VRAY, "VRayNodeTexPtex", ("ptex_file",), "texture"),
    (_VRAY, "VRayNodeTexOSL", ("osl_file", "file"), "shader"),
    (_VRAY, "VRayNodeMtlOSL", ("osl_file", "file"), "shader"),
    (_VRAY, "VRayNodeMtlVRmat", ("filename",), "material"),
    (_VRAY, "VRayNodeMtlMaterialX", ("file",), "material"),
    (_VRAY, "VRayNodeLightIES", ("ies_file",), "profile"),
    (_VRAY, "VRayNodeVRayProxy", ("file",), "proxy"),
    (_VRAY, "VRayNodeVRayScene", ("filepath",), "procedural"),
    (_VRAY, "VRayNodeVRayVolumeGridRef", ("cache_path",), "volume"),
    (_VRAY, "VRayNodePhxShaderCache", ("cache_path",), "volume"),
    (_VRAY, "vray_proxy", ("file",), "proxy"),
    (_RENDERMAN, "pxrtexture", ("filename",), "texture"),
    (_RENDERMAN, "pxrptexture", ("filename",), "texture"),
    (_RENDERMAN, "pxrmultitexture", ("filename#",), "texture"),
    (_RENDERMAN, "pxrnormalmap", ("filename",), "texture"),
    (_RENDERMAN, "pxrbump", ("filename",), "texture"),
    (_RENDERMAN, "pxrlayeredtexture", ("filename",), "texture"),
    (_RENDERMAN, "pxrdomelight", ("lightColorMap",), "texture"),
    (_RENDERMAN, "pxrrectlight", ("lightColorMap",), "texture"),
    (_RENDERMAN, "pxrrectlight", ("iesProfile",), "profile"),
    (_RENDERMAN, "pxrspherelight", ("iesProfile",), "profile"),
    (_RENDERMAN, "pxrdisklight", ("iesProfile",), "profile"),
    (_RENDERMAN, "pxrosl", ("oslCode", "shadername"), "shader"),
    (_RENDERMAN, "ribarchive", ("filename",), "procedural"),
    (_OCTANE, "NT_TEX_IMAGE", ("A_FILENAME",), "texture"),
    (_OCTANE, "NT_TEX_FLOATIMAGE", ("A_FILENAME",), "texture"),
    (_OCTANE, "NT_TEX_ALPHAIMAGE", ("A_FILENAME",), "texture"),
    (_OCTANE, "octane_proxy", ("filename",), "proxy"),
)
_OUTPUTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        _ARNOLD,
        "arnold",
        ("ar_picture", "ar_ass_file", "ar_log_file", "ar_stats_file", "ar_profile_file", "ar_aov_separate_file#", "ar_deep_file"),
    ),
    (_REDSHIFT, "Redshift_ROP", ("RS_outputFileNamePrefix", "RS_archive_file", "RS_aovCustomPrefix_#")),
    (_REDSHIFT, "Redshift_Proxy_Output", ("RS_archive_file",)),
    (
        _VRAY,
        "vray_renderer",
        ("SettingsOutput_img_file_path", "render_export_filepath", "OutputDeepWriter_file", "SettingsVFB_file"),
    ),
    (_VRAY, "vray_renderer", ("BakeView_img_file_path",)),
    (_RENDERMAN, "ris", ("ri_display_#", "ri_display", "soho_diskfile", "rib_statsfile")),
    (_RENDERMAN, "rib", ("ri_display_#", "ri_display", "soho_diskfile")),
    (_3DELIGHT, "3Delight", ("default_image_filename", "default_export_nsi_filename")),
    (_OCTANE, "Octane_ROP", ("HO_img_fileName", "HO_xmlFile", "HO_orbxFile")),
)
for _source, _type, _attributes, _kind in _ROWS:
    files("houdini", _type, *_attributes, kind=_kind, source=_source)
for _source, _type, _attributes in _OUTPUTS:
    files("houdini", _type, *_attributes, kind="other", role="write", source=_source)


@reads_node("houdini", "principledshader", "mantrasurface", "classicshader", source=_MANTRA)
def textures_with_switch(node: Node, ask: Ask) -> Iterator[Finding]:
    """Shaders of Mantra and Karma: `basecolor_texture` counts when `basecolor_useTexture` is on."""
    names = tuple(node.attributes())
    for attribute in names:
        if not attribute.endswith(("_texture", "_map")):
            continue
        switch = attribute.rpartition("_")[0] + "_useTexture"
        if switch in names and not node.number(switch):
            yield from ask.ignore(node, attribute, f"{switch} is off")
        else:
            yield from ask.read(node, attribute, "texture")


@reads_node("houdini", "vray_renderer", source=_VRAY)
def vray_maps(node: Node, ask: Ask) -> Iterator[Finding]:
    """V-Ray reads an irradiance map or light cache only in the mode From File."""
    for attribute, mode in (
        ("SettingsIrradianceMap_file", "SettingsIrradianceMap_mode"),
        ("SettingsLightCache_file", "SettingsLightCache_mode"),
        ("SettingsCaustics_file", "SettingsCaustics_mode"),
    ):
        if node.text(mode) in ("2", "from_file", "fromfile"):
            yield from ask.read(node, attribute, "cache")
        else:
            yield from ask.ignore(node, attribute, f"{mode} does not read it")
    for attribute in (
        "SettingsIrradianceMap_auto_save_file",
        "SettingsLightCache_auto_save_file",
        "SettingsCaustics_auto_save_file",
    ):
        yield from ask.write(node, attribute)


@reads_node("houdini", "geo", source=_REDSHIFT)
def redshift_object(node: Node, ask: Ask) -> Iterator[Finding]:
    """An object is a Redshift proxy when its switch is on."""
    if node.number("RS_objprop_proxy_enable"):
        yield from ask.read(node, "RS_objprop_proxy_file", "proxy")
    else:
        yield from ask.ignore(node, "RS_objprop_proxy_file", "the object's Redshift proxy is off")


@reads_node("houdini", "arnold_light", source=_ARNOLD)
def arnold_light(node: Node, ask: Ask) -> Iterator[Finding]:
    """A light has a texture when its Color Type says so; otherwise the name is left over."""
    if node.text("ar_light_color_type") in ("color", "shader", "0", "2"):
        yield from ask.ignore(node, "ar_light_color_texture", "the light's Color Type is not Texture")
    else:
        yield from ask.read(node, "ar_light_color_texture", "texture")


@reads_node("houdini", "Redshift_ROP", source=_REDSHIFT)
def redshift_maps(node: Node, ask: Ask) -> Iterator[Finding]:
    """Redshift reads its irradiance and photon maps in the mode Load, and writes them in the others that name a file."""
    for stem in ("IrradiancePointCloud", "IrradianceCache", "Photon", "SubsurfaceScattering"):
        mode = node.text(f"{stem}Mode").lower()
        if mode == "1" or "load" in mode:
            yield from ask.read(node, f"{stem}Filename", "cache")
        else:
            yield from ask.write(node, f"{stem}Filename")
