"""Checks of what a host answers about its scene: values, at once, and the same when nothing has changed."""

from __future__ import annotations

import os

from conductor_core.errors import ConductorError
from conductor_core.frames import FrameSet
from conductor_core.host import SceneStep

from conductor_plugins.compliance.check import check, need, need_at_once, need_equal, need_value
from conductor_plugins.compliance.world import HostWorld
from conductor_plugins.host import HostScene


def scene_file(world: HostWorld, name: str = "shot") -> str:
    """Return where the checks keep a scene: in a project folder of its own."""
    folder = world.folder / "project"
    folder.mkdir(exist_ok=True)
    return str(folder / f"{name}{world.extension}")


@check
def scene_is_told(world: HostWorld) -> None:
    """The scene's path is absolute, its range can be read, its software has a name and a full version, all as plain values."""
    file = scene_file(world)
    world.new_scene(file)
    scene = world.host.scene()
    need(isinstance(scene, HostScene), f"scene() answers a {type(scene).__name__}, no HostScene.")
    need_value(scene, "scene()")
    need(os.path.isabs(scene.path), f"scene().path is {scene.path!r}, which is not absolute.")
    need(os.path.samefile(scene.path, file), f"scene().path is {scene.path!r}; what is open is {file!r}.")
    need(not scene.modified, "A scene that was just saved counts as modified.")
    need(scene.software.name and scene.software.version, f"scene().software is {scene.software!r}.")
    try:
        frames = FrameSet.parse(scene.frames).frames
    except ConductorError as exc:
        need(False, f"scene().frames is {scene.frames!r}: {exc}")
    else:
        need_equal(frames, tuple(range(1, 11)), "scene().frames, of a scene that goes from 1 to 10")


@check
def change_makes_it_modified(world: HostWorld) -> None:
    """A scene that was changed counts as modified until it is saved."""
    world.new_scene(scene_file(world))
    world.change()
    need(world.host.scene().modified, "A scene that was changed does not count as modified.")
    world.host.save()
    need(not world.host.scene().modified, "A scene that was saved still counts as modified.")


@check
def steps_are_told(world: HostWorld) -> None:
    """Steps are plain values with a name each, and outputs with absolute paths."""
    world.new_scene(scene_file(world))
    steps = tuple(world.host.steps())
    need(steps, "steps() tells of nothing to render, in a scene with one step.")
    for step in steps:
        need(isinstance(step, SceneStep), f"steps() has a {type(step).__name__} in it.")
        need_value(step, f"step {step.name!r}")
        need(step.name.strip(), "A step has no name.")
        for output in step.outputs:
            need(os.path.isabs(output.path), f"Step {step.name!r} writes to {output.path!r}, which is not absolute.")
    names = [step.name for step in steps]
    need_equal(len(set(names)), len(names), f"How many names the steps {names!r} have")


@check
def same_question_same_answer(world: HostWorld) -> None:
    """Asking changes nothing: the second answer is the first, and the scene is not modified by it."""
    world.new_scene(scene_file(world))
    host = world.host
    first = (host.scene(), tuple(host.steps()), dict(host.environment()), world.undo_steps())
    second = (host.scene(), tuple(host.steps()), dict(host.environment()), world.undo_steps())
    for name, one, other in zip(("scene()", "steps()", "environment()", "the steps to undo"), first, second, strict=True):
        need(one == other, f"{name} answers something else the second time: {one!r}, then {other!r}.")


@check
def environment_is_plain(world: HostWorld) -> None:
    """The environment is a plain mapping of texts, of this instant, with every variable in it."""
    world.new_scene(scene_file(world))
    before = world.host.environment()
    need_value(dict(before), "environment()")
    strange = [k for k, v in before.items() if type(k) is not str or type(v) is not str]
    need(not strange, f"environment() has more than texts in it: {strange[:3]!r}.")
    name = "CONDUCTOR_COMPLIANCE_VARIABLE"
    world.set_variable(name, "grün, and two words")
    need(name not in before, "An environment that was told earlier changes with the process.")
    need_equal(world.host.environment().get(name), "grün, and two words", f"environment()[{name!r}], which was just set")


@check
def questions_are_quick(world: HostWorld) -> None:
    """No question but the snapshot holds the main thread for more than 50 ms."""
    world.new_scene(scene_file(world))
    for number in range(200):
        world.add_texture(str(world.folder / "project" / f"wood_{number}.png"))
    need_at_once(world.host.scene, "scene()")
    need_at_once(world.host.steps, "steps()")
    need_at_once(world.host.environment, "environment()")
    need_at_once(lambda: world.host.remember("settings " * 500), "remember()")
    need_at_once(lambda: world.host.reveal("there is no such node"), "reveal()")
