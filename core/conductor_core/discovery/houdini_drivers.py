"""The node types of Houdini and its renderers that render or write, as a table: where they write, and how they export.

A node that exports for its renderer makes two steps: Houdini writes the renderer's own scene, and the renderer's program renders it.
Sources: https://www.sidefx.com/docs/houdini/nodes/out/ifd.html (Disk File), .../nodes/out/usd.html, .../ref/utils/mantra.html,
.../ref/utils/husk.html; Arnold: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_ac_user_guide_html (kick);
Redshift: https://help.maxon.net/r3d/houdini/en-us/ (Archive, Command-Line Rendering).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conductor_core.task_words import as_word

OutputKind = Literal["image", "movie", "cache", "other"]


@dataclass(frozen=True, slots=True)
class Export:
    """The renderer's own scene that a node writes, and the program that renders it."""

    #: the parameter that is on where the node writes it instead of rendering; "": it does nothing else
    switch: str
    #: the parameter that names it
    file: str
    program: str
    #: argv; `{file}` is the scene for the frame
    words: tuple[str, ...]

    def command(self, file: str) -> tuple[str, ...]:
        """Return argv for a frame of a pattern with `####` for it."""
        return tuple(word.replace("{file}", as_word(file)) for word in self.words)


@dataclass(frozen=True, slots=True)
class Driver:
    """How nodes of a type render or write."""

    #: the parameters that name what is written, of which the first that is set counts
    attributes: tuple[str, ...]
    kind: OutputKind
    #: the parameter that names its camera, a node of the scene
    camera: str = ""
    #: the parameter that is on where the node reads what it wrote
    reads_when: str = ""
    #: the type means something else outside of render networks: `alembic` in geometry reads
    only_in_render_networks: bool = False
    #: the parameter that names the LOP whose stage is rendered: its settings may say where; its inputs count where it is empty
    stage: str = ""
    export: Export | None = None


_MANTRA = Export("soho_outputmode", "soho_diskfile", "mantra", ("mantra", "-V", "2a", "-f", "{file}"))
_KICK = Export("ar_ass_export_enable", "ar_ass_file", "kick", ("kick", "-dw", "-dp", "-nstdin", "-v", "4", "-i", "{file}"))
_REDSHIFT = Export("RS_archive_enable", "RS_archive_file", "redshiftCmdLine", ("redshiftCmdLine", "{file}"))
_HUSK = Export("", "lopoutput", "husk", ("husk", "--verbose", "2a", "--frame", "{frame}", "--frame-count", "1", "{file}"))

#: type without namespace and version → how it renders
DRIVERS: dict[str, Driver] = {
    "ifd": Driver(("vm_picture",), "image", camera="camera", export=_MANTRA),
    "karma": Driver(("picture",), "image"),
    "opengl": Driver(("picture",), "image", camera="camera"),
    "comp": Driver(("copoutput",), "image", only_in_render_networks=True),
    "image": Driver(("copoutput", "picture"), "image", only_in_render_networks=True),
    "baketexture": Driver(("vm_uvoutputpicture1",), "image"),
    "usdrender": Driver(("outputimage",), "image", stage="loppath"),
    "usdrender_rop": Driver(("outputimage",), "image", stage="loppath"),
    "arnold": Driver(("ar_picture",), "image", camera="camera", export=_KICK),
    "Redshift_ROP": Driver(("RS_outputFileNamePrefix",), "image", camera="RS_renderCamera", export=_REDSHIFT),
    "vray_renderer": Driver(("SettingsOutput_img_file_path",), "image", camera="render_camera"),
    "ris": Driver(("ri_display_0", "ri_display"), "image", camera="camera"),
    "Octane_ROP": Driver(("HO_img_fileName",), "image", camera="HO_renderCamera"),
    "geometry": Driver(("sopoutput",), "cache", only_in_render_networks=True),
    "rop_geometry": Driver(("sopoutput",), "cache"),
    "filecache": Driver(("file",), "cache", reads_when="loadfromdisk"),
    "alembic": Driver(("filename",), "cache", only_in_render_networks=True),
    "rop_alembic": Driver(("filename",), "cache"),
    "filmboxfbx": Driver(("sopoutput",), "cache"),
    "dop": Driver(("dopoutput",), "cache", only_in_render_networks=True),
    "usd": Driver((), "image", only_in_render_networks=True, stage="loppath", export=_HUSK),
    "usd_rop": Driver((), "image", stage="loppath", export=_HUSK),
    "channel": Driver(("chopoutput",), "cache", only_in_render_networks=True),
    "gltf": Driver(("file",), "cache", only_in_render_networks=True),
    "Redshift_Proxy_Output": Driver(("RS_archive_file",), "cache"),
}

#: types in render networks that render what comes before them, or what a parameter names
PASSED_THROUGH = {"fetch": "source", "wedge": "driver", "merge": "", "null": "", "switch": "", "subnet": "", "batch": ""}
