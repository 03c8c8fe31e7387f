"""What lacks because it is still to be made: a scene may read what another of its nodes writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from conductor_core.report import Missing, ScanOutput

_FRAME = re.compile(r"#+|%(?:0[0-9]{1,2})?d|<f>")
_NUMBER = re.compile(r"-?[0-9]+")


def with_writers(missing: Iterable[Missing], outputs: Iterable[ScanOutput]) -> Iterator[Missing]:
    """Yield what is missing, with the node that writes it in the reason, where the scene itself has one."""
    by_name: dict[str, str] = {}
    by_frame: dict[tuple[str, ...], str] = {}
    for output in outputs:
        by_name.setdefault(output.path, output.referrer)
        parts = _FRAME.split(output.path)
        if len(parts) == 2:
            by_frame.setdefault(tuple(parts), output.referrer)
    for entry in missing:
        writer = by_name.get(entry.path) or next((by_frame[k] for k in _around_numbers(entry.path) if k in by_frame), "")
        yield replace(entry, reason=f"{entry.reason}; {writer} of this scene writes it") if writer else entry


def _around_numbers(path: str) -> Iterator[tuple[str, str]]:
    """Yield a path before and behind each number or token for a frame in it."""
    for pattern in (_FRAME, _NUMBER):
        for match in pattern.finditer(path):
            yield path[: match.start()], path[match.end() :]
