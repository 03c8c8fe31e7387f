"""Asset libraries (.hda, .otl): what the definitions in them read.

A definition has a dialog script (its parameters) and contents (its nodes, in a container like a scene's, below `hdaroot`).
Defaults of its parameters are what a node starts with: the scene stores each node's own values, so they are listed as ignored.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_findings import network_findings
from conductor_core.discovery.houdini_node import Network
from conductor_core.discovery.houdini_parameter_kind import ParameterKind
from conductor_core.discovery.houdini_scope import OF_THE_USER
from conductor_core.discovery.houdini_settings import SceneSettings, scene_variables
from conductor_core.discovery.hscript import NotEvaluated
from conductor_core.discovery.place import looks_like_path
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.houdini.containers import Damage, is_container, parts
from conductor_core.formats.houdini.dialog_script import file_parameters
from conductor_core.formats.houdini.library import INDEX_MAGIC, sections
from conductor_core.formats.houdini.network import take_part, wanted_of_node
from conductor_core.report import Ignored, Unresolved

#: bytes of a library that are held at once; larger ones are read as far as this
_MOST = 256 << 20
_CONTEXT = re.compile(r"(?:(.*)::)?(\w+)/(.*)")
_NOT_PACKED = frozenset({"Contents", "Contents.mime", "Contents.cpio"})
#: a value that is nothing but that of a parameter further up: `chs("../../texture")`
_ONE_REFERENCE = re.compile(r"""`\s*chs(?:raw)?\(\s*\\*["'](?:\.\./)+(?P<name>\w+)\\*["']\s*\)\s*`""")
_PROMOTED = "the value of a file parameter of the asset; each node in a scene stores its own"
_NOTES = frozenset({"ContentsCompressionType"})


class Asset(NamedTuple):
    """A definition in a library."""

    #: as the library names it: `labs::Sop/chair::1.0`
    name: str
    declared: dict[str, ParameterKind]
    network: Network
    #: what in it could not be read
    problems: tuple[str, ...]

    @property
    def node_type(self) -> str:
        """The type that its nodes have: `labs::chair::1.0`."""
        return node_type_of(self.name)


def node_type_of(name: str) -> str:
    """Return the node type that a definition's name means: `labs::Sop/chair::1.0` → `labs::chair::1.0`."""
    match = _CONTEXT.match(name)
    if not match:
        return name
    return f"{match[1]}::{match[3]}" if match[1] else match[3]


def assets(data: bytes, survey: Survey) -> Iterator[Asset]:
    """Yield the definitions of a library."""
    for section in sections(data):
        if section.body.startswith(INDEX_MAGIC):
            yield _asset(section.name, section.body, survey)
        elif not section.whole:
            yield Asset(section.name, {}, Network(), (f"the library ends within {section.name}",))


def asset_findings(asset: Asset, survey: Survey, settings: SceneSettings) -> Iterator[Finding]:
    """Yield what the contents of a definition read, and its defaults as ignored."""
    ask = HipAsk(survey, asset.network, scene_variables(survey, settings), settings.frame_numbers(survey), asset=asset.name)
    for finding in network_findings(asset.network, {}, ask):
        yield Ignored(finding.as_written, finding.referrer, _PROMOTED) if _is_promoted(finding, asset) else finding
    for kind in asset.declared.values():
        if kind.default and looks_like_path(kind.default):
            yield Ignored(
                kind.default, f"{asset.name}/{kind.name}", "a default of the asset; each node in a scene stores its own value"
            )
    for problem in asset.problems:
        yield Unresolved(asset.name, asset.name, problem)


def _is_promoted(finding: Finding, asset: Asset) -> bool:
    """Tell whether a value is just that of one of the asset's own file parameters, which is looked at where the asset is used."""
    if not isinstance(finding, Unresolved) or OF_THE_USER not in finding.reason:
        return False
    reference = _ONE_REFERENCE.fullmatch(finding.as_written)
    return reference is not None and reference["name"] in asset.declared


@reads_format("houdini-asset", lambda head, _extension: head.startswith(INDEX_MAGIC) and b"INDEX_SECTION" in head[:4096])
def read_library(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a library's definitions read.

    Raises:
        SceneNotRead: its table of sections is broken.
    """
    with open(survey.content, "rb") as file:
        data = file.read(_MOST)
        more = bool(file.read(1))
    any_section = False
    for section in sections(data):
        any_section = True
        if not section.whole:
            yield Unresolved(section.name, section.name, f"the file ends within {section.name}")
    if not any_section:
        raise SceneNotRead(survey.file, "its table of sections is broken")
    for asset in assets(data, survey):
        yield from asset_findings(asset, survey, SceneSettings({}))
    if more:
        yield Unresolved(survey.file, "library", f"only its first {_MOST:,} bytes are read")


def _asset(name: str, data: bytes, survey: Survey) -> Asset:
    declared: dict[str, ParameterKind] = {}
    network = Network()
    problems: list[str] = []
    for section in sections(data):
        if section.name == "DialogScript":
            declared = file_parameters(section.body.decode("utf-8", "surrogateescape"))
        elif section.name.startswith("Contents") and section.name not in _NOTES:
            try:
                _take_contents(_unpacked(section.name, section.body, survey), network, problems)
            except NotEvaluated as exc:
                problems.append(f"{section.name}: {exc.reason}")
    return Asset(name, declared, network, tuple(problems))


def _take_contents(data: bytes, network: Network, problems: list[str]) -> None:
    for part in parts(io.BytesIO(data), keep=wanted_of_node):
        if isinstance(part, Damage):
            problems.append(f"its contents are damaged: {part.reason}")
        else:
            take_part(network, part.name, part.body)


def _unpacked(name: str, body: bytes, survey: Survey) -> bytes:
    """Return the contents of an asset: plain, or packed by gzip behind four bytes that say how long they are.

    Raises:
        NotEvaluated: they are packed in another way, or to more than is unpacked here.
    """
    if name.endswith(".gz") or body.startswith(b"\x1f\x8b\x08"):
        most = min(_MOST, survey.limits.unpacked)
        unpacker = zlib.decompressobj(31)
        try:
            body = unpacker.decompress(body, most)
        except zlib.error as exc:
            raise NotEvaluated(f"they cannot be unpacked ({exc})") from None
        if unpacker.unconsumed_tail:
            raise NotEvaluated(f"they come to more than {most:,} bytes")
    elif name not in _NOT_PACKED and body:
        raise NotEvaluated("they are packed in a way that is not read here")
    for start in (0, 4):
        if is_container(body[start : start + 4096]):
            return body[start:]
    return b""
