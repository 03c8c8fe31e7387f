"""What the panel's tests share: a scene on disk, a host in memory, an agent that answers from values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
# No time limit on one example: on a machine that is busy with a render it would fail a test that is right.
settings.register_profile("plugins", deadline=None)
settings.load_profile("plugins")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Give a scene file in a project folder."""
    file = tmp_path / "project" / "shot.scene"
    file.parent.mkdir()
    file.write_text("scene")
    return file
