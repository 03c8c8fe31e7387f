"""Paths that are written as addresses: `file://` URIs and percent signs for blanks."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_DRIVE = re.compile(r"/[A-Za-z]:[/\\]")


def scheme(text: str) -> str:
    """Return the scheme of an address in lower case: `data`, `file`, `https`; "" where it is a path (`C:` is a drive)."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def paths_of(text: str) -> tuple[str, ...]:
    """Return the paths that an address may mean (https://www.rfc-editor.org/rfc/rfc8089): decoded, then as it stands."""
    path = text
    if scheme(text) == "file":
        path = text[5:]
        if path.startswith("//"):
            host, slash, rest = path[2:].partition("/")
            path = slash + rest if host in ("", "localhost") else f"//{host}/{rest}"
    decoded = tuple(p[1:] if _DRIVE.match(p) else p for p in (unquote(path), path))
    return tuple(dict.fromkeys(decoded))
