"""The demo, as `python3 install.py demo` runs it: the whole road, for real."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import OpenImageIO as oiio
import psutil
import pytest

REPO = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("rendering")


def test_the_demo_brings_eight_frames_home_and_sends_no_asset_twice(tmp_path: Path, bpy_python: Callable[..., Path]) -> None:
    """Eight verified frames at home, a contact sheet, no asset sent again after renaming and moving, no process left."""
    ran = _demo(tmp_path, bpy_python())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    frames = sorted((tmp_path / "demo" / "elsewhere").rglob("shot_*.exr"))
    assert [int(f.stem[-4:]) for f in frames] == list(range(1, 9))
    for frame in frames:
        _check_frame(frame)
    assert oiio.ImageInput.open(str(tmp_path / "demo" / "contact-sheet.png"))
    assert re.search(r"frames home\W+8 of 8", ran.stdout)
    assert re.search(r"rendered\W+in a sandbox", ran.stdout)
    assert re.search(r"bytes sent for assets\W+0\b", ran.stdout)
    assert re.search(r"instance-minutes\W+20 billed", ran.stdout)
    assert _processes_of(tmp_path) == []


def test_keep_leaves_the_service_and_the_next_demo_ends_it(tmp_path: Path, bpy_python: Callable[..., Path]) -> None:
    """With --keep the service stays and says how to end it; it ends cleanly, and takes its instances along."""
    ran = _demo(tmp_path, bpy_python(), "--keep", "--frames", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = re.search(r"end it with: kill (\d+)", ran.stdout)
    assert said
    service = psutil.Process(int(said[1]))
    assert service in _processes_of(tmp_path)
    service.send_signal(signal.SIGTERM)
    psutil.wait_procs(_processes_of(tmp_path), timeout=30)
    assert _processes_of(tmp_path) == []


def _demo(folder: Path, blender: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPO / "demo" / "run.py"), "--folder", str(folder / "demo"), "--blender", str(blender), *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=400, check=False)


def _check_frame(path: Path) -> None:
    picture = oiio.ImageInput.open(str(path))
    assert picture, oiio.geterror()
    spec = picture.spec()
    assert (spec.width, spec.height) == (960, 540)
    assert {"ViewLayer.Combined.R", "ViewLayer.Depth.Z"} <= set(spec.channelnames)
    pixels = picture.read_image("float")
    assert pixels is not None
    assert pixels[:, :, 0].std() > 0.01
    picture.close()


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that name the demo's folder in their command line."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(folder / "demo") in " ".join(p.info["cmdline"] or ())]
