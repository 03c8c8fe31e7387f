"""What Conductor costs on top of rendering: the same frames by plain bpy and through the farm, in one run, alternating.

    .conductor/env/bin/python benchmarks/overhead.py [--frames 48] [--rounds 2] [--tasks 200]

Baseline: one process that imports bpy, opens the scene and renders the frames one after the other. Against it: submit to
last frame home, on one local instance, service and agent on the same machine (they share its cores with the render).
Then: CPU of the service and tasks per second for command tasks that do nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from conductor_core.agent_client import connect as connect_agent
from conductor_core.api.client import ServiceClient
from conductor_service.embedded import EmbeddedService, embedded_service
from rich.console import Console
from rich.table import Table

REPO = Path(__file__).resolve().parents[1]
SCENE_SCRIPT = Path(__file__).with_name("overhead_scene.py")
console = Console(highlight=False)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--samples", type=int, default=1, help="Cycles samples: chosen for about a second per frame")
    parser.add_argument("--tasks", type=int, default=200, help="command tasks that do nothing")
    parser.add_argument("--blender", type=Path, default=REPO / ".conductor" / "blender" / "4.5.15" / "bin" / "python")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conductor-overhead-") as name:
        folder = Path(name)
        os.environ.update(CONDUCTOR_HOME=str(folder / "client"), CONDUCTOR_BLENDER=str(arguments.blender.absolute()))
        with embedded_service(folder / "service", _settings(arguments.blender.absolute())) as service:
            _conductor("login", service.url, "--token-file", str(service.token_file))
            try:
                _measure(folder, service, arguments)
            finally:
                connect_agent(start=False).quit(now=True)


def _measure(folder: Path, service: EmbeddedService, arguments: argparse.Namespace) -> None:
    scene = folder / "project" / "scene.blend"
    scene.parent.mkdir()
    _bpy(arguments.blender, "build", str(scene), "--samples", str(arguments.samples))
    plain, farm = [], []
    for _ in range(arguments.rounds):
        plain.append(_plain(arguments.blender, scene, folder / "plain", arguments.frames))
        farm.append(_farm(service, scene, arguments.frames))
    table = Table(
        title=f"{arguments.frames} Cycles frames, 1920×1080 half EXR; medians of {arguments.rounds} rounds", title_justify="left"
    )
    for heading in ("", "seconds", "per frame", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    base = statistics.median(plain)
    for title, seconds in (("plain bpy, one process", base), ("Conductor, submit to last frame home", statistics.median(farm))):
        table.add_row(title, f"{seconds:.1f}", f"{seconds / arguments.frames:.3f}", f"{seconds / base:.3f}")
    console.print(table)
    before, began = _cpu_seconds(service), time.monotonic()
    _conductor("submit", "--command", "true", "--software", "shell@1", "--frames", f"1-{arguments.tasks}", *_MACHINE, "--wait")
    cpu, wall = _cpu_seconds(service) - before, time.monotonic() - began
    console.print(
        f"{arguments.tasks} command tasks that do nothing, one instance: {cpu / arguments.tasks * 1000:.1f} ms CPU of the service per task,"
        f" {arguments.tasks / wall:.1f} tasks/s (submission and start of the instance included)"
    )


_MACHINE = ("--instance-type", "this-machine", "--max-instances", "1")


def _plain(blender: Path, scene: Path, out: Path, frames: int) -> float:
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    _bpy(blender, "render", str(scene), "--frames", f"1-{frames}", "--out", str(out))
    seconds = time.monotonic() - began
    assert len(list(out.glob("*.exr"))) == frames
    return seconds


def _farm(service: EmbeddedService, scene: Path, frames: int) -> float:
    """Return the seconds from submit to last frame home, having started from no instance at all."""
    home = scene.parent / "render"
    shutil.rmtree(home, ignore_errors=True)
    _wait_for_no_instance(service)
    began = time.monotonic()
    _conductor("submit", str(scene), "--frames", f"1-{frames}", *_MACHINE, "--wait", "--download")
    seconds = time.monotonic() - began
    assert len(list(home.glob("*.exr"))) == frames
    return seconds


def _wait_for_no_instance(service: EmbeddedService) -> None:
    with ServiceClient(service.url, service.token) as client:
        while client.instances():
            time.sleep(0.5)


def _cpu_seconds(service: EmbeddedService) -> float:
    times = psutil.Process(service.process.pid).cpu_times()
    return float(times.user + times.system)


def _bpy(blender: Path, *words: str) -> None:
    subprocess.run([str(blender), str(SCENE_SCRIPT), *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _conductor(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "conductor_core.cli", *words], check=True, stdout=subprocess.DEVNULL)


def _settings(blender: Path) -> Mapping[str, object]:
    base = Path(os.path.realpath(blender)).parents[1]
    return {
        "idle_seconds": 5,
        "instance_types": [{"name": "this-machine", "description": "", "cores": 2, "memory_gb": 8, "price_per_hour": "1.20"}],
        "software": [
            {
                "name": "blender",
                "version": blender.parents[1].name,
                "description": "",
                "launch": "bpy-module",
                "executable": str(blender),
                "roots": [str(blender.parents[1]), str(base)],
            },
            {"name": "shell", "version": "1", "description": "", "launch": "command", "executable": "", "roots": []},
        ],
    }


if __name__ == "__main__":
    main()
