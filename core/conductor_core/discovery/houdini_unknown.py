"""Parameters that no table names: told by how they are declared in the file, then by their own name.

A scene carries the dialog scripts of its assets and of parameters that artists added; a parameter of type file is one, and its
chooser's mode tells reading from writing. Where nothing is declared the name decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_node import HipNode
from conductor_core.discovery.houdini_parameter_kind import ParameterKind, is_disabled
from conductor_core.discovery.houdini_values import Value
from conductor_core.discovery.hscript_values import NeedsFrame, NotEvaluated
from conductor_core.discovery.place import looks_like_path
from conductor_core.discovery.tables.houdini import kind_of
from conductor_core.report import Ignored, Unresolved

#: node type as stored → its parameters that are files
Declared = Mapping[str, Mapping[str, ParameterKind]]

_READS = re.compile(
    r"file|path\d*\Z|texture|_tex\d*\Z|\Atex\d*\Z|map\d*\Z|image|picture|\Aimg|_img|_ies|\Aies|hdr|hdri|_lut|\Alut|cache|geometry|\Aabc|_abc|\Avdb|_vdb|layer|\Ausd|\Asrc|proxy|sound|audio|movie|font|script\Z",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"output|\Aout|_out\Z|save|write|export|dest|\Adst|\Alog|logfile|_log\Z|_log_|stats|profile_?file|preview|\Abackup|thumbnail|target|\Arender_?(?:file|path)|bake_?(?:file|path)",
    re.IGNORECASE,
)
#: types that do nothing but write: what they call just a file is the one they make
_WRITER = re.compile(r"(?:\A|::)rop_|export(?:er)?\Z|output\Z", re.IGNORECASE)
_PLAIN_FILE = re.compile(r"s?(?:sop|lop|cop|chop|dop)?file(?:_?name|_?path)?\d*", re.IGNORECASE)
_FOLDER = re.compile(r"dir\d*\Z|directory|folder|search_?path", re.IGNORECASE)
#: letters that a file's extension has; `1.0` and `$F4` have none
_ENDING = re.compile(r"\.(?=\w*[A-Za-z])\w{1,9}\Z|\.\w+\.(?:gz|sc)\Z")
_VARIABLE_START = re.compile(r"\$\{?(?:HIP|JOB|HOME|TEMP)\b")
#: names of parameters whose paths are those of nodes, or of prims in a stage
_IN_SCENE = re.compile(
    r"prim|obj(?:ect)?path|soppath|\Aop(?:path)?|loppath|coppath|chopath|node|camera|material\w*path|shop|parm", re.IGNORECASE
)
_FILE_NAME = re.compile(r"file|texture|image|picture|_map\d*\Z|\Amap|hdri?|_ies", re.IGNORECASE)
_NUMBERS = re.compile(r"[-+\d.\s*]+")
_SENTENCE = re.compile(r"\s\S+\s\S+\s")
_REFERENCE = re.compile(r"""`\s*(?:chs|chsop|opfullpath|opinputpath|strcat|ifs|pythonexprs?|details?)\s*\(|`@""")


def findings_of_unknown(node: HipNode, declared: Declared, ask: HipAsk) -> Iterator[Finding]:
    """Yield what the parameters that no reader claimed are."""
    of_type = declared.get(node.full_type, {})
    for name, value in node.texts():
        if name in ask.claimed or not _worth_a_look(value):
            continue
        kind = node.spare.get(name) or of_type.get(name) or of_type.get(re.sub(r"\d+", "#", name))
        if kind and _looks_like_file(value.text):
            yield from _declared_file(node, name, kind, ask)
        else:
            yield from _by_name(node, name, value, ask)


def finding_of_reference(node: HipNode, name: str, ask: HipAsk) -> Iterator[Finding]:
    """Yield the finding for a parameter that Houdini itself lists as a reference to a file."""
    value = node.value(name)
    if value is None or not value.stored.strip() or ask.network.is_node(value.text, node.path):
        return
    if _writes(node, name):
        yield from ask.write(node, name)
    elif _ENDING.search(value.text) or _REFERENCE.search(value.text):
        yield from ask.read(node, name, kind_of(value.text))
    else:
        yield from _without_ending(node, name, value, ask)


def _worth_a_look(value: Value) -> bool:
    stored = value.stored
    if len(stored) > 4096 or "\n" in stored:
        return False
    return "." in stored or "/" in stored or "\\" in stored or "$" in stored or "`" in stored


def _declared_file(node: HipNode, name: str, kind: ParameterKind, ask: HipAsk) -> Iterator[Finding]:
    if kind.mode == "write" or (kind.mode != "read" and _WRITES.search(name)):
        yield from ask.write(node, name)
    elif is_disabled(kind, _Switches(node)):
        yield from ask.ignore(node, name, "the parameter is disabled by other settings of its node")
    else:
        yield from ask.read(node, name, kind_of(node.text(name)))


@dataclass(frozen=True, slots=True)
class _Switches:
    """The values of a node's parameters, asked for one by one."""

    node: HipNode

    def get(self, name: str) -> str | None:
        value = self.node.value(name)
        return value.text if value else None


def _by_name(node: HipNode, name: str, value: Value, ask: HipAsk) -> Iterator[Finding]:
    text = value.text
    plain = text.replace("\\", "/")
    if _IN_SCENE.search(name) or ask.network.is_node(text, node.path) or _SENTENCE.search(text) or _NUMBERS.fullmatch(text):
        return
    if not _ENDING.search(text):
        yield from _without_ending(node, name, value, ask)
    elif _only_an_ending(text):
        return
    elif _writes(node, name):
        yield from ask.write(node, name)
    elif _READS.search(name) or value.channel:
        yield from ask.read(node, name, kind_of(text))
    elif "/" in plain and looks_like_path(text):
        yield from _a_file_by_its_looks(node, name, value, ask)


def _writes(node: HipNode, name: str) -> bool:
    if _WRITER.search(node.type) and _PLAIN_FILE.fullmatch(name):
        return True
    return bool(_WRITES.search(name)) and not _FOLDER.search(name)


def _without_ending(node: HipNode, name: str, value: Value, ask: HipAsk) -> Iterator[Finding]:
    """A text that no extension shows to be a file: a reference to one, a folder, or a name that only looks like a path."""
    text = value.text
    plain = text.replace("\\", "/")
    if text.lower().startswith(("opdef:", "oplib:", "temp:")):
        yield from ask.ignore(node, name, "is no file on disk")
    elif _REFERENCE.search(text):
        yield from _reference(node, name, value, ask)
    elif _FOLDER.search(name) and (_VARIABLE_START.match(text) or _is_rooted(plain)):
        yield Ignored(value.stored, ask.referrer(node, name), "a folder, which is not sent as a whole")
    elif _VARIABLE_START.match(text) and "/" in plain:
        yield Unresolved(value.stored, ask.referrer(node, name), _no_reader(node, name))


def _reference(node: HipNode, name: str, value: Value, ask: HipAsk) -> Iterator[Finding]:
    """A file where the value that it refers to has an extension, or where its own name says so and nobody can tell."""
    try:
        meant = ask.scope(node).value_of(name, value)
    except NotEvaluated:
        meant = ""
    except NeedsFrame:
        meant = "frame.by.frame"
    if meant and not (_ENDING.search(meant) and ("/" in meant or _READS.search(name))):
        return
    if meant or _FILE_NAME.search(name):
        yield from ask.write(node, name) if _writes(node, name) else ask.read(node, name, kind_of(meant))


def _a_file_by_its_looks(node: HipNode, name: str, value: Value, ask: HipAsk) -> Iterator[Finding]:
    """A path with an extension in a parameter whose name says nothing."""
    if _VARIABLE_START.match(value.text) or re.match(r"[A-Za-z]:[\\/]|\\\\", value.text):
        yield from ask.read(node, name, kind_of(value.text))
    else:
        yield Unresolved(value.stored, ask.referrer(node, name), _no_reader(node, name))


def _no_reader(node: HipNode, name: str) -> str:
    return f"no reader knows {node.type or 'this node'}.{name}"


def _is_rooted(text: str) -> bool:
    return bool(re.match(r"[A-Za-z]:/|/", text))


def _looks_like_file(text: str) -> bool:
    if not text or text.startswith(("op:", "-", "@")) or "\n" in text or _only_an_ending(text):
        return False
    return bool(_ENDING.search(text) or _REFERENCE.search(text) or text.lower().startswith(("opdef:", "oplib:", "temp:")))


def _only_an_ending(text: str) -> bool:
    return text.startswith(".") and "/" not in text and "\\" not in text
