"""The watcher: a file that was saved is hashed before anybody asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent import watcher as module
from conductor_core.agent.watcher import Watcher
from conductor_core.digest import digest_of
from conductor_core.transfer.hash_cache import FileState, HashCache

OLD_NS = 1_700_000_000_000_000_000


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def watcher(cache: HashCache) -> Iterator[Watcher]:
    watcher = Watcher(cache, quiet=0.1)
    yield watcher
    watcher.stop()


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def _known(cache: HashCache, path: Path) -> Any:
    return cache.digests({str(path): FileState.of(path.stat())}).get(str(path))


def _soon(watcher: Watcher, eventually: Callable[..., Any], condition: Callable[[], Any]) -> None:
    """Let the watcher work until something holds."""

    def look() -> Any:
        watcher.step()
        return condition()

    eventually(look)


def test_a_saved_file_is_hashed(tmp_path: Path, cache: HashCache, watcher: Watcher, eventually: Callable[..., Any]) -> None:
    """A watched file that is overwritten, or replaced by renaming, is in the cache soon; its neighbours are not."""
    one, two, other = (tmp_path / "t" / n for n in ("one.png", "two.png", "other.png"))
    for path in (one, two, other):
        _save(path, b"before")
    watcher.watch([str(one), str(two)])
    _save(one, b"after")
    _save(other, b"after")
    _save(two.with_name("new"), b"renamed")
    os.replace(two.with_name("new"), two)
    _soon(watcher, eventually, lambda: _known(cache, one) and _known(cache, two))
    assert (_known(cache, one), _known(cache, two)) == (digest_of(b"after"), digest_of(b"renamed"))
    assert _known(cache, other) is None


def test_a_file_that_goes_away_is_no_trouble(
    tmp_path: Path, cache: HashCache, watcher: Watcher, eventually: Callable[..., Any]
) -> None:
    """A watched file that is deleted is passed over, and the next one hashed all the same."""
    gone, kept = tmp_path / "t" / "gone.png", tmp_path / "t" / "kept.png"
    _save(gone, b"x")
    _save(kept, b"x")
    watcher.watch([str(gone), str(kept)])
    gone.unlink()
    _save(kept, b"y")
    _soon(watcher, eventually, lambda: _known(cache, kept))


def test_a_folder_that_cannot_be_watched_is_no_trouble(tmp_path: Path, watcher: Watcher) -> None:
    """A folder that is not there is passed over."""
    watcher.watch([str(tmp_path / "no" / "file.png")])
    watcher.step()


def test_the_oldest_folders_make_room(
    tmp_path: Path, cache: HashCache, watcher: Watcher, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    """No more folders are watched than the system has watches for; the latest submissions count."""
    monkeypatch.setattr(module, "MOST_FOLDERS", 2)
    files = [tmp_path / f"t{n}" / "f.png" for n in range(3)]
    for path in files:
        _save(path, b"before")
        watcher.watch([str(path)])
    for path in files:
        _save(path, b"after")
    _soon(watcher, eventually, lambda: _known(cache, files[1]) and _known(cache, files[2]))
    assert _known(cache, files[0]) is None
