"""A prim as node readers see it: what is known of its type says which of its attributes hold paths, and of what kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Node, findings_of
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Reach
from conductor_core.discovery.survey import Survey
from conductor_core.formats.usd.kinds_of_files import kind_of
from conductor_core.formats.usd.layer import Asset, Prim, Property, Value, may_name_file
from conductor_core.formats.usd.layer_reader import Context
from conductor_core.formats.usd.timing import needed
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.sequences import sequence_pattern

#: words by which the name of an attribute says that it holds a file
_SAYS_FILE = re.compile(r"file|path|texture|map|image|(?:^|[:_])ies|hdr|tex[0-9]|tex\Z|archive|proxy|config|cache", re.IGNORECASE)
Told = Finding | Survey


class PrimNode:
    """A prim; its type is the schema's or, for a shader, that of `info:id`."""

    def __init__(self, prim: Prim, type_: str) -> None:
        self._prim = prim
        self._type = type_
        self.properties = {p.name: p for p in prim.properties}

    @property
    def type(self) -> str:
        """The type."""
        return self._type

    @property
    def name(self) -> str:
        """Its path."""
        return self._prim.path

    def text(self, attribute: str) -> str:
        """Return the text of an attribute."""
        found = self.properties.get(attribute)
        return next(_texts(found), "") if found else ""

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return an attribute as a number; numbers are not kept, so what is asked for is rarely there."""
        found = self.properties.get(attribute)
        return float(found.value) if found and isinstance(found.value, (int, float)) else default

    def attributes(self) -> Iterable[str]:
        """Return the names of the attributes that may hold a path."""
        return self.properties


class PrimAsk:
    """What node readers ask of a prim."""

    def __init__(self, context: Context, prim: Prim) -> None:
        self._context = context
        self._properties = {p.name: p for p in prim.properties}
        #: attributes that some reader has looked at
        self.seen: set[str] = set()
        #: layers in the same package that are read on
        self.inside: list[Survey] = []

    @property
    def survey(self) -> Survey:
        """The scan."""
        return self._context.survey

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield the findings for an attribute that the prim reads: for a list or samples, each."""
        found = self._properties.get(attribute)
        if found is None or attribute in self.seen:
            return
        self.seen.add(attribute)
        referrer = f"{node.name}.{attribute}"
        for value, wanted in ((text, True),) if text else _sampled(found, self._context):
            for told in self._context.read(value, referrer, kind, reach=reach, wanted=wanted):
                if isinstance(told, Survey):
                    self.inside.append(told)
                else:
                    yield told

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield the output that an attribute names; samples that differ in the frame only are one."""
        found = self._properties.get(attribute)
        if found is None or attribute in self.seen:
            return
        self.seen.add(attribute)
        yield from outputs(found, node.name, self._context)

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that an attribute's path is not sent."""
        found = self._properties.get(attribute)
        if found is None or attribute in self.seen:
            return
        self.seen.add(attribute)
        for value in _texts(found):
            yield Ignored(value, f"{node.name}.{attribute}", reason)


def outputs(found: Property, path: str, context: Context) -> Iterator[ScanOutput]:
    """Yield where a product is written to; a number in samples is the frame's."""
    texts = [*dict.fromkeys(t for t in _texts(found) if t)]
    numbered = [sequence_pattern(t) for t in texts]
    patterns = [n.pattern if n and len(found.samples) > 1 else t for t, n in zip(texts, numbered, strict=True)]
    for text, pattern in {
        pattern: (text, pattern) for text, pattern in zip(reversed(texts), reversed(patterns), strict=True)
    }.values():
        yield ScanOutput(text, absolute(pattern, context.survey.folder), f"{path}.{found.name}")


def prim_findings(prim: Prim, context: Context) -> Iterator[Told]:
    """Yield what the attributes of a prim point to: first what is known of its type, then what their types and names say."""
    ask = PrimAsk(context, prim)
    shader = next((t for p in prim.properties if p.name == "info:id" for t in _texts(p)), "")
    for type_ in dict.fromkeys((prim.type, shader) if shader else (prim.type,)):
        yield from findings_of("usd", PrimNode(prim, type_), ask)
    yield from ask.inside
    type_ = shader or prim.type or "prim"
    for found in prim.properties:
        if found.name not in ask.seen and found.name != "info:id":
            yield from _unknown(found, prim, type_, context)


def _unknown(found: Property, prim: Prim, type_: str, context: Context) -> Iterator[Told]:
    referrer = f"{prim.path}.{found.name}"
    if found.type.startswith("asset"):
        kind: Kind | None = "shader" if found.name.endswith(":sourceAsset") else None
        for text, wanted in _sampled(found, context):
            yield from context.read(text, referrer, kind, wanted=wanted)
        return
    if found.type.startswith("token"):
        return
    says_file = bool(_SAYS_FILE.search(found.name))
    for text, wanted in _sampled(found, context):
        if not may_name_file(text) or not (says_file or "/" in text or "\\" in text):
            continue
        if says_file:
            kind = kind_of(text)
            yield from context.read(text, referrer, kind, wanted=wanted)
        else:
            yield Unresolved(text, referrer, f"no reader knows {type_}.{found.name}")


def _sampled(found: Property, context: Context) -> Iterator[tuple[str, bool]]:
    """Yield each text of an attribute, and whether a frame of the job needs it: samples hide the value without a time."""
    samples = sorted(found.samples, key=lambda s: s[0])
    wanted = needed([time for time, _ in samples], context.frames)
    told: dict[str, bool] = {}
    for index, (_, value) in enumerate(samples):
        for text in _flat(value):
            told[text] = told.get(text, False) or index in wanted
    for text in _flat(found.value):
        told[text] = True
    yield from told.items()


def _texts(found: Property) -> Iterator[str]:
    for value in found.values():
        yield from _flat(value)


def _flat(value: Value) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str) and item:
                yield item
    elif isinstance(value, str) and value:
        yield value


def metadata_findings(fields: dict[str, Value], path: str, context: Context) -> Iterator[Told]:
    """Yield what metadata points to: its assets are files, while its text is read by nobody."""
    waiting = [(name, value) for name, value in reversed(fields.items())]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{name}[{key}]", inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((name, inner) for inner in reversed(value))
        elif isinstance(value, Asset) and name == "assetInfo[identifier]":
            if value:
                yield Ignored(value, f"{path}.{name}" if path else name, "the name of the asset itself, which USD does not open")
        elif isinstance(value, Asset):
            yield from context.read(value, f"{path}.{name}" if path else name)
        elif isinstance(value, str) and may_name_file(value) and ("/" in value or "\\" in value):
            yield Ignored(value, f"{path}.{name}" if path else name, "text in metadata, which USD does not open")
