# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the artist who wants a file: select the object, make the node active, open the image where an editor is open for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .usage import named

#: the rest of `Object "Sea [lib.blend]" modifier "Ocean" .filepath`, behind the datablock
_WITHIN = re.compile(r' ([a-z_]+) "(.*?)"(?= )')


def reveal(referrer: str) -> bool:
    """Select what a referrer of a finding, or the name of a step, names; tell whether it is there."""
    scene = _scene_of_step(referrer)
    if scene is not None:
        _show_scene(scene)
        return True
    datablock = _datablock(referrer)
    if datablock is None:
        return False
    _show(datablock, dict(_WITHIN.findall(referrer.removeprefix(named(datablock)))))
    return True


def _scene_of_step(name: str) -> Any:
    import bpy

    scenes = [s for s in bpy.data.scenes if s.library is None]
    return next((s for s in scenes if name == s.name or name.startswith((f"{s.name}, layer ", f"{s.name}, camera "))), None)


def _datablock(referrer: str) -> Any:
    """Find the datablock whose name (`usage.named`) a referrer begins with: the longest, since names may have quotes in them."""
    import bpy

    kind = referrer.partition(" ")[0]
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION" and prop.fixed_type.identifier == kind:
            fitting = [d for d in getattr(bpy.data, prop.identifier) if referrer.startswith(f'{kind} "{d.name_full}" ')]
            return max(fitting, key=lambda d: len(d.name_full), default=None)
    return None


def _show(datablock: Any, within: dict[str, str]) -> None:
    import bpy

    if isinstance(datablock, bpy.types.Scene):
        _show_scene(datablock)
        _show_strip(datablock, within.get("strip", ""))
    elif isinstance(datablock, bpy.types.Object):
        _select([datablock])
        _activate(getattr(datablock, "modifiers", ()), within.get("modifier", ""))
    else:
        _select(list(_objects_of(datablock)))
    if isinstance(datablock, bpy.types.Image):
        _open_in("IMAGE_EDITOR", "image", datablock)
    elif isinstance(datablock, bpy.types.Text):
        _open_in("TEXT_EDITOR", "text", datablock)
    elif isinstance(datablock, bpy.types.MovieClip):
        _open_in("CLIP_EDITOR", "clip", datablock)
    tree = datablock if isinstance(datablock, bpy.types.NodeTree) else getattr(datablock, "node_tree", None)
    if tree is not None and "node" in within:
        _show_node(tree, within["node"])
    _redraw()


def _show_scene(scene: Any) -> None:
    import bpy

    windows = bpy.context.window_manager.windows
    if len(windows):
        (bpy.context.window or windows[0]).scene = scene
    _redraw()


def _show_strip(scene: Any, name: str) -> None:
    editor = scene.sequence_editor
    strips = getattr(editor, "strips_all", getattr(editor, "sequences_all", ()))
    for strip in strips if name else ():
        strip.select = strip.name == name
        if strip.select:
            editor.active_strip = strip


def _objects_of(datablock: Any) -> Iterator[Any]:
    """Yield the objects that use a datablock, directly or by a material, a node group, a mesh …"""
    import bpy

    seen = {datablock}
    waiting = [datablock]
    users: dict[Any, set[Any]] = bpy.data.user_map()
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user in seen:
                continue
            seen.add(user)
            if isinstance(user, bpy.types.Object):
                yield user
            elif not isinstance(user, (bpy.types.Scene, bpy.types.Collection)):
                waiting.append(user)


def _select(things: list[Any]) -> None:
    """Make these the selection, as far as the view layer has them."""
    layer = _view_layer()
    there = [thing for thing in things if thing.name in layer.objects]
    if not there:
        return
    for thing in layer.objects:
        if thing.select_get(view_layer=layer):
            thing.select_set(False, view_layer=layer)
    for thing in there:
        thing.select_set(True, view_layer=layer)
    layer.objects.active = there[0]


def _view_layer() -> Any:
    import bpy

    windows = bpy.context.window_manager.windows
    window = bpy.context.window or (windows[0] if len(windows) else None)
    return window.view_layer if window is not None else bpy.context.view_layer


def _activate(modifiers: Any, name: str) -> None:
    if name in modifiers and hasattr(modifiers, "active"):
        modifiers.active = modifiers[name]


def _show_node(tree: Any, name: str) -> None:
    for node in tree.nodes:
        node.select = node.name == name
        if node.select:
            tree.nodes.active = node


def _open_in(editor: str, attribute: str, datablock: Any) -> None:
    """Show a datablock in the first editor of a kind that is open; none is opened, since the artist's windows are theirs."""
    for area in _areas():
        if area.type == editor:
            setattr(area.spaces.active, attribute, datablock)
            return


def _redraw() -> None:
    for area in _areas():
        area.tag_redraw()


def _areas() -> Iterator[Any]:
    import bpy

    for window in bpy.context.window_manager.windows:
        yield from window.screen.areas
