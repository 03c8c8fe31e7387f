"""Caches that Maya reads: Alembic, simulations, scene assemblies, XGen, Bifrost."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.maya_reach import Sidecars
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Folder
from conductor_core.report import Ignored

_NODES = "https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/"
_NO_CACHE = "nothing was cached there"

short_names("AlembicNode", abc_File="fn", abc_layerFiles="fns")
short_names("gpuCache", cacheFileName="cfn", cacheGeomPath="cmp")
short_names("cacheFile", cachePath="cp", cacheName="cn", enable="en")
short_names("diskCache", cacheName="cn", hiddenCacheName="hcn", cacheType="ct")
short_names("dynGlobals", cacheDirectory="cd", useParticleDiskCache="upd", confirmedPath="cfp")
short_names("assemblyReference", definition="def")
short_names("assemblyDefinition", repData="rda", repType="rty", repName="rna", repLabel="rla")
short_names("xgmPalette", xgFileName="xfn")
short_names("xgmSplineCache", fileName="fn")

files("maya", "AlembicNode", "abc_File", "abc_layerFiles", kind="cache", source=_NODES + "AlembicNode.html")
files("maya", "gpuCache", "cacheFileName", kind="cache", source=_NODES + "gpuCache.html")
files("maya", "assemblyReference", "definition", kind="reference", source=_NODES + "assemblyReference.html")
_XGEN = "https://help.autodesk.com/cloudhelp/2024/ENU/Maya-CharEffEnvBuild/"
files("maya", "xgmPalette", "xgFileName", kind="data", reach=Sidecars((".xgen", ".xgd", ".abc", ".xpd")), source=_XGEN)
files("maya", "xgmSplineCache", "fileName", kind="cache", source=_XGEN)
files("maya", "xgmSplineBase", "cacheFileName", kind="cache", source=_XGEN)
files(
    "maya",
    "BifMeshImportNode",
    "bifMeshDirectory",
    kind="cache",
    reach=Folder(),
    source="https://help.autodesk.com/view/BIFROST/ENU/",
)
files("maya", "bifShape", "aiFilename", kind="volume", source="https://help.autodesk.com/view/ARNOL/ENU/")
files("maya", "BossEXRInfluence", "exrFilename", kind="image", source=_NODES + "BossEXRInfluence.html")
for _type in ("bifrostLiquidContainer", "bifrostAeroContainer", "bifrostContainer"):
    files(
        "maya", _type, "liquidCachePath", "foamCachePath", "solidCachePath", "guideCachePath", "aeroCachePath",
        kind="cache", reach=Folder(), source="https://help.autodesk.com/cloudhelp/2024/ENU/Maya-SimulationEffects/",
    )  # fmt: skip


@reads_node("maya", "cacheFile", source=_NODES + "cacheFile.html")
def cache_file(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a simulation's cache: the description in `cachePath`/`cacheName`.xml, which leads to the data beside it."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    folder, name = node.text("cachePath"), node.text("cacheName")
    ask.seen.update(node.stored("cachePath") + node.stored("cacheName"))
    if not folder and not name:
        return
    referrer = f"{node.name}.{next(iter(node.stored('cachePath')), 'cachePath')}"
    if not node.number("enable", 1):
        yield Ignored(folder or name, referrer, "the cache is switched off")
        return
    path = posixpath.join(folder.replace("\\", "/"), name + ".xml") if name else folder
    yield from ask.usage(folder or name, referrer, "cache", reach=None if name else Folder(), place=path)


@reads_node("maya", "diskCache", source=_NODES + "diskCache.html")
def disk_cache(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a jiggle's cache: a name in the project's folder for disk caches."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    ask.seen.update(node.stored("hiddenCacheName"))
    folder = ask.places.project.folder("diskCache")
    for key, value in ask.stored(node, "cacheName"):
        place = absolute(value, folder) if folder else value
        yield from ask.usage(value, f"{node.name}.{key}", "cache", place=place, absent_is=_NO_CACHE)


@reads_node("maya", "dynGlobals", source=_NODES + "dynGlobals.html")
def particle_cache(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the folder of particle caches, always within the project's `particles`."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    ask.seen.update(node.stored("confirmedPath"))
    folder = ask.places.project.folder("particles")
    for key, value in ask.stored(node, "cacheDirectory"):
        place = absolute(value, folder) if folder else value
        yield from ask.usage(value, f"{node.name}.{key}", "cache", reach=Folder(), place=place, absent_is=_NO_CACHE)


@reads_node("maya", "assemblyDefinition", source=_NODES + "assemblyDefinition.html")
def assembly(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the representations of an assembly that are files: scenes and GPU caches; locators are text."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    kinds: dict[str, Kind] = {"Scene": "reference", "Cache": "cache"}
    for key, value in ask.stored(node, "repData"):
        stem = key.rpartition(".")[0]
        type_ = next((v[0] for k, v in node.values.items() if k in (stem + ".rty", stem + ".repType") and v), "")
        if type_ in kinds:
            yield from ask.usage(value, f"{node.name}.{key}", kinds[type_])
    for attribute in ("repLabel", "repName"):  # what artists read, often a file's name
        ask.seen.update(node.stored(attribute))


@reads_node("maya", "BossGeoProperties", "BossSpectralWave", "BossWaveSolver", source=_NODES + "BossWaveSolver.html")
def ocean(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the caches of an ocean, where there are any."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for attribute in ("cacheName", "velocityCacheName", "foamCacheName", "remappedInputCacheName"):
        for key, value in ask.stored(node, attribute):
            yield from ask.usage(value, f"{node.name}.{key}", "cache", absent_is=_NO_CACHE)
    for key, value in ask.stored(node, "cacheFolder"):
        yield from ask.usage(value, f"{node.name}.{key}", "cache", reach=Folder(), absent_is=_NO_CACHE)
