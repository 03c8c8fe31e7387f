r"""Paths that are too long for Windows as people write them: it takes 260 characters, and 32,000 behind `\\?\`.

Behind that prefix nothing is put right any more: slashes, `.` and `..` must be gone
(learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation). So a path keeps its own spelling everywhere, in
manifests, journals and sentences, and gets the prefix where a file is opened, looked at, made or renamed.
"""

from __future__ import annotations

import ntpath

from conductor_core.paths import Flavour, local_flavour

#: characters up to which a path goes as it is: a folder has 247 at most, and the name of a part, or of a file that is put beside
#: newer work, is up to sixty longer than the one that it is made for
PLAIN = 184
_PREFIX, _SHARE = "\\\\?\\", "\\\\?\\UNC\\"


def on_disk(path: str, flavour: Flavour | None = None) -> str:
    r"""Return what the system is to be asked for: the path itself, or on Windows, for a long one, the same behind `\\?\`."""
    if len(path) <= PLAIN or (flavour or local_flavour()) is not Flavour.WINDOWS:
        return path
    straight = path.replace("/", "\\")
    if straight.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    if straight.startswith("\\\\"):
        return _SHARE + ntpath.normpath(straight)[2:]
    # a path of a drive's current folder (`C:a`), or of none, is not one place: nobody here has such
    return _PREFIX + ntpath.normpath(straight) if straight[1:3] == ":\\" else path


def spelled(path: str) -> str:
    r"""Return a path as people write it, whether or not it stands behind `\\?\`."""
    if path.startswith(_SHARE):
        return "\\\\" + path[len(_SHARE) :]
    return path[len(_PREFIX) :] if path.startswith(_PREFIX) and path[5:7] == ":\\" else path
