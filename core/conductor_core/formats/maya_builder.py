"""From the statements of a Maya scene to its nodes, references and settings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.maya_scene import SIMULATED, STRUCTURE, MayaReference, MayaScene, default_type, may_hold_path
from conductor_core.discovery.node import is_known
from conductor_core.formats.maya_statements import Statement, Word

#: flags of setAttr with a word behind them
_SET_FLAGS = frozenset(
    {
        "-k",
        "-keyable",
        "-l",
        "-lock",
        "-s",
        "-size",
        "-ch",
        "-channelBox",
        "-cb",
        "-ca",
        "-caching",
        "-cch",
        "-capacityHint",
        "-typ",
        "-type",
    }
)
#: attributes whose source says which frames a node shows
_FRAME_INPUTS = (b'.fe"', b".frameExtension", b".frameNumber")
#: an edit of a reference: `2 "node" "attribute" " -type \"string\" \"text\""`
#: an image plane may be named through its camera: `camShape->planeShape.fe`
_LAST_NODE = re.compile(r"\||->")
_EDIT_TEXT = re.compile(r'-type\s+"string"\s+"((?:[^"\\]|\\.)*)"')
#: nodes created under one name that later statements may name
_NAMES = 200_000
#: variants of one attribute in a merge conflict
_SIDES = 100_000


@dataclass(slots=True)
class SceneBuilder:
    """Takes statements one by one; the scene is complete after `close`."""

    scene: MayaScene = field(default_factory=MayaScene)
    #: how many statements of a scene there were
    statements: int = 0
    #: whether numbers of the present node are worth keeping
    detailed: bool = False
    #: the node that statements are about at the moment
    node: MayaNode | None = None
    #: nodes to which later statements may come back
    _nodes: dict[str, MayaNode] = field(default_factory=dict)
    #: connections into nodes that show frames: (from, to)
    _links: list[tuple[str, str]] = field(default_factory=list)
    #: the other side's texts of a merge conflict
    _other_sides: list[tuple[MayaNode, str, tuple[str, ...]]] = field(default_factory=list)

    def wants_link(self, piece: bytes) -> bool:
        """Tell whether a connection feeds the number of an image."""
        fe, extension, number = _FRAME_INPUTS
        return fe in piece or extension in piece or number in piece or (b"createNode" in piece)

    def take(self, statement: Statement) -> None:
        """Take in one statement; of commands that scenes do not have, nothing is taken."""
        handler = _HANDLERS.get(statement.command)
        if handler is not None:
            self.statements += 1
            handler(self, statement.words[1:], statement.conflicted)

    def close(self) -> None:
        """Bring what is only known at the end to where it belongs."""
        self._leave()
        by_name = {node.name: node for node in self.scene.nodes}
        for source, target in self._links:
            name, _, attribute = _LAST_NODE.split(target)[-1].partition(".")
            if node := by_name.get(name.lstrip(":")):
                node.inputs[attribute] = source
        for node, attribute, values in self._other_sides:
            twin = MayaNode(node.type, node.name, {**node.values, attribute: values}, node.added, node.inputs, node.plugin)
            self.scene.add(twin)

    def enter(self, type_: str, name: str, parent: str = "") -> None:
        """Begin a node, or go on with one that Maya makes by itself."""
        self._leave()
        name = _last(name)
        known = self._nodes.get(name)
        if known is not None and known.type == type_:
            self.node = known
            self.detailed = True
            return
        self.node = MayaNode(type_, name, plugin=self.scene.plugin_types.get(type_, ""), parent=_last(parent))
        self.detailed = self.is_detailed(type_)
        if name and self.detailed and len(self._nodes) < _NAMES:
            self._nodes[name] = self.node

    @staticmethod
    def is_detailed(type_: str) -> bool:
        """Tell whether all attributes of a type are worth keeping, numbers too."""
        return type_ in STRUCTURE or is_known("maya", type_)

    def add(self, short: str, long: str) -> None:
        """Keep the two names of an attribute that the scene adds to the present node."""
        if self.node is not None:
            self.node.added[short] = long

    def put(self, attribute: str, values: tuple[str, ...], *, conflicted: bool = False) -> None:
        """Keep an attribute of the present node."""
        if self.node is None:
            return
        old = self.node.values.get(attribute)
        if conflicted and old is not None and old != values and len(self._other_sides) < _SIDES:
            self._other_sides.append((self.node, attribute, values))
        else:
            self.node.values[attribute] = values

    def _leave(self) -> None:
        node = self.node
        if node is not None and not node.kept and (node.values or node.type in STRUCTURE or node.type in SIMULATED):
            node.kept = self.scene.add(node)
        self.node = None
        self.detailed = False

    def create_node(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`createNode TYPE -n NAME`."""
        flags, rest = _parsed(words, {"-n": "name", "-name": "name", "-p": "parent", "-parent": "parent"})
        type_ = rest[0].text if rest else ""
        self.enter(type_, flags.get("name", type_), flags.get("parent", ""))

    def select(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`select -ne :NAME`: what follows is about that node."""
        _, rest = _parsed(words, {})
        name = rest[0].text if rest else ""
        self.enter(self._type_of(name), name)

    def rename(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`rename -uid …` names nothing; `rename "new"` names the present node."""
        if self.node is not None and len(words) == 1:
            self.node.name = words[0].text

    def add_attr(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`addAttr -sn SHORT -ln LONG`."""
        names = {"-sn": "short", "-shortName": "short", "-ln": "long", "-longName": "long"}
        found = {names[a.text]: b.text for a, b in itertools.pairwise(words) if a.text in names}
        if found.get("long"):
            self.add(found.get("short", found["long"]), found["long"])

    def set_attr(self, words: tuple[Word, ...], conflicted: bool) -> None:
        """`setAttr ".attribute" -type "string" "text"`, with flags anywhere."""
        attribute, type_, values = _attribute(words)
        if not attribute:
            return
        owner, dot, name = attribute.partition(".")
        if owner and dot:
            self.enter(self._type_of(owner), owner)
            name = name or owner
        elif not dot:
            return
        if type_ == "stringArray":
            values = values[1:]
        elif type_ == "dataReferenceEdits":
            self.scene.edits.extend(_edits(values))
            return
        elif type_ not in ("", "string"):
            values = tuple(v for v in values if may_hold_path(v) and '"' not in v) if "tring" in type_ else ()
        elif not type_:
            values = (" ".join(values),) if values else ()
        if values and (self.detailed or any(map(may_hold_path, values))):
            self.put(name, values, conflicted=conflicted)

    def _type_of(self, name: str) -> str:
        name = _last(name)
        known = self.node if self.node is not None and self.node.name == name else self._nodes.get(name)
        return known.type if known is not None else default_type(name)

    def connect(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`connectAttr "time1.o" "file1.fe"`."""
        ends = [w.text for w in words if w.quoted or "." in w.text]
        if len(ends) >= 2:
            self.link(ends[0], ends[1])

    def link(self, source: str, target: str) -> None:
        """Keep a connection that says which frames a node shows."""
        if len(self._links) < _NAMES:
            self._links.append((source, target))

    def file(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`file -r` and `file -rdi DEPTH`: references. The second kind comes first and tells those within others too."""
        flags, rest = _parsed(words, _FILE_FLAGS)
        if not rest or not rest[-1].quoted or not ("reference" in flags or "depth" in flags):
            return
        path, name = rest[-1].text, flags.get("name", "reference")
        depth = int(flags["depth"][:4]) if flags.get("depth", "").isdecimal() else 1
        reference = MayaReference(path, name, depth, deferred=flags.get("deferred") == "1" and "depth" in flags)
        if not any(r.path == path and r.name == name for r in self.scene.references):
            self.scene.references.append(reference)

    def requires(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`requires maya "2024"`, `requires -nodeType "aiOptions" "mtoa" "5.1.0"`."""
        types = [b.text for a, b in itertools.pairwise(words) if a.text == "-nodeType"]
        _, rest = _parsed(words, {"-nodeType": "", "-dataType": ""})
        if len(rest) < 2:
            return
        name, version = rest[0].text, rest[1].text
        if name == "maya":
            self.scene.version = version
            return
        self.scene.plugins[name] = version
        self.scene.plugin_types.update(dict.fromkeys(types, name))

    def file_info(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`fileInfo "version" "2024"`."""
        if len(words) >= 2 and len(self.scene.file_info) < 10_000:
            self.scene.file_info[words[-2].text] = words[-1].text

    def workspace(self, words: tuple[Word, ...], _conflicted: bool) -> None:
        """`workspace -fr "images" "render"`."""
        if len(words) >= 3 and words[0].text in ("-fr", "-fileRule"):
            self.scene.rules[words[1].text] = words[2].text


_FILE_FLAGS: Mapping[str, str] = {
    "-rdi": "depth", "-referenceDepthInfo": "depth", "-ns": "", "-namespace": "", "-rfn": "name", "-referenceNode": "name",
    "-op": "", "-options": "", "-typ": "", "-type": "", "-dr": "deferred", "-deferReference": "deferred", "-rpr": "",
    "-renamingPrefix": "", "-shd": "", "-sharedNodes": "", "-swi": "", "-lrd": "", "-loadReferenceDepth": "", "-gn": "", "-groupName": "",
    "-mnr": "", "-ra": "",
}  # fmt: skip

_HANDLERS: Mapping[str, Callable[[SceneBuilder, tuple[Word, ...], bool], None]] = {
    "createNode": SceneBuilder.create_node,
    "select": SceneBuilder.select,
    "rename": SceneBuilder.rename,
    "addAttr": SceneBuilder.add_attr,
    "setAttr": SceneBuilder.set_attr,
    "connectAttr": SceneBuilder.connect,
    "file": SceneBuilder.file,
    "requires": SceneBuilder.requires,
    "fileInfo": SceneBuilder.file_info,
    "workspace": SceneBuilder.workspace,
}


def _last(path: str) -> str:
    """Return the name of a node without those above it."""
    return path.lstrip(":").rpartition("|")[2]


def _parsed(words: tuple[Word, ...], valued: Mapping[str, str]) -> tuple[dict[str, str], list[Word]]:
    """Return the flags that matter, and the words that are no flags; `valued`: flags with a word behind them → their name."""
    flags: dict[str, str] = {}
    rest: list[Word] = []
    i = 0
    while i < len(words):
        word = words[i]
        if word.quoted or not word.text.startswith("-"):
            rest.append(word)
        elif word.text in valued:
            i += 1
            if i < len(words):
                flags[valued[word.text]] = words[i].text
        elif word.text in ("-r", "-reference"):
            flags["reference"] = "1"
        i += 1
    return flags, rest


def _attribute(words: tuple[Word, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Return a setAttr's attribute, type and values."""
    name, type_, values = "", "", []
    i = 0
    while i < len(words):
        word = words[i]
        if not word.quoted and word.text in _SET_FLAGS:
            i += 1
            if word.text in ("-typ", "-type") and i < len(words):
                type_ = words[i].text
        elif not word.quoted and word.text.startswith("-") and word.text[1:2].isalpha():
            pass  # a flag without a word
        elif not name:
            name = word.text
        else:
            values.append(word.text)
        i += 1
    return name, type_, tuple(values)


def _edits(words: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield the texts that reference edits set: node, attribute, text."""
    for i in range(2, len(words)):
        if "-type" in words[i] and (match := _EDIT_TEXT.search(words[i])):
            text = match[1].replace('\\"', '"').replace("\\\\", "\\")
            if may_hold_path(text):
                yield words[i - 2], words[i - 1], text
