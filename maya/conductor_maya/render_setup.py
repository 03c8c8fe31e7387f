"""Set the open scene up for one step: its layer, its cameras, and files where the job expects them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from conductor_core.discovery.maya_outputs import facts, layer_name
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.sequences import frame_path, has_frame_token, output_folder
from conductor_core.submission import Output, Step
from conductor_plugins.frame_server.errors import SceneNotRenderable

from conductor_maya.attributes import Log, number, set_number, set_word, there_is, word
from conductor_maya.live_scene import LiveScene, ask_of
from conductor_maya.opening import text_list
from conductor_maya.renderers import Engine, Shot, engine, set_frame, show_only
from maya import cmds

_GLOBALS = "defaultRenderGlobals"
_HASHES = re.compile(r"#+")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scene that is ready for frames of one step."""

    engine: Engine
    layer: str
    #: transforms
    cameras: tuple[str, ...]
    outputs: tuple[Output, ...]
    #: each camera writes to the output of its number, whatever the scene says; else where the scene says
    placed: bool
    log: Log

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the folders that files may be written to."""
        places = (output_folder(ClientPath.parse(o.path, local_flavour())).text for o in self.outputs)
        return tuple(dict.fromkeys(places))

    def files(self, frame: int) -> tuple[str, ...]:
        """Return the files that a frame must have."""
        return tuple(dict.fromkeys(frame_path(o.path, frame) for o in self.outputs))

    def shots(self) -> tuple[Shot, ...]:
        """Return the pictures of a frame."""
        if not self.cameras or not (self.engine.each_camera or self.placed):
            return (Shot(self.layer, ""),)
        return tuple(Shot(self.layer, camera) for camera in self.cameras)

    def outputs_of(self, shot: Shot) -> tuple[Output, ...]:
        """Return what a picture writes: the output of its camera's number where each has its own."""
        if shot.camera not in self.cameras or len(self.outputs) != len(self.cameras):
            return self.outputs
        return (self.outputs[self.cameras.index(shot.camera)],)

    def render(self, shot: Shot, frame: int) -> None:
        """Render one picture."""
        outputs = self.outputs_of(shot)
        if self.placed and outputs:
            _place(outputs[0].path, self.log)
            if not self.engine.each_camera and shot.camera:
                show_only(shot.camera)
        set_frame(frame)
        self.engine.render(shot, frame)


def prepare(step: Step, scene_file: str, log: Log) -> Prepared:
    """Return the scene made ready for a step.

    Parameters: `layer` (name of the node), `renderer`, `camera` (names, with commas between them); without one, as the scene says.

    Raises:
        SceneNotRenderable: something that the step names is not in the scene, or its renderer is not on this machine.
    """
    layer = _only_layer(str(step.parameters.get("layer") or ""), scene_file, log)
    name = str(step.parameters.get("renderer") or word(_GLOBALS, "currentRenderer") or "mayaSoftware")
    renderer = engine(name)
    _load_plug_in(renderer.plug_in, name, scene_file)
    set_word(_GLOBALS, "currentRenderer", name, log)
    cameras = _only_cameras(str(step.parameters.get("camera") or ""), scene_file, log)
    renderer.prepare(log)
    outputs, placed = step.outputs, False
    own = _own_outputs(layer)
    if step.outputs and tuple(o.path for o in own) != tuple(o.path for o in step.outputs):
        said = ", ".join(o.path for o in own) or "nothing that is known"
        log(f"output: {', '.join(o.path for o in step.outputs)} (the scene says {said})")
        placed = True
    # its tokens for cameras and layers are its own, so it is always told
    placed = placed or name == "renderman"
    if not (outputs or own):
        raise SceneNotRenderable(scene_file, f"nobody can tell where {layer} writes", "Name its output when you submit it.")
    for output in (outputs or own)[:1]:
        _pad(os.path.basename(output.path), log)
    set_number(_GLOBALS, "byFrameStep", 1, log)
    if number(_GLOBALS, "modifyExtension"):
        set_number(_GLOBALS, "modifyExtension", 0, log)
        log("each file has the number of its own frame, however the render settings renumber them")
    for node in (_GLOBALS, "redshiftOptions"):
        if number(node, "skipExistingFrames"):
            set_number(node, "skipExistingFrames", 0, log)
            log("frames that are there are rendered anew: the job has asked for them")
    return Prepared(renderer, layer, cameras, outputs or own, placed, log)


def _own_outputs(layer: str) -> tuple[Output, ...]:
    """Return where the scene itself writes, by the same rules as when it was submitted."""
    steps = facts(ask_of(LiveScene())).steps
    return next((step.outputs for step in steps if step.name == layer_name(layer)), ())


def _only_layer(name: str, scene_file: str, log: Log) -> str:
    """Make one layer the current and the only one that is rendered; return its node.

    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/editRenderLayerGlobals.html
    """
    layers = text_list(cmds.ls(type="renderLayer"))
    wanted = name or str(cmds.editRenderLayerGlobals(query=True, currentRenderLayer=True) or "defaultRenderLayer")
    found = next((layer for layer in layers if wanted in (layer, layer_name(layer))), "")
    if not found and wanted != "defaultRenderLayer":
        names = ", ".join(layer_name(layer) for layer in layers)
        raise SceneNotRenderable(scene_file, f'it has no render layer "{wanted}", only {names}', "Submit it again.")
    if not found:
        return wanted
    cmds.editRenderLayerGlobals(currentRenderLayer=found)
    for layer in layers:
        set_number(layer, "renderable", int(layer == found), log)
    return found


def _only_cameras(names: str, scene_file: str, log: Log) -> tuple[str, ...]:
    """Make the cameras that are named the only ones that are rendered; return the transforms of all that are."""
    shapes = text_list(cmds.ls(cameras=True))
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    chosen: list[str] = []
    for name in wanted:
        shape = next((s for s in shapes if name in (s, s.rpartition("|")[2], _transform(s))), "")
        if not shape:
            raise SceneNotRenderable(scene_file, f'it has no camera "{name}"', "Submit it again.")
        chosen.append(shape)
    if wanted:
        for shape in shapes:
            set_number(shape, "renderable", int(shape in chosen), log)
    else:
        chosen = [shape for shape in shapes if cmds.getAttr(f"{shape}.renderable")]
    if not chosen:
        raise SceneNotRenderable(scene_file, "it has no camera that is rendered", "Make one renderable and submit again.")
    return tuple(_transform(shape) for shape in chosen)


def _transform(shape: str) -> str:
    """Return a camera's transform, by the shortest name that is its own: renderers know cameras by that."""
    return next(iter(text_list(cmds.listRelatives(shape, parent=True, path=True))), shape)


def _load_plug_in(plug_in: str, renderer: str, scene_file: str) -> None:
    if not plug_in or cmds.pluginInfo(plug_in, query=True, loaded=True):
        return
    try:
        cmds.loadPlugin(plug_in, quiet=True)
    except RuntimeError as exc:
        reason = f"it renders with {renderer}, and the plug-in {plug_in} cannot be loaded here ({' '.join(str(exc).split())})"
        raise SceneNotRenderable(scene_file, reason, "Ask for it among the job's plug-ins, or have it installed.") from exc


#: `periodInExt`: a dot or an underscore before the number
_SEPARATORS = {".": 1, "_": 2}


def _place(path: str, log: Log) -> None:
    """Have the scene write to a path: its folder as the project's folder of images, its name as the prefix.

    A name without a token would get folders for layers and cameras, so it stands in the version label, which a token names
    (https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-F6C6AE73-F484-4534-B992-2E599D4AE91E.htm, "Version label").
    """
    folder, name = os.path.split(path.replace("\\", "/"))
    stem, extension = os.path.splitext(name)
    cmds.workspace(fileRule=("images", folder))
    hashes: Sequence[str] = _HASHES.findall(stem)
    prefix = _HASHES.sub("", stem)
    before = _SEPARATORS.get(prefix[-1:], 0) if hashes else 0
    prefix = prefix[:-1] if before else prefix
    set_word(_GLOBALS, "renderVersion", prefix, log)
    set_word(_GLOBALS, "imageFilePrefix", "<Version>", log)
    if word("redshiftOptions", "imageFilePrefix"):  # by which some versions go instead
        set_word("redshiftOptions", "imageFilePrefix", f"{folder}/{prefix}", log)
    if there_is("vraySettings", "fileNamePrefix"):
        set_word("vraySettings", "fileNamePrefix", prefix, log)
    set_word("rmanGlobals", "imageOutputDir", folder, log)
    set_word("rmanGlobals", "imageFileFormat", _renderman_name(stem), log)
    set_number(_GLOBALS, "animation", int(has_frame_token(name)), log)
    if hashes:
        set_number(_GLOBALS, "putFrameBeforeExt", 1, log)
        set_number(_GLOBALS, "periodInExt", before, log)
        set_number(_GLOBALS, "outFormatControl", 0, log)
    _pad(name, log)
    set_extension(extension.lower().lstrip("."), log)


def _renderman_name(stem: str) -> str:
    """Return a name as RenderMan takes it: its passes in folders of their own, of which the beauty is put in place.

    https://rmanwiki.pixar.com/display/RFM23/String+tokens+in+RfM
    """
    return f"<aov>/{_HASHES.sub(lambda m: f'<f{len(m[0])}>', stem)}.<ext>"


def _pad(name: str, log: Log) -> None:
    """Have numbers of frames as many digits as a file's name has, whatever a renderer takes where nobody has set it."""
    if hashes := _HASHES.findall(name):
        set_number(_GLOBALS, "extensionPadding", len(hashes[-1]), log)
        set_number("vraySettings", "fileNamePadding", len(hashes[-1]), log)


#: `imageFormat` of Maya's own renderers: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/renderGlobals.html
_FORMATS = {"gif": 0, "tif": 3, "sgi": 5, "iff": 7, "jpg": 8, "tga": 19, "bmp": 20, "png": 32, "exr": 40}
#: `imageFormat` of redshiftOptions
_REDSHIFT_FORMATS = {"iff": 0, "exr": 1, "png": 2, "tga": 3, "jpg": 4, "tif": 5}
#: names of Arnold's drivers
_DRIVERS = {"jpg": "jpeg"}


def set_extension(extension: str, log: Log) -> None:
    """Have each renderer that the scene has settings of write the format of an extension; one that is not known stays as it is."""
    if extension in _FORMATS and word(_GLOBALS, "currentRenderer").startswith("maya"):
        set_number(_GLOBALS, "imageFormat", _FORMATS[extension], log)
    if extension in _REDSHIFT_FORMATS:
        set_number("redshiftOptions", "imageFormat", _REDSHIFT_FORMATS[extension], log)
    set_word("defaultArnoldDriver", "aiTranslator", _DRIVERS.get(extension, extension), log)
    if not word("vraySettings", "imageFormatStr").startswith(extension):
        set_word("vraySettings", "imageFormatStr", extension, log)
