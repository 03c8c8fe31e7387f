"""What a reader keeps of a Maya scene, in text or binary, and which nodes are worth keeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.node import is_known
from conductor_core.report import Unresolved

#: the nodes that every scene has without creating them, and their types
DEFAULT_NODES: Mapping[str, str] = {
    "defaultRenderGlobals": "renderGlobals",
    "defaultResolution": "resolution",
    "defaultColorMgtGlobals": "colorManagementGlobals",
    "defaultRenderLayer": "renderLayer",
    "defaultRenderQuality": "renderQuality",
    "defaultHardwareRenderGlobals": "defaultHardwareRenderGlobals",
    "hardwareRenderGlobals": "hwRenderGlobals",
    "hardwareRenderingGlobals": "hardwareRenderingGlobals",
    "dynController1": "dynController",
    "dynGlobals1": "dynGlobals",
    "time1": "time",
    "vraySettings": "VRaySettingsNode",
    "redshiftOptions": "RedshiftOptions",
    "defaultArnoldDriver": "aiAOVDriver",
    "defaultArnoldRenderOptions": "aiOptions",
}
#: how the script node is called that only lays out Maya's windows; it is the largest text of most scenes
LAYOUT = "uiConfigurationScriptNode"
#: types that name no files, but tell layers, cameras and the frames of others
STRUCTURE = frozenset(
    {"camera", "renderLayer", "renderSetupLayer", "expression", "time", "renderGlobals", "resolution", "aiAOVDriver"}
    | {"VRaySettingsNode", "RedshiftOptions", "rmanGlobals"}
)
#: types that are simulated, which Maya runs up to a frame: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/
SIMULATED = frozenset(
    (
        *(
            "nucleus",
            "nCloth",
            "nRigid",
            "nParticle",
            "particle",
            "hairSystem",
            "fluidShape",
            "rigidSolver",
            "rigidBody",
            "jiggle",
        ),
        *("bifrostGraphShape", "bifrostBoard", "bifShape", "bifrostLiquidContainer", "bifrostAeroContainer", "bulletSolverShape"),
        *("MASH_Dynamics", "MASH_BulletSolver", "MASH_Trails", "MASH_Delay", "BossWaveSolver", "BossSpectralWave", "snapshot"),
    )
)
#: types of which each scene has one, and a scene that is referred to brings none
SETTINGS = frozenset(
    {
        "renderGlobals",
        "resolution",
        "colorManagementGlobals",
        "hwRenderGlobals",
        "defaultHardwareRenderGlobals",
        "VRaySettingsNode",
    }
    | {"RedshiftOptions", "rmanGlobals", "rmanBakingGlobals", "aiOptions", "coronaGlobals", "indigoGlobals", "appleseedGlobals"}
    | {"mentalrayOptions", "mentalrayGlobals", "dynGlobals", "RenderMan", "PBRTRenderSettings", "time"}
)


@dataclass(frozen=True, slots=True)
class MayaReference:
    """A scene that this one refers to."""

    path: str
    #: name of its reference node
    name: str
    #: 1: of this scene itself, 2: of a scene that it refers to, …
    depth: int
    #: not loaded when the scene is opened, until a script or a layer asks for it
    deferred: bool = False


@dataclass(slots=True)
class MayaScene:
    """A scene as far as files go."""

    nodes: list[MayaNode] = field(default_factory=list)
    references: list[MayaReference] = field(default_factory=list)
    #: `application`, `version`, `cutIdentifier`, …
    file_info: dict[str, str] = field(default_factory=dict)
    #: of `requires maya "2024"`
    version: str = ""
    #: plug-in → its version
    plugins: dict[str, str] = field(default_factory=dict)
    #: node type → the plug-in that brings it
    plugin_types: dict[str, str] = field(default_factory=dict)
    #: rules of `workspace` statements in the scene itself
    rules: dict[str, str] = field(default_factory=dict)
    #: overridden attributes of nodes in referenced scenes: node, attribute, text
    edits: list[tuple[str, str, str]] = field(default_factory=list)
    #: whether times are in the file as frames: in binary files they are not
    times_known: bool = True
    #: where the file could not be read, and why
    damage: list[Unresolved] = field(default_factory=list)

    def add(self, node: MayaNode) -> bool:
        """Keep a node, if anything in it can matter; tell whether it was kept."""
        kept = (
            node.type in STRUCTURE
            or node.type in SIMULATED
            or is_known("maya", node.type)
            or any(map(_may_matter, node.values.values()))
        )
        if kept:
            self.nodes.append(node)
        return kept

    def of_type(self, *types: str) -> list[MayaNode]:
        """Return the nodes of some types."""
        return [node for node in self.nodes if node.type in types]

    def named(self, name: str) -> MayaNode | None:
        """Return the node of a name; None where there is none, or it was not kept."""
        name = name.lstrip(":")
        return next((node for node in self.nodes if node.name == name), None)


def default_type(name: str) -> str:
    """Return the type of a node that Maya or a renderer makes by itself; "" where it is none."""
    return DEFAULT_NODES.get(name.lstrip(":"), "")


def may_hold_path(text: str) -> bool:
    """Tell, quickly, whether a text could name a file at all."""
    return "/" in text or "." in text or "\\" in text


def _may_matter(values: tuple[str, ...]) -> bool:
    return any(map(may_hold_path, values))
