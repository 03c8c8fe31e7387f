"""Where a Maya scene renders to, layer by layer, as values for a submission.

https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-F6C6AE73-F484-4534-B992-2E599D4AE91E.htm: a name without tokens gets a
folder for each layer and each camera, unless there is one alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from conductor_core.discovery.finding import Facts
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_frames import scene_range
from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.maya_project import rules_text
from conductor_core.discovery.maya_scene import MayaScene
from conductor_core.discovery.place import absolute
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Parameter, Software

#: `imageFormat` of the render settings; 51 is the renderer's own, told by `imfPluginKey`
_FORMATS = {
    0: "gif",
    3: "tif",
    4: "tif",
    5: "sgi",
    7: "iff",
    8: "jpg",
    13: "sgi",
    19: "tga",
    20: "bmp",
    31: "psd",
    32: "png",
    36: "dds",
}
_FORMATS |= {40: "exr", 51: "exr"}
#: `imageFormat` of redshiftOptions
_REDSHIFT_FORMATS = {0: "iff", 1: "exr", 2: "png", 3: "tga", 4: "jpg", 5: "tif"}
#: `periodInExt`: what stands before the number of a frame
_BEFORE_NUMBER = {0: "", 1: ".", 2: "_"}
_LONG_EXTENSION = {"jpeg": "jpg", "tiff": "tif", "deepexr": "exr", "targa": "tga", "openexr": "exr"}
_TOKEN = re.compile(r"<(\w+)>|%(\w)")
#: the cameras that every scene has; rendered only when somebody has said so
_VERSION = re.compile(r"\d{4}(?:\.\d+)*")


def facts(ask: MayaAsk) -> Facts:
    """Return what a submission of the scene needs to know."""
    scene = ask.scene
    version = _VERSION.search(scene.file_info.get("version", "")) or _VERSION.search(scene.version)
    text = version[0] if version else scene.version
    project = _project(ask)
    steps = tuple(_step(layer, ask, project) for layer in _layers(scene))
    return Facts(Software("maya", text), frames=scene_range(scene), steps=steps, saved_by=text)


def _layers(scene: MayaScene) -> list[MayaNode]:
    layers = [n for n in scene.of_type("renderLayer") if not re.search(r":|defaultRenderLayer\d", n.name)]
    return layers or [MayaNode("renderLayer", "defaultRenderLayer")]


def _project(ask: MayaAsk) -> dict[str, Parameter]:
    """Return what an instance needs to set the scene's project: it has the job's files, and no workspace.mel."""
    project = ask.places.project
    rules = rules_text(project)
    return {"project": project.root, **({"project_rules": rules} if rules else {})} if project.root else {}


def _step(layer: MayaNode, ask: MayaAsk, project: Mapping[str, Parameter]) -> SceneStep:
    cameras = _cameras(ask.scene)
    parameters: dict[str, Parameter] = {"layer": layer.name, "renderer": _renderer(ask.scene), **project}
    if cameras:
        parameters["camera"] = cameras[0] if len(cameras) == 1 else ",".join(cameras)
    name = layer_name(layer.name)
    outputs = tuple(Output(_path(ask, name, camera)) for camera in cameras or [""])
    enabled = bool(layer.number("renderable", 1))
    # a scene that refers to others may have its cameras there
    problem = "" if cameras or ask.scene.references else "has no camera that is rendered"
    return SceneStep(name, tuple(dict.fromkeys(outputs)), parameters, enabled=enabled, problem=problem)


def layer_name(node: str) -> str:
    """Return a layer's name as artists see it: `masterLayer`, and without the `rs_` of render setup."""
    if node == "defaultRenderLayer":
        return "masterLayer"
    return node[3:] if node.startswith("rs_") else node


def _cameras(scene: MayaScene) -> list[str]:
    """Return the cameras that are rendered; a camera is, unless its file says no (`.rnd`).

    Where the file has none at all, Maya makes those that every scene has, of which `persp` is rendered.
    """
    if not scene.of_type("camera") and not scene.references:
        return ["perspShape"]
    return [camera.name for camera in scene.of_type("camera") if camera.number("renderable", 1)]


def _shown(scene: MayaScene, camera: str) -> str:
    """Return a camera as names of files have it: its transform, as far as that is known."""
    node = next((node for node in scene.of_type("camera") if node.name == camera), None)
    return ((node.parent if node else "") or camera.rpartition("|")[2].replace("Shape", "")).replace(":", "_")


def _renderer(scene: MayaScene) -> str:
    settings = next(iter(scene.of_type("renderGlobals")), None)
    return (settings.text("currentRenderer") if settings else "") or "mayaSoftware"


def _prefix(scene: MayaScene) -> str:
    settings = next(iter(scene.of_type("renderGlobals")), None)
    vray = next(iter(scene.of_type("VRaySettingsNode")), None)
    own = vray.text("fileNamePrefix") if vray is not None and _renderer(scene) == "vray" else ""
    return own or (settings.text("imageFilePrefix") if settings else "")


def _extension(scene: MayaScene) -> str:
    settings = next(iter(scene.of_type("renderGlobals")), None)
    renderer = _renderer(scene)
    if renderer == "arnold":
        driver = next((n for n in scene.of_type("aiAOVDriver") if n.name == "defaultArnoldDriver"), None)
        word = (driver.text("aiTranslator") if driver else "") or "exr"
    elif renderer == "vray":
        vray = next(iter(scene.of_type("VRaySettingsNode")), None)
        word = ((vray.text("imageFormatStr") if vray else "") or "png").split(" ")[0]
    elif renderer == "redshift":
        options = next(iter(scene.of_type("RedshiftOptions")), None)
        word = _REDSHIFT_FORMATS.get(round(options.number("imageFormat", 1)) if options else 1, "exr")
    else:
        number = round(settings.number("imageFormat", 7)) if settings else 7
        word = (settings.text("imfPluginKey") if settings and number == 51 else "") or _FORMATS.get(number, "iff")
    return _LONG_EXTENSION.get(word, word)


#: of RenderMan, where nobody has set them: as it stores them itself in each scene (rmanGlobals)
_RENDERMAN_FOLDER = "<ws>/images/<scene>_v<version>_t<take>"
_RENDERMAN_NAME = "<scene>_<layer>_<camera>_<aov>.<f4>.<ext>"
_RENDERMAN_TOKEN = re.compile(r"<(\w+)>")


def _renderman_path(ask: MayaAsk, layer: str, camera: str) -> str:
    """Return where RenderMan writes its beauty, which goes by none of Maya's own settings.

    https://rmanwiki.pixar.com/display/RFM23/String+tokens+in+RfM
    """
    settings = next(iter(ask.scene.of_type("rmanGlobals")), MayaNode("rmanGlobals", "rmanGlobals"))
    root = ask.places.project.root or os.path.dirname(ask.places.file)
    values = {
        "ws": root.replace("\\", "/").rstrip("/"),
        "scene": os.path.splitext(os.path.basename(ask.places.file))[0],
        "layer": layer,
        "camera": camera.rpartition("|")[2].replace(":", "_"),
        "aov": "beauty",
        "aovdir": "beauty",
        "version": str(int(settings.number("version", 1))),
        "take": str(int(settings.number("take", 1))),
        "ext": "exr",
        "frame": "#",
        "f": "#",
    }
    values |= {f"f{digits}": "#" * digits for digits in range(1, 10)}
    folder, name = settings.text("imageOutputDir") or _RENDERMAN_FOLDER, settings.text("imageFileFormat") or _RENDERMAN_NAME
    values["imagedir"] = folder = _RENDERMAN_TOKEN.sub(lambda m: values.get(m[1], m[0]), folder)
    return absolute(f"{folder}/{_RENDERMAN_TOKEN.sub(lambda m: values.get(m[1], m[0]), name)}", root)


def _path(ask: MayaAsk, layer: str, camera: str) -> str:
    scene = ask.scene
    if _renderer(scene) == "renderman":
        return _renderman_path(ask, layer, camera)
    stem = os.path.splitext(os.path.basename(ask.places.file))[0]
    name = _shown(scene, camera)
    values = {"scene": stem, "renderlayer": layer, "layer": layer, "camera": name, "extension": _extension(scene)}
    values |= {"renderpass": "beauty", "renderpasstype": "beauty", "s": stem, "l": layer, "c": name}
    text = _TOKEN.sub(lambda m: values.get((m[1] or m[2]).lower(), m[0]), _with_folders(scene)).replace("#", "")
    base = ask.places.project.folder("images") or os.path.dirname(ask.places.file)
    return absolute(_numbered(scene, text, values["extension"]), base)


def _with_folders(scene: MayaScene) -> str:
    """Return the prefix with the folders that Maya adds where it has no token."""
    prefix = _prefix(scene)
    if _TOKEN.search(prefix):
        return prefix
    folders = ["<RenderLayer>"] if len(_layers(scene)) > 1 else []
    folders += ["<Camera>"] if len(_cameras(scene)) > 1 else []
    return "/".join([*folders, prefix or "<Scene>"])


def _numbered(scene: MayaScene, name: str, extension: str) -> str:
    """Return a name with the number of the frame where the render settings have it ("Frame/Animation ext").

    https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/Nodes/renderGlobals.html; V-Ray has one form of its own
    (https://docs.chaos.com/display/VMAYA/Common+Tab).
    """
    settings = next(iter(scene.of_type("renderGlobals")), None)
    number = "#" * _padding(scene, settings)
    if settings is None or not settings.number("animation"):
        return f"{name}.{number}.{extension}" if _renderer(scene) == "arnold" else f"{name}.{extension}"
    if _renderer(scene) == "vray":
        return f"{name}.{number}.{extension}"
    before = _BEFORE_NUMBER.get(round(settings.number("periodInExt", 1)), ".")
    if round(settings.number("outFormatControl")) == 1:
        return f"{name}{before}{number}"
    return f"{name}{before}{number}.{extension}" if settings.number("putFrameBeforeExt") else f"{name}.{extension}.{number}"


def _padding(scene: MayaScene, settings: MayaNode | None) -> int:
    """Return how many digits the number of a frame has at least: what somebody has set, else what the renderer takes."""
    if settings is not None and settings.text("extensionPadding"):
        return max(1, round(settings.number("extensionPadding", 1)))
    return 1 if settings is not None and _renderer(scene) == "mayaSoftware" else 4
