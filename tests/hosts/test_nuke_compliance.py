"""The adapter of Nuke keeps every promise of a host, under each answer to what Foundry's pages leave open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_plugins.compliance.check import checks, outcome
from fakes.nuke_fake import uninstall
from fakes.nuke_session import RECORD
from hosts.nuke_planted import PLANTED, planted
from hosts.nuke_world import READINGS, NukeWorld


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """A check sets variables; the next one does not see them."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module", autouse=True)
def no_nuke_after() -> Iterator[None]:
    """Other tests do not find this Nuke."""
    yield
    uninstall()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", checks())
def test_the_adapter_keeps_every_promise(name: str, reading: str, tmp_path: Path) -> None:
    """Nothing is wrong, nothing is left untried, and Nuke refused none of its calls."""
    found = outcome(name, checks()[name], NukeWorld(tmp_path, READINGS[reading]))
    assert (found.problem, found.untried) == ("", "")
    assert (RECORD.refused, RECORD.unknown) == ([], [])


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name: str, tmp_path: Path) -> None:
    """An adapter that breaks a promise, or calls what Nuke does not have and swallows it, does not pass."""
    NukeWorld(tmp_path)
    check = PLANTED[name]
    found = outcome(check, checks()[check], NukeWorld(tmp_path, make_host=planted()[name]))
    assert found.problem or RECORD.refused
