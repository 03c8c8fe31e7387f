"""Debian packages that Python packages cannot bring: installed where we may, otherwise named with the exact command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from installer.errors import InstallError

#: the sandbox of render tasks, and the libraries that Blender's Python module loads
RENDERING = (
    "bubblewrap",
    "libgl1",
    "libice6",
    "libsm6",
    "libx11-6",
    "libxext6",
    "libxfixes3",
    "libxi6",
    "libxkbcommon0",
    "libxrender1",
    "libxxf86vm1",
)
#: makes virtual environments; Debian keeps it apart from python3
VENV = ("python3.11-venv",)
#: a real Tcl, by which the tests evaluate what Nuke would; Debian keeps it apart from python3
TCL = ("python3-tk",)
#: what Qt loads, even where it draws on no screen, and fonts to draw text with
PANEL = ("fonts-dejavu-core", "libdbus-1-3", "libegl1", "libfontconfig1", "libgl1", "libglib2.0-0", "libxkbcommon0")
#: what only the full test run needs: a real browser, a Blender program with its window, a fresh Debian
FULL_RUN = (
    "blender",
    # a real S3 server
    "ceph-common",
    "ceph-mon",
    "ceph-osd",
    "chromium",
    "debootstrap",
    "ffmpeg",
    "imagemagick",
    # a screen for Blender's window, with somebody who moves windows, mouse and keys
    "openbox",
    "radosgw",
    "xauth",
    "xdotool",
    "xvfb",
    # what Qt loads to draw there
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
)


def ensure(packages: tuple[str, ...], *, may_install: bool | None = None) -> bool:
    """Install what is missing of `packages`; return whether anything was.

    `may_install` says whether apt may be called; by default root may.

    Raises:
        InstallError: they are missing, and this user may not install them; the exact command is in the message.
    """
    if not sys.platform.startswith("linux"):
        return False
    if shutil.which("dpkg-query") is None:
        return _without_dpkg(packages)
    missing = [p for p in packages if not _installed(p)]
    if not missing:
        return False
    if not (os.geteuid() == 0 if may_install is None else may_install):
        raise InstallError(f"These system packages are missing: run  sudo apt-get install -y {' '.join(missing)}  and try again.")
    print(f"System packages: installing {', '.join(missing)}", flush=True)
    _apt(["update"])
    _apt(["install", "-y", "--no-install-recommends", *missing])
    return True


def _without_dpkg(packages: tuple[str, ...]) -> bool:
    if "bubblewrap" in packages and shutil.which("bwrap") is None:
        print("bubblewrap is not installed: tasks run without a sandbox, with paths rewritten on load.", flush=True)
    return False


def _installed(package: str) -> bool:
    asked = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status}", package], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and asked.stdout.startswith("installed")


def _apt(words: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ran = subprocess.run(["apt-get", "-q", *words], capture_output=True, text=True, env=environment, check=False)
    if ran.returncode != 0:
        reason = [line for line in (ran.stderr + ran.stdout).splitlines() if line.startswith("E:")]
        raise InstallError(
            f"apt-get {' '.join(words)} failed: {' '.join(reason)[:400] or 'see its log'} Mend that and try again."
        )
