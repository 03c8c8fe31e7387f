"""XGen collections, `.xgen`, and their changes, `.xgd`: paint maps, archives, caches and points of descriptions.

Lines are `attribute  value` in blocks of a palette, its descriptions and their modules, as public code reads
and writes them (no file of Maya itself was there to try). "XGen uses this data path to access all the files and maps when the Description is previewed or rendered":
https://help.autodesk.com/cloudhelp/2023/ENU/Maya-CharEffEnvBuild/files/GUID-E4714F1D-C4F6-49FD-9B89-FDE72CF9296F.htm (`${DESC}`).
The function `map` of expressions takes a file, or a folder with a `.ptx` for each mesh.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Folder, Frames, Reach, WithTwins, has_file
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.report import Ignored, Unresolved

_FIRST = re.compile(rb"^\s*(?:# XGen|FileVersion\s+[0-9]+\s*$|Palette\s*$)", re.MULTILINE)
_PALETTE = re.compile(rb"^\s+xg(?:DataPath|ProjectPath)\s", re.MULTILINE)
_LINE = re.compile(r"(\s*)([A-Za-z_][\w\[\]]*)(?:[ \t]+(.*))?\Z", re.DOTALL)
#: `map('${DESC}/paintmaps/density')`, also with the arguments of its `%d`
_MAP = re.compile(r"""\b(?:[a-z]*map|ptex)\s*\(\s*(['"])([^'"]{1,2000})\1""")
_ARCHIVE = re.compile(r'(?:\A|\\n|\n)\s*[0-9]+\s+"([^"]+)"')
_GROUP = re.compile(r'(materials|thumbnail)="([^"]*)"')
#: folders that modules fill when something is painted or computed
_FOLDERS = re.compile(r"Dir\Z")
_IN_COLLECTION = re.compile(r"\$\{(?:DESC|PROJECT|PAL|PALETTE)\}/?[^/\s()]")
_KINDS: dict[str, Kind] = {
    **dict.fromkeys((".abc", ".xpd", ".caf"), "cache"),
    **dict.fromkeys((".ass", ".rib"), "procedural"),
    **dict.fromkeys((".obj", ".xgc"), "geometry"),
    **dict.fromkeys((".xarc", ".xuv", ".xgd"), "data"),
    **{".ma": "reference", ".mb": "reference", ".vrmesh": "proxy", ".rs": "proxy"},
}
_UNPAINTED = "the folder is not there: nothing was painted or computed for this module"


@dataclass(slots=True)
class _Place:
    """Where in the collection a line stands, with the variables that hold there."""

    palette: str = ""
    data_paths: tuple[str, ...] = ()
    project: str = ""
    description: str = ""
    #: the block: `Palette`, `Description`, `SplinePrimitive`
    block: str = ""
    #: the name of a module of effects, `${FXMODULE}`
    module: str = ""
    switches: dict[str, str] = field(default_factory=dict)

    def referrer(self, attribute: str) -> str:
        """Return who an attribute belongs to, as an artist finds it."""
        block = self.module or (self.block if self.block not in ("Palette", "Description") else "")
        parts = (self.palette, self.description, block, attribute)
        return ".".join(p for p in parts if p)


def _recognises(head: bytes, extension: str) -> bool:
    return b"\0" not in head and bool(_FIRST.search(head) and (extension == ".xgen" or _PALETTE.search(head)))


@reads_format("xgen", _recognises)
def read_collection(survey: Survey) -> Iterator[Finding]:
    """Yield what the palette and its descriptions read."""
    yield from _Collection(survey).findings()


@reads_format("xgen-delta", lambda head, extension: extension == ".xgd" and b"\0" not in head and bool(_FIRST.search(head)))
def read_delta(survey: Survey) -> Iterator[Finding]:
    """Yield what changes to a collection read."""
    yield from _Collection(survey).findings()


class _Collection:
    """The lines of a collection, each with its place."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._place = _Place()
        self._projects: tuple[str, ...] = ()
        self._waiting: list[tuple[str, str]] = []

    def findings(self) -> Iterator[Finding]:
        yield from self._exported_patches()
        with open(self._survey.content, "rb") as file:
            while raw := file.readline(self._survey.limits.value):
                match = _LINE.match(raw.decode("utf-8", "surrogateescape").rstrip("\r\n"))
                if match:
                    yield from self._line(match[1], match[2], (match[3] or "").strip())
        yield from self._block_ends()

    def _line(self, indent: str, word: str, value: str) -> Iterator[Finding]:
        if word == "endAttrs" or (not indent and word[0].isupper()):
            yield from self._block_ends()
            if word != "endAttrs":
                self._begins(word, value)
        elif word == "name" and self._place.block == "Palette":
            self._place = replace(self._place, palette=value)
        elif word == "name" and self._place.block == "Description":
            self._place = replace(self._place, description=value)
        elif word == "name" and self._place.block.endswith("FXModule"):
            self._place = replace(self._place, module=value)
        elif word == "xgProjectPath":
            self._place = replace(self._place, project=value)
        elif word == "xgDataPath":
            self._place = replace(self._place, data_paths=tuple(p.strip() for p in value.split(";") if p.strip()))
        elif value in ("true", "false", "0", "1"):
            self._place.switches[word] = value
        elif value:
            self._waiting.append((word, value))

    def _begins(self, word: str, value: str) -> None:
        description = "" if word in ("Palette", "Description") else self._place.description
        if word == "Patches":
            description = value or description
        self._place = replace(self._place, block=word, description=description, module="", switches={})

    def _block_ends(self) -> Iterator[Finding]:
        """Yield what the attributes of a block name, once its switches and names are known."""
        if self._place.block == "Palette" and (self._place.data_paths or self._place.project):
            yield from self._own_folders()
        if self._place.block == "Description" and self._place.description:
            yield from self._description_folder()
        waiting, self._waiting = self._waiting, []
        for attribute, value in waiting:
            yield from self._value(attribute, value)
        if self._place.block in ("Palette", "Description"):
            self._place = replace(self._place, block="Module", switches={})

    def _own_folders(self) -> Iterator[Finding]:
        self._projects = tuple(dict.fromkeys(self._project_folders()))
        if self._place.project:
            reason = "the project's folder: other paths begin with it"
            yield Ignored(self._place.project, self._place.referrer("xgProjectPath"), reason)
        if not self._projects and any("${PROJECT}" in p for p in self._place.data_paths):
            yield Unresolved(";".join(self._place.data_paths), self._place.referrer("xgDataPath"), "no xgProjectPath is set")

    def _project_folders(self) -> Iterator[str]:
        """Yield what `${PROJECT}` may be: Maya sets it to its own project when the scene is opened."""
        if self._survey.project_root:
            yield self._survey.project_root
        if self._place.project:
            yield absolute(self._place.project, self._survey.folder)
        folder = self._survey.folder
        while not has_file(os.path.join(folder, "workspace.mel"), self._survey.listing):
            if folder == os.path.dirname(folder):
                return
            folder = os.path.dirname(folder)
        yield folder

    def _description_folder(self) -> Iterator[Finding]:
        """Yield the folder of a description: modules read maps, points and grooming data in it by names of their own."""
        for path in self._place.data_paths:
            places = tuple(os.path.join(p, self._place.description) for p in self._filled(path))
            if places:
                referrer = self._place.referrer("xgDataPath")
                yield Usage(path, referrer, "data", places, Folder(), absent_is=_UNPAINTED, follow=False)

    def _value(self, attribute: str, value: str) -> Iterator[Finding]:
        referrer = self._place.referrer(attribute)
        if attribute == "files":
            yield from self._archives(value, referrer)
        elif "(" in value and _MAP.search(value):
            for path in dict.fromkeys(m[2] for m in _MAP.finditer(value)):
                yield self._usage(path, referrer)
        elif (reason := self._unread(attribute)) and ("/" in value or ends_like_file(value)):
            yield Ignored(value, referrer, reason)
        elif _FOLDERS.search(attribute) or value.endswith("/") or _IN_COLLECTION.match(value):
            if "/" in value and "\\n" not in value:
                yield self._usage(value, referrer, absent_is="" if ends_like_file(value) else _UNPAINTED)
        elif ends_like_file(value) and ("/" in value or "\\" in value) and not value.startswith("$a="):
            yield self._usage(value, referrer)

    def _unread(self, attribute: str) -> str:
        """Return why a module does not read what an attribute names; "": it does."""
        off, on = ("false", "0"), ("true", "1")
        switches = self._place.switches
        if self._place.module and switches.get("active") in off:
            return "the module is not active"
        if attribute == "cacheFileName" and switches.get("useCache") in off:
            return "useCache is off"
        if attribute in ("cacheFileName", "wiresFile") and switches.get("liveMode") in on:
            return "live mode reads the scene itself"
        return ""

    def _archives(self, value: str, referrer: str) -> Iterator[Finding]:
        """Yield the archives of groups: `#ArchiveGroup 0 name="tree" materials="…"\\n0 "tree.abc" …` ."""
        for word, path in _GROUP.findall(value):
            if word == "thumbnail" and path:
                yield Ignored(path, f"{referrer}.thumbnail", "a picture for the archive library")
            elif path:
                absent = "the material's scene is needed only to import the archive"
                yield replace(self._usage(path, f"{referrer}.materials", absent_is=absent), follow=False)
        for path in dict.fromkeys(_ARCHIVE.findall(value)):
            yield self._usage(path, referrer)

    def _usage(self, text: str, referrer: str, *, absent_is: str = "") -> Usage:
        places = self._filled(text)
        if not places:
            return Usage(text, referrer, "other", (absolute(text, self._survey.folder),))
        ending = os.path.splitext(text.removesuffix(".gz"))[1].lower()
        kind = _KINDS.get(ending)
        reach: Reach = WithTwins(Frames(self._survey.frames), (".asstoc",))
        if not ends_like_file(text):
            reach = Folder()
        return Usage(text, referrer, kind or "texture", places, reach, absent_is=absent_is)

    def _filled(self, text: str) -> tuple[str, ...]:
        """Return the places of a text: for each project and each data path, in their order."""
        places: dict[str, None] = {}
        for project in self._projects or ("",):
            for data in self._place.data_paths or ("",):
                own = {"PROJECT": project.rstrip("/\\") + "/"} if project else {}
                root = fill_variables(data, {**self._survey.variables, **own}).text
                own |= {"PALETTE": root, "PAL": root, "DESC": f"{root.rstrip('/')}/{self._place.description}"} if root else {}
                own["FXMODULE"] = self._place.module or "${FXMODULE}"
                filled = fill_variables(text.replace("${FRAME}", "%04d"), {**self._survey.variables, **own})
                if not filled.unknown:
                    places[absolute(filled.text, project or self._survey.folder)] = None
        return tuple(places)

    def _exported_patches(self) -> Iterator[Finding]:
        """Yield the geometry that Maya exports beside a collection for batch renders."""
        beside = os.path.splitext(self._survey.file)[0] + ".abc"
        if has_file(beside, self._survey.listing):
            yield Usage(os.path.basename(beside), "patches", "cache", (beside,))
