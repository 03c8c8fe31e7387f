"""The rules by which a scene's paths are rewritten, where the artist's own cannot be shown to the software."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, PathRule, is_absolute, local_flavour, map_path


def rules_from(path_map: Iterable[dict[str, str]]) -> tuple[PathRule, ...]:
    """Return the rules of a `load` message: sources in the artist's flavour, targets in this machine's."""
    return tuple(PathRule(client_path(r["source"]), ClientPath.parse(r["target"], local_flavour())) for r in path_map)


def mapped(path: str, rules: Sequence[PathRule]) -> str:
    """Return where an absolute path of the artist lies here; itself where no rule speaks of it."""
    try:
        theirs = client_path(path)
        ours = map_path(theirs, rules)
    except PathError:
        return path
    return path if ours is theirs else ours.text


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
