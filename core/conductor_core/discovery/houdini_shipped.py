"""Texts of Houdini's parameters that name no file of the scene: what ships with it, is made while it runs, or is no file at all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_core.discovery.houdini_scope import HFS

SHIPPED = "ships with Houdini"
TEMPORARY = "a temporary file, made while it runs"
_BUILTIN = re.compile(r"\$\{?(?:HFS|HH|HB|HHP|HDSO|HSB|HTB|HT)\}?(?:[/\\]|\Z)")
_TEMP = re.compile(r"\$\{?(?:HOUDINI_TEMP_DIR|TEMP|PDG_TEMP|PDG_DIR)\}?(?:[/\\]|\Z)")
#: what names that are no files start with; https://www.sidefx.com/docs/houdini/ref/opcmd.html
_SCHEMES = (
    ("op:", "an image or geometry of the scene itself"),
    ("opdef:", "is in the asset's library"),
    ("oplib:", "is in the asset's library"),
    ("temp:", TEMPORARY),
    ("iprender:", "is shown in a window"),
    ("cop:", "an image of the scene itself"),
    ("sop:", "geometry of the scene itself"),
)
_WINDOWS = frozenset({"ip", "md", "iprender", "stdout", "stderr", "null", "none"})
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_PATH_LIKE = re.compile(
    r"\A\$\{?\w+\}?[/\\]|\A[A-Za-z]:[/\\]|\A\\\\|\.(?=\w*[A-Za-z])\w{1,9}\Z|\A(?:op|opdef|oplib|temp|http|https):"
)
#: names that Houdini's own types have as defaults; they are found along HOUDINI_PATH in $HH/pic, $HH/geo
STOCK = frozenset({"default.pic", "default.bgeo", "defcam.bgeo", "defgeo.bgeo", "deflight.bgeo", "uvgrid_grey.pic"} | {
    "Mandril.pic", "mandril.pic", "butterfly1.pic", "default.rat", "defshop.pic", "default.bclip", "default.bchan", "default.cmd",
    "default.poly", "bcam.bgeo", "defstereocam.bgeo", "defswitcher.bgeo", "defmicrophone.bgeo", "defsound.bgeo", "default.fbx", "pointlight.bgeo",
})  # fmt: skip


def shipped(text: str, installed: Iterable[str]) -> str:
    """Return why a path need not be sent because each machine with Houdini has it; "" where it must.

    `installed`: where Houdini lies, or lay on the machine that saved the scene.
    """
    if _BUILTIN.match(text) or text.startswith(HFS):
        return SHIPPED
    if _TEMP.match(text):
        return TEMPORARY
    slashed = text.replace("\\", "/").rstrip("/") + "/"
    return SHIPPED if any(slashed.startswith(folder + "/") for folder in installed) else ""


def no_file(text: str) -> str:
    """Return why a text names no file on disk; "" where it may."""
    lowered = text.strip().lower()
    if lowered in _WINDOWS:
        return "is shown in a window, not read or written"
    if _DRIVE.match(text):
        return ""
    return next((reason for start, reason in _SCHEMES if lowered.startswith(start)), "")


def could_be_path(text: str) -> bool:
    """Tell whether a text could be taken for a file's path: paths of nodes and prims have no extension and are not listed."""
    return "\n" not in text and len(text) < 4096 and bool(_PATH_LIKE.search(text))
