"""Decode pictures that a task wrote, and make their previews: a script that runs apart from the runner, in a sandbox.

What a task wrote is not to be trusted, and picture decoders have had holes: so the process that reads it holds no token and
no network, and one that crashes on a file takes nothing with it. It speaks JSON lines, as a frame server does:

    {"do": "inspect", "path": …, "width": 0, "height": 0, "layers": []}
        → {"event": "inspected", "width", "height", "layers", "blank", "infinite"}
    {"do": "preview", "path": …, "target": …, "edge": 640} → {"event": "previewed"}
    either → {"event": "bad", "message": "what is wrong"}

Standard library, numpy and OpenImageIO only; run by path.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import OpenImageIO as oiio

#: below the renderer's: checking must not take its cores
_NICENESS = 10
_ROWS = 128
#: pixels of the last picture inspected are kept for its preview up to this many bytes (4K RGB half: 50 MB)
_KEPT_BYTES = 128 << 20
_COLOURS = ("r", "g", "b", "red", "green", "blue", "y")
_JPEG = (".jpg", ".jpeg")


class BadImage(Exception):
    """A picture is not what it should be."""


class Values:
    """What is known of a sub-image's values; once it holds a picture there is nothing more to look for."""

    def __init__(self) -> None:
        #: some value is not 0; some is a number, infinite or not; some is a finite number
        self.some = self.number = self.finite = False

    def see(self, band: Any) -> None:
        """Look at a band of rows in its own number format."""
        self.some = self.some or bool(band.any())
        if not self.finite:
            self.finite = band.dtype.kind != "f" or bool(np.isfinite(band).any())
            self.number = self.number or self.finite or not bool(np.isnan(band).all())


class Inspector:
    """Inspect pictures; remember the pixels of the last for its preview."""

    def __init__(self) -> None:
        self._kept: tuple[str, Any] = ("", None)

    def inspect(self, path: str, width: int, height: int, layers: list[str]) -> dict[str, Any]:
        """Decode all of a picture; return its size and layers.

        Raises:
            BadImage: it does not decode to its end, has another size or other layers than it should, or a layer of which every
                value is NaN. Infinity is a number: the usual depth of a pixel in which nothing was hit.
        """
        picture = oiio.ImageInput.open(path)
        if picture is None:
            raise BadImage(f"does not decode ({oiio.geterror().strip()})")
        spec = picture.spec()
        size = (spec.full_width or spec.width, spec.full_height or spec.height)
        if width and height and (width, height) not in (size, (spec.width, spec.height)):
            raise BadImage(f"is {size[0]}×{size[1]} where {width}×{height} was expected")
        found: dict[str, None] = {}
        index = 0
        kept, blank, infinite = None, True, False
        while picture.seek_subimage(index, 0):
            names = layer_names(picture.spec())
            found.update(dict.fromkeys(names))
            rows = decode(picture, index, values := Values())
            if not values.number:
                raise BadImage(f"has no number in {', '.join(names) or 'it'}: every value is NaN")
            blank = blank and not values.some
            infinite = infinite or (not values.finite and has_colours(picture.spec()))
            kept = rows if index == 0 else kept
            index += 1
        picture.close()
        check_end(path)
        lacking = [layer for layer in layers if not has_layer(layer, found)]
        if lacking:
            raise BadImage(f"lacks the layers {', '.join(lacking)}; it has {', '.join(found) or 'none'}")
        self._kept = (path, kept)
        facts = {"width": size[0], "height": size[1], "layers": list(found), "blank": blank, "infinite": infinite}
        return {"event": "inspected", **facts}

    def preview(self, path: str, target: str, edge: int) -> dict[str, Any]:
        """Write a PNG no wider or higher than `edge`; linear pictures become sRGB after they are made small."""
        pixels = self._kept[1] if self._kept[0] == path else None
        self._kept = ("", None)
        if pixels is None:
            picture = oiio.ImageInput.open(path)
            pixels = None if picture is None else decode(picture, 0, Values(), keep_all=True)
        if pixels is None:
            raise BadImage("has no pixels to show")
        linear = pixels.dtype.kind == "f"
        small = shrink(pixels, edge)
        if linear:
            small = srgb(small)
        buffer = oiio.ImageBuf(np.ascontiguousarray(np.clip(small, 0.0, 1.0), dtype=np.float32))
        buffer.specmod()["png:compressionLevel"] = 2
        if not buffer.write(target, oiio.UINT8):
            raise BadImage(f"could not be written as preview ({buffer.geterror()})")
        return {"event": "previewed"}


def decode(picture: Any, subimage: int, values: Values, *, keep_all: bool = False) -> Any:
    """Decode a sub-image to its end, a band at a time; return its first three channels if they are small enough to keep."""
    spec = picture.spec()
    if spec.deep:
        if picture.read_native_deep_image(subimage, 0) is None:
            raise BadImage(f"does not decode ({picture.geterror().strip()})")
        values.some = values.number = values.finite = True  # deep samples: an empty pixel has none at all
        return None
    channels = min(spec.nchannels, 3)
    keep = keep_all or spec.width * spec.height * channels * 4 <= _KEPT_BYTES
    step = spec.tile_height * max(_ROWS // spec.tile_height, 1) if spec.tile_height else _ROWS
    bands, shown = [], shown_channels(spec)
    for top in range(spec.y, spec.y + spec.height, step):
        bottom = min(top + step, spec.y + spec.height)
        band: Any = read_band(picture, subimage, spec, (top, bottom))
        if band is None:
            raise BadImage(f"is cut off or damaged: it does not decode ({picture.geterror().strip()})")
        values.see(band)
        if keep:
            bands.append(band.reshape(bottom - top, spec.width, spec.nchannels)[:, :, shown].copy())
    return np.concatenate(bands) if bands else None


def read_band(picture: Any, subimage: int, spec: Any, rows: tuple[int, int]) -> Any:
    """Return some rows in the picture's own number format, or None when they do not decode."""
    form = oiio.TypeDesc(str(spec.format))
    if spec.depth > 1:
        return picture.read_image(subimage, 0, 0, spec.nchannels, form)
    if spec.tile_width:
        box = (spec.x, spec.x + spec.width, *rows, spec.z, spec.z + 1)
        return picture.read_tiles(subimage, 0, *box, 0, spec.nchannels, form)
    return picture.read_scanlines(subimage, 0, *rows, spec.z, 0, spec.nchannels, form)


def shown_channels(spec: Any) -> slice | list[int]:
    """Return which channels to show, as a slice where they lie side by side: that copies three times as fast."""
    numbers = rgb_channels(spec)
    side_by_side = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return slice(numbers[0], numbers[0] + len(numbers)) if side_by_side else numbers


def rgb_channels(spec: Any) -> list[int]:
    """Return the first R, G, B by name (EXR sorts them by alphabet), else the first three."""
    for number, name in enumerate(spec.channelnames):
        layer, _, channel = name.rpartition(".")
        if channel in ("R", "r", "red"):
            prefix = f"{layer}." if layer else ""
            wanted = [f"{prefix}{c}" for c in {"R": "RGB", "r": "rgb"}.get(channel, ())]
            if all(w in spec.channelnames for w in wanted) and wanted:
                return [spec.channelnames.index(w) for w in wanted]
            return [number]
    return list(range(min(spec.nchannels, 3)))


def shrink(pixels: Any, edge: int) -> Any:
    """Return the pixels as 0 … 1 floats, no wider or higher than `edge`."""
    height, width, channels = pixels.shape
    scale = min(edge / width, edge / height, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = average_blocks(pixels, max(int(1 / scale), 1))
    if small.shape[:2] != size[::-1]:
        region = oiio.ROI(0, size[0], 0, size[1], 0, 1, 0, channels)
        resized: Any = oiio.ImageBufAlgo.resize(oiio.ImageBuf(np.ascontiguousarray(small)), filtername="box", roi=region)
        small = resized.get_pixels(oiio.FLOAT).reshape(size[1], size[0], channels)
    return np.nan_to_num(small)


def average_blocks(pixels: Any, block: int) -> Any:
    """Return the mean of each block of pixels, by at most 3×3 of them: a quarter of the time that a full filter takes."""
    height, width = (max(n // block, 1) * block for n in pixels.shape[:2])
    steps = [block * n // min(block, 3) for n in range(min(block, 3))]
    total = sum(pixels[y:height:block, x:width:block].astype(np.float32) for y in steps for x in steps)
    highest = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    return total / (len(steps) ** 2 * highest)


def srgb(linear: Any) -> Any:
    """Return linear light as sRGB (IEC 61966-2-1)."""
    light = np.clip(linear, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)


def layer_names(spec: Any) -> list[str]:
    """Return the layers of a sub-image: its own name, and what stands before the channel in channel names."""
    names = [str(spec.get_string_attribute("oiio:subimagename") or spec.get_string_attribute("name"))]
    names += [channel.rpartition(".")[0] for channel in spec.channelnames]
    return [name for name in dict.fromkeys(names) if name]


def has_colours(spec: Any) -> bool:
    """Tell whether a sub-image has light in it, by the names of its channels, and not only depths, positions or masks."""
    return any(name.rpartition(".")[2].lower() in _COLOURS for name in spec.channelnames)


def has_layer(wanted: str, found: dict[str, None]) -> bool:
    """Tell whether a layer is there by its whole name or by a part between dots: `Combined` in `ViewLayer.Combined`."""
    return any(f".{wanted}." in f".{name}." for name in found)


def check_end(path: str) -> None:
    """Refuse a JPEG without its end mark: its decoder fills what lacks with grey and says nothing."""
    if path.lower().endswith(_JPEG):
        with open(path, "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - 1024, 0))
            if b"\xff\xd9" not in stream.read():
                raise BadImage("is cut off: its end mark lacks")


def answer(inspector: Inspector, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for."""
    path = request["path"]
    try:
        if request["do"] == "inspect":
            return inspector.inspect(path, request["width"], request["height"], request["layers"])
        return inspector.preview(path, request["target"], request["edge"])
    except BadImage as exc:
        return {"event": "bad", "message": str(exc)}
    except (OSError, ValueError, MemoryError) as exc:
        return {"event": "bad", "message": f"cannot be read ({type(exc).__name__}: {exc})"}


def main() -> None:
    """Answer requests until stdin ends."""
    os.nice(_NICENESS)
    oiio.attribute("threads", 1)
    oiio.attribute("exr_threads", -1)
    inspector = Inspector()
    for line in sys.stdin:
        print(json.dumps(answer(inspector, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
