"""The rules by which a scene's paths are rewritten, where the artist's own cannot be shown to the software."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, PathRule, is_absolute, local_flavour, map_path


def rules_from(path_map: Iterable[dict[str, str]]) -> tuple[PathRule, ...]:
    """Return the rules of a `load` message: sources in the artist's flavour, targets in this machine's."""
    return tuple(PathRule(_source(r["source"]), ClientPath.parse(r["target"], local_flavour())) for r in path_map)


def _source(text: str) -> ClientPath:
    # a rule's source has no slash too many, so two of them begin a share of Windows
    return ClientPath.parse(text, Flavour.WINDOWS) if text.startswith("//") else client_path(text)


def mapped(path: str, rules: Sequence[PathRule]) -> str:
    """Return where an absolute path of the artist lies here; itself where no rule speaks of it.

    `//srv/show` is a share, and on other systems a folder: the rules say which.
    """
    for flavour in Flavour:
        try:
            theirs = ClientPath.parse(path, flavour)
            ours = map_path(theirs, rules)
        except PathError:
            continue
        if ours is not theirs:
            return ours.text
    return path


def artist_path(path: str, rules: Sequence[PathRule]) -> str:
    """Return the artist's path of a place on this machine; the place itself where no rule leads there."""
    return mapped(path, tuple(rule.reversed() for rule in rules))


def client_path(text: str) -> ClientPath:
    """Read an absolute path of either flavour: on Windows `/a` and on Linux `C:/a` are the artist's, not ours.

    Raises:
        PathError: it is relative, or malformed.
    """
    ours = local_flavour()
    theirs = Flavour.POSIX if ours is Flavour.WINDOWS else Flavour.WINDOWS
    flavour = theirs if not is_absolute(text, ours) and is_absolute(text, theirs) else ours
    return ClientPath.parse(text, flavour)
