"""Where a published file is to lie when it is not to lie where its artist chose: another folder, another name.

A pattern of names has fields in braces: `{path}` (the way from the output folder), `{folder}` (the same without the
file's name), `{name}`, `{stem}` and `{ext}` (with its dot), `{step}`, `{frame}` (`{frame:04}`), `{job}` (its number) and
`{project}`. Slashes make folders. A file of no frame keeps its own name where the pattern's last part asks for a frame.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, local_flavour, stage_path

FIELDS = ("path", "folder", "name", "stem", "ext", "step", "frame", "job", "project")
#: one of these tells the files of a sequence apart
_TELLING = {"path", "name", "stem", "frame"}
_NUMBERS = {"frame", "job"}
_WIDTH = re.compile(r"(?:0?[1-9][0-9]?)?")
#: in the name of a step or project, which is nobody's path
_NOT_IN_NAMES = re.compile(r"[\\/:*?\"<>|\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Published:
    """A file as it was published, and of what it is."""

    path: ClientPath
    step: str = ""
    #: None: of no frame, such as a film
    frame: int | None = None
    job: int = 0
    project: str = ""


def check_names(pattern: str) -> None:
    """Refuse a pattern that cannot be filled in, or that would lead out of the folder.

    Raises:
        PathError: saying why.
    """
    fields = {field for _, field, _ in _parsed(pattern) if field is not None}
    if not fields & _TELLING:
        raise _wrong(pattern, "would call all files of a sequence the same", "Put {name} or {frame:04} into it.")
    if pattern.startswith("/") or re.match(r"[A-Za-z]:|\\", pattern) or any(p in ("", ".", "..") for p in _parts(pattern)):
        raise _wrong(pattern, "leads out of its folder", "Write it relative to the folder, like {step}/{name}.")


def place_of(published: Published, roots: Sequence[ClientPath], *, to: str = "", name: str = "") -> str:
    """Return where a file is to lie on this machine.

    `roots` are the folders that files of its kind lie in; none: any. With `to` the way from what all of them have in common is
    kept below it (without roots, the whole path: no two files of a project meet); without, the file stays in its root.

    Raises:
        PathError: it lies in none of the roots, or this machine cannot have such a name.
    """
    flavour = local_flavour()
    within = [root for root in roots if published.path.is_within(root) and published.path != root]
    if roots and not within:
        raise PathError(published.path.text, "lies outside of the output folders that the job was submitted with")
    if to:
        base, rest = ClientPath.parse(to, flavour), _way(published.path, roots)
    elif within:
        base = max(within, key=lambda root: len(root.components))
        rest = published.path.relative_to(base)
    else:
        raise PathError(published.path.text, "has no folder that it may be written to", "Name one.")
    if base.flavour is not flavour:
        other = "Windows" if flavour is Flavour.POSIX else "Linux or macOS"
        raise PathError(published.path.text, f"belongs to {other}", "Name a folder of this machine: --to FOLDER.")
    components = _filled(name, published, rest, windows=flavour is Flavour.WINDOWS) if name else rest
    return ClientPath(flavour, base.anchor, (*base.components, *components)).text


def _way(path: ClientPath, roots: Sequence[ClientPath]) -> tuple[str, ...]:
    """Return the components below what the roots have in common; where they have nothing, the path with its drive."""
    if not roots or len({root.anchor for root in roots}) > 1:
        return tuple(stage_path(path).split("/"))
    shared = min(len(root.components) for root in roots)
    while len({root.key[: 2 + shared] for root in roots}) > 1:
        shared -= 1
    return path.components[shared:]


def _filled(pattern: str, published: Published, rest: tuple[str, ...], *, windows: bool) -> tuple[str, ...]:
    pattern = pattern.replace("\\", "/") if windows else pattern
    *folders, last = pattern.split("/")
    if published.frame is None:
        folders = [part for part in folders if not _asks_for_frame(part)]
        last = "{name}" if _asks_for_frame(last) else last
    stem, ext = os.path.splitext(rest[-1])
    values: dict[str, str | int] = {
        "path": "/".join(rest),
        "folder": "/".join(rest[:-1]),
        "name": rest[-1],
        "stem": stem,
        "ext": ext,
        "step": _as_name(published.step) or "step",
        "frame": published.frame or 0,
        "job": published.job,
        "project": _as_name(published.project) or "project",
    }
    filled = "/".join(_fill(part, values) for part in (*folders, last))
    return tuple(part for part in filled.split("/") if part) or rest[-1:]  # {folder} may be nothing


def _fill(part: str, values: dict[str, str | int]) -> str:
    pieces = []
    for text, field, width in _parsed(part):
        pieces.append(text)
        if field is not None:
            pieces.append(format(values[field], width) if width else str(values[field]))
    return "".join(pieces)


def _parsed(pattern: str) -> list[tuple[str, str | None, str]]:
    """Return texts, each with the field behind it and its width.

    Raises:
        PathError: the braces do not fit, or a field is unknown.
    """
    try:
        found = list(string.Formatter().parse(pattern))
    except ValueError as exc:
        raise _wrong(pattern, f"cannot be read ({exc})", "A brace itself is written twice.") from None
    for _, field, width, conversion in found:
        if field is None:
            continue
        if field not in FIELDS:
            raise _wrong(pattern, f"has {{{field}}}", f"There are: {', '.join(f'{{{name}}}' for name in FIELDS)}.")
        if conversion or (width and (field not in _NUMBERS or not _WIDTH.fullmatch(width))):
            raise _wrong(pattern, f"has a width that {{{field}}} cannot have", "Write it like {frame:04}.")
    return [(text, field, width or "") for text, field, width, _ in found]


def _asks_for_frame(part: str) -> bool:
    return any(field == "frame" for _, field, _ in _parsed(part))


def _parts(pattern: str) -> list[str]:
    return re.split(r"[\\/]" if local_flavour() is Flavour.WINDOWS else "/", pattern)


def _as_name(text: str) -> str:
    """Return what a folder may be called after a step or a project, whatever is in its name."""
    return _NOT_IN_NAMES.sub("_", text).strip(". ")


def _wrong(pattern: str, reason: str, next_step: str) -> PathError:
    return PathError(pattern, f"is no pattern of names: it {reason}", next_step)
