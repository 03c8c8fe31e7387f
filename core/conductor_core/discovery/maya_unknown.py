"""Texts in attributes of which no table knows anything: what looks like a file is said, and nothing is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_node import MayaNode, bare
from conductor_core.discovery.place import is_absolute
from conductor_core.report import Ignored, Unresolved

#: parts of an attribute's long name (`lightColorMap`: light, color, map) that say that a file stands there
_FILE_WORDS = frozenset(
    {"tex", "map", "img", "ies", "hdr", "sound", "audio", "movie", "lut", "ocio", "proxy", "archive", "abc", "usd", "vdb", "dso"}
)
#: the same, wherever in the name
_FILE_STEM = re.compile(r"file(?!type|mode|format)|path|texture|image|bitmap|cache|hdri|alembic|profile")
_WRITE_WORDS = frozenset(
    {"out", "output", "outputs", "dest", "destination", "save", "write", "export", "log", "prefix", "bake", "tmp", "temp", "dump"}
)
_WRITE_STEM = re.compile(r"output|autosave")
#: notes of pipelines in attributes that they have added: what a node was made from or published as
_ORIGIN = re.compile(
    r"scene_?(?:file|name|path)|source_?(?:scene|maya|file|path)|publish|work_?file|import|origin|asset_?path|(?:rig|model|version)_?path"
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_EXTENSION = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])([A-Za-z0-9]{1,9})\Z")
#: a template of a frame may stand in the place of an extension's end
_ASSET = frozenset(
    re.findall(
        r"\w+",
        "abc ai ass assbin avi bgeo bin bmp brf btf c4d cin csv cube dae dat dds dgn dpx dwg exr fbx fur gbi glb gltf gscs gscf "
        "gscl gcha gif hdr ies iff jp2 jpeg jpg ldt lut ma mb mc mcc mcx mdl mov mp3 mp4 mpg mtl mtlx nk ocio obj ogg osl oso pc2 "
        "pdc pfm pic png prt psb psd ptc ptx ptex r3d rat rib rs rsmap rstexbin sgi spi1d spi3d stl svg tdl tex tga tif tiff tx txt "
        "usd usda usdc usdz vdb vrimg vrmap vrlmap vrmat vrmesh vrscene vrst wav webp xgen xml zpr",
    )
)
#: programs and code are part of the software, not of a scene
_PROGRAM = frozenset({"exe", "dll", "so", "dylib", "bundle", "mll", "py", "pyc", "mel", "bat", "sh", "cmd"})
#: attributes of any type that hold no file that is read, and what they are
_NEVER = {
    "icn": "an icon of Maya's interface",
    "iconName": "an icon of Maya's interface",
    "icon": "an icon of Maya's interface",
    "nts": "a note",
    "notes": "a note",
    "comment": "a note",
    "description": "a note",
    "xgVersion": "the folder of XGen, which ships with Maya",
    "mSceneName": "the scene's own name when it was saved",
    "txmanagerData": "a list that Arnold's texture manager makes",
}
#: names that are no paths, unless they are absolute and end like a file: colour spaces, node names, dates, templates of the interface, versions
_NAMES = frozenset(
    re.findall(
        r"\w+",
        "cs colorSpace wsn workingSpaceName vtn viewTransformName dn displayName vn viewName otn outputTransformName "
        "potn playblastOutputTransformName hc homeCommand cdat creationDate ctor creator ssl cssl staticSelection pp primPath "
        "excludePrimPaths usdStageLoadRules szd serialized lyr cmp cacheGeomPath version b before a after vwt uit "
        "ixp internalExpression rman__torattr___phase dcc cuvs currentUVSet uvsn ptag template tmpl vb customAttrs uid "
        "ai_translator aiTranslator rendererName otfna",
    )
)
#: texts in quotes with an extension
_QUOTED = re.compile(r'"([^"\n]{3,400}\.[A-Za-z0-9]{2,8})\\?"')
#: files of one text that are told
_FROM_DATA = 1000
_DATE = re.compile(r"\d{4}/\d{2}/\d{2}|\d{2}/\d{2}/\d{4}")
_VERSION = re.compile(r"v?\d+(?:\.\w+)*\Z")
#: `render -r arnold /show/x.ma`
_COMMAND = re.compile(r"\s--?[A-Za-z]\w*\s")
_BESIDE_SLASH = re.compile(r"\s[/\\]|[/\\]\s|\s\Z|\A\s")
_PLAIN = re.compile(r"[^\s;=()\[\]{}\"'|*?,]+\Z")


def unknown_texts(node: MayaNode, ask: MayaAsk) -> Iterator[Finding]:
    """Yield a finding for each text of a node that looks like a path and that no reader has looked at."""
    for key, values in node.values.items():
        if key in ask.seen:
            continue
        for value in dict.fromkeys(values):
            if value[:1] in ("{", "[") and len(value) > 2:
                yield from _within_data(node, key, value)
            elif looks_like_file(value) or _looks_like_folder(value):
                yield from _unknown(node, key, value, ask)


def flagged_texts(node: MayaNode, keys: Iterable[str], ask: MayaAsk) -> Iterator[Finding]:
    """Yield a finding for each text that the host itself takes for the name of a file, and that no reader has looked at.

    What its attribute's name says is written, and what is a note or a program, is left to `unknown_texts`.
    """
    for key in keys:
        word = bare(key)
        if key in ask.seen or word in _NEVER or node.spelled(key) in _NEVER or _said_by(node.spelled(key)) == "write":
            continue
        for value in dict.fromkeys(node.values.get(key, ())):
            if value.lower().rpartition(".")[2] not in _PROGRAM:
                ask.seen.add(key)
                yield from ask.usage(value, f"{node.name}.{key}", "other")


def _within_data(node: MayaNode, key: str, value: str) -> Iterator[Finding]:
    """Yield the files that data in a text of its own (JSON of Bifrost and others) names: what reads them is not told."""
    if bare(key) in _NEVER or bare(key) in _NAMES:
        return
    for text in list(dict.fromkeys(_QUOTED.findall(value)))[:_FROM_DATA]:
        path = text.replace("\\\\", "\\").replace("\\/", "/")
        extension = path.lower().rpartition(".")[2]
        if extension in _ASSET - {"svg"} and looks_like_file(path) and ("/" in path or "\\" in path):
            reason = f"it stands within the data of {node.type or 'a node'}.{node.spelled(key)}, which no reader knows"
            yield Unresolved(path, f"{node.name}.{key}", reason)


def looks_like_file(text: str) -> bool:
    """Tell whether a text could be a file's name: it ends in an extension, and is neither a sentence nor code."""
    text = text.removeprefix("file://")
    if not text or len(text) > 4096 or "\n" in text or "://" in text or _DATE.search(text) or _VERSION.match(text):
        return False
    if _COMMAND.search(text):
        return False
    extension = _EXTENSION.search(text)
    if extension is None:
        return False
    if extension[1].lower() in _ASSET:
        return True
    return ("/" in text or "\\" in text) and bool(is_absolute(text) or _PLAIN.match(text))


def _looks_like_folder(text: str) -> bool:
    if len(text) > 4096 or "\n" in text or "://" in text or _DATE.search(text):
        return False
    # blanks within names are plain, blanks beside a slash are a sentence's or a sum's
    if not _PLAIN.match(text if _BESIDE_SLASH.search(text) else text.replace(" ", "")):
        return False
    return is_absolute(text) and len(text.strip("/\\")) > 3


def _unknown(node: MayaNode, key: str, value: str, ask: MayaAsk) -> Iterator[Finding]:
    referrer = f"{node.name}.{key}"
    last, name = bare(key), node.spelled(key)
    if reason := _NEVER.get(last) or _NEVER.get(name):
        yield Ignored(value, referrer, reason)
        return
    extension = _EXTENSION.search(value)
    word = extension[1].lower() if extension else ""
    if (last in _NAMES or name in _NAMES) and not (word in _ASSET and is_absolute(value)):
        return
    said = _said_by(name)
    if word in _PROGRAM:
        yield Ignored(value, referrer, "a program or code, which comes with the software")
    elif last in node.added and _ORIGIN.search(name.lower()):
        yield Ignored(value, referrer, "a note of where the node comes from")
    elif said == "write":
        yield ask.output(value, referrer)
    elif looks_like_file(value) and (said == "read" or _plugins_own(node, last, word)):
        several = value.split(";")
        # a list of files, unless the whole is the name of one
        for one in several if all(map(looks_like_file, several)) else [value]:
            yield from ask.usage(value, referrer, "other", place=one.strip())
    else:
        yield Unresolved(value, referrer, f"no reader knows {node.type or 'a node'}.{name}")


def _said_by(name: str) -> Literal["read", "write", ""]:
    """Return what an attribute's name says of a path in it."""
    lower = name.lower()
    parts = {part.lower() for part in _PARTS.findall(name)}
    if parts & _WRITE_WORDS or _WRITE_STEM.search(lower):
        return "write"
    return "read" if parts & _FILE_WORDS or _FILE_STEM.search(lower) else ""


def _plugins_own(node: MayaNode, attribute: str, extension: str) -> bool:
    """Tell whether a plug-in's own attribute, of which the file only tells the short name, names a file of a usual kind."""
    return bool(node.plugin) and attribute not in node.added and extension in _ASSET
