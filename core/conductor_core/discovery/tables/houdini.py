"""Houdini's own node types: geometry, channels, images, simulations, objects, PDG; rules that need a look at switches.

A type is written without its version; one with a namespace is looked for with it first, then without.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, reads_node
from conductor_core.discovery.reach import Frames, Reach

#: frames of a clip; a longer one is taken as it comes
_LONGEST_CLIP = 100_000
_NODES = "https://www.sidefx.com/docs/houdini/nodes/"

_KINDS: dict[str, Kind] = {
    ".abc": "cache", ".sim": "cache", ".simdata": "cache", ".mdd": "cache", ".pc2": "cache", ".bclip": "cache", ".clip": "cache",
    ".bchan": "cache", ".chan": "cache", ".bhclassic": "cache", ".hclassic": "cache",
    ".vdb": "volume", ".usd": "layer", ".usda": "layer", ".usdc": "layer", ".usdz": "layer", ".usdnc": "layer", ".usdlc": "layer",
    ".wav": "sound", ".aif": "sound", ".aiff": "sound", ".mp3": "sound", ".ies": "profile", ".osl": "shader", ".oso": "shader",
    ".ass": "procedural", ".rs": "proxy", ".vrmesh": "proxy", ".vrscene": "procedural", ".rib": "procedural", ".ifd": "procedural",
    ".json": "data", ".csv": "data", ".xml": "data", ".txt": "text", ".ttf": "font", ".otf": "font", ".pfa": "font", ".pfb": "font",
    ".mtlx": "material", ".hip": "scene", ".hiplc": "scene", ".hipnc": "scene", ".hda": "library", ".otl": "library",
    ".mov": "movie", ".mp4": "movie", ".avi": "movie", ".py": "script", ".cmd": "script", ".lut": "lut", ".cube": "lut", ".ocio": "ocio",
    ".exr": "texture", ".rat": "texture", ".tex": "texture", ".tx": "texture", ".png": "texture", ".jpg": "texture",
    ".jpeg": "texture", ".tif": "texture", ".tiff": "texture", ".tga": "texture", ".hdr": "texture", ".pic": "texture",
    ".psd": "texture", ".dpx": "texture", ".bmp": "texture", ".ptx": "texture", ".ptex": "texture", ".rstexbin": "texture",
    ".obj": "geometry", ".fbx": "geometry", ".ply": "geometry", ".stl": "geometry", ".bgeo": "geometry", ".sc": "geometry",
    ".geo": "geometry", ".gltf": "geometry", ".glb": "geometry", ".bvh": "cache", ".las": "geometry", ".laz": "geometry",
}  # fmt: skip


def kind_of(path: str, otherwise: Kind = "other") -> Kind:
    """Return the kind of file that a name's ending says."""
    return _KINDS.get(os.path.splitext(path.strip())[1].lower(), otherwise)


@reads_node("houdini", "file", source=_NODES + "sop/file.html")
def file_node(node: Node, ask: Ask) -> Iterator[Finding]:
    """File SOP, DOP, CHOP and COP: File Mode says whether it reads, writes or does nothing."""
    mode = node.text("filemode")
    if "missingfr" in node.attributes():
        yield from ask.read(node, "filename", kind_of(node.text("filename"), "image"), reach=_clip(node, ask))
    for attribute in ("file", "filename", "filename1"):
        if mode in ("write", "2"):
            yield from ask.write(node, attribute)
        elif mode in ("none", "3"):
            yield from ask.ignore(node, attribute, "the node's File Mode is No Operation")
        else:
            yield from ask.read(node, attribute, kind_of(node.text(attribute), "geometry"))


def _clip(node: Node, ask: Ask) -> Reach | None:
    """A File COP shows the frames from its start on, as many as its length says; before and after it may hold the ends."""
    first, length = int(node.number("startframe")), int(node.number("length"))
    if not 0 < length <= _LONGEST_CLIP or node.number("singleimage"):
        return None
    frames = ask.survey.frames
    own = range(first, first + length)
    return Frames(tuple(own) if frames is None else tuple(dict.fromkeys(min(max(f, own[0]), own[-1]) for f in frames)))


@reads_node("houdini", "dopio", "rop_geometry", source=_NODES + "sop/dopio.html")
def file_or_cache(node: Node, ask: Ask) -> Iterator[Finding]:
    """Nodes that write a cache and read it when Load from Disk is on."""
    for attribute in ("file", "sopoutput"):
        yield from _cached(node, ask, attribute)


@reads_node(
    "houdini", "filecache", "labs::filecache", "vellumio", "rbdio", "kinefx::characterio", source=_NODES + "sop/filecache.html"
)
def file_cache(node: Node, ask: Ask) -> Iterator[Finding]:
    """File Cache and its kin: the path is `file`, or made of folder, name and version (`cachedir`, `cachename`)."""
    names = set(node.attributes())
    if constructs_path(node):
        made = next((a for a in ("cachename", "sopoutput", "basename") if a in names), "file")
        if node.number("loadfromdisk"):
            yield from ask.read(node, made, "cache", text=constructed_path(node))
        else:
            yield from ask.write(node, made)
        yield from ask.ignore(node, "file", "the node makes its path from folder, name and version")
        unused = "a part of the path that the node makes"
    else:
        yield from _cached(node, ask, "file")
        unused = "the node's File Method is Explicit"
    for attribute in ("basename", "basedir", "cachedir", "cachename", "sopoutput", "descriptivelabel"):
        list(ask.ignore(node, attribute, unused))


def constructs_path(node: Node) -> bool:
    """Tell whether a File Cache makes its path of folder, name and version."""
    names = set(node.attributes())
    # a node that was not loaded whole has no `filemethod`, and makes its path as a new one does
    explicit = node.text("filemethod") in ("explicit", "1") if "filemethod" in names else "file" in names
    return not explicit and bool(names & {"filemethod", "basedir", "basename"})


def constructed_path(node: Node) -> str:
    """Return the path that a File Cache makes, as its parameters `cachedir`, `cachename` and `framestr` reckon it."""
    name, ending = '`chs("basename")`', '`chs("filetype")`'
    version = 'v`chs("version")`' if node.number("enableversion", 1.0) else ""
    folder = f'`chs("basedir")`/{name}' + (f"/{version}" if version else "")
    # of sub-frames only Houdini knows the names; the whole frames are among them
    frame = ".$F4" if node.number("timedependent", 1.0) else ""
    return f"{folder}/{name}" + (f"_{version}" if version else "") + frame + ending


def _cached(node: Node, ask: Ask, attribute: str) -> Iterator[Finding]:
    if node.number("loadfromdisk"):
        yield from ask.read(node, attribute, kind_of(node.text(attribute), "cache"))
    else:
        yield from ask.write(node, attribute)


@reads_node("houdini", "filemerge", source=_NODES + "sop/filemerge.html")
def file_merge(node: Node, ask: Ask) -> Iterator[Finding]:
    """File Merge reads its file for each number of its range, which its own variable stands for."""
    name = node.text("merge_var") or "MERGE"
    text = node.text("file")
    for variable in (f"${{{name}}}", f"${name}"):
        text = text.replace(variable, "*")
    yield from ask.read(node, "file", kind_of(node.text("file"), "geometry"), text=text)


@reads_node("houdini", "dopnet", source=_NODES + "obj/dopnet.html")
def dop_network(node: Node, ask: Ask) -> Iterator[Finding]:
    """DOP networks: a recorded simulation is read when Is Player is on, a checkpoint when it is asked for."""
    for attribute, switch in (("playfilesname", "isplayer"), ("explicitcachename", "explicitcache")):
        if node.number(switch):
            yield from ask.read(node, attribute, "cache")
        else:
            yield from ask.ignore(node, attribute, f"a default that is not in use: {switch} is off")


@reads_node("houdini", "scatter", "visualize_uvs", "labs::visualize_uvs", source=_NODES + "sop/scatter.html")
def density_texture(node: Node, ask: Ask) -> Iterator[Finding]:
    """Scatter: the texture counts when Density Texture is on."""
    for attribute, switch in (("densitytexture", "usedensitytexture"), ("grid_texture", "")):
        if switch in node.attributes() and not node.number(switch):
            yield from ask.ignore(node, attribute, f"{switch} is off")
        else:
            yield from ask.read(node, attribute, "texture")


@reads_node("houdini", "font", source=_NODES + "sop/font.html")
def font(node: Node, ask: Ask) -> Iterator[Finding]:
    """Font SOP: `file` is a font; Font COP: `file` is a text when Text Source says so, else a font."""
    if "usefile" in node.attributes() and not node.number("usefile"):
        yield from ask.ignore(node, "file", "usefile is off: the text is typed in")
    for attribute in ("file", "font"):
        if "." in node.text(attribute):
            yield from ask.read(node, attribute, kind_of(node.text(attribute), "font"))
        else:
            yield from ask.ignore(node, attribute, "a font's name: the font must be installed where it renders")
    list(ask.ignore(node, "text", "text that is drawn"))


@reads_node("houdini", "*", source="https://www.sidefx.com/docs/houdini/props/")
def any_node(node: Node, ask: Ask) -> Iterator[Finding]:
    """What many types have: programs that ship with Houdini, folders of farms, text that is never a file."""
    names = set(node.attributes())
    if "soho_program" in names:
        program = node.text("soho_program")
        if "/" in program or "\\" in program:
            yield from ask.read(node, "soho_program", "script")
        else:
            yield from ask.ignore(node, "soho_program", "ships with Houdini")
    if "filemethod" in names and "loadfromdisk" in names:
        yield from file_cache(node, ask)
    elif "loadfromdisk" in names:
        yield from file_or_cache(node, ask)
    for attribute in sorted(names & _SCRIPTS):
        yield from _script(node, attribute, ask)
    for attribute in names & _NO_FILES.keys():
        yield from ask.ignore(node, attribute, _NO_FILES[attribute])
    for attribute in sorted(names & _WRITTEN):
        yield from ask.write(node, attribute)
    for attribute in sorted(names & _READ.keys()):
        yield from ask.read(node, attribute, _READ[attribute])
    for attribute in sorted(n for n in names if n.startswith("xn__")):
        yield from _usd_attribute(node, attribute, ask)


def _script(node: Node, attribute: str, ask: Ask) -> Iterator[Finding]:
    """Scripts around a render are code, or the path of a file with code."""
    text = node.text(attribute).strip()
    if text.lower().endswith((".py", ".cmd", ".pyc")) and not any(c in text for c in "();\n"):
        yield from ask.read(node, attribute, "script")
    else:
        yield from ask.ignore(node, attribute, _SCRIPT)


def _usd_attribute(node: Node, attribute: str, ask: Ask) -> Iterator[Finding]:
    """A USD attribute whose name has colons: `inputs:texture:file` is `xn__inputstexturefile_r3ah`."""
    if "_control" in attribute or "." not in node.text(attribute):
        return
    if "texturefile" in attribute or "lightColorMap" in attribute or attribute.startswith("xn__inputsfile"):
        yield from ask.read(node, attribute, "texture")
    elif "iesfile" in attribute:
        yield from ask.read(node, attribute, "profile")
    elif "filePath" in attribute or "filename" in attribute.lower():
        yield from ask.read(node, attribute, kind_of(node.text(attribute)))


_SCRIPT = "code that a node runs"
_SCRIPTS = frozenset({"prerender", "preframe", "postframe", "postrender", "postwrite"})
#: parameters of many types that never hold a file of the scene
_NO_FILES = {
    "vm_tmplocalstorage": "a folder for temporary files", "vm_tmpsharedstorage": "a folder for temporary files",
    "tempdircustom": "a folder for temporary files", "pdg_workingdir": "the folder in which PDG works",
    "savetodirectory_directory": "a folder for temporary files", "pdgnodedep": "the scene itself", "hq_project_path": "a farm's folder",
    "hq_hfs": "a farm's folder", "job_branch": "a farm's name of the job", "job_name": "a farm's name of the job",
    "pdg_mapzone": "a name", "mutepaths": "layers that the stage leaves out", "vop_compiler": _SCRIPT, "snippet": _SCRIPT,
    "python": _SCRIPT, "code": _SCRIPT, "ffmpegcommand": _SCRIPT, "customenv": _SCRIPT, "descriptivelabel": "a label",
    "assetdependencies": "a note in the asset's metadata; nothing opens it", "filetag": "a tag", "parmorder": "a list of names",
    "pc_file": "a cache that the light makes", "husk_mplayname": "a label", "resolvercontext": "a setting of the stage",
    "file_tag1": "a tag", "inputfiletag": "a tag", "outputfiletag": "a tag", "outputtag": "a tag", "tag": "a tag",
    "primpath": "a path within the stage", "primpattern": "a path within the stage", "pathprefix": "a path within the stage",
    "xformdescription": "a label", "defaultlabel": "a label", "comment": "a note", "apply_stylesheets": "names of style sheets in the scene", "logformat": "a pattern of log lines",
}  # fmt: skip
_WRITTEN = frozenset({
    "vm_picture", "soho_diskfile", "vm_dcmfilename", "vm_dsmfilename", "dopoutput", "sopoutput", "copoutput", "chopoutput", "lopoutput",
    "taskgraphfile", "checkpointfile", "rendergallerysource", "debughip", "perffile", "husk_stdout", "husk_stderr", "husk_chromefile",
    "husk_logfile", "framelistfile", "savepath", "productName", "productname",
})  # fmt: skip
_READ: dict[str, Kind] = {"vm_bokehfile": "image", "bokehfile": "image"}


@reads_node("houdini", "ifd", "hlight", "light", source=_NODES + "out/ifd.html")
def photons_and_shadows(node: Node, ask: Ask) -> Iterator[Finding]:
    """Mantra's photon maps and the shadow maps of lights are made by the render, unless a light reads a saved one."""
    for attribute in ("vm_photongfile", "vm_photoncfile"):
        yield from ask.ignore(node, attribute, "a photon map that Mantra makes by itself")
    if node.text("shadow_type") == "depthmap" and not node.number("render_shadowmap", 1.0):
        yield from ask.read(node, "shadowmap_file", "texture")
    else:
        yield from ask.ignore(node, "shadowmap_file", "a shadow map that Mantra makes by itself")


@reads_node("houdini", "ifd", source=_NODES + "out/ifd.html")
def mantra_planes(node: Node, ask: Ask) -> Iterator[Finding]:
    """Extra image planes of Mantra go to files of their own."""
    yield from ask.write(node, "vm_filename_plane#")
    yield from ask.write(node, "vm_picture")


@reads_node(
    "houdini", "afanasy", "deadline", "deadline_cloud", "hq_render", "hq_sim", "tractor", "qube", "royalrender",
    source="https://www.sidefx.com/docs/houdini/nodes/out/hq_render.html",
)  # fmt: skip
def other_farms(node: Node, ask: Ask) -> Iterator[Finding]:
    """Submitters of other farms that were left in a scene: their programs and settings are nothing to us, what they write is."""
    for attribute in node.attributes():
        if attribute.startswith(("dl_", "hq_", "soho_", "rr_")):
            yield from ask.ignore(node, attribute, "a setting of another farm's submitter")


@reads_node("houdini", "fileremove", source=_NODES + "top/fileremove.html")
def file_remove(node: Node, ask: Ask) -> Iterator[Finding]:
    """File Remove deletes files."""
    yield from ask.ignore(node, "filepath", "is removed, not read")


@reads_node(
    "houdini",
    "filter_by_value",
    "labs::filter_by_value",
    source="https://www.sidefx.com/docs/houdini/nodes/top/labs--filter_by_value.html",
)
def filter_by_value(node: Node, ask: Ask) -> Iterator[Finding]:
    """The values are compared with an attribute of work items."""
    yield from ask.ignore(node, "sValue_#", "a value that work items are compared with")
