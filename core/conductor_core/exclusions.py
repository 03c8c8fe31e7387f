"""What an artist leaves at home: panel, CLI and agent decide by this one rule which files that comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import has_frame_token, has_tile_token, has_view_token, pattern_regex
from conductor_core.submission import Exclusion

_NO_NAMES = ("", ".", "..")


@dataclass(frozen=True, slots=True)
class _Folder:
    """What is known of a folder, so that its files need no taking apart."""

    #: why all of it is left out
    reason: str | None = None
    slashed: str = ""
    #: something in it, by its name, is left out
    has_excluded: bool = False
    #: it is a path of this system
    known: bool = True


class Exclusions:
    """Exclusions, looked up by the path of a file: a job may have a hundred thousand of these, in few folders."""

    def __init__(self, exclusions: Iterable[Exclusion], flavour: Flavour) -> None:
        self._flavour = flavour
        self._reasons: dict[tuple[str, ...], str] = {}
        self._parents: set[tuple[str, ...]] = set()
        self._folders: dict[str, _Folder] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for exclusion in exclusions:
            path = ClientPath.parse(exclusion.path, flavour)
            self._reasons.setdefault(path.key, exclusion.reason)
            self._parents.add(path.parent.key)
            if any(has(path.slashed) for has in (has_frame_token, has_tile_token, has_view_token)):
                regex = pattern_regex(path.slashed, ignore_case=flavour is Flavour.WINDOWS)
                self._patterns.append((regex, exclusion.reason))

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def covers(self, path: str) -> bool:
        """Tell whether a file or folder is left out: by its own name, by a folder that it lies in, or by a pattern."""
        return self.reason(path) is not None

    def reason(self, path: str) -> str | None:
        """Return why a file or folder is left out; None where it goes along."""
        if not self._reasons:
            return None
        text = path.replace("\\", "/") if self._flavour is Flavour.WINDOWS else path
        folder, _, name = text.rpartition("/")
        if name in _NO_NAMES:
            return self._looked_up(path)
        if folder not in self._folders:
            self._folders[folder] = self._folder(folder)
        found = self._folders[folder]
        if found.reason is not None or not found.known:
            return found.reason
        if found.has_excluded:
            return self._looked_up(path)
        return self._by_pattern(f"{found.slashed}/{name}")

    def _looked_up(self, path: str) -> str | None:
        place = self._place(path)
        if place is None:
            return None
        return self._by_place(place) or self._by_pattern(place.slashed)

    def _folder(self, text: str) -> _Folder:
        place = self._place(f"{text}/")
        if place is None:
            return _Folder(known=False)
        return _Folder(self._by_place(place), place.slashed.rstrip("/"), place.key in self._parents)

    def _place(self, path: str) -> ClientPath | None:
        try:
            return ClientPath.parse(path, self._flavour)
        except PathError:
            return None  # a name that this system cannot have is told by whoever reads it

    def _by_place(self, place: ClientPath) -> str | None:
        found = (self._reasons.get(place.key[:length]) for length in range(len(place.key), 1, -1))
        return next((reason for reason in found if reason is not None), None)

    def _by_pattern(self, slashed: str) -> str | None:
        return next((reason for pattern, reason in self._patterns if pattern.fullmatch(slashed)), None)
