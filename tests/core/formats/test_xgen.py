"""What XGen collections and Maya's caches point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, lists, lists_of, plant, report_of, survives

COLLECTION = r"""# XGen Palette File
#
# Version:  /usr/autodesk/maya2024/plug-ins/xgen/
# Author:   someone
FileVersion 18

Palette
	name			collection1
	parent
	xgDataPath		${PROJECT}xgen/collections/collection1
	xgProjectPath		PROJECT_PATH
	xgDogTag
	endAttrs

Description
	name			fur
	flipNormals		false
	groom
	descriptionId		1
	endAttrs

SplinePrimitive
	length			$a=map('${DESC}/paintmaps/length');#3dpaint,5.0\n$a
	width			0.1
	useCache		false
	cacheFileName		${DESC}/guides.abc
	regionMap		${DESC}/Region
	endAttrs

ArchivePrimitive
	files			#ArchiveGroup 0 name="tree" thumbnail="tree.png" description="No description." materials="${PROJECT}/tree.ma" color=[1.0,0.0,0.0]\n0 "${PROJECT}/arc/tree.abc" material=a:b objects=|c\n3 "${PROJECT}/arc/tree.${FRAME}.ass.gz" material=a:b
	useCache		true
	cacheFileName		${PROJECT}/cache/guides.abc
	endAttrs

RandomGenerator
	mask			$a=map('/show/maps/mask.ptx');#file\n$a
	endAttrs

AnimWiresFXModule
	name			AnimWires1
	active			true
	wiresFile		${DESC}/${FXMODULE}/wires.abc
	liveMode		false
	endAttrs

AnimWiresFXModule
	name			AnimWires2
	active			false
	wiresFile		${DESC}/${FXMODULE}/off.abc
	endAttrs

ClumpingFXModule
	name			Clumping1
	active			true
	mapDir			${DESC}/${FXMODULE}/Maps/
	pointDir		${DESC}/Clumping1/Points/
	endAttrs

GLRenderer
	percent			100.0
	endAttrs

Patches	fur
	Patch	Subd
		name	pSphere1
		faceIds	3
0 1 2
	endAttrs
"""

FILES = (
    "xgen/collections/collection1/fur/paintmaps/length/pSphere1.ptx xgen/collections/collection1/fur/Clumping1/Maps/pSphere1.ptx"
)
FILES += " arc/tree.0001.ass.gz arc/tree.0001.asstoc arc/tree.0002.ass.gz cache/guides.abc shot__collection1.abc"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    plant(tmp_path, FILES)
    plant(tmp_path, {"shot__collection1.xgen": COLLECTION.replace("PROJECT_PATH", str(tmp_path) + "/")})
    return tmp_path / "shot__collection1.xgen"


def test_everything_ends_in_one_list(collection: Path) -> None:
    """Maps, archives and caches are found by the project and the description; what is switched off is no file."""
    report = report_of(collection, frames=(1,))
    assert report.format == "xgen"
    assert lists_of(report) == lists(
        found="shot__collection1.abc|${PROJECT}xgen/collections/collection1|${DESC}/paintmaps/length|${DESC}/${FXMODULE}/Maps/"
        "|${PROJECT}/arc/tree.${FRAME}.ass.gz|${PROJECT}/cache/guides.abc",
        missing="${DESC}/${FXMODULE}/wires.abc|${PROJECT}/arc/tree.abc|/show/maps/mask.ptx",
        ignored=f"{collection.parent}/|${{DESC}}/guides.abc|tree.png|${{DESC}}/${{FXMODULE}}/off.abc|${{PROJECT}}/tree.ma|${{DESC}}/Clumping1/Points/|${{DESC}}/Region",
    )


def test_files_of_archives_and_maps(collection: Path) -> None:
    """A map is the folder of its meshes; an archive's frame is the job's."""
    files = {d.referrer: [Path(f).name for f in d.files] for d in report_of(collection, frames=(1,)).dependencies}
    assert files["collection1.fur.SplinePrimitive.length"] == ["pSphere1.ptx"]
    assert files["collection1.fur.ArchivePrimitive.files"] == ["tree.0001.ass.gz", "tree.0001.asstoc"]


def test_the_project_of_the_job_comes_first(collection: Path, tmp_path: Path) -> None:
    """`${PROJECT}` is the project that the job says, then what the file says, then the nearest workspace."""
    plant(tmp_path, "moved/arc/tree.abc")
    report = report_of(collection, project_root=str(tmp_path / "moved"))
    assert str(tmp_path / "moved/arc/tree.abc") in report.files()
    foreign = collection.with_name("foreign.xgen")
    foreign.write_text(COLLECTION.replace("PROJECT_PATH", "E:/proj/"))
    plant(tmp_path, "workspace.mel")
    assert str(tmp_path / "cache/guides.abc") in report_of(foreign).files()


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ('Type="OneFile" Format="mcc"', ["cloth.mc"]),
        ('Type="OneFile" Format="mcx"', ["cloth.mcx"]),
        ('Type="OneFilePerFrame" Format="mcx"', ["clothFrame10.mcx", "clothFrame10Tick125.mcx", "clothFrame9.mcx"]),
    ],
    ids=["one file", "one large file", "a file for each frame"],
)
def test_caches_of_maya(tmp_path: Path, attributes: str, found: list[str]) -> None:
    """The description of a cache leads to its data: for a frame, with the frames beside it and between them."""
    plant(
        tmp_path, "cloth.mc cloth.mcx clothFrame1.mcx clothFrame9.mcx clothFrame10.mcx clothFrame10Tick125.mcx clothFrame20.mcx"
    )
    xml = f'<?xml version="1.0"?>\n<Autodesk_Cache_File>\n<cacheType {attributes}/>\n<time Range="1-2"/></Autodesk_Cache_File>'
    plant(tmp_path, {"cloth.xml": xml})
    report = report_of(tmp_path / "cloth.xml", frames=(10,))
    assert report.format == "maya-cache"
    assert [Path(f).name for d in report.dependencies for f in d.files] == found


def test_a_cache_without_data_is_missing(tmp_path: Path) -> None:
    """A description alone is not a cache."""
    plant(tmp_path, {"a.xml": '<Autodesk_Cache_File><cacheType Type="OneFilePerFrame" Format="mcc"/></Autodesk_Cache_File>'})
    assert lists_of(report_of(tmp_path / "a.xml")) == lists(missing="aFrame#.mc")


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 3000), flips=st.lists(st.integers(0, 3000), max_size=8))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, a collection ends in a report or a clear error."""
    survives(tmp_path_factory.mktemp("damaged"), "a.xgen", damaged(COLLECTION.encode(), cut, flips))


def test_archives_and_curves_are_told_as_what_they_are(tmp_path: Path) -> None:
    """An archive of XGen is data, curves are a cache; neither is a texture."""
    text = """FileVersion 18

Palette
	name	col
	xgDataPath	/gone

Description
	name	fur
	endAttrs

Primitive	ArchivePrimitive
	files	#ArchiveGroup 0 name="tree"\\n0 "/show/tree.xarc" material=tree\\n
	wires	/show/w.caf
	endAttrs
"""
    plant(tmp_path, {"a.xgen": text})
    kinds = {m.as_written: m.kind for m in report_of(tmp_path / "a.xgen").missing}
    assert kinds == {"/show/tree.xarc": "data", "/show/w.caf": "cache"}
