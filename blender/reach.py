# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stills of a strip come to files: Blender keeps one path for all of them. What every reader of .blend files shares
is in `conductor_core.discovery.blender_reach`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from conductor_core.discovery.blender_reach import shown as shown_number
from conductor_core.discovery.reach import Found, Reach, each
from conductor_core.sequences import DirectoryListing


@dataclass(frozen=True, slots=True)
class TheseNames:
    """Files named one by one, in the folder of the path."""

    names: tuple[str, ...]
    #: named too, but shown at no frame of the job
    spared: tuple[str, ...] = ()

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return the files in the order of their names here."""
        found = each((os.path.join(path, n) for n in self.names), listing)
        return replace(found, spared=tuple(os.path.join(path, n) for n in self.spared))


def shown(path: str, reach: Reach) -> str:
    """Return the path as the report shows it: `####` for a number, the folder of stills or the only one in it."""
    if isinstance(reach, TheseNames):
        return os.path.join(path, reach.names[0]) if len(reach.names) == 1 else path
    return shown_number(path, reach)
