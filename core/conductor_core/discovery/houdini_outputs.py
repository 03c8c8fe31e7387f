"""What of a scene can be rendered: its output nodes, with where they write and over which frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from conductor_core.discovery.finding import Facts
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.discovery.houdini_settings import SceneSettings
from conductor_core.discovery.hscript_values import NeedsFrame, NotEvaluated
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software

OutputKind = Literal["image", "movie", "cache", "other"]
#: node type → the parameters that name what it writes, of which the first that is set counts, and what that is
_ROPS: dict[str, tuple[tuple[str, ...], OutputKind]] = {
    "ifd": (("vm_picture",), "image"),
    "karma": (("picture",), "image"),
    "opengl": (("picture",), "image"),
    "comp": (("copoutput",), "image"),
    "image": (("copoutput", "picture"), "image"),
    "baketexture": (("vm_uvoutputpicture1",), "image"),
    "usdrender": (("outputimage",), "image"),
    "usdrender_rop": (("outputimage",), "image"),
    "arnold": (("ar_picture",), "image"),
    "Redshift_ROP": (("RS_outputFileNamePrefix",), "image"),
    "vray_renderer": (("SettingsOutput_img_file_path",), "image"),
    "ris": (("ri_display_0", "ri_display"), "image"),
    "Octane_ROP": (("HO_img_fileName",), "image"),
    "geometry": (("sopoutput",), "cache"),
    "rop_geometry": (("sopoutput",), "cache"),
    "filecache": (("file",), "cache"),
    "alembic": (("filename",), "cache"),
    "rop_alembic": (("filename",), "cache"),
    "filmboxfbx": (("sopoutput",), "cache"),
    "dop": (("dopoutput",), "cache"),
    "usd": (("lopoutput",), "cache"),
    "usd_rop": (("lopoutput",), "cache"),
    "channel": (("chopoutput",), "cache"),
    "gltf": (("file",), "cache"),
    "Redshift_Proxy_Output": (("RS_archive_file",), "cache"),
}
#: types that are something else outside of render networks: `alembic` in geometry reads
_ONLY_IN_RENDER_NETWORKS = frozenset({"alembic", "geometry", "channel", "gltf", "image", "usd", "comp", "dop"})
_RENDER_NETWORKS = frozenset({"ropnet", "ropnetwork", "topnet"})


def scene_facts(network: Network, settings: SceneSettings, ask: HipAsk) -> Facts:
    """Return what a submission of the scene needs to know."""
    return Facts(Software("houdini", settings.version), settings.frames, tuple(_steps(network, ask)), saved_by=settings.version)


def _steps(network: Network, ask: HipAsk) -> Iterator[SceneStep]:
    for node in network.ordered():
        kind = node.type.rpartition("::")[2]
        if kind not in _ROPS or (kind in _ONLY_IN_RENDER_NETWORKS and not _in_render_network(node, network)):
            continue
        if kind == "filecache" and node.number("loadfromdisk"):
            continue
        attributes, output_kind = _ROPS[kind]
        yield _step(node, attributes, output_kind, ask)


def _step(node: HipNode, attributes: tuple[str, ...], kind: OutputKind, ask: HipAsk) -> SceneStep:
    for attribute in attributes:
        value = node.value(attribute)
        if value is None or not value.stored or value.text in ("ip", "md"):
            continue
        problem = ""
        try:
            ask.scope(node).value_of(attribute, value)
        except NotEvaluated as exc:
            problem = f"where it writes cannot be told: {exc.reason}"
        except NeedsFrame:
            problem = "where it writes is reckoned from the frame"
        return SceneStep(
            node.path, (Output(ask.output_path(node, attribute, value), kind),), enabled=not node.bypassed, problem=problem
        )
    return SceneStep(node.path, (), enabled=not node.bypassed, problem="it names no file to write")


def _in_render_network(node: HipNode, network: Network) -> bool:
    if node.parent == "/out":
        return True
    parent = network.nodes.get(node.parent)
    return parent is not None and parent.type.rpartition("::")[2] in _RENDER_NETWORKS
