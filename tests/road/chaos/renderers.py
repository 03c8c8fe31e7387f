"""What the frames of the harness are rendered by: a frame server without a renderer, or Blender as a module."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

REPO = Path(__file__).resolve().parents[3]
#: bytes of noise in a fake frame: enough for its transfers to take a while
FAKE_EDGE = 256


class Renderer(Protocol):
    """How a scene is made and rendered."""

    @property
    def name(self) -> str:
        """Return the software's name in the catalogue."""

    @property
    def extension(self) -> str:
        """Return what frames end in."""

    def package(self, told: Path) -> dict[str, Any]:
        """Return the entry of the software catalogue; `told` is the named pipe for the teller."""

    def write_scene(self, path: Path, seed: str) -> None:
        """Make a scene."""

    def expected(self, seed: str, frame: int) -> bytes | None:
        """Return the bytes that a frame must have; None where a renderer may write them in more than one way."""


def _package(name: str, executable: Path | str, roots: list[Path], script: Path, told: Path) -> dict[str, Any]:
    environment = {"CHAOS_TOLD": str(told), "CHAOS_SCRIPT": str(script)}
    return {
        "name": name,
        "version": "1.0",
        "launch": "bpy-module",
        "executable": str(executable),
        "roots": [str(root) for root in (*roots, told.parent)],
        "environment": [{"name": k, "value": v} for k, v in environment.items()],
    }


def noise(seed: str, frame: int) -> bytes:
    """Return a PNG of noise that only this frame of this scene has."""
    randomness = random.Random(f"{seed} {frame}")
    rows = b"".join(b"\0" + randomness.randbytes(3 * FAKE_EDGE) for _ in range(FAKE_EDGE))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", FAKE_EDGE, FAKE_EDGE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


@dataclass(frozen=True, slots=True)
class Fake:
    """The frame server of the runner's tests; a scene is a Python text, a frame a picture of noise after a short sleep."""

    name: str = "fake"
    extension: str = "png"

    def package(self, told: Path) -> dict[str, Any]:
        """Return the entry of the software catalogue."""
        here = Path(__file__).resolve().parent
        folders = [REPO / "tests" / "runner", here]
        return _package(self.name, sys.executable, folders, REPO / "tests" / "runner" / "fake_frame_server.py", told)

    def write_scene(self, path: Path, seed: str) -> None:
        """Make a scene that sleeps and writes noise."""
        here = Path(__file__).resolve().parent
        path.write_text(
            "import random, sys, time\n"
            f"sys.path.insert(0, {str(here)!r})\n"
            "from renderers import noise\n"
            f"time.sleep(random.Random(f'{seed} sleep {{frame}}').uniform(0.1, 0.3))\n"
            "with open(path, 'wb') as stream:\n"
            f"    stream.write(noise({seed!r}, frame))\n"
        )

    def expected(self, seed: str, frame: int) -> bytes | None:
        """Return the frame's only right bytes."""
        return noise(seed, frame)


@dataclass(frozen=True, slots=True)
class Bpy:
    """Blender as a Python module, a small Cycles scene."""

    python: Path
    name: str = "blender"
    extension: str = "exr"

    def package(self, told: Path) -> dict[str, Any]:
        """Return the entry of the software catalogue."""
        base = Path(os.path.realpath(self.python)).parents[1]
        folders = [self.python.parents[1], base, REPO / "blender", REPO / "plugins"]
        return _package(self.name, self.python, folders, REPO / "blender" / "render.py", told)

    def write_scene(self, path: Path, seed: str) -> None:
        """Make a scene whose cube turns."""
        script = Path(__file__).with_name("bpy_scene.py")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        words = [str(self.python), str(script), str(path), str(path.parent / "unused_####.exr")]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, timeout=240)

    def expected(self, seed: str, frame: int) -> bytes | None:
        """Return None: an EXR tells when it was rendered."""
        return None
