"""Where Conductor keeps things of a user, by platform."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conductor_core.user_folders import installation_folder, private_folder, qt_folder

HOME = Path("/home/mika")


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        pytest.param("linux", {}, HOME / ".local" / "share" / "conductor", id="linux"),
        pytest.param("linux", {"XDG_DATA_HOME": "/data"}, Path("/data/conductor"), id="linux-xdg"),
        pytest.param("linux", {"XDG_DATA_HOME": "data"}, HOME / ".local" / "share" / "conductor", id="linux-xdg-relative"),
        pytest.param("darwin", {}, HOME / "Library" / "Application Support" / "Conductor" / "Installed", id="macos"),
        pytest.param("win32", {"LOCALAPPDATA": "/local"}, Path("/local/Conductor/Installed"), id="windows"),
        pytest.param("linux", {"CONDUCTOR_HOME": "/kept"}, Path("/kept/installed"), id="override"),
    ],
)
def test_where_hosts_find_us(platform: str, environ: dict[str, str], folder: Path) -> None:
    """By the platform's conventions, or where CONDUCTOR_HOME says."""
    assert installation_folder(environ, platform=platform, home=HOME) == folder


def test_qt_is_where_it_is_said_to_be_or_in_the_installation(tmp_path: Path) -> None:
    """CONDUCTOR_QT stands first; a folder without PySide6 does not count."""
    environ = {"CONDUCTOR_HOME": str(tmp_path)}
    assert qt_folder(environ) is None
    (tmp_path / "installed" / "qt" / "PySide6").mkdir(parents=True)
    assert qt_folder(environ) == tmp_path / "installed" / "qt"
    assert qt_folder({**environ, "CONDUCTOR_QT": "/elsewhere"}) == Path("/elsewhere")


@pytest.mark.skipif(os.name != "posix", reason="modes are posix")
def test_a_folder_that_everybody_shares_is_not_closed(tmp_path: Path) -> None:
    """Whoever keeps something of ours directly in /tmp does not lock everybody else out of it; any other folder becomes private."""
    for name, mode, after in (("tmp", 0o1777, 0o1777), ("own", 0o755, 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
        assert stat.S_IMODE(private_folder(tmp_path / name).stat().st_mode) == after
