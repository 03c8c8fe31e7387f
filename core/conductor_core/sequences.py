"""From a path with tokens to the files on disk, and back: the core's one resolver.

Two families of tokens:

* **frame tokens** stand for a number that is known: `####` (Blender, Nuke, Maya: as many digits as there are `#`),
  `%04d`, `%d` (printf: Nuke, Houdini), `<f>` (Maya, Arnold: however many digits the file has);
* **tile tokens** stand for whatever is there: `<UDIM>` (1001 …) and `<UVTILE>` (`u1_v1` …).

Beside them `%V` and `%v` (Nuke) stand for a view's name and its first letter: `view_path`.

A `#` alone in a folder's name is a `#` (`/jobs/#42/img.####.exr`); in a file's name any run of them is a token.
Names match exactly as they are on disk: what a workstation forgives in upper and lower case, a Linux instance does not.
Paths here are those of this machine, as text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from conductor_core.paths import ClientPath

_TILES = {"<udim>": r"(?!1000)[1-9][0-9]{3}", "<uvtile>": r"u[0-9]+_v[0-9]+"}
_TOKEN = re.compile(r"(?P<hashes>#+)|%(?P<zeros>0[0-9]{1,2})?d|(?P<word><(?i:UDIM|UVTILE|f)>)")
_TILE_TOKEN = re.compile(r"<(?:UDIM|UVTILE)>", re.IGNORECASE)
_VIEW_TOKEN = re.compile(r"%[Vv]")
#: Tokens whose text only the folder's listing can tell.
_DISK_TOKEN = re.compile(r"<(?:UDIM|UVTILE|f)>", re.IGNORECASE)
_NUMBER = re.compile(r"(?:(?:^|(?<=[._]))(?P<sign>-))?(?P<digits>[0-9]+)")
#: more digits than any frame has
_MOST_DIGITS = 18


class Expansion(NamedTuple):
    """What a pattern comes to on disk: the files that are there, and the paths that should be."""

    found: tuple[str, ...]
    missing: tuple[str, ...]


class NumberedFile(NamedTuple):
    """A file of a sequence: the pattern of its brothers, and its own frame."""

    pattern: str
    frame: int


class DirectoryListing:
    """List each folder once, however many files are looked for in it; make a new one for each scan.

    A thousand-frame sequence on a network share costs one listing, not a thousand round trips.
    """

    def __init__(self, scan: Callable[[str], Iterable[str]] = os.listdir) -> None:
        self._scan = scan
        self._names: dict[str, frozenset[str]] = {}
        self._problems: dict[str, str] = {}
        self._lowered: dict[str, dict[str, str]] = {}

    def names(self, folder: str) -> frozenset[str]:
        """Return the names in a folder; none when it cannot be read (`problem` says why)."""
        folder = folder or os.curdir
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(self._scan(folder))
            except OSError as exc:
                self._names[folder] = frozenset()
                self._problems[folder] = exc.strerror or str(exc)
            except ValueError:  # NUL, or characters that this system's names cannot have
                self._names[folder] = frozenset()
                self._problems[folder] = "no folder can have such a name"
        return self._names[folder]

    def problem(self, folder: str) -> str:
        """Return why a folder could not be read, in the system's words; "" when it could."""
        self.names(folder)
        return self._problems.get(folder or os.curdir, "")

    def has(self, path: str) -> bool:
        """Tell whether something of exactly this name is there."""
        folder, name = os.path.split(path)
        return name in self.names(folder) if name else not self.problem(path)

    def in_other_case(self, path: str) -> str:
        """Return the name in the folder that differs from this one in upper and lower case only; "" where there is none."""
        folder, name = os.path.split(path)
        if folder not in self._lowered:
            self._lowered[folder] = {n.lower(): n for n in self.names(folder)}
        found = self._lowered[folder].get(name.lower(), "")
        return found if found != name else ""


def has_frame_token(pattern: str) -> bool:
    """Tell whether the text has a token for the frame."""
    return any(not _TILE_TOKEN.fullmatch(m[0]) for m in _tokens(pattern))


def has_tile_token(pattern: str) -> bool:
    """Tell whether the text has `<UDIM>` or `<UVTILE>`."""
    return _TILE_TOKEN.search(pattern) is not None


def has_view_token(pattern: str) -> bool:
    """Tell whether the text has `%V` or `%v`."""
    return _VIEW_TOKEN.search(pattern) is not None


def view_path(pattern: str, views: Iterable[str]) -> tuple[str, ...]:
    """Return the pattern for each view: `%V` is its name, `%v` the first letter of it; the pattern itself where it has none.

    https://learn.foundry.com/nuke/content/comp_environment/stereoscopic_films/using_variables.html
    """
    if not has_view_token(pattern):
        return (pattern,)
    return tuple(dict.fromkeys(pattern.replace("%V", view).replace("%v", view[:1]) for view in views if view))


def frame_path(pattern: str, frame: int) -> str:
    """Return the pattern with each frame token replaced by the frame; tile tokens stay.

    `####` is at least that many digits, the sign beside them (-5: `-0005`, as Blender writes); `%04d` is printf's, the
    sign among them (`-005`, as Nuke writes); `<f>` is the bare number.
    """
    return _fill(pattern, frame, kept=_TILE_TOKEN)


def frame_of(pattern: str, path: str) -> int | None:
    """Return the frame whose file of the pattern `path` is: `frame_path` the other way round.

    Both must be written alike (slashes, case). None where `path` is not of the pattern, or the pattern has no frame token.
    """
    tokens = [m for m in _tokens(pattern) if not _TILE_TOKEN.fullmatch(m[0])]
    match = _path_regex(pattern).fullmatch(path)
    numbers = match.groups() if match else ()
    if len({int(n) for n in numbers}) != 1:
        return None
    frame = int(numbers[0])
    # img.####.exr is not the pattern of img.7.exr, nor of img.00007.exr
    right = (t["word"] or n == _frame_text(t, frame) for t, n in zip(tokens, numbers, strict=True))
    return frame if all(right) else None


def output_folder(pattern: ClientPath) -> ClientPath:
    """Return the folder that a step may write for this output: the nearest one above whatever a token stands for.

    `/job/####/shot_####.exr` → `/job`, while `/jobs/#42/shot_####.exr` → `/jobs/#42`. Service, runner and agent decide by
    this one answer what a task may write, what is published and what comes home.
    """
    folder = pattern.parent
    for depth, component in enumerate(folder.components):
        if _tokens(component + "/"):  # with the slash, a lone # is a folder's
            return ClientPath(folder.flavour, folder.anchor, folder.components[:depth])
    return folder


def expand_frames(pattern: str, frames: Iterable[int], listing: DirectoryListing | None = None) -> Expansion:
    """Return the files of these frames, in their order, and the path of each frame for which there is none.

    Tile tokens are expanded too: a frame is there when it has a tile. Where `<f>` fits several files (`a.1.png`,
    `a.0001.png`) all of them are found, since only the host knows which one it takes.
    """
    listing = listing or DirectoryListing()
    found: dict[str, None] = {}
    missing: dict[str, None] = {}
    for frame in frames:
        files = _on_disk(_fill(pattern, frame, kept=_DISK_TOKEN), frame, listing)
        if files:
            found.update(dict.fromkeys(files))
        else:
            missing[frame_path(pattern, frame)] = None
    return Expansion(tuple(found), tuple(missing))


def expand_udim(pattern: str, listing: DirectoryListing | None = None) -> tuple[str, ...]:
    """Return the tiles of a `<UDIM>` or `<UVTILE>` pattern that are on disk, sorted.

    A pattern without a tile token is its own one tile. Frame tokens match nothing here: use `expand_frames`.
    """
    return _on_disk(pattern, None, listing or DirectoryListing())


def files_of_pattern(pattern: str, listing: DirectoryListing | None = None) -> tuple[str, ...]:
    """Return every file on disk that a pattern fits, whatever its frame, tile or view, sorted by folder and name."""
    return _everything(pattern, listing or DirectoryListing())


def pattern_regex(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Return what fits every path of a pattern that is written with `/`, whatever its frame, tile or view."""
    *folders, name = pattern.split("/")
    # with the slash, a lone # is a folder's
    text = "".join(_views(folder + "/") for folder in folders) + _views(name)
    return re.compile(text, re.IGNORECASE if ignore_case else 0)


def sequence_pattern(path: str) -> NumberedFile | None:
    """Return the `####` pattern and the frame of a numbered file: `img.0001.png` → `img.####.png`, 1.

    The number is the last in the name before its extension (`shot_v002.0001.exr` → 1); a `-` belongs to it after a dot or
    underscore only (`a.-0005.exr` → -5, `a-0005.exr` → 5). None where there is no number, or a token already.
    """
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    if re.fullmatch(r"\.[0-9]+", extension):  # simulation caches: smoke.0001
        stem, extension = name, ""
    numbers = list(_NUMBER.finditer(stem))
    if not numbers or len(numbers[-1][0]) > _MOST_DIGITS or _tokens(path):
        return None
    last = numbers[-1]
    frame = int(last[0])
    # "-0" is the number 0 after a dash: the dash must survive the round trip.
    start = last.start() if frame else last.start("digits")
    pattern = stem[:start] + "#" * len(last["digits"]) + stem[last.end() :] + extension
    return NumberedFile(os.path.join(folder, pattern), frame)


def _tokens(pattern: str) -> list[re.Match[str]]:
    start_of_name = max(pattern.rfind("/"), pattern.rfind(os.sep)) + 1
    return [m for m in _TOKEN.finditer(pattern) if m["hashes"] != "#" or m.start() >= start_of_name]


def _fill(pattern: str, frame: int, *, kept: re.Pattern[str]) -> str:
    """Return the pattern with the frame in place of each token that is not `kept`."""
    result = []
    end = 0
    for token in _tokens(pattern):
        text = token[0] if kept.fullmatch(token[0]) else _frame_text(token, frame)
        result += [pattern[end : token.start()], text]
        end = token.end()
    return "".join([*result, pattern[end:]])


def _path_regex(pattern: str) -> re.Pattern[str]:
    """Return what fits a whole path, with a group for each frame token."""
    result = ""
    end = 0
    for token in _tokens(pattern):
        result += re.escape(pattern[end : token.start()]) + _TILES.get(token[0].lower(), "(-?[0-9]+)")
        end = token.end()
    return re.compile(result + re.escape(pattern[end:]))


def _frame_text(token: re.Match[str], frame: int) -> str:
    if token["hashes"]:
        return f"{'-' if frame < 0 else ''}{abs(frame):0{len(token['hashes'])}d}"
    return f"{frame:{token['zeros'] or ''}d}"


def _on_disk(pattern: str, frame: int | None, listing: DirectoryListing) -> tuple[str, ...]:
    """Return the paths on disk that fit a pattern with tile tokens and `<f>` only, folder by folder, sorted."""
    if not _DISK_TOKEN.search(pattern):
        return (pattern,) if listing.has(pattern) else ()
    folder, name = os.path.split(pattern)
    folders = _on_disk(folder, frame, listing) if _DISK_TOKEN.search(folder) else (folder,)
    fits = _name_regex(name, frame)
    return tuple(os.path.join(f, n) for f in folders for n in sorted(listing.names(f)) if fits.fullmatch(n))


def _everything(pattern: str, listing: DirectoryListing) -> tuple[str, ...]:
    if not (_tokens(pattern) or has_view_token(pattern)):
        return (pattern,) if listing.has(pattern) else ()
    folder, name = os.path.split(pattern)
    # with the slash, a lone # is a folder's
    many = _tokens(folder + "/") or has_view_token(folder)
    folders = _everything(folder, listing) if many else (folder,)
    fits = re.compile(_views(name))
    return tuple(os.path.join(f, n) for f in folders for n in sorted(listing.names(f)) if fits.fullmatch(n))


def _views(name: str) -> str:
    """Return what fits a name with view tokens: `%V` is a word, `%v` one letter."""
    result, end = "", 0
    for token in _VIEW_TOKEN.finditer(name):
        result += _anything(name[end : token.start()]) + ("[A-Za-z0-9]+" if token[0] == "%V" else "[A-Za-z0-9]")
        end = token.end()
    return result + _anything(name[end:])


def _anything(text: str) -> str:
    """Return what fits a name with any numbers and tiles: a number has as many digits as its token says, or more."""
    result, end = "", 0
    for token in _tokens(text):
        digits = len(token["hashes"]) if token["hashes"] else int(token["zeros"] or 1)
        number = rf"-?[0-9]{{{max(1, digits - 1)}}}[0-9]*" if token["zeros"] or token["hashes"] else "-?[0-9]+"
        result += re.escape(text[end : token.start()]) + _TILES.get(token[0].lower(), number)
        end = token.end()
    return result + re.escape(text[end:])


def _name_regex(name: str, frame: int | None) -> re.Pattern[str]:
    result = ""
    end = 0
    for token in _DISK_TOKEN.finditer(name):
        result += re.escape(name[end : token.start()])
        result += _TILES.get(token[0].lower(), re.escape(token[0]) if frame is None else _any_padding(frame))
        end = token.end()
    return re.compile(result + re.escape(name[end:]))


def _any_padding(frame: int) -> str:
    return f"{'-' if frame < 0 else ''}0*{abs(frame)}"
