"""The Houdini adapter keeps every promise of a host, in a fake Houdini that its author did not write.

The fake refuses whatever Houdini's published stub does not have; what was never run in the real Houdini is in docs/hosts/houdini.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.compliance.check import checks, outcome
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]
CHECKS = checks()


@pytest.fixture(scope="module", autouse=True)
def houdini(require: Any) -> Iterator[None]:
    """Let `import hou` give the fake, and the adapter be found as in a clone."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    from fakes.houdini_fake import hou

    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "hou", hou())
    patch.syspath_prepend(str(REPO / "houdini"))
    yield
    patch.undo()


@pytest.mark.parametrize("name", CHECKS)
def test_every_promise_of_a_host_is_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No check finds anything else than what is promised, none is left untried, and Houdini refuses no call."""
    from fakes.houdini_session import RECORD
    from hosts.houdini_world import HoudiniWorld, refusals

    monkeypatch.setenv("CONDUCTOR_COMPLIANCE_VARIABLE", "")
    monkeypatch.delenv("CONDUCTOR_COMPLIANCE_VARIABLE")
    monkeypatch.chdir(tmp_path)
    RECORD.refused.clear()
    found = outcome(name, CHECKS[name], HoudiniWorld(tmp_path))
    assert (found.problem, found.untried, refusals()) == ("", "", [])
