"""What an artist leaves at home: panel, CLI and agent decide by this one rule which files that comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import has_frame_token, has_tile_token, has_view_token, pattern_regex
from conductor_core.submission import Exclusion


class Exclusions:
    """Exclusions, looked up by the path of a file: a job may have a hundred thousand of these."""

    def __init__(self, exclusions: Iterable[Exclusion], flavour: Flavour) -> None:
        self._flavour = flavour
        self._reasons: dict[tuple[str, ...], str] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for exclusion in exclusions:
            path = ClientPath.parse(exclusion.path, flavour)
            self._reasons.setdefault(path.key, exclusion.reason)
            if any(has(path.slashed) for has in (has_frame_token, has_tile_token, has_view_token)):
                regex = pattern_regex(path.slashed, ignore_case=flavour is Flavour.WINDOWS)
                self._patterns.append((regex, exclusion.reason))

    def covers(self, path: str) -> bool:
        """Tell whether a file or folder is left out: by its own name, by a folder that it lies in, or by a pattern."""
        return self.reason(path) is not None

    def reason(self, path: str) -> str | None:
        """Return why a file or folder is left out; None where it goes along."""
        if not self._reasons:
            return None
        try:
            place = ClientPath.parse(path, self._flavour)
        except PathError:
            return None  # a name that this system cannot have is told by whoever reads it
        for length in range(len(place.key), 1, -1):
            if (reason := self._reasons.get(place.key[:length])) is not None:
                return reason
        return next((reason for pattern, reason in self._patterns if pattern.fullmatch(place.slashed)), None)
