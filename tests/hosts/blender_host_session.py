"""One session of an artist in Blender, asked as the panel asks; each chapter leaves what happened as JSON.

Run by an interpreter with bpy, or by a Blender: `python blender_host_session.py EXTENSION FOLDER ANSWER`. The promises are in
test_blender_host.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import pickle
import runpy
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

EXTENSION, FOLDER, ANSWER = (Path(a) for a in sys.argv[-3:])


def extension(module: str) -> Any:
    """Return a module of the extension."""
    return importlib.import_module(f"conductor_blender.{module}")


def picture(path: Path) -> None:
    """Write a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new("made", 4, 4)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def textured(name: str, path: str) -> Any:
    """Add an object whose material shows an image that stands in the scene by this path."""
    image = bpy.data.images.new(name, 4, 4)
    image.source, image.filepath = "FILE", path
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image
    mesh = bpy.data.meshes.new(name)
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def fresh(name: str, textures: int = 3) -> Path:
    """Begin a scene of its own, saved, with textures in a folder beside it; return its path."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = FOLDER / name / "shot.blend"
    picture(scene.parent / "tex" / "t0.png")
    for number in range(1, textures):
        shutil.copyfile(scene.parent / "tex" / "t0.png", scene.parent / "tex" / f"t{number}.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(scene), compress=False)
    for number in range(textures):
        textured(f"t{number}", f"//tex/t{number}.png")
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.ops.wm.save_mainfile(compress=False)
    return scene


def host() -> Any:
    """Return the host, as the panel has it."""
    return extension("host").BlenderHost()


def texts(pieces: Any) -> list[str]:
    """Return what is written in all findings."""
    return [finding.as_written for piece in pieces for finding in piece]


def scene_as_a_value() -> Any:
    """Ask what is open, never saved and then saved."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    unsaved = dataclasses.asdict(host().scene())
    before = len(texts(host().dependencies(())))
    fresh("value")
    bpy.context.scene.frame_start, bpy.context.scene.frame_end, bpy.context.scene.frame_step = 3, 11, 2
    bpy.context.scene.frame_current = 7
    return {"unsaved": unsaved, "found_unsaved": before, "saved": dataclasses.asdict(host().scene())}


def pieces_hold_nothing_of_blender() -> Any:
    """Cut the scan into its smallest pieces, pickle them, and judge what came through."""
    fresh("pieces", 40)
    discover = extension("discover")
    ticks = iter(range(1 << 30))
    pieces = list(discover.pieces((), clock=lambda: float(next(ticks))))
    copies = pickle.loads(pickle.dumps(pieces))
    wire = importlib.import_module("conductor_plugins.wire")
    travelled = wire.decode(json.loads(json.dumps(wire.encode(pieces))))
    return {
        "pieces": len(pieces),
        "most": max(map(len, pieces)),
        "texts": sorted(texts(copies)),
        "whole": sorted(texts([[*discover.scan().dependencies]])),
        "same_over_the_wire": travelled == tuple(map(tuple, pieces)),
    }


def handlers() -> int:
    """Return how many handlers of undo and load are ours."""
    lists = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post)
    return sum("conductor" in str(getattr(handler, "__module__", "")) for each in lists for handler in each)


def scene_changes_between_pieces() -> Any:
    """Delete, undo, and open another file between two pieces of a scan."""
    answer: dict[str, Any] = {}
    discover = extension("discover")
    before = handlers()

    def scan(name: str, meanwhile: Callable[[], Any]) -> None:
        fresh(name, 30)
        bpy.ops.ed.undo_push(message="base")
        ticks = iter(range(1 << 30))
        pieces = discover.pieces((), clock=lambda: float(next(ticks)))
        found: list[str] = []
        for number, piece in enumerate(pieces):
            found += texts([piece])
            if number == 100:  # in the middle of the images' users, or of the images
                meanwhile()
        answer[name] = found

    def delete() -> None:
        bpy.data.images.remove(bpy.data.images["t29"])
        bpy.data.objects.remove(bpy.data.objects["t28"])

    def undo() -> None:
        bpy.data.images["t3"].filepath = "//tex/other.png"
        bpy.ops.ed.undo_push(message="changed")
        bpy.ops.ed.undo()

    scan("deleted", delete)
    scan("undone", undo)
    scan("another", lambda: bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "value" / "shot.blend"), load_ui=False))
    answer["handlers_left"] = handlers() - before
    return answer


def snapshot_changes_nothing() -> Any:
    """Change the scene in edit mode, take a snapshot, put it in the scene's own place elsewhere, look at both."""
    scene = fresh("snapshot")
    host().save()  # as this Blender saves by itself
    own = scene.read_bytes()[:4].hex()
    mesh = bpy.data.objects["t0"].data
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    bpy.context.view_layer.objects.active = bpy.data.objects["t0"]
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.subdivide()
    before = scene.read_bytes()
    state = (bpy.data.filepath, bpy.data.is_dirty)
    copy = FOLDER / "elsewhere" / "deep" / "copy.blend"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"an older copy")
    bpy.context.preferences.filepaths.use_file_compression = False
    taken = dataclasses.asdict(host().snapshot(str(copy)))
    answer = {
        "taken": taken,
        "same_state": state == (bpy.data.filepath, bpy.data.is_dirty),
        "same_file": before == scene.read_bytes(),
        "beside_scene": sorted(p.name for p in scene.parent.iterdir()),
        "beside_copy": sorted(p.name for p in copy.parent.iterdir()),
        "mode": bpy.context.mode,
    }
    bpy.context.preferences.filepaths.use_file_compression = True
    host().snapshot(str(copy.with_name("small.blend")))
    bpy.context.preferences.filepaths.use_file_compression = False
    answer["starts"] = [p.read_bytes()[:4].hex() for p in (copy, copy.with_name("small.blend"))]
    bpy.ops.object.mode_set(mode="OBJECT")
    host().save()
    answer["saved_as_it_was"] = [own, scene.read_bytes()[:4].hex()]
    place = FOLDER / "restored" / "shot.blend"
    shutil.copytree(scene.parent / "tex", place.parent / "tex")
    shutil.copyfile(copy, place)
    bpy.ops.wm.open_mainfile(filepath=str(place), load_ui=False)
    report = extension("discover").scan()
    answer["found"] = sorted(os.path.relpath(f, place.parent) for f in report.files())
    answer["vertices"] = len(bpy.data.meshes["t0"].vertices)
    return answer


def refusals() -> Any:
    """Ask for what cannot be; return each sentence."""
    refused = importlib.import_module("conductor_plugins.host").HostRefused
    answer = {}

    def ask(name: str, call: Callable[[], Any]) -> None:
        try:
            call()
            answer[name] = ""
        except refused as exc:
            answer[name] = str(exc)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    ask("unsaved snapshot", lambda: host().snapshot(str(FOLDER / "x.blend")))
    ask("unsaved save", host().save)
    scene = fresh("refusals")
    ask("over itself", lambda: host().snapshot(str(scene)))
    (FOLDER / "file").write_text("no folder")
    ask("not a folder", lambda: host().snapshot(str(FOLDER / "file" / "copy.blend")))
    return answer


def settings_outlive_undo_and_save() -> Any:
    """Remember something, undo and redo beyond it, save, open again, forget it."""
    scene = fresh("settings")
    module = extension("settings")
    module.register()
    bpy.ops.ed.undo_push(message="base")
    host().remember('{"frames": "1-5"}')
    bpy.context.scene.frame_current = 5
    bpy.ops.ed.undo_push(message="the artist's")
    seen = []
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        step()
        seen.append([host().scene().settings, bpy.context.scene.frame_current])
    host().save()
    bpy.ops.wm.open_mainfile(filepath=str(scene), load_ui=False)
    opened = host().scene().settings
    module.unregister()
    bpy.ops.ed.undo_push(message="base")
    host().remember("unguarded")
    bpy.ops.ed.undo_push(message="more")
    bpy.ops.ed.undo()
    unguarded = host().scene().settings
    host().remember("")
    return {"seen": seen, "opened": opened, "unguarded": unguarded, "forgotten": host().scene().settings}


def revealing() -> Any:
    """Reveal an image, an object with a modifier, a node, steps, and what is not there."""
    fresh("reveal")
    sea = bpy.data.objects["t1"]
    sea.modifiers.new("Ocean", "OCEAN")
    quoted = textured('a "b" c', "//tex/t2.png")
    other = bpy.data.scenes.new("Other")
    answer: dict[str, Any] = {}
    for referrer in (
        'Image "t0" .filepath',
        'Object "t1" modifier "Ocean" .filepath',
        'Image "a "b" c" .filepath',
        'Material "t2" node "Image Texture" .filepath',
        'Image "gone" .filepath',
        "bpy.utils.blend_paths",
        "Scene, camera Camera",
        "Other",
    ):
        there = host().reveal(referrer)
        answer[referrer] = [there, sorted(o.name for o in bpy.context.view_layer.objects if o.select_get())]
    answer["quoted"] = quoted.name
    answer["active node"] = bpy.data.materials["t2"].node_tree.nodes.active.name
    answer["scenes"] = [s.name for s in bpy.data.scenes if s == other]
    return answer


def steps() -> Any:
    """Two scenes, the first with two view layers and two cameras."""
    fresh("steps")
    scene = bpy.context.scene
    scene.render.filepath = "//out/shot_####"
    scene.view_layers.new("Fog / near")
    second = bpy.data.objects.new("Top", bpy.data.cameras.new("Top"))
    scene.collection.objects.link(second)
    bpy.data.scenes.new("Other")
    return [
        [s.name, s.enabled, s.problem, dict(s.parameters), [os.path.basename(o.path) for o in s.outputs]] for s in host().steps()
    ]


def what_is_painted_is_not_lost() -> Any:
    """Paint on an image that has a file, and on a generated one; both are said to be unsaved until they are packed."""
    fresh("painted")
    found = {}
    for name in ("t0", "generated"):
        image = bpy.data.images.get(name) or bpy.data.images.new(name, 4, 4)
        image.use_fake_user = True
        image.pixels[0] = 0.5
        image.update()
        found[name] = image.is_dirty
    told = [f.as_written for p in host().dependencies(()) for f in p if "not saved" in getattr(f, "reason", "")]
    bpy.data.images["generated"].pack()
    after = [f.as_written for p in host().dependencies(()) for f in p if "not saved" in getattr(f, "reason", "")]
    return {"dirty": found, "told": told, "after_packing": after}


def engines() -> Any:
    """Set Cycles to the GPU, then use an engine that an add-on brings."""
    fresh("engines")
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "GPU"
    gpu = host().scene().gpu_steps
    scene.cycles.device = "CPU"
    none = host().scene().gpu_steps

    class Engine(bpy.types.RenderEngine):  # type: ignore[misc]
        bl_idname, bl_label = "STUDIO_RENDER", "Studio"

    bpy.utils.register_class(Engine)
    scene.render.engine = "STUDIO_RENDER"
    with_add_on = host().scene().plug_ins
    scene.render.engine = "BLENDER_WORKBENCH"
    answer = {"gpu": gpu, "cpu": none, "plug_ins": [s.name for s in with_add_on], "own": host().scene().plug_ins}
    bpy.utils.unregister_class(Engine)
    return answer


CHAPTERS = (
    *(scene_as_a_value, pieces_hold_nothing_of_blender, scene_changes_between_pieces, snapshot_changes_nothing, refusals),
    *(settings_outlive_undo_and_save, revealing, steps, what_is_painted_is_not_lost, engines),
)


def main() -> None:
    """Run every chapter and write the answer."""
    bootstrap = runpy.run_path(str(EXTENSION / "bootstrap.py"))
    bootstrap["add_package"]()
    bootstrap["add_core"]()
    sys.path.append(str(EXTENSION.parent / "plugins"))
    answer: dict[str, Any] = {"version": list(bpy.app.version)}
    for chapter in CHAPTERS:
        try:
            answer[chapter.__name__] = chapter()
        except Exception:  # noqa: BLE001  a broken chapter must not hide the others
            answer[chapter.__name__] = {"traceback": traceback.format_exc()}
    ANSWER.write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    with contextlib.suppress(Exception):
        main()
    os._exit(0)
