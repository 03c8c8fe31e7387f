"""What the adapter says of real Maya scenes: against the list that a person drew up, and against our reader of files.

The scenes are opened by the fake Maya, whose loader shares no code with the product's readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conductor_core.discovery.finding import Usage
from conductor_core.discovery.judge import judged
from conductor_core.discovery.maya_node import both_names
from conductor_core.discovery.node import rows
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.report import Ignored, Missing, Unresolved
from conductor_core.sequences import DirectoryListing
from hosts.maya_open import OpenScene, opened
from hosts.maya_world import a_maya_alone
from hosts.shared_scenes import SceneCase, cases

CASES = cases("maya") or (None,)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name.rpartition("/")[2] if case else "absent")
def real(request: pytest.FixtureRequest) -> Iterator[tuple[SceneCase, OpenScene]]:
    """Return a case of the manifest and its scene, open."""
    if request.param is None:
        pytest.skip("the real scenes are not beside this clone (CONDUCTOR_SCENES)")
    case: SceneCase = request.param
    with a_maya_alone():
        yield case, opened(case.file, case.file.parent)


def lost(case: SceneCase, scene: OpenScene) -> list[tuple[str, list[str], list[str]]]:
    """Return what is on a person's list and was not told: path, nodes that want it, nodes that were told."""
    found = []
    for need in case.needs:
        told = {f.referrer.partition(".")[0] for f in scene.reads() if f.as_written == need["path"]}
        wanted = {node.lstrip(":").rpartition("|")[2] for node in need.get("nodes", ())}
        if not told or not wanted <= told:
            found.append((need["path"], sorted(wanted), sorted(told)))
    return found


def more(case: SceneCase, scene: OpenScene) -> list[tuple[str, str]]:
    """Return what was told and is on nobody's list: text and referrer; nodes of other scenes are on the lists of those."""
    listed = {need["path"] for need in case.needs}
    return [
        (f.as_written, f.referrer)
        for f in scene.reads()
        if f.as_written not in listed and not isinstance(f, Ignored) and not scene.came_by_reference(f.referrer)
    ]


def test_a_real_scene_is_told_as_it_is(real: tuple[SceneCase, OpenScene]) -> None:
    """Everything on the list is found, with each node that wants it; nothing else is said to be read; nothing is changed by asking."""
    case, scene = real
    assert lost(case, scene) == [], (
        "the adapter does not tell these paths for these nodes (path, nodes of the list, nodes that were told)"
    )
    assert more(case, scene) == [], "the adapter tells these paths, and no person found them in the scene"
    assert not scene.scene.modified
    assert scene.fake.record.refused == []
    assert scene.fake.record.unknown == []


def test_a_finding_that_lacks_or_is_too_many_is_seen(real: tuple[SceneCase, OpenScene]) -> None:
    """The comparison bites: without one of its findings a scene has lost it, and a path that nobody listed is one too many."""
    case, scene = real
    own = [f for f in scene.reads() if any(f.as_written == need["path"] for need in case.needs)]
    for gone in own[:1]:
        rest = tuple(f for f in scene.findings if f is not gone)
        assert lost(case, replace(scene, findings=rest))
    planted = Unresolved("/planted/by/the/test.png", "persp.planted", "it is planted")
    assert more(case, replace(scene, findings=(*scene.findings, planted))) == [("/planted/by/the/test.png", "persp.planted")]


def test_the_open_scene_and_its_file_say_the_same(real: tuple[SceneCase, OpenScene]) -> None:
    """Texts and referrers of the scene's own nodes are those that our reader of files tells; frames and steps too, where the file has them."""
    case, scene = real
    own = {(f.as_written, f.referrer) for f in scene.findings if not scene.came_by_reference(f.referrer)}
    assert own - scene.read.keys() == set(), "only the adapter tells these (text, referrer)"
    unsaid = {(text, referrer) for text, referrer in scene.read if not scene.came_by_reference(referrer)} - own
    assert unsaid == set(), "only the reader of files tells these (text, referrer)"
    if case.file.suffix == ".ma":  # binary files do not tell the unit of their times
        assert scene.scene.frames == scene.facts.frames
    # cameras of another scene are not in the file
    if all("camera" in step.parameters for step in scene.facts.steps):
        assert scene.steps == scene.facts.steps


def test_every_row_of_the_tables_is_found_in_the_open_scene(tmp_path: Path) -> None:
    """A node of each type that the tables know is told by the open scene as by its file: the same texts, the same attributes."""
    file = _scene_of_all_rows(tmp_path)
    with a_maya_alone():
        scene = opened(file, tmp_path)
    told = {(f.as_written, f.referrer) for f in scene.findings}
    assert len(scene.read) > 250
    assert told - scene.read.keys() == set(), "only the adapter tells these (text, referrer)"
    assert scene.read.keys() - told == set(), "only the reader of files tells these (text, referrer)"


def _scene_of_all_rows(project: Path) -> Path:
    (project / "workspace.mel").write_text('workspace -fr "images" "images";\n')
    lines = ["//Maya ASCII 2024 scene", 'requires maya "2024";', 'createNode camera -n "shot";']
    for number, row in enumerate(rows("maya")):
        lines.append(f'createNode {row.type} -n "{row.type}_{number}";')
        for attribute in row.attributes:
            name = both_names(row.type, attribute)[-1]
            lines.append(f'\tsetAttr ".{name}" -type "string" "/lib/{row.type}/{attribute}.ext";')
    file = project / "scenes" / "all.ma"
    file.parent.mkdir()
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return file


#: nodes as an artist has them, beside the plain texture: statements of a scene
OWN_FORMS = {
    "a sequence that an expression drives": (
        'createNode file -n "plate";\n\tsetAttr ".ftn" -type "string" "sourceimages/plate.0001.exr";\n\tsetAttr ".ufe" yes;\n'
        'createNode expression -n "e";\n\tsetAttr ".ixp" -type "string" ".O[0]=frame+100";\n'
        'connectAttr ":time1.o" "e.tim";\nconnectAttr "e.out[0]" "plate.fe";\n'
    ),
    "tiles by name": 'createNode file -n "skin";\n\tsetAttr ".ftn" -type "string" "skin.<UDIM>.tif";\n\tsetAttr ".uvt" 3;\n',
    "an image plane": (
        'createNode imagePlane -n "ip" -p "shot";\n\tsetAttr ".imn" -type "string" "plates/bg.0001.jpg";\n\tsetAttr ".ufe" yes;\n'
        '\tsetAttr ".fo" 10;\n'
    ),
    "a cache in two attributes": (
        'createNode cacheFile -n "c";\n\tsetAttr ".cp" -type "string" "cache/nCache/shot";\n\tsetAttr ".cn" -type "string" "cloth";\n'
    ),
    "a stand-in of frames": (
        'createNode aiStandIn -n "s";\n\tsetAttr ".dso" -type "string" "ass/tree.####.ass";\n\tsetAttr ".useFrameExtension" yes;\n'
    ),
    "a variable and the project": 'createNode file -n "f";\n\tsetAttr ".ftn" -type "string" "$SHOW/wood.png";\n',
    "a sound": 'createNode audio -n "a";\n\tsetAttr ".f" -type "string" "sound/track.wav";\n\tsetAttr ".o" 12;\n',
}


@pytest.mark.parametrize("name", OWN_FORMS)
def test_forms_of_artists_are_told_alike(name: str, tmp_path: Path) -> None:
    """What a node's settings make of its text is the same in the open scene and in its file: the text, the places, the files that are meant."""
    (tmp_path / "workspace.mel").write_text('workspace -fr "sourceImages" "sourceimages";\n')
    file = tmp_path / "scenes" / "shot.ma"
    file.parent.mkdir()
    head = '//Maya ASCII 2024 scene\nrequires maya "2024";\ncreateNode transform -n "shot";\n'
    settings = 'select -ne :defaultRenderGlobals;\n\tsetAttr ".an" yes;\n\tsetAttr ".fs" 1;\n\tsetAttr ".ef" 3;\n'
    file.write_text(head + OWN_FORMS[name] + settings)
    with a_maya_alone():
        scene = opened(file, tmp_path)
    assert {(f.as_written, f.referrer) for f in scene.findings} == scene.read.keys()
    report = scan_file(Survey(str(file), project_root=str(tmp_path))).report
    assert list(report.dependencies) == []  # nothing lies there: each file that is meant is told as missing
    theirs = {e.path for e in report.missing}
    ours = {
        e.path for f in scene.findings if isinstance(f, Usage) for e in judged(f, DirectoryListing()) if isinstance(e, Missing)
    }
    assert ours == theirs


def test_an_attribute_that_is_marked_as_a_name_of_a_file_is_told(tmp_path: Path) -> None:
    """Of a node that nobody knows, the open scene tells the attribute that Maya takes for a file's name, whatever its text looks like."""
    (tmp_path / "workspace.mel").write_text("")
    file = tmp_path / "shot.ma"
    node = 'createNode madeUpNode -n "m";\n\taddAttr -uaf -ci true -sn "mf" -ln "myFile" -dt "string";\n'
    file.write_text(f'//Maya ASCII 2024 scene\n{node}\tsetAttr ".mf" -type "string" "data/table";\n')
    with a_maya_alone():
        told = {(f.as_written, f.referrer) for f in opened(file, tmp_path).reads()}
    assert told == {("data/table", "m.mf")}


RIG = """//Maya ASCII 2024 scene
requires maya "2024";
createNode file -n "skin";
	setAttr ".ftn" -type "string" "sourceimages/skin.<UDIM>.exr";
	setAttr ".uvt" 3;
"""
SHOT = """//Maya ASCII 2024 scene
file -rdi 1 -ns "hero" -rfn "heroRN" -typ "mayaAscii" "scenes/rig.ma";
file -rdi 1 -ns "later" -dr 1 -rfn "laterRN" -typ "mayaAscii" "scenes/rig.ma";
file -r -ns "hero" -dr 1 -rfn "heroRN" -typ "mayaAscii" "scenes/rig.ma";
file -r -ns "later" -dr 1 -rfn "laterRN" -typ "mayaAscii" "scenes/rig.ma";
requires maya "2024";
createNode reference -n "heroRN";
	setAttr ".ed" -type "dataReferenceEdits"
		"heroRN"
		"heroRN" 1
		2 "hero:skin" "fileTextureName" " -type \\"string\\" \\"sourceimages/dirty.<UDIM>.exr\\"";
createNode reference -n "laterRN";
"""


def test_nodes_of_a_reference_are_told_as_the_scene_has_them(tmp_path: Path) -> None:
    """A texture in a referenced scene is told by the node's name with its namespace and with what this scene has changed on it."""
    (tmp_path / "workspace.mel").write_text("")
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "rig.ma").write_text(RIG)
    shot = tmp_path / "scenes" / "shot.ma"
    shot.write_text(SHOT)
    with a_maya_alone():
        told = {(f.as_written, f.referrer) for f in opened(shot, tmp_path).reads()}
    assert ("sourceimages/dirty.<UDIM>.exr", "hero:skin.ftn") in told
    assert {referrer for text, referrer in told if text == "scenes/rig.ma"} == {"heroRN", "laterRN"}
    assert not [pair for pair in told if pair[0].startswith("/")], "a reference is told twice: as stored, and as Maya resolved it"
