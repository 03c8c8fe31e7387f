"""From the text of an asset path to the places where USD looks for it.

https://openusd.org/release/api/class_ar_default_resolver.html: `./` and `../` are relative to the layer; a bare `a/b.usd` is looked for
beside the layer first, then in the folders of `PXR_AR_DEFAULT_SEARCH_PATH`. In a package, paths are looked for in the package.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.usd.expression import NotEvaluated, evaluate, is_expression
from conductor_core.formats.usd.package import NESTED, Package

#: two letters at least: one is a drive
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):")
#: how Houdini (`%(UDIM)d`, seen in its stages) and RenderMan's atlases write `<UDIM>`:
#: https://www.sidefx.com/docs/houdini/nodes/vop/pxrbaketexture.html
_TILES = re.compile(r"%\(UDIM\)d|_MAPID_")
_ARGUMENTS = ":SDF_FORMAT_ARGS:"
_SCHEMES = {
    "anon": "it is an anonymous layer, which was never saved",
    "op": "it is a node of a Houdini session, whose result is not in this file",
    "opdef": "it lies in a Houdini asset library that the layer does not name",
    "http": "it lies on a server",
    "https": "it lies on a server",
    "omniverse": "it lies on an Omniverse server",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file is looked for."""

    places: tuple[str, ...]
    #: of a layer in a package: which
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """A file that lies in the package that is read."""

    entry: str


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A path that can't be evaluated; an empty reason: it is empty, which means no file."""

    reason: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The layer that holds the paths."""

    survey: Survey
    variables: Mapping[str, object]
    package: Package | None = None
    #: the layer within the package
    inner: str = ""

    def locate(self, text: str) -> Places | Inside | Nowhere:
        """Return where the file of an asset path lies."""
        if is_expression(text):
            try:
                text = evaluate(text, self.variables)
            except NotEvaluated as exc:
                return Nowhere(str(exc))
        text = _TILES.sub("<UDIM>", text.split(_ARGUMENTS, 1)[0].strip())
        if not text:
            return Nowhere("")
        scheme = _SCHEME.match(text)
        if scheme and scheme["scheme"].lower() == "file":
            text = _of_file_url(text)
        elif scheme:
            return Nowhere(_SCHEMES.get(scheme["scheme"].lower(), f"no reader knows paths that begin with {scheme[0]}"))
        packaged = NESTED.match(text)
        if inside := self._in_package(packaged["package"] if packaged else text, packaged["inner"] if packaged else ""):
            return inside
        if packaged:
            return Places(self._places(packaged["package"]), packaged["inner"])
        return self._on_disk(text)

    def _in_package(self, text: str, inner: str) -> Inside | None:
        """Look beside the layer in the package, then at the package's top."""
        if self.package is None or is_absolute(text):
            return None
        beside = posixpath.join(posixpath.dirname(self.inner), text)
        searched = not text.startswith(("./", "../"))
        entry = self.package.entry(beside) or (self.package.entry(text) if searched else "")
        if not entry:
            return None
        return Inside(self.package.named(f"{entry}[{inner}]" if inner else entry))

    def _on_disk(self, text: str) -> Places | Nowhere:
        if self.package is not None and not is_absolute(text):
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(self.inner), text))
            return Places((f"{self.survey.file}[{inner}]",))
        places = self._places(text)
        if "$" not in text or any(self.survey.listing.has(p) for p in places):
            return Places(places)
        # USD leaves variables as they are, while renderers that read the text themselves fill them
        filled = fill_variables(text, self.survey.variables)
        if filled.unknown:
            return Nowhere(f"nobody has set {', '.join(filled.unknown)}")
        return Places(self._places(filled.text))

    def _places(self, text: str) -> tuple[str, ...]:
        beside = absolute(text, self.survey.folder)
        if is_absolute(text) or text.startswith(("./", "../", ".\\", "..\\", "~")):
            return (beside,)
        folders = (*self.survey.search, *self._search_path())
        return tuple(dict.fromkeys((beside, *(absolute(text, folder) for folder in folders))))

    def _search_path(self) -> tuple[str, ...]:
        folders = self.survey.variables.get("PXR_AR_DEFAULT_SEARCH_PATH", "")
        return tuple(f for f in folders.split(os.pathsep) if f)


def _of_file_url(text: str) -> str:
    path = text[len("file:") :]
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        path = slash + rest if host in ("", "localhost") else path
    path = unquote(path)
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path
