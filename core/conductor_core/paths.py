"""Paths of both flavours, by components. (contract; being filled in)"""

from __future__ import annotations

import enum


class Flavour(str, enum.Enum):
    """How a client writes its paths."""

    POSIX = "posix"
    WINDOWS = "windows"
