"""Scenes of Maya, written as Maya writes them; used by the tests of both formats."""

from __future__ import annotations

import struct
from pathlib import Path

from conductor_core.discovery.survey import Survey
from conductor_core.formats import Scan, scan_file
from conductor_core.report import ScanReport

HEADER = '//Maya ASCII 2024 scene\n//Name: shot.ma\n//Codeset: UTF-8\nrequires maya "2024";\n'
WORKSPACE = 'workspace -fr "sourceImages" "maps";\nworkspace -fr "images" "renders";\nworkspace -fr "scene" "scenes";\n'


def project(folder: Path, *files: str) -> Path:
    """Make a project with empty files; return its root."""
    for name in ("scenes", "maps"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "workspace.mel").write_text(WORKSPACE)
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def scan_text(root: Path, body: str, *, frames: tuple[int, ...] | None = None, header: str = HEADER, **variables: str) -> Scan:
    """Scan a scene of the project."""
    scene = root / "scenes" / "shot.ma"
    scene.write_text(header + body, encoding="utf-8", newline="")
    return scan_file(Survey(str(scene), frames=frames, variables=variables))


def node(type_: str, **attributes: str | int) -> str:
    """Return the statements of a node: texts and numbers."""
    lines = [f'createNode {type_} -n "{type_}1";']
    for name, value in attributes.items():
        name = name.replace("__", "].").replace("_AT_", "[")
        quoted = f'-type "string" "{value}"' if isinstance(value, str) else str(value)
        lines.append(f'\tsetAttr ".{name}" {quoted};')
    return "\n".join(lines) + "\n"


def ends(report: ScanReport, text: str) -> str:
    """Return the list in which a text has ended; more than one is told with commas."""
    lists = ("dependencies", "missing", "unresolved", "outputs", "ignored")
    return ",".join(name for name in lists if any(entry.as_written == text for entry in getattr(report, name)))


class Binary:
    """A Maya binary scene in the making; `wide`: with pointers of 8 bytes."""

    def __init__(self, *, wide: bool) -> None:
        self.wide = wide
        self._parts: list[bytes] = []

    def chunk(self, tag: bytes, data: bytes) -> bytes:
        """Return one chunk, padded."""
        unit = 8 if self.wide else 4
        size = struct.pack(">4sQ", b"\0\0\0\0", len(data)) if self.wide else struct.pack(">I", len(data))
        return tag + size + data + b"\0" * (-len(data) % unit)

    def group(self, word: bytes, *chunks: bytes) -> bytes:
        """Return a group of chunks."""
        data = word + b"".join(chunks)
        size = struct.pack(">4sQ", b"\x7f\0\0\0", len(data)) if self.wide else struct.pack(">I", len(data))
        return (b"FOR8" if self.wide else b"FOR4") + size + data

    def text(self, attribute: str, value: str) -> bytes:
        """Return the chunk of a string attribute."""
        return self.chunk(b"STR ", attribute.encode() + b"\0 " + value.encode() + b"\0")

    def number(self, attribute: str, value: float) -> bytes:
        """Return the chunk of a number."""
        return self.chunk(b"DBLE", attribute.encode() + b"\0 " + struct.pack(">d", value))

    def node(self, word: bytes, name: str, *chunks: bytes) -> bytes:
        """Return a node."""
        return self.group(word, self.chunk(b"CREA", b"\x00" + name.encode() + b"\0"), *chunks)

    def select(self, name: str, *chunks: bytes) -> bytes:
        """Return what a scene sets on a node that Maya makes."""
        return self.group(b"SLCT", self.chunk(b"SLCT", name.encode()), *chunks)

    def scene(self, *groups: bytes) -> bytes:
        """Return the file."""
        head = self.group(
            b"HEAD",
            self.chunk(b"VERS", b"2024"),
            self.chunk(b"FINF", b"version\x002024\0"),
            self.chunk(b"PLUG", b'mtoa\x005.3.0\0 -nodeType "aiImage"\0aiImage\0\x00\x11\x5c\x01'),
        )
        return self.group(b"Maya", head, *groups)
