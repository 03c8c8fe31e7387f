"""Where install.py puts things: all in one folder of the clone, so that deleting it undoes everything."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

#: Blender as a Python module; the first is what demo and tests use, the others come with the full test run.
BLENDER_VERSIONS = ("4.5.15", "4.2.23", "5.0.1")


@dataclass(frozen=True)
class Places:
    """The folders of one clone."""

    repo: Path

    @property
    def home(self) -> Path:
        """The folder that holds all that is made here."""
        return self.repo / ".conductor"

    @property
    def environment(self) -> Path:
        """The virtual environment of agent, CLI and service."""
        return self.home / "env"

    def blender(self, version: str) -> Path:
        """The virtual environment with one version of Blender as a module."""
        return self.home / "blender" / version

    @property
    def maya_strict(self) -> Path:
        """The environment with the other stubs of Maya, for a type checker to look into."""
        return self.home / "stubs" / "maya-strict"

    @property
    def oracle(self) -> Path:
        """The virtual environment of the tracer that the full run compares Blender's dependencies with."""
        return self.home / "peers" / "bat-1.23"

    def notes(self, title: str) -> Path:
        """The folder in which a run of tests notes what failed."""
        return self.home / "notes" / title.replace(" ", "-")

    def requirements(self, name: str) -> Path:
        """A file of pinned versions."""
        return self.repo / "requirements" / f"{name}.txt"


def interpreter(environment: Path) -> Path:
    """Return the Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def here() -> Places:
    """Return the places of the clone that this file lies in."""
    return Places(Path(os.path.realpath(__file__)).parents[1])
