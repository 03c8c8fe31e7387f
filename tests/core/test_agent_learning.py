"""What came home is learnt once in a while, and known before anybody can have changed it unseen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_core.agent import learning
from conductor_core.agent.learning import Learning
from conductor_core.digest import Digest, digest_of
from conductor_core.transfer.hash_cache import FileState, HashCache

RENDERED = 1_700_000_000_000_000_000


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


def _came(folder: Path, first: int, count: int) -> dict[str, tuple[FileState, Digest]]:
    found = {}
    for n in range(first, first + count):
        path = folder / f"f_{n}"
        path.write_bytes(b"%d" % n)
        os.utime(path, ns=(RENDERED, RENDERED))
        found[str(path)] = (FileState.of(os.stat(path)), digest_of(b"%d" % n))
    return found


def _known(cache: HashCache, *loads: dict[str, tuple[FileState, Digest]]) -> list[int]:
    return [len(cache.digests({path: state for path, (state, _) in load.items()})) for load in loads]


def test_large_loads_are_learnt_together(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of many wait; a small one, too many, or the end has them learnt."""
    monkeypatch.setattr(learning, "LARGE", 4)
    monkeypatch.setattr(learning, "MOST", 12)
    late = Learning(cache)
    loads = [_came(tmp_path, n * 5, 5) for n in range(6)]
    late.learn(loads[0])
    late.learn(loads[1])
    assert _known(cache, *loads[:2]) == [0, 0]
    late.learn(loads[2])
    assert _known(cache, *loads[:3]) == [5, 5, 5]
    late.learn(loads[3])
    small = _came(tmp_path, 100, 3)
    late.learn(small)
    assert _known(cache, loads[3], small) == [5, 3]
    late.learn(loads[4])
    late.settle()
    late.settle()
    assert late.digests({path: state for path, (state, _) in loads[4].items()}) == {p: d for p, (_, d) in loads[4].items()}


def test_what_was_young_when_it_came_is_not_learnt(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may have been written again at the time that it has is not taken as known, however late it is learnt."""
    path = tmp_path / "f"
    path.write_bytes(b"young")
    came = {str(path): (FileState.of(os.stat(path)), digest_of(b"young"))}
    monkeypatch.setattr(learning, "LARGE", 1)
    late = Learning(cache)
    late.learn(came)
    now = cache._clock_ns
    elapsed = time.monotonic
    monkeypatch.setattr(cache, "_clock_ns", lambda: now() + 60 * 10**9)
    monkeypatch.setattr("conductor_core.transfer.hash_cache.time.monotonic", lambda: elapsed() + 60)
    late.settle()
    assert _known(cache, came) == [0]
