"""Real Maya scenes in binary, read for the fake, shared with no reader of the product.

IFF groups, as the text twins of the same scenes tell: `FOR4`/`FOR8` with the type, its length includes neither padding nor head,
leaves are padded to four or eight bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from fakes.maya_saved import NotLoaded, SavedAttribute, SavedNode, SavedScene
from fakes.maya_types import TAGS


def binary_scene(data: bytes) -> SavedScene:
    """Return what a file says.

    Raises:
        NotLoaded: it has what no test scene had.
    """
    return _Binary(data).scene()


class _Binary:
    """A scene in groups of bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.wide = data, data[3:4] == b"8"

    def scene(self) -> SavedScene:
        """Return what the file says."""
        scene = SavedScene()
        _, _, body = next(self.chunks(0, len(self.data)))
        for tag, type_, inside in self.chunks(*body):
            if type_ == b"HEAD":
                self._head(scene, inside)
            elif type_ in (b"CONS", b"CONN") or tag[:3] in (b"LIS", b"CAT"):
                self._connections(scene, inside)
            elif type_:
                scene.nodes.append(self._node(type_, inside))
        return scene

    def chunks(self, at: int, end: int) -> Iterator[tuple[bytes, bytes, tuple[int, int]]]:
        """Yield tag, type (of groups, else empty), and where the content lies."""
        head, pad = (16, 8) if self.wide else (8, 4)
        while at + head <= end:
            tag = self.data[at : at + 4]
            size = (
                struct.unpack(">Q", self.data[at + 8 : at + 16])[0]
                if self.wide
                else struct.unpack(">I", self.data[at + 4 : at + 8])[0]
            )
            start = at + head
            if tag[:3] in (b"FOR", b"LIS", b"CAT", b"PRO"):
                yield tag, self.data[start : start + 4], (start + 4, start + size)
                at = start + size
            else:
                yield tag, b"", (start, start + size)
                at = start + -(-size // pad) * pad

    def _head(self, scene: SavedScene, place: tuple[int, int]) -> None:
        for tag, _, (start, end) in self.chunks(*place):
            words = self._words(start, end)
            if tag == b"VERS":
                scene.version = words[0]
            elif tag == b"TUNI":
                scene.time_unit = words[0]
            elif tag == b"FINF":
                scene.file_info.append((words[0], words[1]))
            elif tag == b"PLUG":
                scene.plugins[words[0]] = words[1]
                for type_ in re.findall(r'-nodeType "([^"]+)"', " ".join(words[2:])):
                    scene.plugin_types[type_] = words[0]
            elif tag in (b"FREF", b"FRDI", b"RFNC"):
                raise NotLoaded("No test scene in binary had a reference.")

    def _words(self, start: int, end: int) -> list[str]:
        return [part.decode("utf-8", "replace") for part in self.data[start:end].split(b"\0")]

    def _node(self, type_: bytes, place: tuple[int, int]) -> SavedNode:
        name = type_.decode("latin-1")
        node = SavedNode(TAGS.get(name, f"tag_{type_.hex()}"), "")
        for tag, _, (start, end) in self.chunks(*place):
            body = self.data[start:end]
            if tag == b"CREA":
                self._created(node, body)
            elif tag == b"SLCT":
                node.name, node.selected, node.type = body.rstrip(b"\0").decode().lstrip(":"), True, ""
            elif tag == b"ATTR":
                _added(node, body)
            elif b"\0" in body:
                _value(node, tag, body)
        return node

    def _created(self, node: SavedNode, body: bytes) -> None:
        parts = body[1:].split(b"\0")
        node.name = parts[0].decode("utf-8", "replace")
        # 4: below another node; 1: shared
        parent = parts[1].decode("utf-8", "replace") if body[0] & 4 and len(parts) > 1 else ""
        if parent.isprintable() and re.fullmatch(r"[\w:|]+", parent, re.ASCII) and body.count(parent.encode() + b"\0") >= 1:
            node.parent = parent
        node.shared = bool(body[0] & 1)

    def _connections(self, scene: SavedScene, place: tuple[int, int]) -> None:
        for tag, type_, (start, end) in self.chunks(*place):
            if type_:
                self._connections(scene, (start, end))
            elif tag == b"CWFL":
                source, destination = self._words(start + 1, end)[:2]
                scene.connections.append((source, destination, self.data[start] == 1))


def _added(node: SavedNode, body: bytes) -> None:
    names = re.search(rb"(?:[A-Z]{3}[A-Z ])?([A-Za-z_]\w*)\0([A-Za-z_]\w*)\0", body[12:])
    if names:
        kind = "string" if b"STR " in body[:20] else "double"
        node.added.append(SavedAttribute(names[1].decode(), names[2].decode(), kind))


def _value(node: SavedNode, tag: bytes, body: bytes) -> None:
    name_bytes, _, rest = body.partition(b"\0")
    name, rest = name_bytes.decode("utf-8", "replace"), rest[1:]  # one byte of flags
    if tag == b"STR ":
        node.values[name] = rest.rstrip(b"\0").decode("utf-8", "replace")
    elif tag == b"STR#":
        node.values[name] = [part.decode("utf-8", "replace") for part in rest[4:].split(b"\0")[:-1]]
    elif tag in (b"DBLE", b"DBL2", b"DBL3", b"CMPD"):
        values = tuple(map(_frame, struct.unpack(f">{len(rest) // 8}d", rest[: len(rest) // 8 * 8])))
        node.values[name] = (values[0] if len(values) == 1 else tuple(values)) if values else None
    elif tag in (b"FLT2", b"FLT3"):
        node.values[name] = tuple(struct.unpack(f">{len(rest) // 4}f", rest[: len(rest) // 4 * 4]))
    elif tag != b"FLGS":
        node.values[name] = None


#: ticks of a frame where the head says `TDUR 141120000` and the unit is film: whole numbers in the place of a double
_TICKS = 141120000 // 24


def _frame(value: float) -> float:
    if 0 < abs(value) < 1e-300:
        return float(struct.unpack(">q", struct.pack(">d", value))[0]) / _TICKS
    return value
