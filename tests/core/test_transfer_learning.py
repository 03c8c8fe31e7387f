"""What is read or came home is learnt once in a while, and judged by how old it was when it was read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import FileVanished
from conductor_core.transfer import learning
from conductor_core.transfer.hash_cache import FileState, HashCache, Moment
from conductor_core.transfer.learning import Learning

RENDERED = 1_700_000_000_000_000_000
SECOND = 10**9

Load = Mapping[str, tuple[FileState, Digest]]


class Clocks:
    """Both clocks of a machine, and what they say."""

    def __init__(self) -> None:
        self.wall_ns, self.steady_ns = RENDERED + 3_600 * SECOND, 0

    def pass_on(self, ns: int) -> None:
        self.wall_ns += ns
        self.steady_ns += ns


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def cache(tmp_path: Path, clocks: Clocks) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "hashes.sqlite", clock_ns=lambda: clocks.wall_ns, steady_ns=lambda: clocks.steady_ns)
    yield cache
    cache.close()


def _load(first: int, count: int, *, size: int = 1, mtime_ns: int = RENDERED) -> Load:
    return {f"/d/f_{n}": (FileState(size, mtime_ns, n), digest_of(b"%d" % n)) for n in range(first, first + count)}


def _known(cache: HashCache, *loads: Load) -> list[int]:
    return [len(cache.digests({path: state for path, (state, _) in load.items()})) for load in loads]


def test_steps_grow_with_what_was_learnt(cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of very many files is not written anew for each few of them; what is left at the end is kept, too."""
    monkeypatch.setattr(learning, "LEARN_FILES", 4)
    monkeypatch.setattr(learning, "MOST_LEARNT", 10)
    learnt: list[int] = []
    real = cache.learn

    def learn(hashed: Load, *, began: Moment | None = None, placed: bool = False) -> None:
        learnt.append(len(hashed))
        real(hashed, began=began, placed=placed)

    monkeypatch.setattr(cache, "learn", learn)
    with Learning(cache) as late:
        for n in range(60):
            late.learn(_load(n, 1), began=late.now())
    assert learnt == [4, 4, 4, 6, 9, 10, 10, 10, 3]
    assert _known(cache, _load(0, 60)) == [60]


def test_what_was_read_before_a_failure_is_kept(cache: HashCache) -> None:
    """Nobody reads it again, since one file was gone."""
    with contextlib.suppress(FileVanished), Learning(cache) as late:
        late.learn(_load(0, 1), began=late.now())
        raise FileVanished("gone")
    assert _known(cache, _load(0, 1)) == [1]


def test_large_files_are_kept_as_they_are_read(cache: HashCache) -> None:
    """Whoever is cut off in the middle of very many bytes reads few of them twice."""
    late, large = Learning(cache), _load(0, 1, size=learning.LEARN_BYTES)
    late.learn(large, began=late.now())
    assert _known(cache, large) == [1]


def test_few_files_are_learnt_at_once(cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of loads from the line the first of many wait; a small one, too many, or the end has them learnt."""
    monkeypatch.setattr(learning, "LEARN_FILES", 12)
    late = Learning(cache, few=4)
    loads = [_load(n * 5, 5) for n in range(6)]
    late.learn(loads[0], began=late.now())
    late.learn(loads[1], began=late.now())
    assert _known(cache, *loads[:2]) == [0, 0]
    late.learn(loads[2], began=late.now())
    assert _known(cache, *loads[:3]) == [5, 5, 5]
    late.learn(loads[3], began=late.now())
    small = _load(100, 3)
    late.learn(small, began=late.now())
    assert _known(cache, loads[3], small) == [5, 3]
    late.learn(loads[4], began=late.now())
    late.settle()
    late.settle()
    assert late.digests({path: state for path, (state, _) in loads[4].items()}) == {p: d for p, (_, d) in loads[4].items()}


def test_what_was_young_when_it_came_is_not_learnt(cache: HashCache, clocks: Clocks) -> None:
    """A file that may have been written again at the time that it has is not taken as known, however late it is learnt."""
    late = Learning(cache)
    young = _load(0, 1, mtime_ns=clocks.wall_ns)
    late.learn(young, began=late.now())
    clocks.pass_on(60 * SECOND)
    late.learn(_load(1, 1), began=late.now())
    late.settle()
    assert _known(cache, young, _load(1, 1)) == [0, 1]


def test_a_clock_that_is_set_and_set_again_is_noticed(cache: HashCache, clocks: Clocks) -> None:
    """It is looked at with each load: one that is right again when they are learnt says nothing of when they were read."""
    late, began = Learning(cache), cache.now()
    clocks.wall_ns -= 1_000 * SECOND
    young, old = _load(0, 1, mtime_ns=clocks.wall_ns), _load(1, 1)
    late.learn({**young, **old}, began=began)
    clocks.wall_ns += 1_000 * SECOND
    late.settle()
    assert _known(cache, young, old) == [0, 1]


@pytest.mark.parametrize("placed", [False, True], ids=["read", "placed"])
def test_the_ctime_of_what_we_named_ourselves_is_no_doubt(cache: HashCache, clocks: Clocks, placed: bool) -> None:
    """A frame has a new ctime once it has its name; of a file that was read, a new ctime says that somebody was there."""
    state = FileState(1, RENDERED, 7, clocks.wall_ns)
    late = Learning(cache)
    late.learn({"/d/f": (state, digest_of(b"f"))}, began=late.now(), placed=placed)
    late.settle()
    assert bool(cache.digests({"/d/f": state})) is placed
