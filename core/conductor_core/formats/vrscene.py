"""V-Ray scenes, `.vrscene`: plugins in braces, `#include`, `${VARIABLES}`, `<frame04>` and tile tokens.

Grammar: http://help.chaosgroup.com/vray/help/maya/sdk22/vrscene_format.html. Lists in hexadecimal (`ListIntHex("…")`) are
passed over. Folders: beside the scene, then `VRAY_ASSETS_PATH`, by the name alone
(https://docs.chaosgroup.com/display/VS/V-Ray+Standalone+Environment+Variables).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.node import is_known
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import GZIP, unpacked_head
from conductor_core.formats.renderer_scene import Rules, SceneNode, findings_of_scene, saved_by, split_search_path
from conductor_core.formats.text_window import TextWindow, broken, window_on
from conductor_core.report import ScanOutput

_MARKS = re.compile(rb'"|\{|\}|=|//|/\*|#include\s+(?=")')
_PARAMETER = re.compile(rb"[A-Za-z_]\w*")
_HEX = re.compile(rb"Hex\s*\(\s*\Z")
_NUMBER = re.compile(rb"\s*(-?[0-9][0-9.]*)\s*;")
_FIRST = re.compile(rb'^(?:[A-Z]\w+\s+\S+\s*\{\s*(?:\w+\s*=|\})|#include\s+"[^"]+\.vrscene")', re.MULTILINE)
_SAVED = re.compile(rb"^// V-Ray core version|^// Exported by V-Ray", re.MULTILINE)
_VERSION = re.compile(rb"^// V-Ray core version is ([0-9][0-9.]*[0-9])", re.MULTILINE)
_FRAME = re.compile(r"<frame(?:0?([0-9]+))?>", re.IGNORECASE)
_SWITCHES = frozenset({b"mode", b"auto_save"})


def _recognises(head: bytes, extension: str) -> bool:
    text = unpacked_head(head)
    if b"\0" in text:
        return False
    named = extension == ".vrscene" or (extension == ".gz" and head.startswith(GZIP))
    return bool(_SAVED.search(text)) or (named and bool(_FIRST.search(text)))


@reads_format("vrscene", _recognises)
def read_vrscene(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what the plugins of a scene name, and what it includes."""
    window = window_on(survey)
    yield from saved_by(window, "vray", _VERSION)
    plugins = _Plugins(window)
    plugins.read()
    for finding in findings_of_scene(plugins.found, survey, Rules("vray", vray_patterns)):
        if isinstance(finding, Usage):
            yield _or_among_assets(finding, survey)
        elif isinstance(finding, ScanOutput):
            yield _in_folder(finding, plugins.found, survey)
        else:
            yield finding
    if window.problem or plugins.open:
        yield broken(survey, window.problem or f"it ends inside {plugins.open}")


class _Plugins:
    """The plugins of the text that have texts of interest, in its order."""

    def __init__(self, window: TextWindow) -> None:
        self._window = window
        self._scene = SceneNode("#include", "scene")
        self._plugin = self._scene
        self._parameter = ""
        self.found: list[SceneNode] = [self._scene]
        #: what the text is in the middle of; "": nothing
        self.open = ""

    def read(self) -> None:
        actions: dict[bytes, Callable[[int], object]] = {
            **{b'"': self._text, b"=": self._begin_parameter, b"{": self._begin, b"}": self._end},
            b"//": lambda _start: self._window.skip_past(b"\n"),
            b"/*": lambda _start: self._window.skip_past(b"*/"),
        }
        while match := self._window.next(_MARKS):
            actions.get(match[0], self._include)(match.start())

    def _include(self, _start: int) -> None:
        self._parameter = "#include"

    def _begin(self, start: int) -> None:
        before = self._window.behind(start, 1024)
        end = max(before.rfind(b";"), before.rfind(b"{"), before.rfind(b"}"))
        words = before[end + 1 :].rsplit(None, 2)[-2:]
        self._plugin = SceneNode(_decoded(words[0]), _decoded(words[-1])) if words else SceneNode("", "")
        self._parameter = ""
        self.open = f"the plugin {self._plugin.name}"

    def _end(self, _start: int) -> None:
        if self._plugin is not self._scene and self._plugin.values:
            self.found.append(self._plugin)
        self._plugin = self._scene
        self._parameter = ""
        self.open = ""

    def _begin_parameter(self, start: int) -> None:
        words = _PARAMETER.findall(self._window.behind(start, 100).rpartition(b"=")[2])
        self._parameter = _decoded(words[-1]) if words else ""
        if words and words[-1] in _SWITCHES and self._plugin.type.startswith("Settings"):
            number = self._window.match(_NUMBER)
            if number:
                self._plugin.values[self._parameter] = [_decoded(number[1])]

    def _text(self, start: int) -> None:
        if _HEX.search(self._window.behind(start, 32)):
            if not self._window.skip_past(b'"'):
                self.open = self.open or "a text"
            return
        text = self._window.quoted()
        if text is None:
            if self._window.ended:
                self.open = self.open or "a text"
            return
        decoded = _decoded(text)
        if self._plugin is self._scene:
            if self._parameter == "#include":
                self._scene.values.setdefault("file", []).append(decoded)
                self._parameter = ""
        elif is_known("vray", self._plugin.type) or ends_like_file(decoded):
            texts = self._plugin.values.setdefault(self._parameter, [])
            if decoded not in texts[-1:]:
                texts.append(decoded)


def vray_patterns(text: str) -> tuple[str, ...]:
    """Return the pattern of the resolver for V-Ray's tokens: `<frame04>` is `%04d`, `<frame>` any frame."""
    return (_FRAME.sub(lambda m: f"%0{m[1]}d" if m[1] else "%d", text),)


def _in_folder(output: ScanOutput, plugins: list[SceneNode], survey: Survey) -> ScanOutput:
    """Return an output with the folder that its plugin names beside it, as V-Ray puts them together."""
    for plugin in plugins:
        if plugin.type == "SettingsOutput" and output.referrer == f"{plugin.name}.img_file":
            return replace(output, path=absolute(os.path.join(plugin.text("img_dir"), output.as_written), survey.folder))
    return output


def _or_among_assets(usage: Usage, survey: Survey) -> Usage:
    """Return the usage with the folders of assets after its own places: a file of the same name there is taken."""
    folders = split_search_path(survey.variables.get("VRAY_ASSETS_PATH", ""))
    name = os.path.basename(usage.places[0])
    places = (*usage.places, *(absolute(name, folder) for folder in folders))
    return replace(usage, places=places)


def _decoded(text: bytes) -> str:
    return text.replace(b'\\"', b'"').decode("utf-8", "surrogateescape")
