"""Which asset libraries a scene needs: `.OPlibraries`, `.OPpreferences` and `.OPfallbacks`.

`.OPlibraries` lists libraries that the scene itself installs, a line each. The other two say, type by type, where its definition
was found: `Sop/chair /job/otls/chair.hda`, and again relative to a folder of HOUDINI_PATH: `Sop/chair otls/chair.hda`.
https://www.sidefx.com/docs/houdini/assets/install.html
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_node import HipNode
from conductor_core.discovery.houdini_shipped import SHIPPED
from conductor_core.discovery.hscript import NeedsFrame, NotEvaluated, expand
from conductor_core.discovery.place import is_absolute
from conductor_core.discovery.reach import Folder, Found, OneFile
from conductor_core.report import Ignored, Unresolved
from conductor_core.sequences import DirectoryListing

#: a library of Houdini's own in the folder that holds all of them
_STOCK = re.compile(r"(.*)/houdini/otls/OPlib\w+\.(?:hda|otl)\Z")
#: where installers put Houdini
_INSTALLED = re.compile(
    r"/(?:opt/)?hfs\d[\d.]*(?=/)|.*/Houdini ?\d[\d.]*/Frameworks/.*?/Resources(?=/)|.*/HOUDIN~\d\.\w+(?=/)|.*/Houdini \d[\d.]*(?=/houdini/)",
    re.IGNORECASE,
)


#: what lies at the top of an expanded asset; https://www.sidefx.com/docs/houdini/ref/utils/hotl.html
_EXPANDED = ("houdini.hdalibrary", "Sections.list", "INDEX__SECTION")


def installation_folders(fallbacks: str) -> tuple[str, ...]:
    """Return where Houdini lay on the machine that saved the scene: above the folder of its own libraries."""
    found: dict[str, None] = {}
    for _, path in _pairs(fallbacks):
        slashed = path.replace("\\", "/")
        stock = _STOCK.match(slashed)
        installed = _INSTALLED.match(slashed)
        if stock and stock[1]:
            found[stock[1]] = None
        elif installed:
            found[installed[0]] = None
    return tuple(found)


def library_findings(listed: str, preferred: str, fallbacks: str, ask: HipAsk) -> Iterator[Finding]:
    """Yield a finding for each library that the texts in a scene name, once."""
    for path in dict.fromkeys(line.strip() for line in listed.splitlines() if line.strip()):
        yield from library_finding(path, ".OPlibraries", (), ask)
    pairs = list(_pairs(fallbacks))
    relative = {type_: path for type_, path in pairs if not _is_rooted(path)}
    first_use: dict[str, str] = {}
    for type_, path in pairs:
        first_use.setdefault(path, type_)
    covered = {relative[type_] for path, type_ in first_use.items() if _is_rooted(path) and type_ in relative}
    for path, type_ in first_use.items():
        if _is_rooted(path):
            yield from library_finding(path, type_, (relative[type_],) if type_ in relative else (), ask)
        elif path not in covered:
            yield from library_finding(path, type_, (), ask)
    for type_, path in _pairs(preferred):
        if path not in first_use:
            yield Ignored(path, type_, "says which definition is preferred where several are installed")


def library_finding(path: str, referrer: str, other_names: Iterable[str], ask: HipAsk) -> Iterator[Finding]:
    """Yield the finding for a library that somebody names, with the names that it has besides."""
    root = HipNode("/")
    if path in ("Embedded", "Scripted Operators"):
        return
    texts = [path, *other_names]
    if any(ask.is_shipped(text) for text in texts[:1]):
        yield Ignored(path, referrer, SHIPPED)
        return
    places: list[str] = []
    for text in texts:
        try:
            meant = expand(text, ask.scope(root))
        except NotEvaluated as exc:
            yield Unresolved(path, referrer, exc.reason)
            return
        except NeedsFrame:
            continue
        if ask.is_shipped(meant):
            yield Ignored(path, referrer, SHIPPED)
            return
        places += ask.places(meant)
    # an asset's own strings name the variables of the scene that uses it
    under = replace(ask.onwards, variables=ask.variables)
    yield Usage(path, referrer, "library", tuple(dict.fromkeys(places)), Library(), under=under)


@dataclass(frozen=True, slots=True)
class Library:
    """A file, or an expanded asset: a folder with its table of sections in it; any other folder is none."""

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file, or all files of the folder."""
        expanded = any(os.path.isfile(os.path.join(pattern, name)) for name in _EXPANDED)
        return (Folder() if expanded else OneFile()).find(pattern, listing)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        type_, _, path = line.strip().partition(" ")
        if type_ and path.strip():
            yield type_, path.strip()


def _is_rooted(path: str) -> bool:
    return is_absolute(path) or path.startswith(("$", "/")) or posixpath.isabs(path) or bool(re.match(r"[A-Za-z]:", path))
