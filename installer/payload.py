"""The folder that is installed: what hosts import, by version, so that an upgrade never changes what an open host has loaded.

<location>/versions/0.1.0-<digest>/{core,plugins,blender,…,site}   pure Python, read-only from then on
<location>/qt/                                                     PySide6, for hosts without a Qt of their own
<location>/env/                                                    the agent's and the CLI's own environment
<location>/installed.json                                          what was changed where
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from installer.errors import InstallError
from installer.pointers import blender_startup

#: folders of the clone → the package in them that is taken; "": all of the folder
PARTS = {
    "core": "conductor_core",
    "plugins": "conductor_plugins",
    **dict.fromkeys(("maya", "nuke", "houdini", "blender"), ""),
}
_LEFT_OUT = {"__pycache__"}
#: what pip puts beside packages, and our own stamp
_NOT_OF_PACKAGES = {"bin", "conductor-ready"}
VERSIONS = "versions"


@dataclass(frozen=True)
class Payload:
    """What is to be installed, from a clone."""

    clone: Path
    #: `site` packages of hosts (qtpy …), as they were unpacked; None: none
    site: Path | None = None

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield each file, by its place in the installed folder, sorted."""
        for folder, package in PARTS.items():
            top = self.clone / folder / package
            yield from ((f"{folder}/{f.relative_to(self.clone / folder).as_posix()}", f) for f in _below(top))
        yield "LICENSE", self.clone / "LICENSE"

    def site_files(self) -> Iterator[tuple[str, Path]]:
        """Yield each file of the packages for hosts."""
        if self.site is None:
            return
        for file in _below(self.site):
            place = file.relative_to(self.site)
            if place.parts[0] not in _NOT_OF_PACKAGES:
                yield f"site/{place.as_posix()}", file

    def name(self) -> str:
        """Return the name of its folder: the version, and a digest of all of ours in it and of the pins of the packages."""
        hashed = hashlib.sha256((self.clone / "requirements" / "host.txt").read_bytes())
        for place, file in self.files():
            hashed.update(f"{place}\0".encode())
            hashed.update(hashlib.sha256(file.read_bytes()).digest())
        return f"{version_of(self.clone)}-{hashed.hexdigest()[:12]}"


def version_of(clone: Path) -> str:
    """Return the version that a clone's core says it has."""
    for line in (clone / "core" / "conductor_core" / "__init__.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            return line.partition("=")[2].strip().strip("\"'")
    raise InstallError(f"{clone} has no version: is it a clone of Conductor?")


def put(payload: Payload, location: Path) -> Path:
    """Copy a payload into a location; return its folder. One that is there already is whole: it got its name last.

    Raises:
        InstallError: it cannot be written there.
    """
    target = location / VERSIONS / payload.name()
    if target.exists():
        return target
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        for place, file in (*payload.files(), *payload.site_files()):
            copy = aside / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        startup = aside / "blender-scripts" / "startup" / "conductor_startup.py"
        startup.parent.mkdir(parents=True)
        startup.write_text(blender_startup(target / "blender"), encoding="utf-8")
        os.replace(aside, target)
    except OSError as exc:
        shutil.rmtree(aside, ignore_errors=True)
        raise InstallError(f"{location} cannot be written ({exc.strerror}): mend that, or choose another --location.") from exc
    return target


def drop_old(location: Path, keep: set[str]) -> list[Path]:
    """Remove versions that nothing points to any more, all but those named; return what was removed."""
    gone = []
    for folder in sorted((location / VERSIONS).glob("*")):
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder)
    return gone


def _below(top: Path) -> Iterator[Path]:
    if not top.is_dir():
        return
    for file in sorted(top.rglob("*")):
        if file.is_file() and not _LEFT_OUT.intersection(file.parts) and file.suffix != ".pyc":
            yield file
