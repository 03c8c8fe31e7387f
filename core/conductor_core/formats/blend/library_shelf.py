"""Libraries that several files of one scan link: loaded once, as long as they are small.

Each file that links a library wants other things of it, so the library is looked through anew for each; a film's shots have
dozens of files that link the same few.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from conductor_core.discovery.survey import Survey
from conductor_core.formats.blend.loading import BlendFile, load
from conductor_core.sequences import DirectoryListing

#: bytes of all libraries that are kept loaded in one scan
_MOST = 128 << 20
#: the listing is what the surveys of one scan have in common; its end is the end of the scan
_SHELVES: WeakKeyDictionary[DirectoryListing, dict[str, BlendFile]] = WeakKeyDictionary()


def load_library(survey: Survey) -> BlendFile:
    """Load the library that a survey is about, with its pointers, or take it as it was loaded before in this scan.

    Raises:
        OSError: it cannot be read.
        SceneNotRead: it is damaged.
    """
    shelf = _SHELVES.setdefault(survey.listing, {})
    found = shelf.pop(survey.file, None) or load(survey.content, survey.limits, with_pointers=True)
    shelf[survey.file] = found
    while sum(blend.held for blend in shelf.values()) > _MOST:
        del shelf[next(iter(shelf))]
    return found
