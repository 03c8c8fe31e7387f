"""Which files are sent last, because no scout frame needs them: asked of the scene as it was submitted."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conductor_core.agent.early_scouts import early_part, held_back
from conductor_core.agent.journal import Journal
from conductor_core.agent.readings import Readings
from conductor_core.agent.scouting import Look, ReadFile, Scouting
from conductor_core.agent_client import SceneReading
from conductor_core.digest import digest_of
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.formats.format import known_formats
from conductor_core.formats.read_states import ReadStates
from conductor_core.formats.scouting import _meaning, files_for_later
from conductor_core.formats.studio import _guarded_format
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour, local_flavour
from conductor_core.submission import Scripts, Software, Step, Submission, frames_with_scouts
from conductor_core.transfer.order import PART_BYTES, PART_FILES, first_of
from core.artists_desk import Desk, submitted
from core.formats.blend_writer import BlendWriter
from core.formats.maya_scenes import Binary
from hip.builder import Hip

Eventually = Callable[..., Any]

SCRIPT = """
Root {{
 first_frame 1
 last_frame 6
}}
Read {{
 file {folder}/plate.%04d.exr
 first 1
 last 6
 name Plate
}}
Read {{
 inputs 0
 file {folder}/mask.exr
 name Mask
}}
Merge2 {{
 inputs 2
 name Over
}}
Write {{
 file {folder}/out/comp.%04d.exr
 name Out
}}
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Give a comp of a sequence of six frames under a still."""
    for frame in range(1, 7):
        (tmp_path / f"plate.{frame:04}.exr").touch()
    (tmp_path / "mask.exr").touch()
    path = tmp_path / "comp.nk"
    path.write_text(SCRIPT.format(folder=tmp_path.as_posix()))
    return path


def later(folder: Path, survey: Survey, scouts: tuple[int, ...]) -> list[str]:
    return [Path(file).relative_to(folder).as_posix() for file in files_for_later(survey, scouts)]


@pytest.mark.parametrize(
    ("scouts", "frames"),
    [((2,), (4, 5, 6)), ((1, 2, 3), (5, 6)), ((1, 6), (3, 4)), ((1, 2, 3, 4, 5, 6), ())],
    ids=["one", "chunk", "two", "all"],
)
def test_what_no_scout_frame_needs(script: Path, scouts: tuple[int, ...], frames: tuple[int, ...]) -> None:
    """The scene and stills come first; of a sequence, what the scout frames show, and what a shutter that is open looks at."""
    survey = Survey(str(script), frames=(1, 2, 3, 4, 5, 6))
    assert later(script.parent, survey, scouts) == [f"plate.{n:04}.exr" for n in frames]


def test_a_snapshot_is_read_as_if_it_lay_at_the_scenes_place(script: Path, tmp_path: Path) -> None:
    """What counts is the scene as it was submitted, whatever its file says now, with paths that are relative to that file."""
    snapshot = tmp_path / "elsewhere" / "comp.nk"
    snapshot.parent.mkdir()
    text = script.read_text()
    relative = '"\\[file dirname [value root.name]]/plate.%04d.exr"'
    snapshot.write_text(text.replace(f"{tmp_path.as_posix()}/plate.%04d.exr", relative))
    script.write_text(text.replace("plate.%04d.exr", "mask.exr"))
    survey = Survey(str(script), frames=(1, 2, 3, 4, 5, 6))
    assert later(tmp_path, survey, (2,)) == []
    assert later(tmp_path, replace(survey, snapshot=str(snapshot)), (2,)) == [f"plate.{n:04}.exr" for n in (4, 5, 6)]
    report = scan_file(replace(survey, snapshot=str(snapshot))).report
    assert (report.scene, report.files()[0]) == (str(script), str(script))
    assert not [entry for entry in report.dependencies if entry.within]


def hip(texture: str) -> bytes:
    scene = Hip().node("mat/p", "principledshader::2.0", {"basecolor_useTexture": '"on"', "basecolor_texture": f"$HIP/{texture}"})
    return scene.save("cpio")


def blend(texture: str) -> bytes:
    writer = BlendWriter()
    writer.add("IM", "Image", {"name": texture, "source": 1}, name="IMwood")
    return writer.data()


SCENES = {
    "blender": ("shot.blend", blend("//tex/wood.png"), blend("//tex/old.png")),
    "houdini": ("shot.hip", hip("tex/wood.png"), hip("tex/old.png")),
    "maya": (
        "shot.ma",
        *(
            f'//Maya ASCII 2025 scene\ncreateNode file -n "f";\n\tsetAttr ".ftn" -type "string" "tex/{name}";\n'.encode()
            for name in ("wood.png", "old.png")
        ),
    ),
    "usd": (
        "shot.usda",
        *(f'#usda 1.0\ndef Shader "s" {{ asset inputs:file = @./tex/{name}@ }}\n'.encode() for name in ("wood.png", "old.png")),
    ),
}


@pytest.mark.parametrize(("name", "now", "saved"), SCENES.values(), ids=SCENES)
def test_each_reader_reads_snapshots(name: str, now: bytes, saved: bytes, tmp_path: Path) -> None:
    """What the report says is what it would say if the snapshot lay in the place of the scene."""
    scene, snapshot = tmp_path / "show" / name, tmp_path / "snapshots" / name
    for file, data in ((scene, now), (snapshot, now), (tmp_path / "show" / "tex" / "wood.png", b"wood")):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    expected = scan_file(Survey(str(scene), frames=(1,))).report
    assert [Path(file).name for file in expected.files()] == [name, "wood.png"]
    scene.write_bytes(saved)
    assert scan_file(Survey(str(scene), frames=(1,), snapshot=str(snapshot))).report == expected


def cached(folder: Path, *nodes: str) -> Survey:
    """Return a Houdini scene of twelve frames in which one network reads a cache, and others have nodes of some types."""
    for frame in range(13):
        (folder / f"a.{frame}.bgeo").touch()
    scene = Hip().node("obj/g/file1", "file", {"file": "$HIP/a.$F.bgeo"})
    for number, node in enumerate(nodes):
        scene.node(f"obj/other{number}/{node.partition('::')[0]}1", node, {"x": "0"})
    (folder / "shot.hip").write_bytes(scene.save("cpio"))
    return Survey(str(folder / "shot.hip"), frames=tuple(range(1, 11)))


def test_caches_beside_a_frame_come_first(tmp_path: Path) -> None:
    """Motion blur looks at the frames before and behind each scout frame, and each frame of the job has these two."""
    survey = cached(tmp_path)
    assert later(tmp_path, survey, (5,)) == sorted(f"a.{frame}.bgeo" for frame in (0, 1, 2, 8, 9, 10, 11))
    files = scan_file(replace(survey, frames=(1, 5, 10))).report.files()
    assert {Path(file).suffixes[0] for file in files[1:]} == {f".{n}" for n in (0, 1, 2, 4, 5, 6, 9, 10, 11)}


@pytest.mark.parametrize(
    "node", ["solver::2.0", "dopnet", "popnet", "vellumsolver", "studio::rbdsolver::1.0", "timeshift", "trail"]
)
def test_what_is_cooked_from_other_frames_has_them_all(tmp_path: Path, node: str) -> None:
    """A simulation starts at its first frame, and a network may be read by others: nothing waits in a scene with such a node."""
    assert later(tmp_path, cached(tmp_path, "null", "xform"), (5,)) != []
    survey = cached(tmp_path, "null", node)
    assert later(tmp_path, survey, (5,)) == []
    assert not scan_file(survey).report.unresolved


def test_what_maya_runs_up_to_a_frame(tmp_path: Path) -> None:
    """Maya's simulations start at their first frame, and a cache may be shown later than it was made."""
    for frame in range(1, 13):
        (tmp_path / f"sea.{frame:04}.exr").touch()
        (tmp_path / f"clothFrame{frame}.mcx").touch()
    (tmp_path / "cloth.xml").write_text(
        '<?xml version="1.0"?>\n<Autodesk_Cache_File>\n<cacheType Type="OneFilePerFrame" Format="mcx"/>\n</Autodesk_Cache_File>\n'
    )
    still = (
        "//Maya ASCII 2025 scene\n"
        'createNode file -n "sea";\n\tsetAttr ".ufe" yes;\n'
        f'\tsetAttr ".ftn" -type "string" "{tmp_path.as_posix()}/sea.0001.exr";\n'
        'createNode cacheFile -n "cache";\n\tsetAttr ".cn" -type "string" "cloth";\n'
        f'\tsetAttr ".cp" -type "string" "{tmp_path.as_posix()}";\n'
        'createNode expression -n "e";\n\tsetAttr ".ixp" -type "string" "sea.frameExtension=frame";\n'
    )
    scene = tmp_path / "shot.ma"
    scene.write_text(still)
    survey = Survey(str(scene), frames=tuple(range(1, 11)))
    assert not [file for file in later(tmp_path, survey, (5,)) if file.endswith(".mcx")]
    scene.write_text(still + 'createNode nucleus -n "nucleus1";\n')
    assert later(tmp_path, survey, (5,)) == []


def test_a_maya_binary_tells_not_what_is_simulated(tmp_path: Path) -> None:
    """Nobody knows all the words by which it names types, so nothing of a scene with one waits."""
    for frame in range(1, 11):
        (tmp_path / f"fire.{frame:04}.png").touch()
    binary, scene = Binary(wide=True), tmp_path / "shot.mb"
    texture = binary.text("ftn", f"{tmp_path.as_posix()}/fire.0001.png")
    curve = binary.group(b"CONN", binary.chunk(b"CWFL", b"\0expression1.out[0]\0fire.fe\0"))
    frames = binary.node(b"DEXP", "expression1", binary.text("ixp", ".O[0]=frame"))
    scene.write_bytes(binary.scene(binary.node(b"RTFT", "fire", texture, binary.number("ufe", 1)), frames, curve))
    survey = Survey(str(scene), frames=tuple(range(1, 11)))
    assert len(scan_file(survey).report.files()) == 11
    assert later(tmp_path, survey, (5,)) == []


def test_two_spellings_of_one_file(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows `c:` and `C:` are one disk: what a scout frame needs comes first however others spell it."""

    def scanned(survey: Survey, **_: Any) -> Any:
        """Read a plate in one spelling, and its third frame in another."""
        spelled = ["c:/show/t/a.0003.exr", *(f"C:/Show/t/a.{n:04}.exr" for n in survey.frames or ())]
        return SimpleNamespace(report=SimpleNamespace(scene="C:/Show/s.nk", files=lambda: spelled, unresolved=()))

    monkeypatch.setattr("conductor_core.formats.scouting.local_flavour", lambda: Flavour.WINDOWS)
    monkeypatch.setattr("conductor_core.formats.scouting.scan_file", scanned)
    survey = Survey(str(script), frames=tuple(range(1, 9)))
    assert files_for_later(survey, (6,)) == tuple(f"C:/Show/t/a.{n:04}.exr" for n in (1, 2, 4, 8))


def test_a_studios_format_reads_no_snapshot(tmp_path: Path) -> None:
    """Its reader opens the scene's own file, which may say something else: then nobody knows."""
    guarded = _guarded_format("/studio/readers/ours.py", known_formats()[0])
    with pytest.raises(SceneNotRead, match=r"ours\.py"):
        list(guarded.read(Survey(str(tmp_path / "a.ours"), snapshot=str(tmp_path / "b.ours"))))


@pytest.mark.parametrize(
    ("unread", "first"),
    [
        ("[python {plates()}]", True),
        ("/elsewhere/else/[python {name()}].exr", False),
        ("{folder}/plate.[python {frame + 1}].exr", True),
        ("X:/{name}/[python {plates()}].exr", True),
        ("{folder}/other/../[python {plates()}].exr", True),
        ("plate.[python {frame + 1}].exr", True),
    ],
    ids=["anything", "another folder", "of the sequence", "on a drive", "by a detour", "without a folder"],
)
def test_what_is_not_understood_may_be_any_file(script: Path, unread: str, first: bool) -> None:
    """A text that our reading cannot evaluate may name another frame of a sequence: what it may mean is sent first."""
    text = unread.replace("{folder}", script.parent.as_posix()).replace("{name}", script.parent.name)
    script.write_text(script.read_text() + f'Read {{\n inputs 0\n file "{text}"\n first 1\n last 6\n name Odd\n}}\n')
    assert len(later(script.parent, Survey(str(script), frames=(1, 2, 3, 4, 5, 6)), (2,))) == (0 if first else 3)


@pytest.mark.parametrize(
    ("text", "file", "may"),
    [
        ("/show/cfg/studio.json", "/show/plates/a.1.exr", False),
        ("studio.json", "/show/plates/a.1.exr", False),
        ("a.1.exr", "/show/plates/a.1.exr", True),
        ("File file1", "/show/plates/a.1.exr", True),
        ('setAttr ".ftn" -type "string" "/show', "/show/plates/a.1.exr", True),
        ("//plates/A.", "/show/plates/a.1.exr", True),
        ("/show/shot.ma", "/show/plates/a.1.exr", True),
        ("/show/../plates/a.1.exr", "/show/plates/a.1.exr", True),
    ],
)
def test_what_a_text_may_mean(text: str, file: str, may: bool) -> None:
    """By its last folder and the start of a name; words that are no path, and a file that was read in part, may mean any."""
    assert _meaning(text, {"/show/shot.ma"})(file) is may


def test_a_scene_that_only_its_host_reads(tmp_path: Path) -> None:
    """Nobody knows which frames need which file."""
    scene = tmp_path / "shot.max"
    scene.write_bytes(b"who knows")
    with pytest.raises(SceneNotRead):
        files_for_later(Survey(str(scene), frames=(1, 2)), (1,))


def test_frames_of_tasks_with_scouts() -> None:
    """A task with a scout frame in it is rendered whole, in the order of its step."""
    assert frames_with_scouts(Step("Out", "9-1", scouts="2", chunk_size=4)) == (5, 4, 3, 2)
    assert frames_with_scouts(Step("Out", "1-9")) == ()


def submission(scene: Path, *steps: Step, **more: Any) -> Submission:
    software = Software("nuke", "15")
    return Submission("s1", "dragons", "comp", str(scene), local_flavour(), software, steps, instance_type="small", **more)


class Looker:
    """Scouting with the real process, and what it would have the agent keep."""

    def __init__(self, folder: Path) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.scouting = Scouting(Readings(folder, at_once=1), keep=self.keep)

    def keep(self, identity: str, later: Sequence[str], read: Sequence[ReadFile]) -> None:
        self.kept[identity] = json.loads(json.dumps({"later": later, "later_read": read}))

    def look(self, job: Submission, eventually: Eventually, reading: SceneReading | None = None, snapshot: str = "") -> Look:
        self.scouting.prepare(job, reading or SceneReading(), snapshot)()
        look = self.scouting.of(job.id, {})
        eventually(look.known)
        return look


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    return Looker(tmp_path / "config")


def test_a_submission_is_looked_at_by_a_process_of_its_own(script: Path, looker: Looker, eventually: Eventually) -> None:
    """Its steps say which frames; what somebody named, or lies in a folder that they named, is sent first."""
    plates = [str(script.parent / f"plate.{n:04}.exr") for n in range(1, 7)]
    steps = (Step("Out", "1-6", scouts="2", chunk_size=2), Step("B", "4-6"))
    assert looker.look(submission(script, *steps), eventually).later == set(plates[3:])
    named = SceneReading(named=(plates[5],))
    assert looker.look(submission(script, *steps), eventually, named).later == set(plates[3:5])
    assert looker.look(submission(script, *steps), eventually, SceneReading(named=(str(script.parent),))).later == set()
    assert looker.kept == {}


def test_what_is_found_of_a_snapshot_is_kept(script: Path, looker: Looker, eventually: Eventually) -> None:
    """It stays true, so that it is known after a restart of the agent, which has no environment of the host's any more."""
    job = submission(script, Step("Out", "1,4", scouts="4"))
    snapshot = script.parent / "snapshot.nk"
    script.rename(snapshot)
    found = looker.look(job, eventually, snapshot=str(snapshot))
    assert found.later == {str(script.parent / "plate.0001.exr")}
    assert looker.kept == {"s1": {"later": list(found.later), "later_read": []}}
    looker.scouting.leave("s1")
    assert looker.scouting.of("s1", looker.kept["s1"]).later == found.later


def test_so_much_is_kept_that_the_journal_stays_small(
    script: Path, looker: Looker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more, all files go together after a restart."""
    monkeypatch.setattr("conductor_core.agent.scouting.KEPT", 0)
    job = submission(script, Step("Out", "1,4", scouts="4"))
    snapshot = script.parent / "snapshot.nk"
    script.rename(snapshot)
    assert looker.look(job, eventually, snapshot=str(snapshot)).later
    looker.scouting.leave("s1")
    assert (looker.kept, looker.scouting.of("s1", {}).later) == ({}, frozenset())


def test_what_is_found_is_put_into_a_kept_request(tmp_path: Path) -> None:
    """The journal adds it to what was asked, names that are no text too, and forgets it with that."""
    journal = Journal(tmp_path / "journal.sqlite")
    try:
        asked = {"files": ["/p/a\udcff.exr", "/p/\u00e4.exr"], "submission": {"id": "s1"}, "later": None}
        journal.add_submission("s1", "http://farm", asked)
        journal.set_later("s1", ["/p/a\udcff.exr"], [ReadFile("/p/b.usd", "/q/b.usd", 1, 2**62)])
        found = {"later": ["/p/a\udcff.exr"], "later_read": [["/p/b.usd", "/q/b.usd", 1, 2**62]]}
        assert journal.request("s1") == {**asked, **found}
        journal.set_submitted(replace(journal.submissions()[0], job="job-1"), {}, download=False)
        journal.forget_before(math.inf)
        assert journal._rows("SELECT id FROM found_later", ()) == []
    finally:
        journal.close()


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        ((Step("Out", "1-6"),), {}),
        ((Step("Out", "1-6", scouts="1-6"),), {}),
        ((Step("Out", "1-6", scouts="2"),), {"scripts": Scripts(startup=("/show/setup.py",))}),
        ((Step("Out", "1-6", scouts="2"),), {"scripts": Scripts(before_task=("sh", "/show/fetch.sh"))}),
    ],
    ids=["no scouts", "all are scouts", "a script changes the scene", "a program before each task"],
)
def test_no_scene_is_read_where_nobody_could_know(
    steps: tuple[Step, ...], more: dict[str, Any], script: Path, looker: Looker
) -> None:
    """Without scout frames there is nothing to find; what a script of the artist's reads for a frame, nobody knows."""
    looker.scouting.prepare(submission(script, *steps, **more), SceneReading())()
    look = looker.scouting.of("s1", {})
    assert (look.known(), look.later) == (True, frozenset())


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(3)", "print('no answer')", 'print(\'{"problem": "no reader knows its format"}\')'],
    ids=["it ends", "it babbles", "it cannot"],
)
def test_a_reading_that_fails_holds_nothing_back(code: str, script: Path, eventually: Eventually) -> None:
    """All files go together then, as if nobody had asked."""
    looker = Looker(script.parent)
    looker.scouting = Scouting(Readings(script.parent, command=(sys.executable, "-c", code)), keep=looker.keep)
    assert looker.look(submission(script, Step("Out", "1-6", scouts="2")), eventually).later == frozenset()


def test_nobody_waits_for_the_reading_of_a_job_that_is_gone(script: Path, eventually: Eventually) -> None:
    """Its process is ended with the job, and with the agent."""
    slow = Readings(script.parent, command=(sys.executable, "-c", "import time; time.sleep(600)"))
    scouting = Scouting(slow)
    job = submission(script, Step("Out", "1-6", scouts="2"))
    scouting.prepare(job, SceneReading())()
    look = scouting.of("s1", {})
    eventually(lambda: slow._running)
    scouting.leave("s1")
    eventually(look.known)
    scouting.prepare(job, SceneReading())()
    eventually(lambda: slow._running)
    scouting.stop()
    assert (slow._running, look.later) == ({}, frozenset())


def entry(path: str, data: bytes = b"", **more: Any) -> Entry:
    return Entry(path, "file", digest_of(data or path.encode()), size=len(data or path), **more)


def test_a_scene_that_was_saved_meanwhile(script: Path, looker: Looker, eventually: Eventually) -> None:
    """What was found of a file that is no snapshot counts only for that state of it."""
    look = looker.look(submission(script, Step("Out", "1,4", scouts="4")), eventually)
    state = script.stat()
    path = str(script)

    def manifest(mtime: int) -> Manifest:
        scene = Entry(path, "file", digest_of(b"scene"), size=state.st_size, mtime_ns=mtime)
        return make_manifest(local_flavour(), [scene])

    assert look.later_of(manifest(state.st_mtime_ns)) == look.later != frozenset()
    assert look.later_of(manifest(state.st_mtime_ns + 1)) == frozenset()


def test_a_scene_that_is_saved_while_its_reading_waits(script: Path, tmp_path: Path, eventually: Eventually) -> None:
    """It is hashed as it was, and read as it is: what the one reading says of it is not true of the other."""
    saved, sent = script.stat(), Looker(tmp_path / "config")
    job = submission(script, Step("Out", "1,4", scouts="4"))
    begin = sent.scouting.prepare(job, SceneReading())
    script.write_text(script.read_text() + "\n")
    begin()
    look = sent.scouting.of("s1", {})
    eventually(look.known)
    before = Entry(str(script), "file", digest_of(b"scene"), size=saved.st_size, mtime_ns=saved.st_mtime_ns)
    assert look.later
    assert look.later_of(make_manifest(local_flavour(), [before])) == frozenset()


def state_of(file: Path) -> Entry:
    """Return the entry of a file as it is now."""
    return entry(str(file), file.read_bytes(), mtime_ns=file.stat().st_mtime_ns)


@pytest.fixture
def layered(tmp_path: Path) -> tuple[Path, Path]:
    """Give a layer with another below it, which shows the pictures of six frames."""
    for frame in range(1, 7):
        (tmp_path / f"sky.{frame:04}.exr").touch()
    shot, sky = tmp_path / "shot.usda", tmp_path / "sky.usda"
    shot.write_text("#usda 1.0\n(\n    subLayers = [@./sky.usda@]\n)\n")
    samples = ", ".join(f"{frame}: @./sky.{frame:04}.exr@" for frame in range(1, 7))
    sky.write_text(f'#usda 1.0\ndef Shader "s" {{\n    asset inputs:file.timeSamples = {{ {samples} }}\n}}\n')
    return shot, sky


def test_a_layer_that_was_saved_meanwhile(layered: tuple[Path, Path], looker: Looker, eventually: Eventually) -> None:
    """What a file that the scene points to was found to say counts only for the state in which it is sent, of a snapshot too."""
    shot, sky = layered
    snapshot = shot.with_name("snapshot.usda")
    snapshot.write_bytes(shot.read_bytes())
    job = submission(shot, Step("Out", "1-6", scouts="6"))
    look = looker.look(job, eventually, snapshot=str(snapshot))
    assert str(shot.with_name("sky.0001.exr")) in look.later
    for known in (look, looker.scouting.of("s2", looker.kept["s1"])):
        assert known.later_of(make_manifest(local_flavour(), [entry(str(shot)), state_of(sky)])) == look.later
        assert known.later_of(make_manifest(local_flavour(), [entry(str(shot))])) == frozenset()
    sky.write_text(sky.read_text() + "\n")
    assert look.later_of(make_manifest(local_flavour(), [entry(str(shot)), state_of(sky)])) == frozenset()


def test_what_lies_beside_the_jobs_frames_need_not_be_sent(
    layered: tuple[Path, Path], looker: Looker, eventually: Eventually
) -> None:
    """A frame that is only looked at because it is next to a scout frame's is read, and no manifest has to have it."""
    shot, sky = layered
    for frame in range(1, 7):
        (sky.parent / f"prop.{frame:04}.usda").write_text("#usda 1.0\n")
    sky.write_text(sky.read_text().replace(".exr@", ".usda@").replace("./sky.", "./prop."))
    look = looker.look(submission(shot, Step("Out", "1-6x5", scouts="6")), eventually)
    sent = [state_of(sky.parent / name) for name in ("shot.usda", "sky.usda", "prop.0001.usda", "prop.0006.usda")]
    assert {Path(file.path).name for file in look.read} == {Path(entry.path).name for entry in sent}
    assert look.later_of(make_manifest(local_flavour(), sent)) == {str(sky.parent / "prop.0001.usda")}


def test_a_layer_by_way_of_a_link(layered: tuple[Path, Path], looker: Looker, eventually: Eventually) -> None:
    """Of a link, the manifest has the state where it really lies."""
    shot, sky = layered
    sky.rename(sky.with_name("real.usda"))
    sky.symlink_to("real.usda")
    look = looker.look(submission(shot, Step("Out", "1-6", scouts="6")), eventually)
    link = Entry(str(sky), "symlink", target="real.usda")
    manifest = make_manifest(local_flavour(), [state_of(shot), state_of(sky.with_name("real.usda")), link])
    assert look.later_of(manifest) == look.later != frozenset()


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """No manifest has it as it was read: before, after, or a second time."""
    file, states = tmp_path / "a.usda", ReadStates()
    file.write_text("1")
    with states.of(str(file)):
        pass
    kept = file.stat()
    assert [row[2:] for row in states.rows()] == [(1, kept.st_mtime_ns)]
    file.write_text("22")
    with states.of(str(file)):
        pass
    assert [row[2:] for row in states.rows()] == [(-1, -1)]
    during = ReadStates()
    with during.of(str(file)):
        file.write_text("333")
    assert [row[2:] for row in during.rows()] == [(-1, -1)]


def test_links_take_along_what_they_lead_to() -> None:
    """A held frame may be a link to another frame, or to one in another folder: a scout frame that shows it has its bytes."""
    files = [entry(f"/p/a.{n}.exr") for n in (1, 2, 3, 4)] + [entry("/q/b.1.exr"), entry("/r/c.1.exr")]
    links = [
        Entry("/p/held.1.exr", "symlink", target="a.2.exr"),
        Entry("/p/held.2.exr", "symlink", target="/p/a.4.exr"),
        Entry("/p/q", "symlink", target="../q"),
        Entry("/p/out", "symlink", target="../../.."),
    ]
    whole = make_manifest(Flavour.POSIX, [*files, *links])
    later = {f.path for f in files[1:]} | {"/p/held.2.exr"}
    early = early_part(whole, whole.objects(), later)
    assert early is not None
    assert [e.path for e in early.manifest.entries] == [
        "/p/a.1.exr",
        "/p/a.2.exr",
        "/p/held.1.exr",
        "/p/out",
        "/p/q",
        "/q/b.1.exr",
    ]


def test_nothing_is_held_back_that_is_there() -> None:
    """Where the service has all that could come later, nothing is told in two steps."""
    whole = make_manifest(Flavour.POSIX, [entry("/p/a.1.exr"), entry("/p/a.2.exr")])
    first, second = (digest_of(e.path.encode()) for e in whole.entries)
    assert held_back(whole, {first, second}, {"/p/a.2.exr"})
    assert not held_back(whole, {first}, {"/p/a.2.exr"})
    assert early_part(whole, {first}, {"/p/a.2.exr"}) is None


def test_a_little_at_a_time() -> None:
    """While it is not known what comes later, so much is sent together that the line is busy, and one object at least."""
    sizes = (PART_BYTES * 2, 1, PART_BYTES - 1, 1)
    entries = [Entry(f"/{n}", "file", digest_of(b"%d" % n), size=size) for n, size in enumerate(sizes)]
    assert list(first_of(entries)) == [entries[0].digest]
    assert list(first_of(entries[1:])) == [entries[1].digest, entries[2].digest]
    assert list(first_of([])) == []


@pytest.mark.parametrize(("part", "times"), [(0, 1), (1, 2), (5, 32), (6, 32), (16, 32)])
def test_parts_grow(part: int, times: int) -> None:
    """Each part ends with its last file on one connection: while a reading takes long there are few, and never one of everything."""
    large = [Entry(f"/{n}", "file", digest_of(b"%d" % n), size=PART_BYTES // 4) for n in range(200)]
    assert len(list(first_of(large, part))) == min(times * 4, 200)
    small = (Entry(f"/{n}", "file", digest_of(b""), size=1) for n in range(PART_FILES * 40))
    assert len(list(first_of(small, part))) == times * PART_FILES


def test_files_are_sent_while_others_are_hashed_as_soon_as_it_is_known_which(tmp_path: Path) -> None:
    """Before that none is, and afterwards those that no scout frame needs are not."""
    look, files = Look(), {os.fspath(tmp_path / "a"): 1, os.fspath(tmp_path / "b"): 2}
    assert look.first(files) == {}
    look.learn(frozenset({os.fspath(tmp_path / "b")}))
    assert look.first(files) == {os.fspath(tmp_path / "a"): 1}
    look.learn(frozenset())
    assert look.first(files) == files


def test_the_line_waits_for_no_reading(
    tmp_path: Path, fake_service: Any, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """Files are sent one by one while nobody knows what may wait, the scene first; if it stays unknown, the job is there all the same."""
    monkeypatch.setattr("conductor_core.transfer.order.PART_BYTES", 0)
    monkeypatch.setattr("conductor_core.transfer.upload.SMALL", 0)
    desk = Desk(tmp_path, fake_service)
    client = desk.start()
    try:
        assert desk.agent is not None
        look = Look()
        monkeypatch.setattr(desk.agent._scouting, "of", lambda *_: look)
        assert submitted(client, client.submit(desk.submission(), desk.files()), eventually)["state"] == "submitted"
    finally:
        desk.stop()
    put = [path.rpartition("/")[2] for method, path in fake_service.requests if method == "PUT" and "/objects/" in path]
    assert put[0] == digest_of(b"scene")
    assert sorted(put) == sorted({e["digest"] for e in fake_service.manifests["job-1"]["entries"]})
