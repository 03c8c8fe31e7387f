"""Studios, artists and small disks for the tests of faults; nothing of them is left at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.small_disks import Disks
from faults.studio import Artist, Studio


@contextlib.contextmanager
def _studios(folder: Path) -> Iterator[Callable[..., Studio]]:
    studios: list[Studio] = []

    def make(names: Path | None = None, **settings: Any) -> Studio:
        studios.append(Studio(folder, settings))
        studios[-1].names = names
        studios[-1].start()
        studios[-1].log_in(studios[-1].ann)
        return studios[-1]

    try:
        yield make
    finally:
        for studio in studios:
            studio.close()


@pytest.fixture
def make_studio(tmp_path: Path, disks: Disks) -> Iterator[Callable[..., Studio]]:
    """Give what makes a running studio with an artist who is logged in; nothing of it is left at the end."""
    with _studios(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def make_module_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Studio]]:
    """Give the same for a whole module."""
    with _studios(tmp_path_factory.mktemp("line")) as make:
        yield make


@pytest.fixture
def disks(require: Callable[[object, str], None]) -> Iterator[Disks]:
    """Give what mounts small file systems; they are gone at the end."""
    disks = Disks(require)
    yield disks
    disks.close()


@pytest.fixture
def make_artist(tmp_path: Path) -> Callable[[], Artist]:
    """Give what makes somebody who is logged in nowhere."""
    return lambda: Artist(tmp_path / "artist")


@pytest.fixture
def studio(make_studio: Callable[..., Studio]) -> Studio:
    """Give a running studio."""
    return make_studio()
