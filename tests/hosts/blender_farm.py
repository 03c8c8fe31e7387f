"""A real service for tests of Blender's panel, and an artist who has logged in to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_service.embedded import embedded_service
from conductor_service.found_software import find_software

REPO = Path(__file__).resolve().parents[2]
#: two, so that the artist has to choose
_KINDS = [
    {"name": "spare", "description": "never used", "cores": 64, "memory_gb": 256, "price_per_hour": "9.00"},
    {"name": "this-machine", "description": "a process here", "cores": 1, "memory_gb": 4, "price_per_hour": "0.60"},
]


@dataclass(frozen=True)
class Farm:
    """A service that runs, and where its artist keeps things."""

    url: str
    #: of the artist: CONDUCTOR_HOME
    home: Path
    #: the folder that Blender's Qt comes from
    qt: Path

    def environment(self) -> dict[str, str]:
        """Return what an artist's Blender has in its environment: nothing of this clone's."""
        own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith(("COVERAGE", "CONDUCTOR", "QT_"))}
        return {**own, "CONDUCTOR_HOME": str(self.home), "CONDUCTOR_QT": str(self.qt)}

    def conductor(self, *words: str) -> str:
        """Run a command of the artist's; return what it prints."""
        environment = {**os.environ, "CONDUCTOR_HOME": str(self.home)}
        command = [sys.executable, "-m", "conductor_core.cli", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def farm(folder: Path) -> Iterator[Farm]:
    """Run a service that has every Blender of this machine, log in, and end agent and service afterwards."""
    packages = [
        {
            **{"name": p.name, "version": p.version, "launch": p.launch, "description": p.description},
            **{"executable": p.executable, "roots": list(p.roots)},
        }
        for p in find_software()
    ]
    settings = {"idle_seconds": 600, "find_software": False, "instance_types": _KINDS, "software": packages}
    with embedded_service(folder / "farm", settings) as service:
        running = Farm(service.url, folder / "client", qt_of_this_python(folder / "qt"))
        running.conductor("login", service.url, "--token-file", str(service.token_file))
        try:
            yield running
        finally:
            with contextlib.suppress(AssertionError):  # it was never started
                running.conductor("agent", "--stop")


def qt_of_this_python(folder: Path) -> Path:
    """Make a folder with nothing but this environment's PySide6 in it, as install.py makes one for Blender."""
    import PySide6

    folder.mkdir(parents=True)
    for name in ("PySide6", "shiboken6"):
        (folder / name).symlink_to(Path(PySide6.__file__).parents[1] / name, target_is_directory=True)
    return folder
