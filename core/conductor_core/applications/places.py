"""Where each application is installed by its own installer, and where it reads what is a user's, on each platform.

Sources: Maya's installation and environment guides (MAYA_LOCATION, MAYA_APP_DIR, MAYA_MODULE_PATH; help.autodesk.com),
Nuke's "Installing" and "Loading Gizmos, NDK Plug-ins, and Python scripts" (learn.foundry.com), Houdini's "Packages" and
environment variables (sidefx.com/docs: HFS, HOUDINI_USER_PREF_DIR, HOUDINI_PACKAGE_DIR), Blender's "Directory layout"
(docs.blender.org/manual: BLENDER_USER_RESOURCES, BLENDER_USER_SCRIPTS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

HostName = Literal["maya", "nuke", "houdini", "blender"]
HOSTS: tuple[HostName, ...] = ("maya", "nuke", "houdini", "blender")


@dataclass(frozen=True, slots=True)
class Standard:
    """The standard places of one application on one platform."""

    #: of its program; `~` is the home, `*` anything
    programs: tuple[str, ...]
    #: finds the version in the program's path
    version: re.Pattern[str]
    #: variables that name its folder, and the program in there
    named_by: tuple[tuple[str, str], ...] = ()
    #: names that it may have on the PATH
    on_path: tuple[str, ...] = ()


_MAYA = re.compile(r"[Mm]aya ?(20\d\d(?:\.\d+)?)")
_NUKE = re.compile(r"Nuke ?(\d+\.\d+v\d+)")
_HOUDINI = re.compile(r"(?:hfs|[Hh]oudini ?)(\d+\.\d+(?:\.\d+)?)")
_BLENDER = re.compile(r"[Bb]lender[-_ ]?(\d+\.\d+(?:\.\d+)?)")

STANDARD: dict[tuple[HostName, str], Standard] = {
    ("maya", "linux"): Standard(
        ("/usr/autodesk/maya20*/bin/maya", "/opt/autodesk/maya20*/bin/maya"), _MAYA, (("MAYA_LOCATION", "bin/maya"),), ("maya",)
    ),
    ("maya", "darwin"): Standard(
        ("/Applications/Autodesk/maya20*/Maya.app/Contents/bin/maya",), _MAYA, (("MAYA_LOCATION", "bin/maya"),)
    ),
    ("maya", "win32"): Standard(
        (r"C:\Program Files\Autodesk\Maya20*\bin\maya.exe",), _MAYA, (("MAYA_LOCATION", r"bin\maya.exe"),), ("maya.exe",)
    ),
    ("nuke", "linux"): Standard(
        ("/usr/local/Nuke*/Nuke[0-9]*", "/opt/Nuke*/Nuke[0-9]*", "/opt/foundry/Nuke*/Nuke[0-9]*", "~/Nuke*/Nuke[0-9]*"),
        _NUKE,
        (),
        ("Nuke",),
    ),
    ("nuke", "darwin"): Standard(("/Applications/Nuke*/Nuke*.app/Contents/MacOS/Nuke[0-9]*",), _NUKE),
    ("nuke", "win32"): Standard((r"C:\Program Files\Nuke*\Nuke[0-9]*.exe",), _NUKE),
    ("houdini", "linux"): Standard(("/opt/hfs[0-9]*/bin/houdini",), _HOUDINI, (("HFS", "bin/houdini"),), ("houdini",)),
    ("houdini", "darwin"): Standard(
        ("/Applications/Houdini/Houdini[0-9]*/Frameworks/Houdini.framework/Versions/Current/Resources/bin/houdini",),
        _HOUDINI,
        (("HFS", "bin/houdini"),),
    ),
    ("houdini", "win32"): Standard(
        (r"C:\Program Files\Side Effects Software\Houdini [0-9]*\bin\houdini.exe",),
        _HOUDINI,
        (("HFS", r"bin\houdini.exe"),),
        ("houdini.exe",),
    ),
    ("blender", "linux"): Standard(
        (
            *("/opt/blender*/blender", "/opt/blender/blender-*/blender", "/usr/local/blender*/blender", "~/blender*/blender"),
            *("~/Downloads/blender-*/blender", "~/.local/share/Steam/steamapps/common/Blender/blender", "/snap/bin/blender"),
        ),
        _BLENDER,
        (),
        ("blender",),
    ),
    ("blender", "darwin"): Standard(
        ("/Applications/Blender*.app/Contents/MacOS/Blender", "~/Applications/Blender*.app/Contents/MacOS/Blender"), _BLENDER
    ),
    ("blender", "win32"): Standard(
        (
            r"C:\Program Files\Blender Foundation\Blender *\blender.exe",
            r"C:\Program Files (x86)\Steam\steamapps\common\Blender\blender.exe",
        ),
        _BLENDER,
        (),
        ("blender.exe",),
    ),
}
