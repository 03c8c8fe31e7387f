"""What pbrt scenes, Mantra's IFD and OSL shaders point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import Lists, damaged, in_gzip, lists, lists_of, plant, report_of, survives

PBRT = """# a scene: "commented.png"
Integrator "path" "integer maxdepth" 65
LookAt 0 0 1  0 0 0  0 1 0
Film "rgb" "string filename" "out.exr" "integer xresolution" [ 640 ]
Camera "realistic" "string lensfile" "lenses/wide.dat" "string aperture" "gaussian"
WorldBegin
Include "geometry.pbrt"
Texture "t" "spectrum" "imagemap" "string filename" [ "wood.png" ]
Texture "s" "float" "scale" "texture tex" "t.x" "float scale" 2
Material "conductor" "spectrum eta" "metal-Cu-eta" "spectrum k" "cu.spd"
Shape "plymesh" "string filename" "a.ply"
LightSource "infinite" "rgb L" [1 1 1] "string filename" "sky.exr"
"""

IFD = """# Mantra
ray_version VER19.5
setenv HIP = FOLDER
ray_declare global string testvar "x"
ray_loadotl /assets/crowd.hda
ray_property image filename "FOLDER/out.exr"
ray_property global texturepath ".;tex"
ray_image "ip" -f options
ray_archive "more.ifd"
ray_start light
ray_property light projmap "gobo.rat"
ray_property light surface asadlight areamap "$HIP/sky.rat" name /obj/light1
ray_end
ray_detail /obj/geo1 "geo/a.bgeo.sc"
ray_detail /obj/geo2 stdin
\x00\x01 "geo/inline.png" ray_detail x "no.bgeo"
ray_start object
ray_property object surface opdef:/Shop/v_principled basecolor_texture "wood.<UDIM>.rat" roughness 0.3
ray_property object gone "$NOWHERE/a.rat"
ray_end
"""

OSL = """#include "stdosl.h"
#include <oslutil.h>
#include "studio.h"
// #include "commented.h"
/* string x = "commented.png" */
shader look(string map = "grid.png", string gone = "gone.png", string mode = "a.b c", output color c = 0) {
    c = texture("inside.png", u, v);
}
"""


@pytest.mark.parametrize(
    ("name", "content", "files", "expected"),
    [
        (
            "a.pbrt",
            PBRT,
            "lenses/wide.dat wood.png cu.spd a.ply",
            lists(
                found="lenses/wide.dat|wood.png|cu.spd|a.ply",
                missing="geometry.pbrt|sky.exr",
                outputs="out.exr",
                ignored="gaussian",
            ),
        ),
        (
            "a.ifd",
            IFD,
            "gobo.rat sky.rat geo/a.bgeo.sc wood.1001.rat",
            lists(
                found="gobo.rat|$HIP/sky.rat|geo/a.bgeo.sc|wood.<UDIM>.rat",
                missing="/assets/crowd.hda|more.ifd",
                unresolved="$NOWHERE/a.rat",
                outputs="FOLDER/out.exr",
                ignored="FOLDER",
            ),
        ),
        ("a.osl", OSL, "studio.h grid.png", lists(found="studio.h|grid.png", ignored="stdosl.h|oslutil.h|gone.png")),
        (
            "a.oso",
            'OpenShadingLanguage 1.00\n# Compiled by oslc\nshader a\nparam\tstring\tmap\t"grid.png"\nparam string mode "x"\n',
            "",
            lists(ignored="grid.png"),
        ),
    ],
    ids=["pbrt", "ifd", "osl", "oso"],
)
def test_everything_ends_in_one_list(tmp_path: Path, name: str, content: str, files: str, expected: Lists) -> None:
    """Planted files are found; comments, built-in names and inline geometry are no files."""
    here = str(tmp_path)
    plant(tmp_path, files)
    plant(tmp_path, {name: content.replace("FOLDER", here).replace("\tstring\tmap\t", " string map ")})
    outputs = frozenset(t.replace("FOLDER", here) for t in expected.outputs)
    ignored = frozenset(t.replace("FOLDER", here) for t in expected.ignored)
    wanted = Lists(expected.found, expected.missing, expected.unresolved, outputs, ignored)
    assert lists_of(report_of(tmp_path / name)) == wanted


def test_includes_count_from_the_scene(tmp_path: Path) -> None:
    """A pbrt file that is included, packed too, finds what lies beside the scene."""
    plant(tmp_path, {"a.pbrt": 'Include "geo/b.pbrt.gz"\nWorldBegin\n', "mesh.ply": ""})
    plant(tmp_path, {"geo/b.pbrt.gz": in_gzip('AttributeBegin\nShape "plymesh" "string filename" "mesh.ply"\n')})
    assert str(tmp_path / "mesh.ply") in report_of(tmp_path / "a.pbrt").files()


@settings(max_examples=120, deadline=None)
@given(
    cut=st.integers(0, 2000),
    flips=st.lists(st.integers(0, 2000), max_size=8),
    which=st.sampled_from([("a.pbrt", PBRT), ("a.ifd", IFD), ("a.osl", OSL)]),
)
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int], which: tuple[str, str]) -> None:
    """Cut off and with turned bits, a scene ends in a report or a clear error."""
    name, content = which
    survives(tmp_path_factory.mktemp("damaged"), name, damaged(content.encode(), cut, flips))


def test_names_in_a_redshift_proxy(tmp_path: Path) -> None:
    """A proxy is binary and undocumented: names in it are shown, not guessed to be read."""
    content = (
        b"REDSHIFT\0\1\2\x20\0\0\0/show/tex/wood.<UDIM>.exr\0\0\5\0\0\0a.exrx/\0C:\\tex\\bark.tif\0" + bytes(range(256)) * 20
    )
    plant(tmp_path, {"tree.rs": content, "main.rs": 'fn main() { println!("/a/b.exr"); }\n'})
    report = report_of(tmp_path / "tree.rs")
    assert lists_of(report) == lists(unresolved="/show/tex/wood.<UDIM>.exr|C:\\tex\\bark.tif")
