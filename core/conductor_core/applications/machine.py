"""A machine as its standard places see it: platform, variables, home, disk. A parameter, so that all three are tested on one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine; paths are texts in its own flavour."""

    #: as `sys.platform` says: `linux`, `darwin`, `win32`
    platform: str
    environ: Mapping[str, str]
    home: str
    #: the folder that stands for its file system (`C:\\x` lies in `disk/C/x`); None: the real one
    disk: Path | None = None

    def path(self, text: str) -> PurePath:
        """Return a path in the machine's flavour."""
        return PureWindowsPath(text) if self.platform == "win32" else PurePosixPath(text)

    def join(self, *parts: str) -> str:
        """Return the parts as one path of the machine."""
        return str(self.path(parts[0]).joinpath(*parts[1:]))

    def local(self, text: str) -> Path:
        """Return where a path of the machine lies for us."""
        if self.disk is None:
            return Path(text)
        path = self.path(text)
        return self.disk.joinpath(path.drive.rstrip(":"), *path.parts[1:])

    def exists(self, text: str) -> bool:
        """Tell whether there is something at a path."""
        try:
            return self.local(text).exists()
        except OSError:  # a folder above that this user may not look into
            return False

    def found(self, pattern: str) -> list[str]:
        """Return what is there of an absolute pattern with `*` in its components, sorted; [] where nothing can be read."""
        found = [self.path(self.path(pattern).anchor)]
        for part in self.path(pattern).parts[1:]:
            if _WILD.search(part):
                found = [folder / name for folder in found for name in self._names(str(folder), part)]
            else:
                found = [folder / part for folder in found]
        return sorted({str(p) for p in found if self.exists(str(p))})

    def _names(self, folder: str, pattern: str) -> list[str]:
        try:
            return [p.name for p in self.local(folder).glob(pattern)]
        except OSError:
            return []


def this_machine(environ: Mapping[str, str] | None = None) -> Machine:
    """Return the machine that this runs on."""
    return Machine(sys.platform, os.environ if environ is None else environ, str(Path.home()))
