"""Node types of Maya and of the plug-ins that scenes use: what each stands on, its attributes with both names and their defaults.

From the vendors' node pages (https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/Nodes/index_hierarchy.html; Arnold:
https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_maya_user_guide; maya-usd: https://github.com/Autodesk/maya-usd; others by
the names in scenes that they saved), written without a look at the product's tables. An attribute that is not here is known by the
name that a scene's file has for it, as an attribute of an unlisted plug-in would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a type."""

    long: str
    short: str
    #: as `getAttr(type=True)` tells it; `filename` is a string that is used as a file's name
    kind: str
    default: object = None
    multi: bool = False


@dataclass(frozen=True, slots=True)
class NodeType:
    """A type of node."""

    name: str
    parent: str
    attributes: tuple[Attribute, ...]
    #: of the plug-in that brings it; "": Maya itself
    plugin: str = ""


_DEFAULTS: dict[str, object] = {
    "bool": False,
    "long": 0,
    "short": 0,
    "enum": 0,
    "double": 0.0,
    "time": 0.0,
    "double3": (0.0, 0.0, 0.0),
}
_NUMBERS = {"bool", "long", "short", "enum", "double", "float", "time"}

_TYPES = """
dependNode - | caching cch bool; isHistoricallyInteresting ihi long 2; nodeState nds enum; frozen fzn bool; message msg message
entity dependNode |
dagNode entity | visibility v bool 1; template tmp bool; intermediateObject io bool; lodVisibility lodv bool 1; drawOverride do compound; overrideEnabled ove bool; instObjGroups iog compound[]; renderLayerInfo rlio compound[]
transform dagNode | translate t double3; rotate r double3; scale s double3; rotatePivot rp double3; scalePivot sp double3
joint transform | bindPose bps matrix
shape dagNode |
geometryShape shape | receiveShadows rcsh bool 1; castsShadows csh bool 1
camera shape | renderable rnd bool 1; focalLength fl double 35; cameraAperture cap double2; orthographic o bool; centerOfInterest coi double 5; orthographicWidth ow double 10; imageName imn string; depthName den string; maskName man string; homeCommand hc string; startupCamera sc bool; imagePlane ip message[]; mask m bool 1; depth d bool
stereoRigCamera camera |
deformableShape geometryShape |
surfaceShape deformableShape |
mesh surfaceShape | outMesh o mesh; inMesh i mesh
nurbsCurve deformableShape | create cr nurbsCurve
nurbsSurface surfaceShape |
light shape | intensity de double 1
directionalLight light |
pointLight light |
spotLight light |
areaLight light |
ambientLight light |
locator geometryShape |
imagePlane shape | type t enum; imageName imn filename; useFrameExtension ufe bool; frameExtension fe long; frameOffset fo long; frameIn fin long 1; frameOut fot long 10; displayMode dm enum 3; sourceTexture stx message; colorSpace cs string; colorManagementConfigFilePath cmcp string; colorManagementConfigFileEnabled cmcf bool; colorManagementEnabled cme bool
gpuCache surfaceShape gpuCache | cacheFileName cfn filename; cacheGeomPath cmp string |
texture2d shadingDependNode | uvCoord uv float2; alphaIsLuminance ail bool; invert iv bool
shadingDependNode dependNode |
file texture2d | fileTextureName ftn filename; fileTextureNamePattern ftnp string; computedFileTextureNamePattern cfnp string; disableFileLoad dfl bool; useFrameExtension ufe bool; frameExtension fe long; frameOffset fo long; useHardwareTextureCycling htc bool; startCycleExtension hcs long 1; endCycleExtension hce long 1; byCycleIncrement bci long 1; uvTilingMode uvt enum; explicitUvTiles euvt compound[]; explicitUvTileName eutn filename; explicitUvTilePosition eutp float2; baseExplicitUvTilePosition butp float2; filterType ft enum 3; colorSpace cs string sRGB; ignoreColorSpaceFileRules ifr bool; colorManagementConfigFilePath cmcp string; colorManagementConfigFileEnabled cmcf bool; colorManagementEnabled cme bool; workingSpace ws string
psdFileTex file | layerSetName lsn string; alpha alp string
movie file |
substance texture2d substance | package p filename
place2dTexture shadingDependNode |
shadingEngine objectSet | surfaceShader ss message; renderableOnlySet ro bool
objectSet entity | memberWireframeColor mwc short; dagSetMembers dsm message[]
partition entity |
lambert shadingDependNode | color c double3
blinn lambert |
phong lambert |
surfaceShader shadingDependNode |
standardSurface shadingDependNode |
dx11Shader shadingDependNode dx11Shader | shader s filename; technique te string
GLSLShader shadingDependNode glslShader | shader s filename; technique te string
cgfxShader shadingDependNode cgfxShader | shader s filename
ShaderfxShader shadingDependNode shaderFXPlugin | graph graph filename
StingrayPBS ShaderfxShader shaderFXPlugin |
audio dependNode | filename f filename; offset o time; sourceStart ss time; sourceEnd se time; endFrame ef time; silence si double; mute m bool
cacheBase dependNode |
cacheFile cacheBase | cachePath cp filename; cacheName cn string; startFrame ct time; sourceStart ss time; sourceEnd se time; enable en bool 1; displayLoad dl bool
diskCache dependNode | cacheName cn filename; hiddenCacheName hcn string; enable e bool 1; startTime st time; endTime et time; cacheType ct string; copyLocally cl bool
AlembicNode dependNode AbcImport | abc_File fn filename; abc_layerFiles fns filename; time tim time; offset off double; speed sp double 1; startFrame sf time; endFrame ef time; cycleType cyt enum
BlendShape dependNode |
reference dependNode | fileNames fn filename[]; edits ed compound; multiParentList mpl message[]; proxyTag ptag string; associatedNode asn message[]; unknownReference ur message
script dependNode | before b string; after a string; scriptType st enum; sourceType stp enum
expression dependNode | expression exp string; internalExpression ixp string; object obj message; time tim time; animated ani long 1; input in double[]; output out double[]
time dependNode | outTime o time; unwarpedTime unw time
renderGlobals dependNode | macCodec mcfr long; macDepth msc long; macQual mcqu long; resolution res message; quality qual message; renderAll ra bool 1; ignoreFilmGate ifg bool 1; gammaCorrection gama double 1; byFrameStep byf double 1; byFrame be double 1; byExtension bys double 1; animation an bool; animationRange ar enum; startFrame fs time 1; endFrame ef time 10; startExtension se double; extensionPadding ep long 1; modifyExtension me bool; skipExistingFrames sef bool; fieldExtControl fec enum; outFormatControl ofc enum; outFormatExt ofe string; putFrameBeforeExt pff bool; periodInExt peie enum 1; useMayaFileName umfn bool; useFrameExt ufe bool; imageFormat outf long 7; imfPluginKey imfkey string; imageFilePrefix ifp string; renderVersion rv string; currentRenderer ren string mayaSoftware; composite comp bool; preMel pram string; postMel poam string; preRenderLayerMel prlm string; postRenderLayerMel polm string; preRenderMel prm string; postRenderMel pom string; renderLayerEnable rlen bool; bufferName bfnm string; defaultRenderLayer drl message; mayaFilter mft enum; exrCompression exrc long; exrPixelType expt long; createIprFile cif bool; renderedOutput ro message
resolution dependNode | width w long 960; height h long 540; deviceAspectRatio dar double 1.7777777; pixelAspect pa double 1; dotsPerInch dpi double 72; lockDeviceAspectRatio ldar bool; aspectLock al bool
renderQuality dependNode | edgeAntiAliasing eaa enum
renderLayerManager dependNode | currentRenderLayer crl message; renderLayerId rlmi message[]
renderLayer dependNode | global g bool; renderable rndr bool 1; displayOrder do long; adjustments adjs compound[]; plug plg double; value val double; identification rlid long; enabled e bool 1
renderSetup dependNode renderSetup.py | message msg message
renderSetupLayer dependNode renderSetup.py | layerEnabled len bool 1; itemEnabled ien bool 1; parentNumIsolatedChildren pic long; isolateSelected isd bool
collection dependNode renderSetup.py | selfEnabled sfe bool 1
renderSettingsCollection collection renderSetup.py |
override dependNode renderSetup.py | enabled en bool 1; attribute atr string; targetNodeName tgn string
absOverride override renderSetup.py | attrValue atv double
absUniqueOverride absOverride renderSetup.py |
displayLayer dependNode | displayOrder do long
displayLayerManager dependNode |
lightLinker dependNode |
colorManagementGlobals dependNode | cmEnabled cme bool 1; configFileEnabled cfe bool; configFilePath cfp string; viewTransformName vtn string; viewName vn string; displayName dn string; workingSpaceName wsn string; outputTransformName otn string; playblastOutputTransformName potn string
hwRenderGlobals dependNode | filename fn string
hardwareRenderGlobals dependNode |
hardwareRenderingGlobals dependNode | objectTypeFilterNameArray otfna stringArray; objectTypeFilterValueArray otfva Int32Array
sequenceManager dependNode |
viewColorManager dependNode | lutFile lut filename
hyperLayout dependNode | imageName img filename
hyperView dependNode |
container dependNode | templatePath tp string; iconName icn string
unknown dependNode |
unknownDag shape |
unknownTransform transform |
groupId dependNode | groupId id long
dynGlobals dependNode | cacheDirectory cd string
particle deformableShape |
nucleus transform |
mayaUsdProxyShapeBase surfaceShape mayaUsdPlugin | filePath fp filename; primPath pp string; excludePrimPaths epp string; time tm time; loadPayloads lpl bool 1; complexity cplx long
mayaUsdProxyShape mayaUsdProxyShapeBase mayaUsdPlugin | shareStage ss bool 1
mayaUsdLayerManager dependNode mayaUsdPlugin | layers lyr compound[]; identifier id string; serialized szd string; anonymous ann bool
pxrUsdProxyShape mayaUsdProxyShapeBase pxrUsd |
pxrUsdReferenceAssembly transform pxrUsd | filePath fp filename; primPath pp string
AL_usdmaya_ProxyShape mayaUsdProxyShapeBase AL_USDMayaPlugin |
bifrostGraphShape surfaceShape bifrostGraph |
xgmPalette transform xgenToolkit | xgFileName xfn string
xgmSplineCache dependNode xgenToolkit | fileName fn filename
pgYetiMaya surfaceShape pgYetiMaya | cacheFileName cfn string; imageSearchPath isp string; outputCacheFileName ocfn string
MASH_Waiter dependNode MASH |
MASH_Audio dependNode MASH | filename filename filename
MASH_Placer dependNode MASH |
aiOptions dependNode mtoa | drivers drivers message[]; driver drvr message; filter filt message; log_filename log_filename string; texture_searchpath tspath string; procedural_searchpath pspath string; plugin_searchpath pluginspath string; operator operator message; renderDevice render_device enum; AASamples AA_samples long 3; version version string; imageFormat arnoldRenderImageFormat string; renderType arnoldRenderType enum; exportAllShadingGroups ex_all_sg bool; outputAssBoundingBox oABB bool; autotx autotx bool 1; abortOnLicenseFail alf bool; log_to_console ltc bool; log_verbosity logv enum 1
aiAOVDriver dependNode mtoa | aiTranslator ai_translator string exr; prefix prefix string; outputMode outputMode enum 2; mergeAOVs mergeAOVs bool; exrCompression exrCompression enum 3; tiled exrTiled bool
aiAOVFilter dependNode mtoa | aiTranslator ai_translator string gaussian
aiAOV dependNode mtoa | name aovn string; enabled aoven bool 1; type aovt enum 5; prefix prefix string; outputs outputs compound[]
aiImage shadingDependNode mtoa | filename filename filename; colorSpace color_space string; autoTx autotx bool 1; ignoreMissingTextures ignore_missing_textures bool; useFrameExtension ufe bool; frame frame long
aiStandIn surfaceShape mtoa | dso dso filename; mode mode enum; useFrameExtension useFrameExtension bool; frameNumber frameNumber double; frameOffset frameOffset double; useSubFrame useSubFrame bool; overrideNodes override_nodes bool
aiVolume surfaceShape mtoa | filename filename filename; grids grids string; frame frame string; disableFrame disableFrame bool; type type enum
aiPhotometricLight light mtoa | aiFilename filename filename
aiSkyDomeLight light mtoa | color sc double3; format format enum
aiMaterialX dependNode mtoa | filename filename filename
aiIncludeGraph dependNode mtoa | filename filename filename
VRaySettingsNode dependNode vrayformaya | fileNamePrefix fnprx string; imageFormatStr imgfs string; animType animt enum; vrscene_filename vrscfn string; vrscene_on vrscon bool; gi_imap_filename imfn string; autoSave asv bool; startFrame sf double 1; fileNamePadding fnpad long 4; animFrames anfrms string; vrscene_render_on vrscren bool 1; sys_distributed_rendering_on sdron bool; dontSaveImage dsi bool; sys_message_level sml enum 3
VRayLightIESShape light vrayformaya | iesFile iesFile filename
VRayMesh dependNode vrayformaya | fileName fileName filename; fileName2 fn2 filename
VRayProxy dependNode vrayformaya | fileName fn filename
VRayVolumeGrid dependNode vrayformaya | inFile inFile filename; inPath inPath filename
VRayPluginNodeTex dependNode vrayformaya |
RedshiftOptions dependNode redshift4maya | imageFilePrefix imageFilePrefix string; imageFormat imageFormat enum 1; abortOnLicenseFail abortOnLicenseFail bool; primaryGIEngine primaryGIEngine enum; aovEnableDeepOutput aovEnableDeepOutput bool; irradianceCacheFilename irradianceCacheFilename filename; irradiancePointCloudFilename irradiancePointCloudFilename filename; photonFilename photonFilename filename
RedshiftProxyMesh dependNode redshift4maya | fileName fn filename; useFrameExtension ufe bool; frameExtension fe long; frameOffset fo long
RedshiftVolumeShape surfaceShape redshift4maya | fileName fn filename; useFrameExtension ufe bool
RedshiftDomeLight light redshift4maya | tex0 tex0 filename; tex1 tex1 filename
RedshiftIESLight light redshift4maya | profile profile filename
RedshiftNormalMap shadingDependNode redshift4maya | tex0 tex0 filename
RedshiftSprite shadingDependNode redshift4maya | tex0 tex0 filename
rmanGlobals dependNode RenderMan_for_Maya.py | imageFileFormat imageFileFormat string; imageOutputDir imageOutputDir string; ribFileFormat ribFileFormat string; ribOutputDir ribOutputDir string
PxrTexture shadingDependNode RenderMan_for_Maya.py | filename filename filename; atlasStyle atlasStyle enum
PxrDomeLight light RenderMan_for_Maya.py | lightColorMap lightColorMap filename
PxrRectLight light RenderMan_for_Maya.py | lightColorMap lightColorMap filename; iesProfile iesProfile filename
PxrDiskLight light RenderMan_for_Maya.py | iesProfile iesProfile filename
PxrSphereLight light RenderMan_for_Maya.py | iesProfile iesProfile filename
CoronaLight light mayaToCorona_maya2015 | iesProfile iesProfile filename
inDiffuse shadingDependNode mayatoindigo_maya2015 | iesProfile iesProfile filename
indigoGlobals dependNode mayatoindigo_maya2015 | tone_cameraResponse_function_path tone_cameraResponse_function_path filename
coronaGlobals dependNode mayaToCorona_maya2015 |
appleseedGlobals dependNode mayatoappleseed |
PBRTRenderSettings dependNode PBRTForMaya.py |
"""

#: nodes that every scene has without creating them (https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/Commands/ls.html, defaultNodes)
DEFAULT_NODES = {
    "time1": "time",
    "sequenceManager1": "sequenceManager",
    "hardwareRenderingGlobals": "hardwareRenderingGlobals",
    "renderPartition": "partition",
    "renderGlobalsList1": "renderGlobalsList",
    "defaultLightList1": "defaultLightList",
    "defaultShaderList1": "defaultShaderList",
    "postProcessList1": "postProcessList",
    "defaultRenderUtilityList1": "defaultRenderUtilityList",
    "defaultRenderingList1": "defaultRenderingList",
    "lightList1": "lightList",
    "defaultTextureList1": "defaultTextureList",
    "lambert1": "lambert",
    "standardSurface1": "standardSurface",
    "particleCloud1": "particleCloud",
    "initialShadingGroup": "shadingEngine",
    "initialParticleSE": "shadingEngine",
    "initialMaterialInfo": "materialInfo",
    "shaderGlow1": "shaderGlow",
    "dof1": "dof",
    "defaultRenderGlobals": "renderGlobals",
    "defaultRenderQuality": "renderQuality",
    "defaultResolution": "resolution",
    "defaultLightSet": "objectSet",
    "defaultObjectSet": "objectSet",
    "defaultViewColorManager": "viewColorManager",
    "defaultColorMgtGlobals": "colorManagementGlobals",
    "hardwareRenderGlobals": "hardwareRenderGlobals",
    "characterPartition": "partition",
    "defaultHardwareRenderGlobals": "hwRenderGlobals",
    "ikSystem": "ikSystem",
    "hyperGraphInfo": "hyperGraphInfo",
    "hyperGraphLayout": "hyperLayout",
    "globalCacheControl": "globalCacheControl",
    "strokeGlobals": "strokeGlobals",
    "dynController1": "dynController",
    "lightLinker1": "lightLinker",
    "layerManager": "displayLayerManager",
    "defaultLayer": "displayLayer",
    "renderLayerManager": "renderLayerManager",
    "defaultRenderLayer": "renderLayer",
}
#: those of them that a new scene creates as nodes of its own, which its file has
CREATED = ("lightLinker1", "layerManager", "defaultLayer", "renderLayerManager", "defaultRenderLayer")
CAMERAS = ("persp", "top", "front", "side")

#: the four letters of a type in binary files, as scenes have them beside their text twins
TAGS = {
    "XFRM": "transform",
    "DCAM": "camera",
    "DMSH": "mesh",
    "RTFT": "file",
    "RLLK": "lightLinker",
    "DPLM": "displayLayerManager",
    "DSPL": "displayLayer",
    "RNLM": "renderLayerManager",
    "RNDL": "renderLayer",
    "SCRP": "script",
    "REFN": "reference",
    "JOIN": "joint",
    "NCRV": "nurbsCurve",
    "RADI": "displacementShader",
    "RLAM": "lambert",
    "RBLN": "blinn",
    "SHAD": "shadingEngine",
    "DPIM": "imagePlane",
    "AUDI": "audio",
    "DEXP": "expression",
    "PTOR": "polyTorus",
    "PCUB": "polyCube",
    "OBST": "objectSet",
    "GPID": "groupId",
    "GRPP": "groupParts",
    "SDML": "shapeEditorManager",
    "PSDM": "poseInterpolatorManager",
    "\0\x11\\\0": "aiOptions",
    "\0\x11\\\x03": "aiAOVDriver",
    "\0\x11\\\x04": "aiAOVFilter",
}


#: compound attributes, by type and name, with what is in them
CHILDREN = {
    ("renderLayer", "adjustments"): ("plug", "value"),
    ("file", "explicitUvTiles"): ("explicitUvTileName", "explicitUvTilePosition"),
    ("mayaUsdLayerManager", "layers"): ("identifier", "serialized", "anonymous"),
}


@lru_cache
def types() -> dict[str, NodeType]:
    """Return the types by name."""
    found = {}
    for line in _TYPES.strip().splitlines():
        head, _, rest = line.partition("|")
        name, parent, *plugin = head.split()
        rows = [row.split() for row in rest.replace("|", "").split(";") if row.strip()]
        own = tuple(_attribute(*row) for row in rows)
        found[name] = NodeType(name, "" if parent == "-" else parent, own, plugin[0] if plugin else "")
    return found


def node_type(name: str) -> NodeType:
    """Return a type; one that is not listed stands on dependNode."""
    return types().get(name) or NodeType(name, "dependNode", ())


@lru_cache
def inherited(name: str) -> tuple[str, ...]:
    """Return the names of what a type stands on, the most general first and itself last."""
    chain = [name]
    while parent := node_type(chain[-1]).parent:
        chain.append(parent)
    return tuple(reversed(chain))


@lru_cache
def attributes(name: str) -> dict[str, Attribute]:
    """Return the attributes of a type by long name, those of what it stands on first."""
    return {a.long: a for base in inherited(name) for a in node_type(base).attributes}


@lru_cache
def by_any_name(name: str) -> dict[str, Attribute]:
    """Return the attributes of a type by long and by short name; where two share a name, the type's own has it."""
    found: dict[str, Attribute] = {}
    for attribute in attributes(name).values():
        found[attribute.short] = attribute
    for attribute in attributes(name).values():
        found[attribute.long] = attribute
    return found


def _attribute(long: str, short: str, kind: str, default: str = "") -> Attribute:
    multi = kind.endswith("[]")
    kind = kind.removesuffix("[]")
    value: object = _DEFAULTS.get(kind)
    if default:
        number = float(default) if kind in _NUMBERS else default
        value = bool(number) if kind == "bool" else int(number) if isinstance(value, int) and kind != "bool" else number
    elif kind == "filename":
        value = ""
    return Attribute(long, short, kind, value, multi)
