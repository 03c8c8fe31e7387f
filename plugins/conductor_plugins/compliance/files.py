"""Checks of what a host writes: the scene when it is told to save, a snapshot without a trace in what is open."""

from __future__ import annotations

import os
import shutil

from conductor_core.discovery.finding import Usage

from conductor_plugins.compliance.answers import scene_file
from conductor_plugins.compliance.check import check, need, need_equal, need_refusal
from conductor_plugins.compliance.dependencies import PIXEL
from conductor_plugins.compliance.world import HostWorld
from conductor_plugins.host import Snapshot


@check
def unsaved_scene_is_refused(world: HostWorld) -> None:
    """A scene that was never saved has no path; saving and snapshots are refused with a sentence, all else is answered."""
    world.new_scene("")
    need_equal(world.host.scene().path, "", "scene().path of a scene that was never saved")
    need_refusal(world.host.save, "Saving a scene that was never saved")
    file = str(world.folder / f"snapshot{world.extension}")
    need_refusal(lambda: world.host.snapshot(file), "A snapshot of a scene that was never saved")
    need(not os.path.exists(file), "A snapshot that was refused is written all the same.")
    world.host.steps()
    for _ in world.host.dependencies(()):
        pass


@check
def save_writes_the_scene(world: HostWorld) -> None:
    """Saving writes what is open to its own file."""
    file = scene_file(world)
    world.new_scene(file)
    world.change()
    world.host.save()
    need_equal(os.path.realpath(world.host.scene().path), os.path.realpath(file), "scene().path after saving")
    world.new_scene("")
    world.open_scene(file)
    need_equal(world.changes(), 1, "Changes in the file that was saved")


@check
def snapshot_leaves_no_trace(world: HostWorld) -> None:
    """A snapshot changes neither name, modified flag, frame, settings, steps to undo nor the scene's own file."""
    file = scene_file(world)
    world.new_scene(file)
    for modified in (False, True):
        if modified:
            world.change()
        host = world.host
        before = (host.scene(), tuple(host.steps()), world.undo_steps(), world.changes(), _stamp(file), _names(world))
        target = str(world.folder / "kept" / f"snapshot-{modified}{world.extension}")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        snapshot = host.snapshot(target)
        after = (host.scene(), tuple(host.steps()), world.undo_steps(), world.changes(), _stamp(file), _names(world))
        what = ("scene()", "steps()", "the steps to undo", "what is in the scene", "the scene's own file", "the scene's folder")
        for name, one, other in zip(what, before, after, strict=True):
            need(one == other, f"A snapshot changes {name}: {one!r}, then {other!r}.")
        need(isinstance(snapshot, Snapshot), f"snapshot() answers a {type(snapshot).__name__}.")
        need(os.path.isfile(snapshot.file), f"{snapshot.file} was not written.")
        need_equal(snapshot.file, target, "snapshot().file")
        need_equal(snapshot.scene, host.scene().path, "snapshot().scene")


@check
def snapshot_has_unsaved_changes(world: HostWorld) -> None:
    """A snapshot is the scene as it is now, what was not saved included; changes that come later are not in it."""
    file = scene_file(world)
    world.new_scene(file)
    world.change()
    snapshot = world.host.snapshot(str(world.folder / f"snapshot{world.extension}"))
    world.change()
    world.open_scene(snapshot.file)
    need_equal(world.changes(), 1, "Changes in a snapshot that was taken after the first of two")
    world.open_scene(file)
    need_equal(world.changes(), 0, "Changes in the scene's own file, which nobody saved")


@check
def snapshot_keeps_paths(world: HostWorld) -> None:
    """At the scene's own place a snapshot from anywhere reads the same files as the scene, by the same texts."""
    file = scene_file(world)
    world.new_scene(file)
    beside, above = world.folder / "project" / "textures" / "wood.png", world.folder / "shared" / "sky.png"
    for picture in (beside, above):
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(PIXEL)
        world.add_texture(str(picture), relative=True)
    world.add_texture(str(above))
    world.host.save()
    before = _paths(world)
    deep = world.folder / "a" / "place" / "far" / "from" / "it"
    deep.mkdir(parents=True)
    snapshot = world.host.snapshot(str(deep / f"snapshot{world.extension}"))
    need_equal(_paths(world), before, "The paths of the open scene after a snapshot")
    shutil.copyfile(snapshot.file, file)
    world.open_scene(file)
    need_equal(_paths(world), before, "The paths of a snapshot that lies in the scene's place")


@check
def snapshot_can_be_refused(world: HostWorld) -> None:
    """A place that cannot be written is refused with a sentence, and the scene is as it was."""
    world.new_scene(scene_file(world))
    world.change()
    before = (world.host.scene(), world.undo_steps(), world.changes())
    blocker = world.folder / "a file"
    blocker.write_text("no folder")
    need_refusal(lambda: world.host.snapshot(str(blocker / f"snapshot{world.extension}")), "A snapshot below a file")
    need_equal((world.host.scene(), world.undo_steps(), world.changes()), before, "The scene after a snapshot that failed")


def _paths(world: HostWorld) -> list[tuple[str, tuple[str, ...]]]:
    findings = (f for piece in world.host.dependencies(()) for f in piece)
    return sorted((f.as_written, f.places) for f in findings if isinstance(f, Usage))


def _stamp(file: str) -> tuple[int, int]:
    facts = os.stat(file)
    return facts.st_size, facts.st_mtime_ns


def _names(world: HostWorld) -> list[str]:
    return sorted(os.listdir(world.folder / "project"))
