# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: stills, UDIM sets, sequences and movies.

https://docs.blender.org/api/current/bpy.types.Image.html, ImageUser.html, CompositorNodeImage.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .animation import is_animated
from .frame_maps import image_number
from .reach import Numbers, OneFile, Tiles
from .readers import node_trees, reads
from .survey import Survey, ignored
from .usage import Finding, Reach, Slot

#: nodes that take the frame from a socket, so that no image user tells it
_FRAME_BY_SOCKET = ("GeometryNodeImageTexture", "GeometryNodeInputImage", "GeometryNodeImageInfo")


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Somebody who shows an image, with the settings that choose the frame."""

    start: int
    duration: int
    offset: int
    cyclic: bool
    #: the settings themselves are animated or unknown: any frame may be shown
    any_frame: bool = False

    def number(self, frame: int) -> int:
        """Return the number of the file shown at a frame of the scene."""
        return image_number(frame, start=self.start, duration=self.duration, offset=self.offset, cyclic=self.cyclic)


@reads("images")
def image(survey: Survey, image: Any) -> Iterator[Finding]:
    """Yield the file or files of an image; what is packed or generated needs none."""
    slot = Slot(image, image)
    if image.source in ("GENERATED", "VIEWER"):
        yield from ignored(slot, "the image is generated, it has no file")
    elif image.packed_file is not None or len(image.packed_files):
        yield from ignored(slot, "the image is packed into the .blend")
    else:
        kind = {"SEQUENCE": "sequence", "MOVIE": "movie"}.get(image.source, "texture")
        yield from survey.read(slot, kind, _reach(survey, image))


def image_uses() -> dict[int, tuple[ImageUse, ...]]:
    """Return, by image pointer, everybody who shows an image."""
    uses: dict[int, list[ImageUse]] = {}
    for image, use in _all_uses():
        if image is not None:
            uses.setdefault(image.as_pointer(), []).append(use)
    return {pointer: tuple(found) for pointer, found in uses.items()}


def _reach(survey: Survey, image: Any) -> Reach:
    if image.source == "TILED":
        return Tiles(tuple(sorted(tile.number for tile in image.tiles)))
    if image.source != "SEQUENCE":
        return OneFile()
    uses: tuple[ImageUse, ...] = survey.image_users.get(image.as_pointer(), ())
    if not uses or any(use.any_frame for use in uses):
        return Numbers(None)
    return Numbers(tuple(sorted({use.number(frame) for use in uses for frame in survey.frames})))


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
    if node.bl_idname in _FRAME_BY_SOCKET:
        for socket in node.inputs:
            if socket.type == "IMAGE":
                yield socket.default_value, ImageUse(1, 0, 0, False, any_frame=True)
        if hasattr(node, "image"):
            yield node.image, ImageUse(1, 0, 0, False, any_frame=True)
    elif hasattr(node, "image_user"):
        yield node.image, _by_image_user(node.image_user, tree, path)
    elif hasattr(node, "frame_duration") and hasattr(node, "image"):
        use = ImageUse(node.frame_start, node.frame_duration, node.frame_offset, node.use_cyclic, is_animated(tree, path))
        yield node.image, use


def _by_image_user(user: Any, owner: Any, path: str) -> ImageUse:
    return ImageUse(user.frame_start, user.frame_duration, user.frame_offset, user.use_cyclic, is_animated(owner, path))
