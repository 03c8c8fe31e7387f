"""Images: stills, UDIM sets, sequences and movies, and who shows them at which frame.

https://docs.blender.org/api/current/bpy.types.Image.html, ImageUser.html, CompositorNodeImage.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.blender_nodes import FRAME_BY_SOCKET
from conductor_core.discovery.blender_numbers import ImageUse, image_numbers, numbered, with_tile_token
from conductor_core.discovery.blender_reach import Itself, Numbers, Tiles
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.reach import Reach
from conductor_core.formats.blend.animation import is_animated
from conductor_core.formats.blend.reading import NodeTree, Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import reads_datablock

_API = "https://docs.blender.org/api/current/bpy.types."
#: `Image.source` (DNA_image_types.h)
_SEQUENCE, _MOVIE, _GENERATED, _VIEWER, _TILED = 2, 3, 4, 5, 6
_TEXTURE_IMAGE, _EMPTY = 8, 0
#: `Image.flag`, `Image.views_format`
_USE_VIEWS, _ONE_FILE_EACH = 1 << 14, 0
_ANY_FRAME = ImageUse(any_frame=True)
#: files before this version have no token in the paths of UDIM sets
_TILE_TOKENS_SINCE = 301


@reads_datablock(b"IM", source=f"{_API}Image.html")
def image(reading: Reading, image: Record) -> Iterator[Finding]:
    """Yield the file or files of an image; what is packed or generated needs none."""
    slot = Slot(image.owner, image.text("name", "filepath"))
    source = image.number("source")
    if source in (_GENERATED, _VIEWER):
        yield from reading.ignore(slot, "the image is generated, it has no file")
    elif image.points("packedfile") or any(True for _ in image.listed("packedfiles")):
        yield from reading.ignore(slot, "the image is packed into the .blend")
    elif source == _TILED and reading.blend.header.version < _TILE_TOKENS_SINCE:
        yield from _without_token(reading, image, slot)
    else:
        for one in (slot, *_other_views(image, slot)):
            yield from reading.read(one, "movie" if source == _MOVIE else "texture", _reach(reading, image, one))


def image_uses(reading: Reading) -> Iterator[tuple[int, ImageUse]]:
    """Yield (address of an image, use) for everybody who shows one."""
    for tree in reading.trees:
        for node in tree.tree.listed("nodes"):
            yield from _node_uses(tree, node)
    for texture in reading.heads(b"TE"):
        if texture.number("type") == _TEXTURE_IMAGE:
            yield texture.address("ima"), _use(texture.part("iuser"), texture, "image_user")
    for camera in reading.heads(b"CA"):
        for i, background in enumerate(camera.listed("bg_images")):
            yield background.address("ima"), _use(background.part("iuser"), camera, f"background_images[{i}]")
    for thing in reading.heads(b"OB"):
        if thing.number("type") == _EMPTY and thing.points("data"):
            yield thing.address("data"), _use(thing.follow("iuser"), thing, "image_user")


def _without_token(reading: Reading, image: Record, slot: Slot) -> Iterator[Finding]:
    for finding in reading.read(slot, "texture", _tiles(image)):
        if isinstance(finding, Usage):
            finding = replace(finding, places=tuple(with_tile_token(p) for p in finding.places))
        yield finding


def _reach(reading: Reading, image: Record, slot: Slot) -> Reach:
    source = image.number("source")
    if source == _TILED:
        return _tiles(image)
    path = reading.path(slot)
    name = numbered(path) if path and source == _SEQUENCE else None
    if name is None:
        return Itself()
    return Numbers(name, image_numbers(reading.uses.get(image.owner.address, ()), reading.frames))


def _tiles(image: Record) -> Tiles:
    return Tiles(tuple(sorted({tile.number("tile_number") or 1001 for tile in image.listed("tiles")})) or (1001,))


def _other_views(image: Record, slot: Slot) -> Iterator[Slot]:
    """Yield the paths of a multi-view image's other views, which Blender has worked out by their suffixes."""
    if image.number("flag") & _USE_VIEWS and image.number("views_format") == _ONE_FILE_EACH:
        for view in image.listed("views"):
            other = Slot(slot.owner, view.text("filepath"), "filepath", f' view "{view.text("name")}"')
            if other.text != slot.text:
                yield other


def _node_uses(tree: NodeTree, node: Record) -> Iterator[tuple[int, ImageUse]]:
    if node.text("idname") in FRAME_BY_SOCKET:
        yield node.address("id"), _ANY_FRAME
        for socket in node.listed("inputs"):
            value = socket.follow("default_value")
            if value is not None and value.struct.name == "bNodeSocketValueImage":
                yield value.address("value"), _ANY_FRAME
        return
    storage = node.follow("storage")
    if storage is None or not node.points("id"):
        return
    user = storage if storage.struct.name == "ImageUser" else storage.part("iuser")
    if user is not None:
        yield node.address("id"), _use(user, tree.tree, f'nodes["{node.text("name")}"]')


def _use(user: Record | None, animated: Record, path: str) -> ImageUse:
    if user is None:
        return _ANY_FRAME
    settings = (user.number("sfra"), user.number("frames"), user.number("offset"), bool(user.number("cycl")))
    return ImageUse(*settings, any_frame=is_animated(animated, path))
