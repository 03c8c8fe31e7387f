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
from conductor_core.report import Unresolved

from .animation import is_animated
from .readers import node_slices, reads, trees
from .survey import Survey, ignored
from .usage import Finding, Slot, named
from .walking import safely, walk

_ANY_FRAME = ImageUse(any_frame=True)


@reads("images")
def image(survey: Survey, image: Any) -> Iterator[Finding]:
    """Yield the file or files of an image; what is packed or generated needs none."""
    slot = Slot(image, image)
    if image.is_dirty and image.source != "VIEWER":
        # what was painted is neither in the .blend nor on the disk, so no copy of either brings it along
        name = slot.text() or image.name
        yield Unresolved(name, f"{named(image)} .pixels", "it has changes that are not saved: save or pack the image")
    if image.source in ("GENERATED", "VIEWER"):
        yield from ignored(slot, "the image is generated, it has no file")
    elif image.packed_file is not None or len(image.packed_files):
        yield from ignored(slot, "the image is packed into the .blend")
    else:
        yield from survey.read(slot, "movie" if image.source == "MOVIE" else "texture", _reach(survey, slot, image))


def gather_uses(uses: dict[str, list[ImageUse]]) -> Iterator[None]:
    """Fill in, by the full name of an image, everybody who shows it; yields after each few, so that it may be cut there."""
    for more in _all_uses():
        for image, use in more:
            if image is not None:
                uses.setdefault(image.name_full, []).append(use)
        yield


def _reach(survey: Survey, slot: Slot, image: Any) -> Reach:
    if image.source == "TILED":
        return Tiles(tuple(sorted(tile.number for tile in image.tiles)))
    name = survey.numbered(slot) if image.source == "SEQUENCE" else None
    if name is None:
        return Itself()
    return Numbers(name, image_numbers(survey.image_users.get(image.name_full, ()), survey.frames))


_Use = tuple[Any, ImageUse]


def _all_uses() -> Iterator[list[_Use]]:
    for _owner, tree in trees():
        for nodes in node_slices(tree):
            yield safely(_uses_in, tree, nodes)
    for collection, uses in (("textures", _texture_uses), ("cameras", _camera_uses), ("objects", _empty_uses)):
        for datablock in walk(collection):
            yield safely(uses, datablock)


def _uses_in(tree: Any, nodes: slice) -> list[_Use]:
    return [use for node in tree.nodes[nodes] for use in _node_uses(tree, node)]


def _texture_uses(texture: Any) -> list[_Use]:
    if texture.type != "IMAGE":
        return []
    return [(texture.image, _by_image_user(texture.image_user, texture, "image_user"))]


def _camera_uses(camera: Any) -> list[_Use]:
    return [
        (background.image, _by_image_user(background.image_user, camera, f"background_images[{i}]"))
        for i, background in enumerate(camera.background_images)
    ]


def _empty_uses(thing: Any) -> list[_Use]:
    if thing.type != "EMPTY" or thing.data is None:
        return []
    return [(thing.data, _by_image_user(thing.image_user, thing, "image_user"))]


def _node_uses(tree: Any, node: Any) -> Iterator[_Use]:
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
