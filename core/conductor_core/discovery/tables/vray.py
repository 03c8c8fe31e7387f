"""V-Ray: which parameters of its plugins hold paths, as `.vrscene` files and every host's exporter name them.

Plugins and parameters: https://docs.chaos.com/pages/viewpage.action?pageId=9341391 (`plgparams NAME` lists them).
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node

PLUGINS = "https://docs.chaos.com/pages/viewpage.action?pageId=9341391"
FORMAT = "http://help.chaosgroup.com/vray/help/maya/sdk22/vrscene_format.html"

#: plugin, parameters, kind
READ: tuple[tuple[str, tuple[str, ...], Kind], ...] = (
    ("#include", ("file",), "procedural"),
    ("BitmapBuffer", ("file",), "texture"),
    ("BitmapVdb", ("file",), "volume"),
    ("TexPtex", ("ptex_file",), "texture"),
    ("TexLut", ("file",), "lut"),
    ("TexOCIO", ("ocio_config_file",), "ocio"),
    ("TexOSL", ("osl_file", "shader_file"), "shader"),
    ("MtlOSL", ("osl_file", "shader_file"), "shader"),
    ("MtlGLSL", ("shader_file",), "shader"),
    ("TexGLSL", ("shader_file",), "shader"),
    ("MtlMDL", ("filename",), "material"),
    ("MtlVRmat", ("filename",), "material"),
    ("MtlMaterialX", ("mtlx_file",), "material"),
    ("BRDFScanned", ("file",), "material"),
    ("GeomMeshFile", ("file",), "proxy"),
    ("GeomAlembicReader", ("file",), "cache"),
    ("GeomParticleReader", ("file",), "cache"),
    ("VRayScene", ("filepath",), "procedural"),
    ("GeomVRayScene", ("file",), "procedural"),
    ("VRayVolumeGridLoader", ("cache_path",), "volume"),
    ("PhxShaderCache", ("cache_path",), "volume"),
    ("LightIES", ("ies_file",), "profile"),
    ("LightIESMax", ("ies_file",), "profile"),
    ("CameraPhysical", ("lens_file",), "data"),
    ("SettingsCameraDome", ("file",), "data"),
    ("SettingsLensEffects", ("dirt_texture", "obstacle_image"), "texture"),
    ("EffectLens", ("obstacle_image_file",), "texture"),
    ("SettingsColorMapping", ("ocio_config",), "ocio"),
    ("SettingsColorManagement", ("ocio_config_file",), "ocio"),
    ("SettingsVFB", ("lut_file", "icc_profile", "ocio_config"), "lut"),
)

for _type, _parameters, _kind in READ:
    files("vray", _type, *_parameters, kind=_kind, source=FORMAT if _type == "#include" else PLUGINS)


@reads_node("vray", "SettingsOutput", source=PLUGINS)
def output(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the image, and that its folder is the first part of it."""
    yield from ask.write(node, "img_file")
    yield from ask.ignore(node, "img_dir", "the folder of the output")


@reads_node("vray", "SettingsIrradianceMap", "SettingsLightCache", "SettingsPhotonMap", "SettingsCaustics", source=PLUGINS)
def light_maps(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a map that lighting is read from, where its mode says so; the file that a render saves is an output."""
    from_file = {"SettingsIrradianceMap": (2, 7), "SettingsLightCache": (2,), "SettingsPhotonMap": (1,), "SettingsCaustics": (1,)}
    if int(node.number("mode")) in from_file[node.type]:
        yield from ask.read(node, "file", "cache")
    else:
        yield from ask.ignore(node, "file", "the mode of this light map reads no file")
    if node.number("auto_save"):
        yield from ask.write(node, "auto_save_file")
    else:
        yield from ask.ignore(node, "auto_save_file", "nothing is saved automatically")


@reads_node("vray", "RenderChannelCryptomatte", "RenderView", "SettingsEXR", "SettingsVFB", source=PLUGINS)
def not_paths(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that texts of these are layouts and options."""
    for name in ("vfb2_layers", "vfb2_layer_manager", "vfb_state"):
        yield from ask.ignore(node, name, "layers of the frame buffer, not read to render")
