"""Amounts as people read them."""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def bytes_text(count: int) -> str:
    """Return a number of bytes in the unit that leaves three digits or fewer; a kB is 1,000 bytes, as file managers have it."""
    if count == 1:
        return "1 byte"
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    digits = 0 if unit == 0 or size >= 99.95 else 1
    return f"{size:.{digits}f} {_UNITS[unit]}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return `1 file`, `2,000 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
