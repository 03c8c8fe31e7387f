"""A contact sheet: the frames of a job side by side in one PNG, each with its number."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

#: pixels of one picture's width, and of the gap between pictures
CELL_WIDTH = 480
GAP = 8


def write_contact_sheet(frames: dict[int, Path], target: Path, *, columns: int = 4) -> Path:
    """Write the pictures of `frames` (frame number → image file) to `target`, and return it.

    Scene-linear images (EXR) are shown in sRGB.

    Raises:
        OSError: an image cannot be read, or the sheet cannot be written.
    """
    cells = {number: _thumbnail(path) for number, path in sorted(frames.items())}
    height = max(cell.spec().height for cell in cells.values())
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    sheet = oiio.ImageBuf(oiio.ImageSpec(columns * (CELL_WIDTH + GAP) + GAP, rows * (height + GAP) + GAP, 3, "uint8"))
    oiio.ImageBufAlgo.fill(sheet, (0.07, 0.07, 0.08))
    for index, (number, cell) in enumerate(cells.items()):
        x, y = GAP + index % columns * (CELL_WIDTH + GAP), GAP + index // columns * (height + GAP)
        oiio.ImageBufAlgo.render_text(cell, 12, height - 12, str(number), 18, "", (1.0, 1.0, 1.0), shadow=2)
        oiio.ImageBufAlgo.paste(sheet, x, y, 0, 0, cell)
    if not sheet.write(str(target)):
        raise OSError(f"{target}: {sheet.geterror()}")
    return target


def _thumbnail(path: Path) -> oiio.ImageBuf:
    image = oiio.ImageBuf(str(path))
    if not image.read():
        raise OSError(f"{path}: {image.geterror()}")
    names = list(image.spec().channelnames)
    # By numpy: picking channels in OpenImageIO 3.2 misreads files whose channels differ in type (half colour, float depth).
    pixels = np.asarray(image.get_pixels("float"))[:, :, [names.index(name) for name in _colour_channels(names)]]
    colour = oiio.ImageBuf(np.ascontiguousarray(pixels))
    height = max(1, round(CELL_WIDTH * colour.spec().height / colour.spec().width))
    small = oiio.ImageBufAlgo.resize(colour, roi=oiio.ROI(0, CELL_WIDTH, 0, height, 0, 1, 0, 3))
    if path.suffix == ".exr":
        small = oiio.ImageBufAlgo.colorconvert(small, "lin_rec709", "sRGB")
    return small


def _colour_channels(names: list[str]) -> tuple[str, ...]:
    """Return the three channels that show the picture: plain RGB, or the first layer's Combined."""
    for prefix in ("", *(n.removesuffix("Combined.R") + "Combined." for n in names if n.endswith("Combined.R"))):
        wanted = tuple(prefix + c for c in "RGB")
        if set(wanted) <= set(names):
            return wanted
    return tuple(names[:3]) if len(names) >= 3 else (names[0],) * 3
