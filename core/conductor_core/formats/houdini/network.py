"""The nodes of a scene or of an asset's contents, as its parts tell them.

Each node has its type in `.init`, flags and wires in `.def`, values in `.parm`, expressions in `.chn`, parameters of its own in
`.spareparmdef`; the networks at the top (/obj, /out …) have no `.init`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.formats.houdini.dialog_script import file_parameters
from conductor_core.formats.houdini.parameters import channels, parameters

_TYPE = re.compile(r"^type\s*=\s*(\S+)", re.MULTILINE)
_BYPASS = re.compile(r"^flags\s*=.*\bbypass on\b", re.MULTILINE)
_LANGUAGE = re.compile(r"^exprlanguage\s+(\w+)", re.MULTILINE)
_INPUTS = re.compile(r"^inputs[ \t]*\r?\n\{", re.MULTILINE)
_INPUT = re.compile(r'^[ \t]*(\d+)[ \t]+"?([^\s"]+)', re.MULTILINE)
_PARTS = ("init", "def", "parm", "chn", "spareparmdef")
#: bytes of such a part that are read; scripts in parameters are far smaller
_MOST_TEXT = 16 << 20


def take_part(network: Network, name: str, body: bytes) -> bool:
    """Take in a part that tells of a node; return whether it does."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or ending not in _PARTS or stem == "expression":
        return False
    text = body.decode("utf-8", "surrogateescape")
    node = network.nodes.setdefault(f"/{stem}", HipNode(f"/{stem}"))
    if ending == "init":
        found = _TYPE.search(text)
        node.full_type = found[1] if found else ""
    elif ending == "def":
        language = _LANGUAGE.search(text)
        node.language = language[1] if language else "hscript"
        node.bypassed = bool(_BYPASS.search(text))
        inputs = _INPUTS.search(text)
        end = _end_of_block(text, inputs.end(), len(text)) if inputs else 0
        node.inputs = {int(m[1][:9]): m[2] for m in _INPUT.finditer(text, inputs.end(), end)} if inputs else {}
    elif ending == "parm":
        node.values = parameters(text)
    elif ending == "chn":
        node.channels = channels(text)
    else:
        node.spare = file_parameters(text)
    return True


def wanted_of_node(name: str) -> int:
    """Return how many bytes of a part are wanted: none of geometry and images that are locked into nodes."""
    return _MOST_TEXT if name.rpartition(".")[2] in _PARTS else 0


_STRINGS = re.compile(r"^s (\d+) (.*)$", re.MULTILINE)
_TAKE = re.compile(r"^take name (\S+)", re.MULTILINE)
_OVERRIDE = re.compile(r"^\Sd (\d+) (\d+)[ \t]*\r?\n\{", re.MULTILINE)


def take_overrides(text: str, network: Network) -> Iterator[HipNode]:
    """Yield, for each parameter that a take other than Main sets, its node with just that value (`.takes`)."""
    strings = {int(m[1][:9]): m[2].strip() for m in _STRINGS.finditer(text)}
    takes = list(_TAKE.finditer(text))
    for start, end in zip(takes, [*(t.start() for t in takes), len(text)][1:], strict=True):
        if start[1] == "Main":
            continue
        at = start.end()
        while override := _OVERRIDE.search(text, at, end):
            at = _end_of_block(text, override.end(), end)
            node = network.nodes.get(strings.get(int(override[1][:9]), ""))
            if node:
                values = parameters(text[override.end() : at])
                yield replace(node, values=values, channels={}, take=start[1])


def _end_of_block(text: str, start: int, stop: int) -> int:
    """Return where the brace stands by itself that ends a block; `stop` where none does before it."""
    end = text.find("\n}", start, stop)
    return stop if end < 0 else end
