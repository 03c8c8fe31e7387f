"""What tests of the whole road share: the harness `road.chaos`, which benchmarks/chaos.py uses too, and one world for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from road.chaos.renderers import Fake
from road.chaos.world import World, open_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a world that renders without a renderer; each test leaves nothing in it that moves."""
    with open_world(tmp_path_factory.mktemp("chaos"), Fake()) as found:
        yield found
