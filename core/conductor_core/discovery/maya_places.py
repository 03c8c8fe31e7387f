"""From the text of a path in a Maya scene to where Maya and its renderers look for the file.

Maya takes a path as it stands, then what follows a double slash relative to the current project, then relative to the
project, to the folder that the project's rules name for the kind of file, and beside the scene
(https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-9CE78B5A-7E9F-45E6-AB6D-66795E5656F4.htm; "If Maya cannot find the referenced file in the specified location, it looks in several default locations":
https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-7F9305BF-5515-49DC-900B-61268611F8B1.htm).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_project import MayaProject
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.variables import fill_variables

#: tokens of tiles and frames, in the words of the core's resolver.
#: Maya `<UDIM>`, `u<u>_v<v>`, `<f>`: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/file.html (uvTilingMode);
#: V-Ray `$2U`, `<TileRef>`, `<frameNum>`: https://docs.chaosgroup.com/display/VMAYA/File+Names+for+Bitmap+Textures;
#: RenderMan `_MAPID_`, `<f4>`, `<frame>`: https://rmanwiki.pixar.com/pages/viewpage.action?pageId=45749217;
#: Arnold `<tile>`, `<udim:10>` and Redshift `<frame>` as seen in their users' scenes
_TOKENS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"u<u>_v<v>", re.IGNORECASE), "<UVTILE>"),
    (re.compile(r"u\$\d*U_v\$\d*V", re.IGNORECASE), "<UVTILE>"),
    (re.compile(r"<(?:uvtile|tile|tileref)(?::[^<>]*)?>|\$UVTILE", re.IGNORECASE), "<UVTILE>"),
    (re.compile(r"<udim(?::[^<>]*)?>|_MAPID_(?=\.|\Z)|\$UDIM|%\(UDIM\)d", re.IGNORECASE), "<UDIM>"),
    (re.compile(r"<(?:f|frame|framenum|frameNumber)>", re.IGNORECASE), "<f>"),
)
_PADDED_FRAME = re.compile(r"<f(?:rame)?:?0?(\d{1,2})>", re.IGNORECASE)
_MAP_ID = re.compile(r"_MAPID_")
#: tokens that only the renderer fills: their values are not in the file
_OTHER_TOKEN = re.compile(r"(?<!<)<(?!(?i:udim|uvtile|f)>)[A-Za-z][\w:. ]*>(?!>)")
_SHIPPED = re.compile(r"<MAYA_RESOURCES>|\$\{?MAYA_LOCATION\}?|%MAYA_LOCATION%|\$\{?MTOA_PATH\}?", re.IGNORECASE)
#: the number of the copy that a scene which refers to one file several times puts behind its path
_COPY = re.compile(r"\{\d+\}\Z")
#: kind of file → rule of the project's workspace.mel
_RULES: Mapping[str, tuple[str, ...]] = {
    "texture": ("sourceImages",),
    "image": ("sourceImages", "images"),
    "profile": ("sourceImages",),
    "movie": ("sourceImages", "movie"),
    "reference": ("scene",),
    "scene": ("scene",),
    "sound": ("sound",),
    "cache": ("fileCache", "alembicCache"),
    "volume": ("sourceImages",),
    "procedural": ("ass",),
}
#: kinds of which Maya looks for the name alone
_BY_NAME = frozenset({"texture", "image", "movie", "reference", "sound"})


class Placed(NamedTuple):
    """Where a path may lie, or why nobody can tell."""

    places: tuple[str, ...] = ()
    unresolved: str = ""
    shipped: str = ""


@dataclass(frozen=True, slots=True)
class MayaPlaces:
    """What places depend on."""

    #: the file that holds the text
    file: str
    project: MayaProject
    variables: Mapping[str, str]
    #: projects that are looked into after it: that of a referenced scene
    others: tuple[MayaProject, ...] = ()
    #: folders that the scene's renderer searches (`texture_searchpath`), absolute
    search: tuple[str, ...] = ()

    def find(self, text: str, kind: Kind) -> Placed:
        """Return the absolute patterns for a path, in the order in which they are tried."""
        if "\0" in text:
            return Placed(unresolved="no path has a NUL in it")
        if shipped := _SHIPPED.search(text):
            name = "Arnold for Maya" if "MTOA" in shipped[0].upper() else "Maya"
            return Placed(shipped=f"ships with {name}")
        filled = fill_variables(with_tokens(text), self._variables())
        if filled.unknown:
            return Placed(unresolved=f"the variable {filled.unknown[0]} is not set")
        if "`" in filled.text:
            return Placed(unresolved="it is a MEL command, which only Maya can evaluate")
        if other := _OTHER_TOKEN.search(filled.text):
            return Placed(unresolved=f"only the renderer knows what {other[0]} stands for")
        return Placed(tuple(dict.fromkeys(self._candidates(_COPY.sub("", filled.text.strip()), kind))))

    def _variables(self) -> dict[str, str]:
        known = dict(self.variables)
        if self.project.root:
            known.setdefault("MAYA_PROJECT", self.project.root)
            known.setdefault("WORKSPACE", self.project.root)
        return known

    def _candidates(self, text: str, kind: Kind) -> list[str]:
        folder = os.path.dirname(self.file)
        slashed = text.replace("\\", "/")
        if slashed.lower().startswith("file://"):
            slashed = text = slashed[7:]
        relative = _relative_part(slashed)
        root = self.project.root
        found: list[str] = []
        if is_absolute(text):
            found.append(absolute(text, folder))
            if relative and root:
                found.append(absolute(relative, root))
        else:
            found += [absolute(relative or slashed, base) for base in self._bases(folder, kind) if base]
        # last, the file's name alone in the project's folder for its kind: textures that were moved there are found
        name = slashed.rpartition("/")[2]
        rules = _RULES.get(kind, ())[:1] if "/" in slashed and kind in _BY_NAME else ()
        return found + [absolute(name, self.project.folder(rule)) for rule in rules if root]

    def _bases(self, folder: str, kind: Kind) -> list[str]:
        rules = _RULES.get(kind, ())
        projects = (self.project, *self.others)
        bases = [base for p in projects for base in (p.root, *(p.folder(rule) for rule in rules))]
        # a USD layer is named from the scene (maya-usd, "Make Path Relative to Scene File")
        return [folder, *bases, *self.search] if kind == "layer" else [*bases, folder, *self.search]


def with_tokens(text: str) -> str:
    """Return a path with the tokens of Maya's renderers written as the core's resolver knows them."""
    text = _PADDED_FRAME.sub(lambda m: f"%0{int(m[1]):d}d" if int(m[1]) > 1 else "<f>", text)
    for pattern, token in _TOKENS:
        text = pattern.sub(token, text)
    return _MAP_ID.sub("<UDIM>", text)


def without_copy_number(text: str) -> str:
    """Return the path of a reference without the `{2}` that tells the copies of one file apart."""
    return _COPY.sub("", text)


def _relative_part(text: str) -> str:
    """Return what follows the last double slash of a path; "" where there is none (a leading one is a share)."""
    mark = text.rfind("//", 1)
    return text[mark + 2 :].lstrip("/") if mark > 0 and text[mark - 1] != ":" else ""
