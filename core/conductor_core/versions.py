"""Versions of software: in which order they come, and which of those that there are serves for one that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Return what versions sort by: 4.10 comes after 4.9, and words come before numbers (4.2-beta before 4.2.1)."""
    parts = re.findall(r"[0-9]+|[A-Za-z]+", version)
    return tuple((int(p), "") if p.isdigit() else (-1, p) for p in parts)


def serving_version(wanted: str, there_are: Iterable[str]) -> str | None:
    """Return which version serves for a full or partial one; None where none does.

    The exact version, else the highest that begins with the components asked for, else the highest patch of the same
    major.minor, else one that says less: a `2025` serves for a `2025.3`.
    """
    versions = sorted(there_are, key=version_key, reverse=True)
    if wanted in versions:
        return wanted
    key = version_key(wanted)
    begins_so = (v for v in versions if version_key(v)[: len(key)] == key)
    same_minor = (v for v in versions if len(key) > 2 and version_key(v)[:2] == key[:2])
    says_less = (v for v in versions if version_key(v) and key[: len(version_key(v))] == version_key(v))
    return next(begins_so, None) or next(same_minor, None) or next(says_less, None)
