"""What Blender calls the files that it renders, and how large they are.

https://docs.blender.org/api/current/bpy.types.ImageFormatSettings.html, RenderSettings.html; names of frames as
`BKE_image_path_from_imformat` makes them.
"""

from __future__ import annotations

import os
import re
import struct

#: `ImageFormatSettings.file_format` → extensions (`BKE_image_path_ext_from_imformat`); the first is what Blender appends
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "OPEN_EXR": (".exr",),
    "OPEN_EXR_MULTILAYER": (".exr",),
    "TIFF": (".tif", ".tiff"),
    "TARGA": (".tga",),
    "TARGA_RAW": (".tga",),
    "BMP": (".bmp",),
    "HDR": (".hdr",),
    "DPX": (".dpx",),
    "CINEON": (".cin",),
    "JPEG2000": (".jp2", ".j2c"),
    "IRIS": (".rgb",),
    "WEBP": (".webp",),
}
MULTILAYER = "OPEN_EXR_MULTILAYER"
HASHES = re.compile("#+")
_IMAGE_EXTENSIONS = frozenset(e for extensions in EXTENSIONS.values() for e in extensions)


def hashed(path: str, extensions: tuple[str, ...] | None) -> str:
    """Return a path with `####` where Blender puts the frame (`BLI_path_frame`), and its extension as Blender writes it.

    The last run of `#` in the file's name is the frame; where there is none, four digits are appended.
    """
    start = max(path.rfind("/"), path.rfind("\\")) + 1
    folder, name = path[:start], path[start:]
    if not HASHES.search(name):
        name += "####"
    if extensions and not name.lower().endswith(extensions):
        stem, extension = os.path.splitext(name)
        name = (stem if extension.lower() in _IMAGE_EXTENSIONS else name) + extensions[0]
    return folder + name


def pixels(
    size: tuple[int, int], percent: int, crop: tuple[tuple[float, float], tuple[float, float]] | None = None
) -> tuple[int, int]:
    """Return width and height in pixels as Blender computes them: whole percents, then the border if it crops.

    `crop`: from where to where the border is of the width, and of the height.
    """
    width, height = (side * percent // 100 for side in size)
    if crop is not None:
        width, height = (
            max(_single(high * s) - _single(low * s), 0) for s, (low, high) in zip((width, height), crop, strict=True)
        )
    return width, height


def _single(value: float) -> int:
    """Return a product cut to a whole number after rounding to a C float, as Blender computes borders."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return int(rounded)
