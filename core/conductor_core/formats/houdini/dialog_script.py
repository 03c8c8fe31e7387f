r"""The text `DialogScript` (and `.spareparmdef`): which parameters a node type has, and which of them are files.

    parm {
        name    "cmd_files"
        label   "Files"
        type    file
        default { "$HIP/scene.$F4.ifd" }
        parmtag { "filechooser_mode" "write" }
        disablewhen "{ cmd_mode == 0 }"
    }

https://www.sidefx.com/docs/houdini/ref/windows/optype.html (type File: its chooser's mode), and seen in files of Houdini 9 to 20.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from conductor_core.discovery.houdini_parameter_kind import ParameterKind

_WORD = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|([{}])|(#[^\n]*)|([^\s"{}]+)', re.DOTALL)
_PARM = re.compile(r"^[ \t]*parm[ \t]*\{", re.MULTILINE)
_FILE_TYPE = re.compile(r"^[ \t]*type[ \t]+(?:file|image|geometry)\b", re.MULTILINE)
_LONGEST = 1 << 20


def file_parameters(text: str) -> dict[str, ParameterKind]:
    """Return the parameters that are files, by name; `#` in a name stands for the number of an instance.

    Most of a dialog script is about numbers, so only blocks with a type of files in them are read word by word.
    """
    found: dict[str, ParameterKind] = {}
    starts = [m.end() for m in _PARM.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        if _FILE_TYPE.search(text, start, end):
            kind = _parameter(_words(text, start, end))
            if kind and kind.is_file:
                found[kind.name] = kind
    return found


def _parameter(words: Iterator[str]) -> ParameterKind | None:
    """Read to the end of a `parm {`."""
    found: dict[str, str] = {}
    depth = 1
    key = ""
    inner: list[str] = []
    for word in words:
        if word == "{":
            depth += 1
            inner = []
        elif word == "}":
            depth -= 1
            if depth == 0:
                break
            if depth == 1:
                _note_block(found, key, inner)
                key = ""
        elif depth > 1:
            if len(inner) < 64:
                inner.append(word)
        elif key in ("name", "type", "disablewhen"):
            found.setdefault(key, word)
            key = ""
        else:
            key = word
    name = found.get("name", "")
    return (
        ParameterKind(name, found.get("type", ""), found.get("default", ""), found.get("mode", ""), found.get("disablewhen", ""))
        if name
        else None
    )


def _note_block(found: dict[str, str], key: str, inner: list[str]) -> None:
    if key == "default" and inner:
        found.setdefault("default", inner[0])
    elif key == "parmtag" and inner[:1] == ["filechooser_mode"] and len(inner) > 1:
        found["mode"] = inner[1]


def _words(text: str, start: int, end: int) -> Iterator[str]:
    """Yield words, and braces that stand by themselves; a comment is to the end of its line."""
    for match in _WORD.finditer(text, start, end):
        quoted, brace, comment, word = match.groups()
        if comment:
            continue
        if quoted is None:
            yield brace or word
        elif quoted in ("{", "}"):
            yield f" {quoted}"  # a quoted brace is text, not structure
        else:
            yield re.sub(r"\\(.)", r"\1", quoted[:_LONGEST], flags=re.DOTALL) if "\\" in quoted else quoted
