"""What the panel's tests share: a scene on disk, a host in memory, an agent that answers from values."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Give a scene file in a project folder."""
    file = tmp_path / "project" / "shot.scene"
    file.parent.mkdir()
    file.write_text("scene")
    return file
