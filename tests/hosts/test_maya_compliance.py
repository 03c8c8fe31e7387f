"""The Maya adapter keeps every promise of a host, in a fake Maya that refuses what Maya's published stubs do not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_plugins.compliance.check import checks, outcome
from hosts.maya_world import MayaWorld, a_maya_alone


@pytest.fixture(autouse=True)
def _a_maya_of_its_own() -> Iterator[None]:
    with a_maya_alone():
        yield


@pytest.mark.parametrize("extension", [".ma", ".mb"])
@pytest.mark.parametrize("name", sorted(checks()))
def test_a_promise_of_a_host_is_kept(name: str, extension: str, tmp_path: Path) -> None:
    """The check finds nothing else than what is promised, and asks nothing that a stub refuses or the fake does not know."""
    (tmp_path / "project").mkdir()
    world = MayaWorld(tmp_path, extension)
    # Maya promises to keep notes when it saves, not when it exports: a copy in text gets them anyway, one in binary cannot
    world.fake.session.export_has_file_info = extension == ".mb"
    told = outcome(name, checks()[name], world)
    assert (told.problem, told.untried) == ("", "")
    assert world.fake.record.refused == []
    assert world.fake.record.unknown == []
