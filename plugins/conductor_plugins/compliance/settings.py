"""Checks of what a host keeps and shows: settings in the scene, and the node that wants a file."""

from __future__ import annotations

from conductor_core.discovery.finding import Usage

from conductor_plugins.compliance.answers import scene_file
from conductor_plugins.compliance.check import CannotBeTried, check, need, need_equal
from conductor_plugins.compliance.world import HostWorld

#: what is remembered is JSON of the panel's, with whatever an artist types
ODD = '{"title": "Grün \\"20%\\" 夜 🎬", "lines": "a\\nb\\tc", "path": "C:\\\\job\\\\shot"}'


@check
def settings_come_back(world: HostWorld) -> None:
    """What was remembered is told exactly, the newest of it, with long and odd texts; "" where nothing was."""
    world.new_scene(scene_file(world))
    need_equal(world.host.scene().settings, "", "scene().settings of a new scene")
    for text in ("one", ODD, "x" * 200_000, "{}", ""):
        world.host.remember(text)
        seen = world.host.scene().settings
        need(seen == text, f"remember({text[:60]!r}…) comes back as {seen[:60]!r}…, {len(seen)} of {len(text)} characters.")


@check
def settings_are_saved(world: HostWorld) -> None:
    """What was remembered is in the file once the scene is saved, and in a snapshot."""
    file = scene_file(world)
    world.new_scene(file)
    world.host.remember(ODD)
    snapshot = world.host.snapshot(str(world.folder / f"snapshot{world.extension}"))
    world.host.save()
    for saved in (file, snapshot.file):
        world.new_scene("")
        need_equal(world.host.scene().settings, "", "scene().settings of another scene")
        world.open_scene(saved)
        need_equal(world.host.scene().settings, ODD, f"scene().settings of {saved}, opened again")


@check
def settings_are_kept_without_a_name(world: HostWorld) -> None:
    """A scene that was never saved keeps settings too."""
    world.new_scene("")
    world.host.remember(ODD)
    need_equal(world.host.scene().settings, ODD, "scene().settings of a scene that was never saved")


@check
def undo_leaves_settings_alone(world: HostWorld) -> None:
    """Undo neither takes away what was remembered nor needs a step for it."""
    world.new_scene(scene_file(world))
    world.change()
    before = world.undo_steps()
    world.host.remember(ODD)
    need_equal(world.undo_steps(), before, "The steps to undo after settings were remembered")
    if not world.undo():
        raise CannotBeTried("This host cannot undo as it runs here.")
    need_equal(world.changes(), 0, "Changes after one step back, with settings remembered since")
    need_equal(world.host.scene().settings, ODD, "scene().settings after one step back")


@check
def finding_is_revealed(world: HostWorld) -> None:
    """Each referrer of a finding can be shown; one that nobody has is told apart, and so is one that is gone."""
    world.new_scene(scene_file(world))
    node = world.add_texture(str(world.folder / "project" / "wood.png"))
    usages = [f for piece in world.host.dependencies(()) for f in piece if isinstance(f, Usage)]
    need(usages, "A scene with a texture has no finding.")
    for usage in usages:
        need(world.host.reveal(usage.referrer) is True, f"The node of {usage.referrer!r} cannot be shown.")
    for nobody in ("", "nobody", "Image nobody.filepath", "\n", "😀" * 300):
        need(world.host.reveal(nobody) is False, f"reveal({nobody[:30]!r}) says that there is such a node.")
    world.remove(node)
    for usage in usages:
        need(world.host.reveal(usage.referrer) is False, f"reveal({usage.referrer!r}) finds a node that was removed.")
