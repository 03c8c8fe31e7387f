"""The outputs of scenes as the report tells them, and as steps of a submission."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.blender_outputs import pixels
from conductor_core.discovery.finding import Finding
from conductor_core.formats.blend.output_paths import MULTIVIEW, scene_outputs
from conductor_core.formats.blend.reading import Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import reads_datablock
from conductor_core.host import SceneStep
from conductor_core.report import ScanOutput, Unresolved
from conductor_core.submission import Output

_API = "https://docs.blender.org/api/current/bpy.types."
#: `RenderData.mode`; `Object.type`; `RenderData.scemode`
_BORDER, _CROP, _CAMERA, _SEQUENCER = 1 << 9, 1 << 11, 11, 1 << 0
#: `ViewLayer.flag`, `.passflag`
_RENDERED, _COMBINED = 1 << 0, 1 << 0


@reads_datablock(b"SC", source=f"{_API}RenderSettings.html")
def outputs(reading: Reading, scene: Record) -> Iterator[Finding]:
    """Yield where a scene writes, and the paths that look like it but only matter to baking."""
    for found in scene_outputs(reading, scene):
        if not found.slot.text:
            continue
        referrer = reading.referrer(found.slot)
        if reading.linked is not None:
            yield from reading.ignore(found.slot, "the scene is linked: it is not the one that renders")
        elif found.active and not found.path:
            yield Unresolved(found.slot.text, referrer, "Blender cannot read the templates in it")
        elif found.active:
            yield ScanOutput(found.slot.text, found.path, referrer)
        else:
            yield from reading.ignore(found.slot, "this scene does not write it: muted, or its compositing is off")
    render = scene.part("r")
    bake = render.part("bake") if render is not None else None
    if bake is not None and bake.text("filepath") not in ("", "//"):
        slot = Slot(scene.owner, bake.text("filepath"), "filepath", " bake")
        yield from reading.ignore(slot, "baking writes there, rendering does not")


def step(reading: Reading, scene: Record, *, active: bool) -> SceneStep:
    """Return a scene as a step; which view layer and camera are the scene's own choice unless a submission says."""
    parameters = {"scene": scene.owner.name, "view_layer": "", "camera": ""}
    problem = "has no camera" if _lacks_camera(reading, scene) else ""
    return SceneStep(scene.owner.name, _as_outputs(reading, scene), parameters, enabled=active, problem=problem)


def _as_outputs(reading: Reading, scene: Record) -> tuple[Output, ...]:
    width, height = (0, 0) if _side_by_side(scene) else _size(scene)
    found = []
    for one in scene_outputs(reading, scene):
        if not one.active or not one.path:
            continue
        if one.kind == "movie":
            found.append(Output(one.path, "movie"))
        elif one.is_render:
            found.append(Output(one.path, "image", width, height, _layers(scene) if one.multilayer else ()))
        else:
            found.append(Output(one.path))
    return tuple(found)


def _layers(scene: Record) -> tuple[str, ...]:
    """Return the layers that a multilayer file is sure to have: the combined pass of each view layer."""
    rendered = (la for la in scene.listed("view_layers") if la.number("flag") & _RENDERED and la.number("passflag") & _COMBINED)
    return tuple(f"{layer.text('name')}.Combined" for layer in rendered)


def _size(scene: Record) -> tuple[int, int]:
    """Return width and height of a scene's frames in pixels; a damaged file may say what is less than nothing."""
    render = scene.part("r")
    if render is None:
        return 0, 0
    border, crop = render.part("border"), None
    if border is not None and render.number("mode") & _BORDER and render.number("mode") & _CROP:
        crop = (border.real("xmin"), border.real("xmax")), (border.real("ymin"), border.real("ymax"))
    width, height = pixels((render.number("xsch"), render.number("ysch")), render.number("size", 100), crop)
    return max(width, 0), max(height, 0)


def _side_by_side(scene: Record) -> bool:
    render = scene.part("r")
    settings = render.part("im_format") if render else None
    return bool(render and settings and render.number("scemode") & MULTIVIEW and settings.number("views_format") == 1)


def _lacks_camera(reading: Reading, scene: Record) -> bool:
    """Tell whether a scene has no camera and needs one: the sequencer makes pictures without (`RE_is_rendering_allowed`).

    Any camera of the file, or any linked object, may be the scene's.
    """
    if scene.points("camera") or any(thing.number("type") == _CAMERA for thing in reading.heads(b"OB")):
        return False
    if any(d.code == b"ID" and d.full_name.startswith(("OB", "GR")) for d in reading.blend.datablocks):
        return False
    render, editor = scene.part("r"), scene.follow("ed")
    sequenced = bool(render and render.number("scemode") & _SEQUENCER and editor and any(True for _ in editor.listed("seqbase")))
    return not sequenced
