"""The name of a file's content: `sha256:` and 64 hex digits.

sha256 because the standard library has it (nothing compiled in a host), because a core hashes faster than a 10 GbE
line delivers, and because it cannot be collided on purpose: where "already there" skips an upload, a collision would
swap another artist's file (docs/decisions/0003).
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

Digest = NewType("Digest", str)
"""`sha256:<64 lower-case hex digits>`."""

_FORM = re.compile(r"sha256:[0-9a-f]{64}\Z")


def is_digest(text: str) -> bool:
    """Tell whether `text` is `sha256:` and 64 lower-case hex digits."""
    return _FORM.match(text) is not None


def parse_digest(text: str) -> Digest:
    """Return `text` as a digest.

    Raises:
        ValueError: `text` is not `sha256:` and 64 lower-case hex digits.
    """
    if not _FORM.match(text):
        raise ValueError(f"{text!r} is not a digest: expected sha256: and 64 hex digits")
    return Digest(text)


def digest_of(data: bytes | bytearray) -> Digest:
    """Return the digest of bytes in memory."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def hex_of(digest: Digest) -> str:
    """Return the 64 hex digits alone, as used in file names and keys."""
    return digest.removeprefix("sha256:")
