"""What a path that stands in a .blend means."""

from __future__ import annotations

import os

import pytest
from conductor_core.discovery.blender_places import absolute


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("//tex/a.png", "/job/shots/tex/a.png", id="relative-to-the-blend"),
        pytest.param("//../lib/./a.png", "/job/lib/a.png", id="up"),
        pytest.param("//..\\lib\\a.png", "/job/lib/a.png", id="backslashes-of-windows"),
        pytest.param("///tex/a.png", "/job/shots/tex/a.png", id="three-slashes"),
        pytest.param("//~/a.png", "/job/shots/~/a.png", id="no-home"),
        pytest.param("//D:/a.png", "/job/shots/D:/a.png", id="no-drive"),
        pytest.param("//", "/job/shots", id="the-folder-itself"),
        pytest.param("/abs//x/../a.png", "/abs/a.png", id="absolute"),
        pytest.param("tex/a.png", None, id="hangs-on-the-working-folder"),
        pytest.param("D:\\tex\\a.png", "D:/tex/a.png", id="another-system"),
        pytest.param("\\\\server\\a.png", "//server/a.png", id="share-of-another-system"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="POSIX rules")
def test_paths_become_absolute_as_in_blender(text: str, path: str | None) -> None:
    """`//` is the folder of the .blend that holds the text."""
    assert absolute(text, "/job/shots") == path
