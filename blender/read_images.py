# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: stills, UDIM sets, sequences and movies.

https://docs.blender.org/api/current/bpy.types.Image.html, ImageUser.html, CompositorNodeImage.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conductor_core.discovery.blender_nodes import FRAME_BY_SOCKET
from conductor_core.discovery.blender_numbers import ImageUse, image_numbers
from conductor_core.discovery.blender_reach import Itself, Numbers, Tiles
from conductor_core.discovery.reach import Reach

from .animation import is_animated
from .readers import node_trees, reads
from .survey import Survey, ignored
from .usage import Finding, Slot

_ANY_FRAME = ImageUse(any_frame=True)


@reads("images")
def image(survey: Survey, image: Any) -> Iterator[Finding]:
    """Yield the file or files of an image; what is packed or generated needs none."""
    slot = Slot(image, image)
    if image.source in ("GENERATED", "VIEWER"):
        yield from ignored(slot, "the image is generated, it has no file")
    elif image.packed_file is not None or len(image.packed_files):
        yield from ignored(slot, "the image is packed into the .blend")
    else:
        yield from survey.read(slot, "movie" if image.source == "MOVIE" else "texture", _reach(survey, slot, image))


def image_uses() -> dict[int, tuple[ImageUse, ...]]:
    """Return, by image pointer, everybody who shows an image."""
    uses: dict[int, list[ImageUse]] = {}
    for image, use in _all_uses():
        if image is not None:
            uses.setdefault(image.as_pointer(), []).append(use)
    return {pointer: tuple(found) for pointer, found in uses.items()}


def _reach(survey: Survey, slot: Slot, image: Any) -> Reach:
    if image.source == "TILED":
        return Tiles(tuple(sorted(tile.number for tile in image.tiles)))
    name = survey.numbered(slot) if image.source == "SEQUENCE" else None
    if name is None:
        return Itself()
    return Numbers(name, image_numbers(survey.image_users.get(image.as_pointer(), ()), survey.frames))


def _all_uses() -> Iterator[tuple[Any, ImageUse]]:
    import bpy

    for _owner, tree in node_trees():
        for node in tree.nodes:
            yield from _node_uses(tree, node)
    for texture in bpy.data.textures:
        if texture.type == "IMAGE":
            yield texture.image, _by_image_user(texture.image_user, texture, "image_user")
    for camera in bpy.data.cameras:
        for i, background in enumerate(camera.background_images):
            yield background.image, _by_image_user(background.image_user, camera, f"background_images[{i}]")
    for thing in bpy.data.objects:
        if thing.type == "EMPTY" and thing.data is not None:
            yield thing.data, _by_image_user(thing.image_user, thing, "image_user")


def _node_uses(tree: Any, node: Any) -> Iterator[tuple[Any, ImageUse]]:
    path = f'nodes["{node.name}"]'
    if node.bl_idname in FRAME_BY_SOCKET:
        for socket in node.inputs:
            if socket.type == "IMAGE":
                yield socket.default_value, _ANY_FRAME
        if hasattr(node, "image"):
            yield node.image, _ANY_FRAME
    elif hasattr(node, "image_user"):
        yield node.image, _by_image_user(node.image_user, tree, path)
    elif hasattr(node, "frame_duration") and hasattr(node, "image"):
        use = ImageUse(node.frame_start, node.frame_duration, node.frame_offset, node.use_cyclic, is_animated(tree, path))
        yield node.image, use


def _by_image_user(user: Any, owner: Any, path: str) -> ImageUse:
    return ImageUse(user.frame_start, user.frame_duration, user.frame_offset, user.use_cyclic, is_animated(owner, path))
