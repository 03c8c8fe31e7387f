"""Solaris: nodes that read and write USD layers, and the renders of a stage."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node

_LOP = "https://www.sidefx.com/docs/houdini/nodes/lop/"
_ROWS: tuple[tuple[str, tuple[str, ...], Kind], ...] = (
    ("sublayer", ("filepath#",), "layer"),
    ("reference", ("filepath#", "filepath"), "layer"),
    ("payload", ("filepath#", "filepath"), "layer"),
    ("assetreference", ("filepath",), "layer"),
    ("loadlayer", ("filepath",), "layer"),
    ("loadlayerforediting", ("filepath",), "layer"),
    ("stagemanager", ("filepath#", "reffilepath#"), "layer"),
    ("explorevariants", ("filepath",), "layer"),
    ("instancer", ("filepath#", "protofilepath#"), "layer"),
    ("layout", ("assetfile#", "filepath#"), "layer"),
    ("layoutassetgallery", ("filepath#",), "layer"),
    ("componentgeometry", ("sourcefile", "sourcereference", "sourceusdref"), "layer"),
    ("valueclip", ("manifestfile", "topologyfile#", "clipfile#", "manifestfile#", "topologyfile"), "layer"),
    ("geoclipsequence", ("filename", "clipfile"), "layer"),
    ("volume", ("filepath#", "fieldfilepath#", "filepath"), "volume"),
    ("openvdb", ("filepath", "filepath#"), "volume"),
    ("usdstitchclips", ("infile#",), "layer"),
    ("usdstitch", ("infile#",), "layer"),
    ("materialx", ("filepath", "filename"), "material"),
    ("domelight", ("xn__inputstexturefile_r3ah",), "texture"),
    ("backgroundplate", ("filename", "image"), "image"),
    ("configurestage", ("resolvercontextassetpath",), "layer"),
    ("fbxcharacterimport", ("fbxfile",), "geometry"),
)
_OUTPUTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("configurelayer", ("savepath",)),
    ("usd_rop", ("lopoutput",)),
    ("usd", ("lopoutput",)),
    ("usdexport", ("lopoutput",)),
    ("usdrender", ("outputimage", "lopoutput")),
    ("usdrender_rop", ("outputimage", "lopoutput")),
    ("usdstitchclips", ("outtemplatefile#", "outfile#")),
    ("usdstitch", ("outfile", "outfile#")),
    ("karmarendersettings", ("picture",)),
    ("karmarenderproperties", ("picture",)),
    ("renderproduct", ("productName", "productname")),
    ("componentoutput", ("lopoutput", "filename", "thumbnailfile")),
    ("sopcreate", ("savepath",)),
    ("sopimport", ("savepath",)),
    ("sceneimport", ("savepath",)),
)
for _type, _attributes, _kind in _ROWS:
    files("houdini", _type, *_attributes, kind=_kind, source=f"{_LOP}{_type}.html")
for _type, _attributes in _OUTPUTS:
    files("houdini", _type, *_attributes, kind="other", role="write", source=f"{_LOP}{_type}.html")


@reads_node("houdini", "usdrender_rop", "usdrender", source=_LOP + "usdrender_rop.html")
def husk_layers(node: Node, ask: Ask) -> Iterator[Finding]:
    """The layer that husk is given is temporary unless it is kept; snapshots are written."""
    yield from ask.write(node, "husk_snapshotfile")
