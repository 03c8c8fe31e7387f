"""Arnold scene source, `.ass` and `.ass.gz`: nodes in braces, `include`, search paths of the options, `[VARIABLES]`, tile tokens.

Grammar: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_ac_scene_source_html. Arrays that are packed
(`b85VECTOR`, as public code has them; no such file was there to try) and numbers are passed over in the search for quotes and braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import is_known
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.discovery.variables import Filled, fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import GZIP, unpacked_head
from conductor_core.formats.renderer_scene import Rules, SceneNode, findings_of_scene, saved_by, split_search_path
from conductor_core.formats.text_window import TextWindow, broken, window_on

_MARKS = re.compile(rb'"|\{|\}|#|name(?<=\sname)\s+|b85[A-Z0-9]+\s+')
_WORD = re.compile(rb"[A-Za-z_][\w:.\[\]]*")
_BARE = re.compile(rb'[^\s"{}]+')
_PACKED = re.compile(rb"[^\s]+")
#: further lines of packed data begin at the margin, where only braces stand otherwise
_PACKED_LINE = re.compile(rb"\r?\n(?=\S)(?![{}](?:\s|\Z))")
#: words between a parameter and its texts: `searchpaths 2 1 STRING "a" "b"`
_TYPES = frozenset(
    b"BYTE INT UINT BOOL FLOAT RGB RGBA VECTOR VECTOR2 POINT POINT2 STRING POINTER NODE ARRAY MATRIX ENUM CLOSURE".split()
)
_HEADER = re.compile(rb"^#+ from:\s+Arnold ([0-9]+(?:\.[0-9]+)*)", re.MULTILINE)
#: what no style sheet has, which a .gz may be as well
_NAMED = re.compile(rb"^options\s*\{|^[a-z_]\w*\s*\{\s*name\s", re.MULTILINE)
_SAVED = re.compile(rb"^###+ (?:exported|from|by|app):\s", re.MULTILINE)
_NODE = re.compile(rb'^(?:options\s*\{|\s*[a-z_]\w*\s*\{\s*(?:$|name\s)|include\s+")', re.MULTILINE)

#: `[NAME]`: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_ac_rendering_ac_path_mapping_html
_BRACKETED = re.compile(r"\[([A-Za-z_]\w*)\]")
#: tokens of the image node: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_houdini_textures_ah_Tokens_html
_UDIM = re.compile(r"<udim(?::[0-9]+)?>", re.IGNORECASE)
_TILE = re.compile(r"_?<tile>", re.IGNORECASE)
_USER_DATA = re.compile(r"<attr:", re.IGNORECASE)


def _recognises(head: bytes, extension: str) -> bool:
    text = unpacked_head(head)
    if b"\0" in text:
        return False
    if _SAVED.search(text):
        return True
    if extension == ".gz" and head.startswith(GZIP):
        return bool(_NAMED.search(text))
    return extension == ".ass" and bool(_NODE.search(text))


@reads_format("arnold-ass", _recognises)
def read_ass(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what the nodes of a scene name, and what it includes."""
    window = window_on(survey)
    yield from saved_by(window, "arnold", _HEADER)
    nodes = _Nodes(window)
    nodes.read()
    yield from findings_of_scene(nodes.found, survey, _rules(nodes.found, survey))
    if window.problem or nodes.open:
        yield broken(survey, window.problem or f"it ends inside {nodes.open}")


class _Nodes:
    """The nodes of the text that have texts of interest, in its order."""

    def __init__(self, window: TextWindow) -> None:
        self._window = window
        self._node = SceneNode("include", "scene")
        self._parameter = ""
        self._last = 0
        self.found: list[SceneNode] = [self._node]
        #: what the text is in the middle of; "": nothing
        self.open = ""

    def read(self) -> None:
        #: by the first byte of a mark
        actions: dict[bytes, Callable[[int], object]] = {
            **{b'"': self._text, b"{": self._begin, b"}": self._end, b"n": self._name, b"b": self._pass_packed},
            b"#": lambda _start: self._window.skip_past(b"\n"),
        }
        while match := self._window.next(_MARKS):
            actions[match[0][:1]](match.start())
            self._last = self._window.offset

    def _begin(self, start: int) -> None:
        words = _WORD.findall(self._between(start))
        type_ = _decoded(words[-1]) if words else ""
        self._node = SceneNode(type_, type_)
        self._parameter = ""
        self.open = f"a node of type {self._node.type}"

    def _end(self, _start: int) -> None:
        if self._node.values and self._node is not self.found[0]:
            self.found.append(self._node)
        self._node = self.found[0]
        self.open = ""

    def _pass_packed(self, _start: int) -> None:
        self._window.skip(_PACKED)
        while self._window.match(_PACKED_LINE):
            self._window.skip(_PACKED)

    def _name(self, _start: int) -> None:
        if self._window.match(re.compile(b'"')):
            name = self._window.quoted() or b""
        else:
            bare = self._window.match(_BARE)
            name = bare[0] if bare else b""
        if name and self._node is not self.found[0]:
            self._node.name = _decoded(name)
            self.open = f"the node {self._node.name}"

    def _text(self, start: int) -> None:
        words = [w for w in _WORD.findall(self._between(start)) if w not in _TYPES]
        text = self._window.quoted()
        if self._window.ended and text is None:
            self.open = self.open or "a text"
        if words:
            self._parameter = _decoded(words[-1])
        if text is None:
            return
        parameter = self._parameter
        if self._node is self.found[0]:
            if parameter != "include":
                return
            parameter = "filename"
        decoded = _decoded(text)
        if is_known("arnold", self._node.type) or ends_like_file(decoded):
            self._node.values.setdefault(parameter, []).append(decoded)

    def _between(self, start: int) -> bytes:
        """Return the text from the mark before to a place in the window, its last part where it is long."""
        behind = self._window.behind(start)
        length = self._window.offset - 1 - self._last
        return behind[-length:] if 0 < length < len(behind) else (behind if length > 0 else b"")


def _rules(nodes: list[SceneNode], survey: Survey) -> Rules:
    folders: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        if node.type == "options":
            for name in ("texture_searchpath", "procedural_searchpath", "asset_searchpath"):
                text = fill_arnold(";".join(node.texts(name)), survey).text
                folders[name] = tuple(absolute(f, survey.folder) for f in split_search_path(text))

    def looked_in(kind: Kind) -> tuple[str, ...]:
        first = "texture_searchpath" if kind in ("texture", "image", "profile") else "procedural_searchpath"
        rest = sorted(folders, key=lambda name: (name != first, name == "texture_searchpath"))
        return tuple(f for name in rest for f in folders[name])

    return Rules("arnold", arnold_patterns, fill_arnold, looked_in, unreadable=_unreadable)


def fill_arnold(text: str, survey: Survey) -> Filled:
    """Return a text with its `[VARIABLES]`, and those that a host has left in it."""
    unknown = [m[1] for m in _BRACKETED.finditer(text) if m[1] not in survey.variables]
    filled = fill_variables(_BRACKETED.sub(lambda m: survey.variables.get(m[1], m[0]), text), survey.variables)
    return Filled(filled.text, (*unknown, *filled.unknown))


def arnold_patterns(text: str) -> tuple[str, ...]:
    """Return the patterns of the resolver for Arnold's tokens: `<udim:5>`, and `<tile>` with or without its underscore."""
    text = _UDIM.sub("<UDIM>", text)
    if not _TILE.search(text):
        return (text,)
    return (_TILE.sub("_<UVTILE>", text), _TILE.sub("<UVTILE>", text))


def _unreadable(text: str) -> str:
    return "user data of each object tells the name when it renders" if _USER_DATA.search(text) else ""


def _decoded(text: bytes) -> str:
    return text.replace(b'\\"', b'"').decode("utf-8", "surrogateescape")
