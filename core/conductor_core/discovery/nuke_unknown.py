"""What is made of knobs that no table knows: by their names, by what somebody said when adding them, and by their text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.nuke_ask import NukeAsk, shown
from conductor_core.discovery.nuke_node import ScriptNode
from conductor_core.discovery.place import is_absolute
from conductor_core.discovery.tables.nuke_classes import is_stock
from conductor_core.report import Ignored, Unresolved

#: nodes that render nothing: what they hold is for people
_FOR_PEOPLE = {
    "StickyNote": "a note",
    "BackdropNode": "a note",
    "Viewer": "a setting of the viewer",
    "Preferences": "a preference",
}
_CODE = frozenset(
    [
        "knobChanged",
        "onCreate",
        "onDestroy",
        "updateUI",
        "autolabel",
        "beforeRender",
        "beforeFrameRender",
        "afterFrameRender",
        "afterRender",
        "renderProgress",
        "beforeBackgroundRender",
        "afterBackgroundFrameRender",
        "afterBackgroundRender",
        "onScriptLoad",
        "onScriptSave",
        "onScriptClose",
        "code",
        "script",
        "kernelSource",
        "KernelDescription",
        "scriptText",
        "command",
        "python_script",
    ]
)
_NOTES = frozenset(
    [
        "label",
        "note",
        "help",
        "tooltip",
        "icon",
        "text",
        "message",
        "title",
        "comment",
        "comments",
        "description",
        "notes",
        "info",
    ]
)
#: knobs whose texts read no file
CODE_AND_NOTES = _CODE | _NOTES
#: hold no paths of files, unless there is a folder and the extension of a file in their text
_NO_PATHS = re.compile(
    r"\w*(?:_panelDropped|_panelState|colou?rspace|channel|layer|format|display|view_?|views|prim_?path|expression)|"
    r"(?:\w*_)?(?:item|items|metadata|serialize\w*|view|node|prim|mask|expr\d*|operation|filter|curves|tracks|warps|points|"
    r"toolbar\w*|viewerProcess|lut|luts|channels\w*|in|out|in\d|out\d|knobs|inputs|name)|workingSpaceLUT|knob_path",
    re.IGNORECASE,
)
_SAYS_FILE = re.compile(
    r"file|path|texture|tex_|_tex|image|img|picture|plate|footage|clip|map\b|_map|hdr|ies|lut|movie|font|model|cube|proxy|logo|media|ocio|abc|geo|cache|source",
    re.IGNORECASE,
)
_SAYS_WRITE = re.compile(
    r"(?:\b|_)(?:out|output|outputs|write|render|export|save|dest|destination|target|dailies|publish)(?:\b|_)|(?:out|write|render|export|save|dest)_?(?:file|path|dir|folder)",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"([a-z])([A-Z])")
_EXTENSION = re.compile(r"\.(?:[A-Za-z][A-Za-z0-9]{1,7}|3dl|3ds|7z)\Z")
_EXPRESSION_TAIL = re.compile(r"\[[^\]]*\]?\Z")
_SENTENCE = re.compile(r"\s\S*\s\S*\s\S*\s|[<>;]\s|[\"'`]\s|=\s|\s=")
_KINDS: tuple[tuple[str, Kind], ...] = (
    (".exr .jpg .jpeg .png .tif .tiff .dpx .cin .tga .hdr .psd .sgi .bmp .gif .webp", "image"),
    (".mov .mp4 .mxf .avi .mkv", "movie"),
    (".ttf .otf .pfa .pfb .ttc", "font"),
    (".cube .3dl .csp .lut .spi1d .spi3d .vf .cc .ccc .cdl .clf .ctf", "lut"),
    (".nk .gizmo", "gizmo"),
    (".ocio", "ocio"),
    (".wav .aif .aiff .mp3", "sound"),
    (".abc", "cache"),
    (".usd .usda .usdc .usdz", "layer"),
    (".fbx .obj .ply", "geometry"),
    (".vdb", "volume"),
    (".json .xml .csv .cat .chan .edl .ale .pt .onnx", "data"),
    (".txt .rtf .srt", "text"),
    (".py .tcl .cpp .blink", "script"),
)
#: what is taken for a file's name without a folder before it
_KNOWN = frozenset(extension for extensions, _ in _KINDS for extension in extensions.split(" "))


def unknown_knobs(node: ScriptNode, ask: NukeAsk) -> Iterator[Finding]:
    """Yield what the knobs of a node come to that no table has looked at."""
    for name in list(node.knobs):
        if name not in ask.seen:
            yield from _knob(node, name, ask)


def _knob(node: ScriptNode, name: str, ask: NukeAsk) -> Iterator[Finding]:
    stored = node.text(name)
    if not any(sign in stored for sign in "./\\["):
        return
    plain = node.plain(name)
    added = node.added.get(name)
    is_file = node.is_file(name)
    if not plain or (len(plain) < 4 and not is_file):
        return
    if name in _CODE or (added is not None and added.type == 22):
        if _mentions_path(plain):
            yield Ignored(shown(node.text(name)), f"{node.full_name}.{name}", "it is code, which only Nuke runs")
        return
    if node.type in _FOR_PEOPLE or name in _NOTES or (added is not None and added.type == 26):
        if _is_path(plain) or ("/" in plain and _mentions_path(plain)):
            yield Ignored(shown(node.text(name)), f"{node.full_name}.{name}", _FOR_PEOPLE.get(node.type, "a text for people"))
        return
    if not is_file and (not _is_path(plain) or (_NO_PATHS.fullmatch(name) and not _is_file_in_folder(plain))):
        return
    yield from _path(node, name, ask, is_file=is_file)


def _path(node: ScriptNode, name: str, ask: NukeAsk, *, is_file: bool) -> Iterator[Finding]:
    """Yield the finding for a text that looks like a path, in a knob that no table knows."""
    plain, referrer = node.plain(name), f"{node.full_name}.{name}"
    label = node.added[name].label if name in node.added else ""
    if "Write" in node.type and (is_file or _SAYS_FILE.search(name)):
        yield from ask.write(node, name)
    elif _SAYS_WRITE.search(_SEVERAL.sub(r"\1_\2", name)) or (label and _SAYS_WRITE.search(label)):
        yield Ignored(node.text(name), referrer, "its name says that it is a place to write to")
    elif (is_file or _SAYS_FILE.search(name)) and (_EXTENSION.search(plain) or _evaluates_to_file(plain)):
        yield from ask.read(node, name, _kind(plain))
    elif is_absolute(plain) or is_file or _EXTENSION.search(plain):
        if is_stock(node.type) and not is_file and not _EXTENSION.search(plain):
            return
        yield Unresolved(node.text(name), referrer, f"no reader knows {node.type}.{name}")


def _is_path(text: str) -> bool:
    """Tell whether a text is a path rather than anything else with a slash or point in it."""
    if len(text) > 2048 or "\n" in text or "://" in text or text.startswith("{") or _SENTENCE.search(text):
        return False
    slashed = "/" in text or "\\" in text
    if is_absolute(text):
        return text.count("/") + text.count("\\") > 1 or bool(_EXTENSION.search(text))
    if not slashed:
        return " " not in text and text[max(text.rfind("."), 0) :].lower() in _KNOWN
    return bool(_EXTENSION.search(text)) and not re.search(r"[()+*=,]", text)


def _is_file_in_folder(text: str) -> bool:
    return ("/" in text or "\\" in text) and text[max(text.rfind("."), 0) :].lower() in _KNOWN


def _mentions_path(text: str) -> bool:
    return bool(re.search(r"(?:[A-Za-z]:)?[\\/][\w.\-]+[\\/][\w.\-]+|\w\.(?:exr|nk|png|jpg|mov|py|tif|dpx)\b", text[:100_000]))


def _evaluates_to_file(text: str) -> bool:
    return text.startswith("[") and bool(_EXPRESSION_TAIL.search(text))


def _kind(text: str) -> Kind:
    extension = text[text.rfind(".") :].lower()
    return next((kind for extensions, kind in _KINDS if extension in extensions.split(" ")), "other")
