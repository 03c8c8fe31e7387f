"""From what a layer says to findings, and to the layers of the same package that are read next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.survey import Survey
from conductor_core.formats.usd.clips import ClipSet, clip_sets
from conductor_core.formats.usd.layer import Damage, Head, Item, Prim
from conductor_core.formats.usd.layer_reader import Context, base_name, context_of
from conductor_core.formats.usd.package import Package
from conductor_core.formats.usd.prims import metadata_findings, prim_findings
from conductor_core.formats.usd.rendered import Rendered
from conductor_core.formats.usd.timing import scene_range
from conductor_core.report import Unresolved

Told = Finding | Facts | Survey
#: read elsewhere
_NOT_METADATA = frozenset({"expressionVariables", "clips", "clipSets"})


def layer_findings(items: Iterable[Item], survey: Survey, package: Package | None = None, inner: str = "") -> Iterator[Told]:
    """Yield the findings of a layer; of the scene itself also its facts."""
    context: Context | None = None
    head = Head({})
    rendered = Rendered()
    for item in items:
        if isinstance(item, Head):
            head = item
            context = context_of(survey, head, package, inner)
            yield from _of_head(item, context)
        elif isinstance(item, Damage):
            yield Unresolved(base_name(survey), item.where, item.reason)
        else:
            context = context or context_of(survey, head, package, inner)
            yield from _of_prim(item, context)
            rendered.note(item, context)
    if not survey.scene:
        first_last = scene_range(head)
        frames = "" if first_last is None else f"{first_last[0]}-{first_last[1]}"
        if first_last and first_last[0] == first_last[1]:
            frames = str(first_last[0])
        yield Facts(rendered.software, frames, rendered.steps(survey.file))


def _of_head(head: Head, context: Context) -> Iterator[Told]:
    for arc in head.sublayers:
        yield from context.arc(arc, "subLayers", sublayer=True)
    fields = {n: v for n, v in head.fields.items() if n not in _NOT_METADATA}
    yield from metadata_findings(fields, "", context)


def _of_prim(prim: Prim, context: Context) -> Iterator[Told]:
    for arc in prim.references:
        yield from context.arc(arc, f"{prim.path}.references")
    for arc in prim.payloads:
        yield from context.arc(arc, f"{prim.path}.payload")
    for clips in clip_sets(prim.fields):
        yield from _of_clips(clips, prim.path, context)
    fields = {n: v for n, v in prim.fields.items() if not n.startswith("clip")}
    yield from metadata_findings(fields, prim.path, context)
    yield from prim_findings(prim, context)
    for found in prim.properties:
        yield from metadata_findings(found.fields, f"{prim.path}.{found.name}", context)


def _of_clips(clips: ClipSet, path: str, context: Context) -> Iterator[Told]:
    referrer = f"{path}.{clips.name}"
    for asset, wanted in clips.assets(context.frames):
        yield from context.read(asset, f"{referrer}.assetPaths", "layer", wanted=wanted)
    if clips.manifest():
        yield from context.read(clips.manifest(), f"{referrer}.manifestAssetPath", "layer")
    if clips.template():
        reach = clips.reach(context.frames)
        yield from context.read(clips.template(), f"{referrer}.templateAssetPath", "layer", reach=reach)
