"""From the text of a path to absolute paths: drives and shares of any system, `~`, and relative to what."""

from __future__ import annotations

import os
import re

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_WINDOWS = os.name == "nt"
#: an extension, one that no sentence ends in: a letter or digit, and few of them
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,9}\Z")


def is_foreign(text: str) -> bool:
    r"""Tell whether a path is absolute on another system only: `C:\a` and `\\server\a` on posix, `/a` on Windows."""
    if _WINDOWS:
        return text.startswith("/") and not text.startswith("//")
    return bool(_DRIVE.match(text)) or text.startswith("\\\\")


def is_elsewhere(place: str) -> bool:
    """Tell whether an absolute path, as `absolute` returns it, lies on another system: a drive or a share, on posix.

    To posix `//server/a` is `/server/a`, and `C:/a` is relative; neither is the file that was meant.
    """
    return is_foreign(place) or (not _WINDOWS and place.startswith("//"))


def is_absolute(text: str) -> bool:
    """Tell whether a path is absolute on any system."""
    return os.path.isabs(text) or is_foreign(text)


def absolute(text: str, folder: str) -> str:
    r"""Return the absolute path that a text means when it is read from `folder`.

    `\` counts as `/` everywhere, since no application that writes scenes makes files with a backslash in their names;
    a path of another system keeps its drive or share, with `/`, so that nothing local is taken for it.
    """
    if is_foreign(text):
        slashed = text.replace("\\", "/")
        start = "//" if slashed.startswith("//") else ""
        return start + os.path.normpath(slashed.lstrip("/") if start else slashed).replace("\\", "/")
    native = text if _WINDOWS else text.replace("\\", "/")
    joined = os.path.normpath(os.path.join(folder, os.path.expanduser(native)))
    # posix keeps two leading slashes (POSIX.1-2017, 4.13); no host means them
    return joined[1:] if joined.startswith("//") and not _WINDOWS else joined


def looks_like_path(text: str) -> bool:
    """Tell whether a text of which nothing is known could name a file: it has a slash and no line break, or an extension."""
    if not text or len(text) > 4096 or "\n" in text or "://" in text:
        return False
    return (
        is_absolute(text)
        or ("/" in text.strip("/") or "\\" in text.strip("\\"))
        or bool(_EXTENSION.search(text) and " " not in text)
    )
