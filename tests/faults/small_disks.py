"""Small file systems: real ones, that fill, and that can be made read-only."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path


class Disks:
    """Mount them; all are gone at the end."""

    def __init__(self, require: Callable[[object, str], None]) -> None:
        self._require = require
        self._mounted: list[Path] = []

    def mount(self, folder: Path, size: str) -> Path:
        """Put a file system of this size at `folder`; the test is skipped where nothing may be mounted."""
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("mount") else None
        self._require(ran and ran.returncode == 0, f"a file system cannot be mounted here{f': {ran.stderr}' if ran else ''}")
        self._mounted.append(folder)
        return folder

    def show(self, folder: Path, at: Path) -> None:
        """Let a folder of the large disk be seen inside of a small one."""
        folder.mkdir(parents=True, exist_ok=True)
        at.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(folder), str(at)], check=True)
        self._mounted.append(at)

    def change(self, folder: Path, options: str) -> None:
        """Mount anew with other options: `size=40m`, `ro`, `rw`."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    def fill(self, folder: Path) -> None:
        """Take all that is free."""
        with open(folder / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)

    def free(self, folder: Path) -> None:
        (folder / "ballast").unlink()

    def close(self) -> None:
        for folder in reversed(self._mounted):
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
