"""Renders of the fake Maya: small real pictures, exactly where the scene's settings say.

Names: https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-F6C6AE73-F484-4534-B992-2E599D4AE91E.htm (subfolders and tokens) and
the node renderGlobals (outFormatControl, putFrameBeforeExt, periodInExt). V-Ray has names of its own:
https://docs.chaos.com/display/VMAYA/Common+Tab. What renderers print: their own manuals' log pages.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.maya_graph import Node

if TYPE_CHECKING:
    from fakes.maya_session import Session

#: `imageFormat` of the render settings (Nodes/renderGlobals.html)
_FORMATS = {0: "gif", 3: "tif", 5: "sgi", 7: "iff", 8: "jpg", 19: "tga", 20: "bmp", 32: "png", 40: "exr"}
_WORDS = {"jpeg": "jpg", "tiff": "tif", "deepexr": "exr"}
_TOKEN = re.compile(r"<(\w+)>", re.IGNORECASE)


def value(session: Session, node: str, attribute: str) -> Any:
    """Return an attribute of one of the scene's settings, its default where nobody set it, None where there is no such node."""
    found = session.graph.named.get(node)
    if not found:
        return None
    known = found[0].find(attribute)
    assert known is not None, f"{node}.{attribute}"
    return found[0].values.get(known.long, known.default)


def frames(session: Session) -> list[int]:
    """Return the frames that the render settings name."""
    if not value(session, "defaultRenderGlobals", "animation"):
        return [round(session.time)]
    first, last = (float(value(session, "defaultRenderGlobals", name)) for name in ("startFrame", "endFrame"))
    step = float(value(session, "defaultRenderGlobals", "byFrameStep"))
    count = int((last - first) / step) + 1
    return [round(first + number * step) for number in range(count)]


def cameras(session: Session) -> list[Node]:
    """Return the shapes that are rendered."""
    return [n for n in session.graph.nodes if n.type in ("camera", "stereoRigCamera") and n.values.get("renderable", True)]


def layers(session: Session) -> list[Node]:
    """Return the scene's own layers."""
    return [n for n in session.graph.nodes if n.type == "renderLayer" and n.reference is None]


def extension(session: Session, renderer: str) -> str:
    """Return the extension of what a renderer writes."""
    if renderer == "arnold":
        word = str(value(session, "defaultArnoldDriver", "aiTranslator") or "exr")
        return _WORDS.get(word, word)
    if renderer == "vray":
        return str(value(session, "vraySettings", "imageFormatStr") or "png").split(" ")[0]
    if renderer == "redshift":
        return {0: "iff", 1: "exr", 2: "png", 3: "tga", 4: "jpg", 5: "tif"}[
            int(value(session, "redshiftOptions", "imageFormat") or 1)
        ]
    if renderer == "renderman":
        return "exr"
    number = int(value(session, "defaultRenderGlobals", "imageFormat"))
    return str(value(session, "defaultRenderGlobals", "imfPluginKey") or "exr") if number == 51 else _FORMATS[number]


def picture_path(session: Session, renderer: str, layer: Node, camera: Node, frame: int) -> Path:
    """Return where the picture of a frame goes."""
    scene = os.path.splitext(os.path.basename(session.name))[0]
    shown = "masterLayer" if layer.name == "defaultRenderLayer" else layer.name.removeprefix("rs_")
    transform = camera.parent.name if camera.parent else camera.name
    ending = extension(session, renderer)
    prefix = str((renderer == "vray" and value(session, "vraySettings", "fileNamePrefix")) or "")
    prefix = prefix or str(value(session, "defaultRenderGlobals", "imageFilePrefix") or "")
    if not _TOKEN.search(prefix):
        folders = ["<RenderLayer>"] if len(layers(session)) > 1 else []
        folders += ["<Camera>"] if len(cameras(session)) > 1 else []
        prefix = "/".join([*folders, prefix or "<Scene>"])
    words = {"scene": scene, "renderlayer": shown, "layer": shown, "camera": transform.replace(":", "_"), "extension": ending}
    words |= {"renderpass": "beauty", "renderpasstype": "beauty"}
    words["version"] = str(value(session, "defaultRenderGlobals", "renderVersion") or "")
    name = _TOKEN.sub(lambda m: words.get(m[1].lower(), m[0]), prefix)
    images = Path(session.expanded(session.rule("images")))
    return images / _numbered(session, renderer, name, ending, frame)


def _numbered(session: Session, renderer: str, name: str, ending: str, frame: int) -> str:
    if renderer == "vray":
        return f"{name}.{frame:0{int(value(session, 'vraySettings', 'fileNamePadding'))}d}.{ending}"
    padding = int(value(session, "defaultRenderGlobals", "extensionPadding"))
    number = f"{frame:0{padding}d}"
    if not value(session, "defaultRenderGlobals", "animation"):
        return f"{name}.{ending}"
    before = {0: "", 1: ".", 2: "_"}[int(value(session, "defaultRenderGlobals", "periodInExt"))]
    if int(value(session, "defaultRenderGlobals", "outFormatControl")) == 1:
        return f"{name}{before}{number}"
    if value(session, "defaultRenderGlobals", "putFrameBeforeExt"):
        return f"{name}{before}{number}.{ending}"
    return f"{name}.{ending}.{number}"


def render(
    session: Session, renderer: str, camera: str, *, at: list[int] | None = None, said: list[str] | None = None
) -> list[Path]:
    """Render the layer that is current; tell how far it is as the renderer prints it."""
    layer = session.layer
    assert layer is not None
    width, height = (int(value(session, "defaultResolution", name)) for name in ("width", "height"))
    written = []
    for frame in at or frames(session):
        for shape in _wanted(session, camera):
            file = picture_path(session, renderer, layer, shape, frame)
            if value(session, "defaultRenderGlobals", "skipExistingFrames") and file.exists():
                written.append(file)
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            for line in _progress(renderer, file):
                print(line, flush=True)
            write(file, width, height, extension(session, renderer))
            written.append(file)
            if said is not None:
                said.append(file.as_posix())
    return written


def _wanted(session: Session, camera: str) -> list[Node]:
    if not camera:
        return cameras(session)
    node = session.graph.one(camera)
    return [node] if node.type == "camera" else [c for c in node.children if c.type == "camera"]


def _progress(renderer: str, file: Path) -> Iterator[str]:
    for percent in (25, 50, 100):
        if renderer == "arnold":
            yield f"00:00:01   120MB         |   {percent:3d}% done - 42 rays/pixel"
        elif renderer == "vray":
            yield f"[2025/Jan/01|12:00:00] V-Ray: Rendering image...: {percent}% [00:00:01]"
        elif renderer == "redshift":
            yield f"[Redshift]  Block {percent}/100 (0,0) rendered by GPU 0 in 10ms"
        elif renderer == "renderman":
            yield f"R90000 {percent}%"
        else:
            yield f"Percentage of rendering done: {percent} ({file.as_posix()})"


def write(file: Path, width: int, height: int, format_: str) -> None:
    """Write a real picture of one colour."""
    if format_ == "png":
        file.write_bytes(_png(width, height))
    elif format_ == "exr":
        file.write_bytes(_exr(width, height))
    else:
        import OpenImageIO as oiio
        from OpenImageIO import ImageBuf, ImageSpec

        name = file if file.suffix == f".{format_}" else file.with_name(f"{file.name}.{format_}")
        picture = ImageBuf(ImageSpec(width, height, 3, oiio.UINT8))
        if not picture.write(str(name)):
            raise RuntimeError(f"Unable to write {name}: {picture.geterror()}")
        if name != file:
            os.replace(name, file)


def _png(width: int, height: int) -> bytes:
    """https://www.w3.org/TR/png-3/: RGB, 8 bits."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    rows = (b"\0" + b"\x40\x80\xc0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def _exr(width: int, height: int) -> bytes:
    """https://openexr.com/en/latest/OpenEXRFileLayout.html: RGB, half, without compression, one part in lines."""

    def attribute(name: str, kind: str, data: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(data)) + data

    channels = b"".join(name + b"\0" + struct.pack("<iBBBBii", 1, 0, 0, 0, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    head += attribute("channels", "chlist", channels) + attribute("compression", "compression", b"\0")
    head += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    head += attribute("lineOrder", "lineOrder", b"\0") + attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0))
    head += attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0))
    head += attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)) + b"\0"
    line = struct.pack("<ii", 0, width * 6) + b"\x00\x38" * (width * 3)
    first = len(head) + 8 * height
    offsets = b"".join(struct.pack("<Q", first + number * len(line)) for number in range(height))
    return head + offsets + b"".join(struct.pack("<i", number) + line[4:] for number in range(height))


class Renderers:
    """The commands of renderers, in MEL and as Python modules; those of a plug-in are there once it is loaded."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.written: list[str] = []

    def procedures(self) -> dict[str, Any]:
        """Return the commands by their names in MEL."""
        return {
            "arnoldRender": self._arnold,
            "vrend": self._vray,
            "rsRender": self._redshift,
            "mayaBatchRenderProcedure": self._batch,
            "vrayCreateVRaySettingsNode": lambda words: self._settings("vrayformaya", "VRaySettingsNode", "vraySettings"),
            "redshiftGetRedshiftOptionsNode": lambda words: self._settings("redshift4maya", "RedshiftOptions", "redshiftOptions"),
        }

    def needs(self, plugin: str, command: str) -> None:
        """Refuse a command whose plug-in is not loaded.

        Raises:
            RuntimeError: in Maya's words.
        """
        if plugin not in self.session.loaded:
            raise RuntimeError(f'Error: Cannot find procedure "{command}".')

    def software(self, camera: str, frame: int | None = None) -> str:
        """Render by Maya's own renderer."""
        at = [round(self.session.time)] if frame is None else [frame]
        return render(self.session, "mayaSoftware", camera, at=at, said=self.written)[-1].as_posix()

    def _settings(self, plugin: str, type_: str, name: str) -> str:
        self.needs(plugin, type_)
        if not self.session.graph.named.get(name):
            self.session.graph.add(Node(name, type_))
        return name

    def arnold_options(self) -> None:
        """Make the nodes that mtoa's `createOptions` makes."""
        self.needs("mtoa", "createOptions")
        for name, type_ in (
            ("defaultArnoldRenderOptions", "aiOptions"),
            ("defaultArnoldFilter", "aiAOVFilter"),
            ("defaultArnoldDriver", "aiAOVDriver"),
            ("defaultArnoldDisplayDriver", "aiAOVDriver"),
        ):
            if not self.session.graph.named.get(name):
                self.session.graph.add(Node(name, type_))

    def _arnold(self, words: list[str]) -> str:
        self.needs("mtoa", "arnoldRender")
        flags = _flags(
            words, {"-batch": 0, "-b": 0, "-seq": 1, "-camera": 1, "-cam": 1, "-width": 1, "-w": 1, "-height": 1, "-h": 1}
        )
        if "-batch" not in flags and "-b" not in flags:
            raise RuntimeError("arnoldRender: there is no render view in batch mode.")
        at = [int(text) for text in str(flags.get("-seq", "")).replace(",", " ").split()]
        files = render(self.session, "arnold", str(flags.get("-camera", flags.get("-cam", ""))), at=at or None, said=self.written)
        return files[-1].as_posix()

    def _vray(self, words: list[str]) -> str:
        self.needs("vrayformaya", "vrend")
        flags = _flags(words, {"-camera": 1})
        kind = int(value(self.session, "vraySettings", "animType"))
        listed = str(value(self.session, "vraySettings", "animFrames") or "") if kind == 2 else ""
        at = [int(text) for text in listed.replace(",", " ").split()] or None
        return render(self.session, "vray", str(flags.get("-camera", "")), at=at, said=self.written)[-1].as_posix()

    def _redshift(self, words: list[str]) -> str:
        self.needs("redshift4maya", "rsRender")
        flags = _flags(words, {"-render": 0, "-batch": 0, "-animation": 0, "-cam": 1})
        at = None if "-animation" in flags else [round(self.session.time)]
        return render(self.session, "redshift", str(flags.get("-cam", "")), at=at, said=self.written)[-1].as_posix()

    def _batch(self, words: list[str]) -> int:
        """Render by the renderer that is named: interactive, camera, layer, renderer, options (mayaBatchRenderProcedure.mel)."""
        if len(words) != 5:
            raise RuntimeError("Error: Wrong number of arguments on call to mayaBatchRenderProcedure.")
        render(self.session, words[3] or "mayaSoftware", words[1], said=self.written)
        return 0


def _flags(words: list[str], known: dict[str, int]) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word not in known:
            raise RuntimeError(f"Error: Invalid flag '{word}'.")
        found[word] = next(rest) if known[word] else ""
    return found
