"""Where Conductor keeps a user's settings, state and caches on each platform, and how private files are written.

| platform | settings | state (journal, agent channel) | cache (hashes) |
| --- | --- | --- | --- |
| Linux | `$XDG_CONFIG_HOME/conductor` | `$XDG_STATE_HOME/conductor` | `$XDG_CACHE_HOME/conductor` |
| macOS | `~/Library/Application Support/Conductor` | `…/Conductor/State` | `~/Library/Caches/Conductor` |
| Windows | `%APPDATA%\\Conductor` | `%LOCALAPPDATA%\\Conductor\\State` | `%LOCALAPPDATA%\\Conductor\\Cache` |

`CONDUCTOR_HOME` overrides all three (`config/`, `state/` and `cache/` in it): tests and the demo live in a folder of
their own. Standard library only: the panel finds the agent through this module.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: what `write_private` writes before it has its name
_ASIDE = re.compile(r"\..+\.[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class UserFolders:
    """The three folders of one user on one machine."""

    config: Path
    state: Path
    cache: Path


def user_folders(
    environ: Mapping[str, str] | None = None, *, platform: str = sys.platform, home: Path | None = None
) -> UserFolders:
    """Return the folders by the platform's conventions; nothing is created."""
    environ = os.environ if environ is None else environ
    override = environ.get("CONDUCTOR_HOME")
    if override:
        base = Path(override).absolute()
        return UserFolders(base / "config", base / "state", base / "cache")
    home = home or Path.home()
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "Conductor"
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Conductor"
        return UserFolders(roaming, local / "State", local / "Cache")
    if platform == "darwin":
        support = home / "Library" / "Application Support" / "Conductor"
        return UserFolders(support, support / "State", home / "Library" / "Caches" / "Conductor")

    def xdg(name: str, default: str) -> Path:
        value = environ.get(name, "")
        # the XDG specification says to ignore relative values
        return (Path(value) if os.path.isabs(value) else home / default) / "conductor"

    return UserFolders(xdg("XDG_CONFIG_HOME", ".config"), xdg("XDG_STATE_HOME", ".local/state"), xdg("XDG_CACHE_HOME", ".cache"))


def installation_folder(
    environ: Mapping[str, str] | None = None, *, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """Return where install.py puts what this user's hosts import, unless it is told another place; nothing is created.

    Linux: `$XDG_DATA_HOME/conductor`; macOS and Windows: `Installed` beside settings and state; `installed` in CONDUCTOR_HOME.
    """
    environ = os.environ if environ is None else environ
    if override := environ.get("CONDUCTOR_HOME"):
        return Path(override).absolute() / "installed"
    home = home or Path.home()
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Conductor" / "Installed"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Conductor" / "Installed"
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if os.path.isabs(data) else home / ".local" / "share") / "conductor"


def qt_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder with PySide6 for hosts that have no Qt of their own, None where there is none.

    Where `CONDUCTOR_QT` says; in the location that this very file is installed in (`<location>/versions/<one>/core/…`, with
    `<location>/qt`); in this user's installation.
    """
    environ = os.environ if environ is None else environ
    if named := environ.get("CONDUCTOR_QT"):
        return Path(named)
    above = Path(__file__).resolve().parents
    places = [above[4] / "qt"] if len(above) > 4 and above[3].name == "versions" else []
    places.append(installation_folder(environ) / "qt")
    return next((place for place in places if (place / "PySide6").is_dir()), None)


def private_folder(path: Path) -> Path:
    """Create `path` for this user alone (0700) and return it.

    Windows has no mode bits: folders below the user's profile are private there by their inherited access list. A folder in which
    everybody may make files of their own (`/tmp` itself) is not ours to close.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode
    if os.name == "posix" and mode & 0o077 and not mode & stat.S_ISVTX:
        path.chmod(0o700)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step, readable by this user alone (0600), on disk when this returns.

    The file is written aside with its final mode: at no instant is there a half file, nor one that others can read.
    """
    private_folder(path.parent)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync_folder(os.fspath(path.parent))
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sync_folder(folder: str) -> None:
    """Put new names in a folder on disk; Windows does that by itself (NTFS journals it)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep_private(folder: Path) -> None:
    """Remove what a `write_private` that was killed left in `folder`, whose lock the caller has: nobody else writes there."""
    for path in list(folder.iterdir()):
        if _ASIDE.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()
