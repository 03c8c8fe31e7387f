"""Names of files that need a rule: our own parts, and what no instance can have.

Instances run Linux, whatever the artist's machine is. Windows takes names of 255 characters, which are up to 765 bytes in
UTF-8; Linux takes 255 bytes. A path lies below a folder of the instance, and the whole may have 4,095 bytes.
"""

from __future__ import annotations

from conductor_core.errors import TransferError
from conductor_core.paths import ClientPath

#: what the files end in that gather a download (`download.part_path`); they begin with a dot
PART_ENDING = ".conductor-part"
#: bytes of a name on ext4, XFS and Btrfs
LONGEST_NAME = 255
#: bytes of a path that leave room for the folder of the instance in which it lies
LONGEST_PATH = 3_900
#: bytes that a character takes at most in UTF-8
WIDEST = 4

_SHORTER = "Give it a shorter name, or submit without it."


def is_part(name: str) -> bool:
    """Tell whether a name is that of a download under way: no file of the artist's, and not whole."""
    return name.endswith(PART_ENDING) and name.startswith(".")


def require_room(path: ClientPath, text: str) -> None:
    """Refuse a path, which is spelled `text`, that no instance can have, before anything is sent or an instance is paid for.

    Raises:
        TransferError: it, or a name in it, is too long.
    """
    if len(text) * WIDEST <= LONGEST_NAME:
        return
    if len(text) * WIDEST > LONGEST_PATH and (size := _bytes(text)) > LONGEST_PATH:
        raise TransferError(text, f"is a path of {size:,} bytes, and instances have room for {LONGEST_PATH:,}", _SHORTER)
    for name in path.components:
        if len(name) * WIDEST > LONGEST_NAME and (size := _bytes(name)) > LONGEST_NAME:
            raise TransferError(
                text, f"has a name of {size:,} bytes in it, and an instance's disk takes {LONGEST_NAME}", _SHORTER
            )


def _bytes(text: str) -> int:
    """Return how many bytes a text has on Linux; one that stands for a byte that is no text counts as that."""
    return len(text.encode(errors="replace"))
