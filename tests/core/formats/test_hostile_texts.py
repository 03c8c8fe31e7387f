"""Texts that are made to be slow to read are not: time grows with their size, and with nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from planted.scans import survives

HEADS = {
    "a.ass": b"options\n{\n}\n",
    "a.vrscene": b"// V-Ray core version is 5.0\n",
    "a.rib": b"##RenderMan RIB\n",
    "a.gltf": b'{"asset":',
    "a.fbx": b"; FBX 7.4.0 project file\n",
    "a.xgen": b"# XGen\nPalette\n\txgDataPath\tx\n",
    "a.dae": b"<COLLADA>",
    "a.rs": b"\0",
}
PATTERNS = (b"{", b'"', b"\\", b"name ", b"b85A ", b"a=", b"a{", b"[", b'"x/y.exr" ', b"map('x", b"<a>", b"//", b".exr")


@pytest.mark.parametrize("name", HEADS)
def test_time_grows_with_size_only(tmp_path: Path, name: str) -> None:
    """128 KB of nothing but braces, quotes or escapes cost seconds of one core at the most, traced and on a slow machine: a square would cost minutes."""
    for pattern in PATTERNS:
        start = time.process_time()
        survives(tmp_path, name, HEADS[name] + pattern * ((128 << 10) // len(pattern)))
        assert time.process_time() - start < 20, pattern
