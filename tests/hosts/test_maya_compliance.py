"""The Maya adapter keeps every promise of a host, in a fake Maya that refuses what Maya's published stubs do not have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_plugins.compliance.check import checks, outcome
from fakes.stub_reading import Stubs, StubsAbsent
from hosts.maya_world import MayaWorld


@pytest.fixture(autouse=True)
def _a_maya_of_its_own() -> Iterator[None]:
    """Take the fake's modules, the adapter that imported them, and variables out again."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    before, variables = dict(sys.modules), dict(os.environ)
    yield
    for name in [n for n in sys.modules if n.partition(".")[0] in ("maya", "conductor_maya") and n not in before]:
        del sys.modules[name]
    sys.modules.update({n: m for n, m in before.items() if n.partition(".")[0] == "conductor_maya"})
    os.environ.clear()
    os.environ.update(variables)


@pytest.mark.parametrize("name", sorted(checks()))
def test_a_promise_of_a_host_is_kept(name: str, tmp_path: Path) -> None:
    """The check finds nothing else than what is promised, and asks nothing that a stub refuses or the fake does not know."""
    (tmp_path / "project").mkdir()
    world = MayaWorld(tmp_path)
    told = outcome(name, checks()[name], world)
    assert (told.problem, told.untried) == ("", "")
    assert world.fake.record.refused == []
    assert world.fake.record.unknown == []
