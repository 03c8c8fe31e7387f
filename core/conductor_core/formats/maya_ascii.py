"""Maya ASCII, `.ma`: MEL statements that make a scene. What none of them can hold a path is not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conductor_core.discovery import tables
from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.maya_findings import scene_findings
from conductor_core.discovery.maya_scene import LAYOUT, MayaScene
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.maya_builder import SceneBuilder
from conductor_core.formats.maya_statements import Broken, StatementStream
from conductor_core.report import Unresolved

_HEADER = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*//\s*Maya ASCII", re.IGNORECASE)
#: words that every scene begins with, where its first comment was lost
_FIRST = re.compile(
    rb"^(?:requires\s+(?:-\w+\s+\"?\w+\"?\s+)*\"?maya\"?\s|createNode\s+\w+|fileInfo\s+\"|currentUnit\s+-)", re.MULTILINE
)
_CODESET = re.compile(rb"^//Codeset:\s*(\S+)", re.MULTILINE)
#: code pages of Windows by Maya's name
_CODECS = {"1252": "cp1252", "932": "cp932", "936": "gbk", "949": "cp949", "950": "big5", "1250": "cp1250", "1251": "cp1251"}
_CODECS |= {"SJIS": "cp932", "shiftjis": "cp932", "eucJP": "euc_jp", "ISO8859-1": "latin-1", "GB18030": "gb18030"}
#: bytes of a statement in which its command stands, behind its indentation
_START = 40
_IDLE = (b"rename -uid ", b"lockNode ")
#: a node as Maya writes it: each statement from the start of a line, indented, to the end of one
_BODY = re.compile(rb"[^;]*;(?:\n[\t ][^;]*;)*")
_ADDED = re.compile(rb'-sn "(\w+)" -ln "(\w+)"')
_EDITS = re.compile(rb'\s*setAttr "\.ed" -type "dataReferenceEdits"')
_LINKS = (b"connectAttr ", b"relationship ", b"parent ", b"dataStructure ")
#: the plain form of most statements
_CREATE = re.compile(rb'createNode (\w+)(?: -s)? -n "([^"\\\x80-\xff]*)"(?: -p "([^"\\\x80-\xff]*)")?\Z')
_STRING = re.compile(rb'\s*setAttr (?:-\w+ \w+ )*"\.[^"]*" -type "string" "([^"\\]*)"\Z')


@reads_format(
    "maya-ascii", lambda head, extension: bool(_HEADER.match(head)) or (extension == ".ma" and bool(_FIRST.search(head)))
)
def read_maya_ascii(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a Maya ASCII scene says of other files.

    Raises:
        SceneNotRead: there is not one statement of a scene in it.
    """
    yield from scene_findings(read_scene(survey), survey)


def read_scene(survey: Survey) -> MayaScene:
    """Return what a Maya ASCII file holds, as far as files go.

    Raises:
        SceneNotRead: there is not one statement of a scene in it.
    """
    tables.load("maya")
    builder = SceneBuilder()
    with open(survey.content, "rb") as file:
        decode = _decoder(file.read(4096))
        file.seek(0)
        stream = StatementStream(file, max(1 << 16, survey.limits.value * 4), _wanted_in(builder), _idle_in(builder), decode)
        for item in stream:
            if isinstance(item, Broken):
                builder.scene.damage.append(Unresolved(item.start, "the scene's text", item.reason))
            else:
                builder.take(item)
    builder.close()
    if not builder.statements:
        raise SceneNotRead(survey.file, "there is no statement of a Maya scene in it")
    return builder.scene


def _wanted_in(builder: SceneBuilder) -> Callable[[bytes], bool]:
    """Return what decides, for each piece of the file, whether it is taken apart: most of a scene is numbers.

    The plainest statements, of which a scene has millions, are taken in right here.
    """

    def wanted(piece: bytes) -> bool:
        start = piece[:_START].lstrip()
        if start.startswith(b"setAttr "):
            return _may_matter(piece, builder)
        if start.startswith(_IDLE) and b";" not in piece:
            return False
        if start.startswith(_LINKS):
            # connections are many, and only those that say which image of a sequence is shown are worth a look
            return builder.wants_link(piece)
        if start.startswith(b"addAttr ") and (added := _ADDED.search(piece)) and b";" not in piece:
            builder.add(added[1].decode(), added[2].decode())
            return False
        if created := _CREATE.match(piece):
            builder.statements += 1
            builder.enter(created[1].decode(), created[2].decode(), (created[3] or b"").decode())
            return False
        return True

    return wanted


def _idle_in(builder: SceneBuilder) -> Callable[[bytes, bool], bool]:
    """Return what decides, for each node as a whole, whether nothing in it is worth a look.

    That is so where its type has no files, nothing in it is a text, and each of its lines is a statement of its own.
    """
    known: dict[bytes, bool] = {}

    def idle(part: bytes, is_node: bool) -> bool:
        if not is_node:
            # the end of a scene: connections, line by line
            return (
                part.startswith(_LINKS)
                and part.count(b"\n") == part.count(b";\nconnectAttr ") + 1
                and not builder.wants_link(part)
            )
        if b'"string' in part:
            return False
        type_ = part[: part.find(b" ", 0, 80)]
        if type_ not in known:
            known[type_] = builder.is_detailed(type_.decode("utf-8", "replace"))
        return not known[type_] and _BODY.fullmatch(part) is not None and b"/*" not in part

    return idle


def _may_matter(piece: bytes, builder: SceneBuilder) -> bool:
    """Tell whether a `setAttr` may hold a path, or a number that says something of one."""
    if builder.node is not None and builder.node.name.endswith(LAYOUT):
        return False
    if b'"string' not in piece:
        if builder.detailed and len(piece) < 1000:
            return True
        # several statements in one line
        return piece.find(b'"', 64) >= 0 and b";" in piece
    if builder.detailed:
        return not _EDITS.match(piece) or b'-type \\"string' in piece
    text = _STRING.match(piece)
    return text is None or b"/" in text[1] or b"." in text[1] or b"\\" in text[1]


def _decoder(head: bytes) -> Callable[[bytes], str]:
    """Return how the file's text is read: UTF-8, else the code page that the file names; bytes survive in any case."""
    found = _CODESET.search(head)
    name = found[1].decode("ascii", "replace") if found else "UTF-8"
    codec = _CODECS.get(name, "utf-8")

    def decode(data: bytes) -> str:
        for one in ("utf-8", codec):
            try:
                return data.decode(one)
            except UnicodeDecodeError:
                continue
        return data.decode("utf-8", "surrogateescape")

    return decode
