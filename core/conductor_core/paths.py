"""Paths of both flavours, by components: the one place in Conductor that takes a path apart.

Two kinds of path are two types. `ScenePath` is the text as a scene has it: relative, with tokens, with either slash.
`ClientPath` is a real, absolute place on the artist's machine, whichever machine this code runs on. It compares as that
machine compares: Windows without regard to case, posix with. macOS is posix here: its volumes may tell case apart.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from conductor_core.errors import PathError


class Flavour(str, enum.Enum):
    """How a client writes its paths."""

    POSIX = "posix"
    WINDOWS = "windows"


def local_flavour() -> Flavour:
    """Return the flavour of the machine that this code runs on."""
    return Flavour.WINDOWS if os.name == "nt" else Flavour.POSIX


@dataclass(frozen=True, slots=True)
class ScenePath:
    """The text of a path exactly as a scene has it; it names a place only together with a folder."""

    text: str

    def __str__(self) -> str:
        return self.text

    def under(self, folder: ClientPath) -> ClientPath:
        """Return the place that the text means when it is read from `folder`; an absolute text means itself.

        A host's own notation (Blender's `//`, `$HIP`) must be gone by now.

        Raises:
            PathError: the text is empty, malformed or climbs above the root.
        """
        if is_absolute(self.text, folder.flavour):
            return ClientPath.parse(self.text, folder.flavour)
        return folder.join(self.text)


@dataclass(frozen=True, slots=True, order=True)
class ClientPath:
    """An absolute place on a client's machine: flavour, anchor, components; `..` and doubled slashes are gone.

    Compared, hashed and sorted by `key`, which follows the case rule of the flavour. `..` is taken as text, as
    `os.path.abspath` does: where a folder is a symlink the file system may mean another place.
    """

    flavour: Flavour = field(compare=False)
    #: `/`, `C:\` or `\\server\share\`
    anchor: str = field(compare=False)
    components: tuple[str, ...] = field(compare=False, default=())
    #: what makes two paths the same place
    key: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse an anchor or component that the flavour does not have.

        Raises:
            PathError: naming it.
        """
        if not _ANCHORS[self.flavour].fullmatch(self.anchor):
            raise PathError(self.anchor, f"is not the root of a {self.flavour.value} path")
        for component in self.components:
            reason = _bad_component(component, self.flavour)
            if reason:
                raise PathError(self.text, f"has the component {component!r}, which {reason}")
        key = (self.flavour.value, self.anchor, *self.components)
        if self.flavour is Flavour.WINDOWS:
            key = tuple(_fold(part) for part in key)
        object.__setattr__(self, "key", key)

    @classmethod
    def parse(cls, text: str, flavour: Flavour) -> ClientPath:
        r"""Read an absolute path: `/a/b`; `C:\a\b`, `C:/a/b`, `\\server\share\a`, `\\?\C:\a`.

        Raises:
            PathError: the text is relative, malformed, or climbs above its root by `..`.
        """
        if "\0" in text:
            raise PathError(text, "has a NUL character in it")
        anchor, rest = _split_anchor(text, flavour)
        return cls(flavour, anchor, _normalise(text, (), _split(rest, flavour)))

    @property
    def text(self) -> str:
        """The path as its own system writes it."""
        return self.anchor + _SEPARATOR[self.flavour].join(self.components)

    @property
    def slashed(self) -> str:
        """The path with forward slashes, as Blender, Nuke and Houdini write Windows paths too."""
        return self.text.replace("\\", "/") if self.flavour is Flavour.WINDOWS else self.text

    @property
    def name(self) -> str:
        """The last component; empty for a root."""
        return self.components[-1] if self.components else ""

    @property
    def parent(self) -> ClientPath:
        """The folder that holds this; a root is its own parent."""
        return ClientPath(self.flavour, self.anchor, self.components[:-1])

    @property
    def root(self) -> ClientPath:
        """The anchor as a path."""
        return ClientPath(self.flavour, self.anchor)

    def join(self, *parts: str) -> ClientPath:
        """Return the place that relative texts lead to from here, `..` included.

        Raises:
            PathError: a part is absolute or empty, or the way climbs above the root.
        """
        components = self.components
        for part in parts:
            if not part or is_absolute(part, self.flavour):
                raise PathError(part, f"is not relative, and cannot be joined to {self.text!r}")
            components = _normalise(part, components, _split(part, self.flavour))
        return ClientPath(self.flavour, self.anchor, components)

    def is_within(self, folder: ClientPath) -> bool:
        """Tell whether this is `folder` or lies anywhere in it."""
        return self.key[: len(folder.key)] == folder.key

    def is_within_any(self, places: Container[tuple[str, ...]]) -> bool:
        """Tell whether this is one of some places, or lies anywhere in one: by their keys, however many these are."""
        return any(self.key[:length] in places for length in range(2, len(self.key) + 1))

    def relative_to(self, folder: ClientPath) -> tuple[str, ...]:
        """Return the components that lead from `folder` to here.

        Raises:
            PathError: this does not lie within `folder`.
        """
        if not self.is_within(folder):
            raise PathError(self.text, f"does not lie within {folder.text!r}")
        return self.components[len(folder.components) :]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PathRule:
    """Whatever lies in `source` here lies in `target` there."""

    source: ClientPath
    target: ClientPath

    def reversed(self) -> PathRule:
        """Return the rule for the way back."""
        return PathRule(self.target, self.source)


def map_path(path: ClientPath, rules: Iterable[PathRule]) -> ClientPath:
    """Return where `path` lies by the rule whose source matches most components; `path` itself where none matches.

    The first of two equal sources wins.

    Raises:
        PathError: the target's flavour cannot have a component of the path.
    """
    best: PathRule | None = None
    for rule in rules:
        if path.is_within(rule.source) and (best is None or len(rule.source.key) > len(best.source.key)):
            best = rule
    if best is None:
        return path
    rest = path.relative_to(best.source)
    return ClientPath(best.target.flavour, best.target.anchor, best.target.components + rest)


def reversed_rules(rules: Sequence[PathRule]) -> tuple[PathRule, ...]:
    """Return the rules for the way back, after a check that there is one: no two paths may meet in one place.

    Raises:
        PathError: two rules have the same source, or the target of one lies within that of another while their sources
            do not lie in each other in the same way.
    """
    for i, one in enumerate(rules):
        for other in rules[i + 1 :]:
            if one.source == other.source:
                raise PathError(one.source.text, "is the source of two mapping rules", "Keep one of them.")
            _check_apart(one, other)
            _check_apart(other, one)
    return tuple(rule.reversed() for rule in rules)


def _check_apart(outer: PathRule, inner: PathRule) -> None:
    """Refuse a target within another one, unless both rules say the same of the places they share."""
    if not inner.target.is_within(outer.target):
        return
    if map_path(inner.source, [outer]) == inner.target and inner.source.is_within(outer.source):
        return
    reason = (
        f"lies within {outer.target.text!r}, and the sources {inner.source.text!r} and {outer.source.text!r} would meet there"
    )
    raise PathError(inner.target.text, reason, "Give each rule a target of its own.")


def stage_path(path: ClientPath) -> str:
    r"""Return where an instance keeps a client's path, relative to its staging folder, with `/`.

    `/a/b` → `a/b`; `C:\a` → `C/a`; `\\Server\Share\a` → `UNC/server/share/a`. No two drives or shares meet, since drives
    are one letter; `unstage_path` is the way back. A root gives `.`, `C` or `UNC/server/share`.
    """
    if path.flavour is Flavour.POSIX:
        top: tuple[str, ...] = ()
    elif path.anchor.startswith("\\\\"):
        top = ("UNC", *path.anchor.strip("\\").lower().split("\\"))
    else:
        top = (path.anchor[0],)
    return "/".join((*top, *path.components)) or "."


def unstage_path(staged: str, flavour: Flavour) -> ClientPath:
    """Return the client's path that `stage_path` put at `staged`.

    Raises:
        PathError: nothing is staged at such a place.
    """
    if staged.startswith("/") or contains_escape(staged):
        raise PathError(staged, "is not a place in a staging folder")
    parts = tuple(p for p in staged.split("/") if p not in ("", "."))
    if flavour is Flavour.POSIX:
        return ClientPath(flavour, "/", parts)
    if len(parts) > 2 and parts[0] == "UNC":
        return ClientPath(flavour, f"\\\\{parts[1]}\\{parts[2]}\\", parts[3:])
    if parts and re.fullmatch(r"[A-Z]", parts[0]):
        return ClientPath(flavour, f"{parts[0]}:\\", parts[1:])
    raise PathError(staged, "has neither a drive nor a share as its first folder")


def common_roots(paths: Iterable[ClientPath]) -> tuple[ClientPath, ...]:
    r"""Return the fewest, deepest folders that hold all files, sorted: one for each top-level folder that is used.

    `/job/a/x.png`, `/job/b.png`, `/mnt/lib/y.png` → `/job`, `/mnt/lib`. A file directly in a root makes that root the
    answer for all that lies in it.
    """
    roots: dict[tuple[str, ...], ClientPath] = {}
    for path in paths:
        folder = path.parent
        top = folder.key[:3]  # flavour, anchor, first folder
        roots[top] = _common(roots[top], folder) if top in roots else folder
    result: list[ClientPath] = []
    for root in sorted(roots.values()):  # a folder sorts right before what lies in it
        if not (result and root.is_within(result[-1])):
            result.append(root)
    return tuple(result)


def _common(one: ClientPath, other: ClientPath) -> ClientPath:
    shared = 0
    for a, b in zip(one.key[2:], other.key[2:], strict=False):
        if a != b:
            break
        shared += 1
    return ClientPath(one.flavour, one.anchor, one.components[:shared])


def contains_escape(text: str, flavour: Flavour = Flavour.POSIX) -> bool:
    """Tell whether a text that should be relative leaves the folder it starts from: absolute, or `..` at some point.

    `a/../b` stays inside, `a/../../b` does not, and neither does `../here/b` whatever the folder is called.
    """
    if is_absolute(text, flavour):
        return True
    depth = 0
    for part in _split(text, flavour):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def is_absolute(text: str, flavour: Flavour) -> bool:
    r"""Tell whether a text does not depend on a folder alone; on Windows `\a` and `C:a`, which want a drive, too."""
    if flavour is Flavour.POSIX:
        return text.startswith("/")
    return text[:1] in ("/", "\\") or text[1:2] == ":"


_SEPARATOR = {Flavour.POSIX: "/", Flavour.WINDOWS: "\\"}
_HOST_NAME = r"[^\\/:*?\"<>|\x00-\x1f.\s][^\\/:*?\"<>|\x00-\x1f]*"
_ANCHORS = {
    Flavour.POSIX: re.compile(r"/"),
    Flavour.WINDOWS: re.compile(rf"[A-Z]:\\|\\\\{_HOST_NAME}\\{_HOST_NAME}\\"),
}
_DRIVE = re.compile(r"(?P<letter>[A-Za-z]):[\\/]")
_SHARE = re.compile(rf"[\\/]{{2}}(?P<server>{_HOST_NAME})[\\/]+(?P<share>{_HOST_NAME})(?:[\\/]|\Z)")
_BAD_POSIX = re.compile(r"[/\0]")
# `<` and `>` are allowed: paths of a scan keep tokens such as <UDIM>. A colon would name an alternate data stream.
_BAD_WINDOWS = re.compile(r"[\\/:*?\"|\x00-\x1f]")
# learn.microsoft.com/windows/win32/fileio/naming-a-file: devices, with any extension.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)


def _bad_component(component: str, flavour: Flavour) -> str:
    """Return why a system of this flavour has no such file name, or "" when it has."""
    if component in ("", ".", ".."):
        return "is not a name"
    if flavour is Flavour.POSIX:
        return "has a slash or NUL in it" if _BAD_POSIX.search(component) else ""
    if _BAD_WINDOWS.search(component):
        return "has a character that Windows does not allow"
    if component[-1] in ". ":
        return "ends in a dot or blank, which Windows drops, so that two names would be one file"
    if _DEVICE.fullmatch(component):
        return "is a device on Windows"
    return ""


def is_name(component: str, flavour: Flavour) -> bool:
    """Tell whether a system of this flavour can have a file or folder of this name."""
    return not _bad_component(component, flavour)


def _split_anchor(text: str, flavour: Flavour) -> tuple[str, str]:
    """Return the anchor in its one spelling, and what follows it."""
    if flavour is Flavour.POSIX:
        if not text.startswith("/"):
            raise PathError(text, "is not absolute", "Write the whole path, from the root.")
        return "/", text
    short = text  # without the prefix of long paths
    if text.startswith("\\\\?\\UNC\\"):
        short = "\\\\" + text[8:]
    elif text.startswith("\\\\?\\"):
        short = text[4:]
    drive = _DRIVE.match(short)
    if drive:
        return drive["letter"].upper() + ":\\", short[drive.end() :]
    share = _SHARE.match(short)
    if share:
        return f"\\\\{share['server']}\\{share['share']}\\", short[share.end() :]
    raise PathError(text, "is not absolute: it has neither a drive nor a share", r"Write it like C:\a or \\server\share\a.")


def _split(text: str, flavour: Flavour) -> list[str]:
    return (text.replace("\\", "/") if flavour is Flavour.WINDOWS else text).split("/")


def _normalise(text: str, start: tuple[str, ...], parts: Iterable[str]) -> tuple[str, ...]:
    """Return `start` and the parts after it, with `.`, empty parts and `..` resolved as text."""
    result = list(start)
    for part in parts:
        if part in ("", "."):
            continue
        if part != "..":
            result.append(part)
        elif result:
            result.pop()
        else:
            raise PathError(text, "climbs above its root by '..'")
    return tuple(result)


def _fold(part: str) -> str:
    """Return what Windows compares: each character in upper case, by itself.

    NTFS maps one character to one. So `ß` is not `SS`, and no character from outside ASCII (`ı`, `ſ`) becomes an ASCII one:
    taking two files for one is worse than sending a file twice.
    """
    if part.isascii():
        return part.upper()
    return "".join(_fold_character(c) for c in part)


def _fold_character(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 and upper.isascii() == character.isascii() else character
