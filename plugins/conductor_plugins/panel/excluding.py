"""From lines that an artist chooses in the tree to exclusions of the form, and back. No Qt."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_core.errors import PathError
from conductor_core.exclusions import Exclusions
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.submission import Exclusion

from conductor_plugins.panel.file_rows import FileRow

#: files of a sequence that are held against its pattern: they were found by it
_SAMPLES = 300


def is_excludable(path: str) -> bool:
    """Tell whether a path can be excluded: it is a whole path of this system."""
    try:
        ClientPath.parse(path, local_flavour())
    except PathError:
        return False
    return True


def usable(exclusions: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    """Return the exclusions that this system understands; a preset may come from another."""
    return tuple(e for e in exclusions if is_excludable(e.path))


def covers(exclusion: Exclusion, path: str) -> bool:
    """Tell whether one exclusion covers a path."""
    if exclusion.path == path or not is_excludable(exclusion.path):
        return exclusion.path == path
    return Exclusions((exclusion,), local_flavour()).covers(path)


def exclusions_of(row: FileRow, reason: str) -> tuple[Exclusion, ...]:
    """Return what leaves a line out: its path, where that covers its files, else each of these."""
    whole = Exclusion(row.path, reason)
    if not row.files:
        return (whole,)
    by_whole = Exclusions((whole,), local_flavour()).covers
    step = max(1, len(row.files) // _SAMPLES)
    if all(by_whole(path) for path in row.files[::step]):
        return (whole,)
    return tuple(Exclusion(path, reason) for path in row.files)


def with_exclusions(now: Iterable[Exclusion], new: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    """Return exclusions with others: of one path the newest reason counts."""
    by_path = {exclusion.path: exclusion for exclusion in now}
    by_path.update((exclusion.path, exclusion) for exclusion in new)
    return tuple(by_path.values())


def without_exclusions(now: Iterable[Exclusion], paths: Iterable[str]) -> tuple[Exclusion, ...]:
    """Return those exclusions that cover none of the paths."""
    paths = tuple(paths)
    return tuple(e for e in now if not any(covers(e, path) for path in paths))
