"""Build small scenes with planted dependencies and traps, describe each, and leave the answers as JSON.

Run by an interpreter with bpy: `python blender_scenes.py EXTENSION FOLDER ANSWER`. One process for all of them, since
starting Blender costs more than any of these scenes. The scenes are in blender_cases.py, the expectations in
test_blender_scan.py.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy

V = bpy.app.version
EXTENSION, FOLDER, ANSWER = (Path(a) for a in sys.argv[-3:])
cases: Any = importlib.import_module("blender_cases")


def extension(module: str) -> Any:
    """Return a module of the extension."""
    return importlib.import_module(f"conductor_blender.{module}")


def tree_state(folder: Path) -> dict[str, int]:
    """Return each file below a folder with the time it was written."""
    return {str(p): p.stat().st_mtime_ns for p in sorted(folder.rglob("*")) if p.is_file()}


def run(name: str, build: Any) -> Any:
    """Build one scene, save it, and describe it from the file, as `ask.py` does."""
    readers = extension("readers")
    folder = FOLDER / name
    bpy.ops.wm.read_factory_settings(use_empty=True)
    cases.save(folder / "scene.blend")
    assert extension("discover").READERS
    kept = {k: list(v) for k, v in readers.DATABLOCKS.items()}
    frames = build(folder)
    cases.save(folder / "scene.blend")
    before = tree_state(folder)
    try:
        answer = extension("describing").describe_file(str(folder / "scene.blend"), frames)
    finally:
        readers.DATABLOCKS.clear()
        readers.DATABLOCKS.update(kept)
    answer["touched"] = sorted(p for p, t in tree_state(folder).items() if before.get(p) != t)
    return answer


def truth(folder: Path) -> list[list[Any]]:
    """Render constant-colour sequences and return [settings, frame, number by our rule, number in the picture]."""
    from conductor_core.discovery.blender_numbers import ImageUse

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(0, 16):
        cases.picture(folder / f"t.{n:04d}.exr", (n / 16, n / 16, n / 16, 1))
    thing = cases.plane()
    node = cases.shown_by(thing, cases.load(folder / "t.0001.exr", str(folder / "t.0001.exr"), "SEQUENCE"))
    material = node.id_data
    glow = material.nodes.new("ShaderNodeEmission")
    end = next(n for n in material.nodes if n.bl_idname == "ShaderNodeOutputMaterial")
    material.links.new(node.outputs[0], glow.inputs[0])
    material.links.new(glow.outputs[0], end.inputs[0])
    scene.camera = bpy.data.objects.new("C", bpy.data.cameras.new("C"))
    scene.camera.location = (0, 0, 1)
    scene.collection.objects.link(scene.camera)
    scene.render.engine, scene.cycles.samples, scene.cycles.device, scene.cycles.use_denoising = "CYCLES", 1, "CPU", False
    scene.render.resolution_x = scene.render.resolution_y = 2
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    node.image.colorspace_settings.name = "Non-Color"
    bpy.context.preferences.edit.use_negative_frames = True
    seen = []
    for start, duration, offset, cyclic in ((1, 5, 0, False), (3, 4, 2, False), (2, 3, 1, True)):
        user = node.image_user
        user.frame_start, user.frame_duration, user.frame_offset, user.use_cyclic = start, duration, offset, cyclic
        user.use_auto_refresh = True
        settings = {"start": start, "duration": duration, "offset": offset, "cyclic": cyclic}
        for frame in (-2, 1, 2, 3, 6, 9):
            scene.frame_current, scene.render.filepath = frame, str(folder / "seen.exr")
            bpy.ops.render.render(write_still=True)
            result = bpy.data.images.load(str(folder / "seen.exr"))
            result.colorspace_settings.name = "Non-Color"
            seen.append([settings, frame, ImageUse(start, duration, offset, cyclic).number(frame), round(result.pixels[0] * 16)])
            bpy.data.images.remove(result)
    return seen


def errors(folder: Path) -> dict[str, Any]:
    """Ask about files that are no scenes, through the command itself; return exit code and answer of each."""
    describe = extension("describing").main
    good = (FOLDER / "images" / "scene.blend").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "text.blend").write_text("not a blend")
    (folder / "newer.blend").write_bytes(b"BLENDER17-01v0999RENDH" + b"\0" * 100)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "plain.blend"), compress=False)
    (folder / "cut.blend").write_bytes((folder / "plain.blend").read_bytes()[:3000])
    (folder / "cut_packed.blend").write_bytes(good[:200])
    answers = {}
    for name in ("absent", "text", "newer", "cut", "cut_packed"):
        out = folder / f"{name}.json"
        code = describe(["describe", "--scene", str(folder / f"{name}.blend"), "--out", str(out)])
        answers[name] = [code, json.loads(out.read_text(encoding="utf-8"))]
    out = folder / "frames.json"
    code = describe(["describe", "--scene", str(FOLDER / "images" / "scene.blend"), "--frames", "1-", "--out", str(out)])
    answers["frames"] = [code, json.loads(out.read_text(encoding="utf-8"))]
    return answers


def main() -> None:
    """Run everything and write the answer."""
    bootstrap = runpy.run_path(str(EXTENSION / "bootstrap.py"))
    bootstrap["add_package"]()
    bootstrap["add_core"]()
    answer: dict[str, Any] = {"version": list(V)}
    for name, build in cases.CASES.items():
        try:
            answer[name] = run(name, build)
        except Exception:  # noqa: BLE001  a broken case must not hide the others
            answer[name] = {"traceback": traceback.format_exc()}
    answer["truth"] = truth(FOLDER / "truth")
    answer["errors"] = errors(FOLDER / "errors")
    ANSWER.write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)
