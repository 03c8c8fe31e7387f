"""Maya projects: the folder that holds `workspace.mel`, and its rules for where files of a kind lie.

https://help.autodesk.com/cloudhelp/2016/ENU/Maya/files/GUID-9CE78B5A-7E9F-45E6-AB6D-66795E5656F4.htm and
https://help.autodesk.com/cloudhelp/2022/ENU/Maya-Tech-Docs/Commands/workspace.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.variables import fill_variables

#: `workspace -fr "images" "images";` in the short and the long form
_RULE = re.compile(r"""^\s*workspace\s+-(?:fr|fileRule)\s+"([^"]+)"\s+"([^"]*)"\s*;""", re.MULTILINE)
#: bytes of a workspace.mel; a real one has a few thousand
_WORKSPACE_BYTES = 1 << 20
#: what Maya takes where a project has no rule of its own
DEFAULT_RULES: Mapping[str, str] = {
    "scene": "scenes",
    "images": "images",
    "sourceImages": "sourceimages",
    "fileCache": "cache/nCache",
    "particles": "cache/particles",
    "sound": "sound",
    "movie": "movies",
    "alembicCache": "cache/alembic",
    "diskCache": "data",
    "depth": "images",
}
#: those by which files are read, in the order in which they are told
_READ_BY = ("alembicCache", "fileCache", "movie", "particles", "scene", "sound", "sourceImages")
#: older names of the same rules
_SYNONYMS = {"scene": ("scene", "mayaAscii", "mayaBinary"), "images": ("images", "renderScenes")}


@dataclass(frozen=True, slots=True)
class MayaProject:
    """A project; without a folder where nobody knows one."""

    #: absolute; "": none was found
    root: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)

    def folder(self, rule: str) -> str:
        """Return the folder of a rule, absolute; "" where there is no project."""
        if not self.root:
            return ""
        names = _SYNONYMS.get(rule, (rule,))
        text = next((self.rules[n] for n in names[:1] if self.rules.get(n)), DEFAULT_RULES.get(rule, rule))
        return absolute(text.split(";")[0], self.root)


def rules_text(project: MayaProject) -> str:
    """Return the rules that are not Maya's own in one line, for whoever sets the project without its workspace.mel."""
    told = {name: project.rules.get(name, "") for name in _READ_BY}
    return "\n".join(f"{name}={text}" for name, text in told.items() if text not in ("", DEFAULT_RULES[name]))


def rules_from_text(text: str) -> dict[str, str]:
    """Return the rules of such a line."""
    parts = (line.partition("=") for line in text.split("\n"))
    return {name: value for name, _, value in parts if name and value}


def find_project(scene: str, project_root: str = "", variables: Mapping[str, str] | None = None) -> MayaProject:
    """Return the project of a scene: what somebody said, `MAYA_PROJECT`, or the nearest folder above with a workspace.mel.

    Without any of them it is the folder above `scenes` if it has another of a project's folders, as where only the
    workspace.mel was not copied along.
    """
    variables = variables or {}
    said = project_root or variables.get("MAYA_PROJECT", "")
    if said:
        return read_project(os.path.abspath(said), variables)
    folder = os.path.dirname(scene)
    for above in _folders_above(folder):
        if os.path.isfile(os.path.join(above, "workspace.mel")):
            return read_project(above, variables)
    parts = folder.replace("\\", "/").split("/")
    if "scenes" in parts:
        last = len(parts) - 1 - parts[::-1].index("scenes")
        above = "/".join(parts[:last]) or "/"
        if any(os.path.isdir(os.path.join(above, name)) for name in ("sourceimages", "images", "cache", "renderData")):
            return MayaProject(above)
    return MayaProject()


def read_project(root: str, variables: Mapping[str, str] | None = None) -> MayaProject:
    """Return the project in a folder, with the rules of its workspace.mel; one that cannot be read has none."""
    try:
        with open(os.path.join(root, "workspace.mel"), "rb") as file:
            text = file.read(_WORKSPACE_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return MayaProject(root)
    rules = {name: fill_variables(value, variables or {}).text for name, value in _RULE.findall(text)}
    return MayaProject(root, rules)


def is_in_project(project: MayaProject, text: str) -> bool:
    """Tell whether a path may be looked for in the project: it is relative, and there is one."""
    return bool(project.root) and not is_absolute(text)


def _folders_above(folder: str) -> list[str]:
    found = []
    while folder and folder not in found:
        found.append(folder)
        folder = os.path.dirname(folder)
    return found
