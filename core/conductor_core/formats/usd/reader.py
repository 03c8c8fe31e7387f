"""The formats of USD: a `.usd` may be any of them, so they are told by how they begin."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.usd.crate_file import MAGIC
from conductor_core.formats.usd.crate_layer import read_crate_layer
from conductor_core.formats.usd.findings import Told, layer_findings
from conductor_core.formats.usd.layer import Damage, Item
from conductor_core.formats.usd.layer_reader import INNER
from conductor_core.formats.usd.package import LAYERS, Package, PackageDamaged
from conductor_core.formats.usd.text_layer import read_text_layer
from conductor_core.report import Unresolved

_TEXT = (b"#usda ", b"#sdf ")
_ZIP = b"PK\3\4"


def _is_package(head: bytes, extension: str) -> bool:
    if not head.startswith(_ZIP):
        return False
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length].decode("utf-8", "replace").lower()
    return extension == ".usdz" or first.endswith(LAYERS)


@reads_format("usdc", lambda head, _extension: head.startswith(MAGIC))
def read_crate_file(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a crate points to."""
    with open(survey.content, "rb") as stream:
        yield from _told(layer_findings(_refusing(read_crate_layer(stream, survey.limits), survey), survey))


@reads_format("usda", lambda head, _extension: head.startswith(_TEXT))
def read_text_file(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a layer in text points to."""
    with open(survey.content, "rb") as stream:
        yield from _told(layer_findings(read_text_layer(stream, survey.limits), survey))


@reads_format("usdz", _is_package)
def read_package_file(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what the layers of a package point to beyond it: its first layer, or the one that was asked for, and those it names.

    Raises:
        SceneNotRead: it is no package, or holds no layer.
    """
    with open(survey.content, "rb") as stream:
        try:
            package = Package(stream)
        except PackageDamaged as exc:
            raise SceneNotRead(survey.file, str(exc)) from exc
        asked = dict(survey.given).get(INNER, "")
        first = asked or package.first
        if not first or (asked and not package.entry(asked.partition("[")[0])):
            raise SceneNotRead(survey.file, f"there is no {asked or 'layer'} in it")
        waiting, seen = deque([(first, survey)]), {(first, survey.frames, survey.given)}
        while waiting:
            inner, under = waiting.popleft()
            for told in _of_entry(package, inner, under):
                if not isinstance(told, Survey):
                    yield told
                    continue
                entry = dict(told.given)[INNER]
                if (entry, told.frames, told.given) not in seen and len(seen) < survey.limits.files:
                    seen.add((entry, told.frames, told.given))
                    waiting.append((entry, told))


def _of_entry(package: Package, inner: str, survey: Survey) -> Iterator[Told]:
    try:
        package, entry = package.find(inner)
        if not entry:
            raise PackageDamaged("there is no such layer in the package")
        stream = package.open(entry)
    except PackageDamaged as exc:
        yield Unresolved(inner, inner, str(exc))
        return
    items = _items(stream, survey)
    if items is None:
        yield Unresolved(inner, inner, "it does not start as a layer")
    else:
        yield from layer_findings(items, survey, package, entry)


def _items(stream: BinaryIO, survey: Survey) -> Iterator[Item] | None:
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(MAGIC):
        return read_crate_layer(stream, survey.limits)
    return read_text_layer(stream, survey.limits) if head.startswith(_TEXT) else None


def _refusing(items: Iterator[Item], survey: Survey) -> Iterator[Item]:
    """Yield the items of a crate; without its tables nothing of it can be read."""
    for item in items:
        if isinstance(item, Damage) and item.where == "its tables":
            raise SceneNotRead(survey.file, item.reason)
        yield item


def _told(findings: Iterator[Told]) -> Iterator[Finding | Facts]:
    """Yield findings; outside of a package there is no layer that is read by the way."""
    return (told for told in findings if not isinstance(told, Survey))
