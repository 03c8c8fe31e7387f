"""What must not stay behind: processes, temporary files, leases, half objects, half downloads, folders, cgroups, mounts."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
from road.chaos.watchers import instance_of, running
from road.chaos.world import World

#: what `user_folders.write_private` writes aside
_ASIDE = re.compile(r"\..+\.[0-9a-f]{32}")


def find(world: World) -> list[str]:
    """Return what stayed behind."""
    return [*_processes(world), *_files(world), *_rows(world), *_kernel(world)]


def unended(world: World) -> int:
    """Return how many instances have not ended."""
    return len(world.database("SELECT id FROM instance WHERE ended IS NULL"))


def _processes(world: World) -> Iterator[str]:
    """Everything of an instance, and everything else of this world beside service and agent."""
    agent = world.agent_process()
    known = {world.service.process.pid, agent.pid if agent else 0}
    instances = {row["id"] for row in world.database("SELECT id FROM instance")}
    for process in psutil.process_iter():
        if process.pid in known or not running(process):
            continue
        with contextlib.suppress(psutil.Error, OSError):
            words = " ".join(process.cmdline())
            if instance_of(process) in instances or any(str(f) in words for f in (world.ledger, world.data, world.folders.state)):
                yield f"process {process.pid} is still there: {words[:200]}"


def _files(world: World) -> Iterator[str]:
    patterns: list[tuple[Path, str]] = [
        (world.data / "store" / "tmp", "*"),
        (world.show, "**/*.conductor-part"),
        (world.show, "**/.*"),
        (world.scratch, "*"),
    ]
    for folder, pattern in patterns:
        yield from (f"{path} is still there" for path in folder.glob(pattern))
    yield from (f"{path} is still there" for path in world.ledger.iterdir() if path.suffix != ".log")
    for folder in (world.data, world.folders.state, world.folders.cache, world.folders.config):
        yield from (f"{path} is still there" for path in folder.glob("*") if _ASIDE.fullmatch(path.name))


def _rows(world: World) -> Iterator[str]:
    questions = {
        "is not released": "SELECT id FROM attempt WHERE released IS NULL",
        "has not ended": "SELECT id FROM instance WHERE ended IS NULL",
        "is an object of no project": (
            "SELECT digest AS id FROM object WHERE id NOT IN (SELECT object_id FROM project_object) "
            "AND digest NOT IN (SELECT digest FROM manifest) AND digest NOT IN (SELECT preview FROM output WHERE preview NOT NULL)"
        ),
    }
    for what, query in questions.items():
        yield from (f"{row['id']} {what}" for row in world.database(query))
    yield from (
        f"{row['path']} is still to be fetched" for row in world.journal("SELECT path FROM outputs WHERE state = 'pending'")
    )


def _kernel(world: World) -> Iterator[str]:
    """Mounts of this world, and cgroups that are named after its instances."""
    with open("/proc/self/mountinfo") as mounts:
        yield from (f"mount left: {line.strip()}" for line in mounts if str(world.folder) in line)
    instances = {row["id"] for row in world.database("SELECT id FROM instance")}
    for root in _own_cgroups():
        yield from (f"cgroup left: {path}" for path in root.glob("**/") if any(i in path.name for i in instances))


def _own_cgroups() -> Iterator[Path]:
    with open("/proc/self/cgroup") as groups:
        for line in groups:
            _, controllers, path = line.strip().split(":", 2)
            for name in {controllers, controllers.removeprefix("name="), "unified" if not controllers else ""}:
                folder = Path("/sys/fs/cgroup", name) / path.lstrip("/")
                if name and folder.is_dir():
                    yield folder
