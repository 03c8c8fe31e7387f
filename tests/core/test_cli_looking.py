"""`conductor scan`: our own reading, the host, both, neither; what is printed, and which reader said what."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.cli.exit_codes import ExitCode
from conductor_core.cli.program import run
from conductor_core.cli.report_tree import report_tree
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import format as register
from conductor_core.formats import known_formats
from conductor_core.host import SceneStep
from conductor_core.report import Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.submission import Output, Software
from rich.console import Console

#: a host that repeats what lies beside the scene
_ASK = """
import json, os, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
answer = os.path.join(os.path.dirname(words["--scene"]), "host.json")
if not os.path.exists(answer): sys.exit("crashed")
text = open(answer).read().replace("$VARIABLE", os.environ.get("VARIABLE", ""))
open(words["--out"], "w").write(text)
"""


def read_toy(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what the lines of a toy scene say: `read NAME`, `write NAME`, `skip NAME`, `what NAME`, `load NAME`, `step NAME`."""
    steps = []
    with open(survey.file, encoding="utf-8") as file:
        for number, line in enumerate(file):
            verb, _, name = line.strip().partition(" ")
            path = os.path.join(survey.folder, name.replace("$ASSETS", survey.variables.get("ASSETS", "$ASSETS")))
            if survey.project_root and not os.path.exists(path):
                path = os.path.join(survey.project_root, name)
            referrer = f"line {number}"
            if verb == "read":
                yield Usage(name, referrer, "texture", (path,))
            elif verb == "load":
                yield Usage(name, referrer, "reference", (path,))
            elif verb == "write":
                yield ScanOutput(name, path, referrer)
            elif verb == "skip":
                yield Ignored(name, referrer, "ships with Toy")
            elif verb == "what":
                yield Unresolved(name, referrer, "an expression")
            elif verb == "damaged":
                raise SceneNotRead(survey.file, f"line {number} is damaged")
            elif verb == "step":
                steps.append(SceneStep(name, (Output(os.path.join(survey.folder, "out", f"{name}_%04d.exr")),)))
    if steps:
        yield Facts(Software("toy", "3.1"), "1-4" if "noframes" not in survey.file else "", tuple(steps))


class Desk:
    """An artist at a terminal, with a folder."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capsys = capsys

    def write(self, name: str, text: str = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def host_says(self, **lists: list[dict[str, Any]]) -> None:
        report = {"scene": str(self.root / "shot.blend"), "format": "blend", **lists}
        steps = [{"name": "Scene", "outputs": [{"path": str(self.root / "o" / "#.exr")}]}]
        answer = {"report": report, "software": {"name": "blender", "version": "4.5"}, "frames": "1", "steps": steps}
        self.write("host.json", json.dumps(answer))

    def __call__(self, *words: object, code: int = 0) -> tuple[str, str]:
        self.capsys.readouterr()
        found = run([str(word) for word in words])
        out, err = self.capsys.readouterr()
        assert found == code, (found, out, err)
        return out, err

    def report(self, *words: object) -> Any:
        return json.loads(self("scan", *words, "--json")[0])


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONDUCTOR_HOSTS", str(tmp_path / "hosts"))
    monkeypatch.setenv("CONDUCTOR_BLENDER", sys.executable)
    monkeypatch.delenv("CONDUCTOR_READERS", raising=False)
    known_formats()
    toys = [register.Format("blend", lambda head, extension: extension == ".blend" and not head.startswith(b"BLENDER"), read_toy)]
    toys.append(register.Format("toy", lambda _head, extension: extension == ".toy", read_toy))
    monkeypatch.setattr(register, "_FORMATS", [*toys, *register._FORMATS])
    desk = Desk(tmp_path / "show", capsys)
    (tmp_path / "hosts" / "blender").mkdir(parents=True)
    (tmp_path / "hosts" / "blender" / "ask.py").write_text(_ASK)
    return desk


def _dependency(path: Path, text: str) -> dict[str, Any]:
    return {"as_written": text, "path": str(path), "files": [str(path)], "kind": "texture", "referrer": f"Image {path.stem}"}


def test_a_scene_is_read_without_its_host(desk: Desk) -> None:
    """The tree has totals by kind, who wants each file and by way of which files, and the other four lists."""
    desk.write("wood.png", "12345")
    desk.write("lib/chair.toy", "read seat.png\nread gone.png\nload deep.toy\n")
    desk.write("lib/deep.toy", "read deep.png\n")
    desk.write("lib/seat.png", "1")
    desk.write("lib/deep.png")
    scene = desk.write(
        "shot.toy", "read wood.png\nread wood.png\nload lib/chair.toy\nwrite out.exr\nskip $TOY/a.png\nwhat [expr]\n"
    )
    out, err = desk("scan", scene)
    assert err == ""
    for words in (
        "toy, 6 files",
        "reference  2 files",
        "texture  3 files, 6 B",
        "wood.png  line 0, line 1\n",
        "seat.png  line 0 in chair.toy\n",
        "deep.png  line 0 in deep.toy < chair.toy\n",
        "gone.png  line 1 in chair.toy: there is no such file\n",
        "writes  1",
        "$TOY/a.png  line 4: ships with Toy",
        "[expr]  line 5: an expression",
    ):
        assert words in out, out
    report = desk.report(scene)
    assert [d["seen_by"] for d in report["dependencies"]] == [[]] * len(report["dependencies"])
    assert report["dependencies"][0]["reader"].endswith("read_toy")


def test_what_the_command_line_says_of_the_project(desk: Desk) -> None:
    """--env and --project-root reach the readers."""
    desk.write("assets/a.png")
    desk.write("root/b.png")
    scene = desk.write("shots/shot.toy", "read $ASSETS/a.png\nread b.png\n")
    assert len(desk.report(scene)["missing"]) == 2
    report = desk.report(scene, "--env", f"ASSETS={desk.root / 'assets'}", "--project-root", desk.root / "root")
    assert [d["path"] for d in report["dependencies"]] == [str(desk.root / "assets" / "a.png"), str(desk.root / "root" / "b.png")]


def test_missing_frames_are_one_line(desk: Desk) -> None:
    """A sequence of which a thousand frames lack is a line, not a thousand; JSON has each."""
    scene = desk.write("shot.toy", "".join(f"read img.{n:04d}.png\n" for n in range(3)))
    lines = desk("scan", scene)[0].splitlines()
    assert sum("img." in line for line in lines) == 3, "different texts are different things"
    missing = tuple(Missing("i.%04d.png", f"/s/i.{n:04d}.png", "texture", "file1", "there is no such file") for n in range(1000))
    console = Console(width=200)
    with console.capture() as printed:
        console.print(report_tree(ScanReport("/s.ma", "maya-ascii", missing=missing)))
    assert "/s/i.####.png  (1000 files, 0 to 999)  file1: there is no such file" in printed.get()


def test_names_that_no_terminal_can_show(desk: Desk) -> None:
    """Half of a character, or bytes that are no text, are printed as escapes."""
    scene = desk.write(
        "shot.nk", 'version 15.1 v3\nRoot {\n inputs 0\n}\nRead {\n inputs 0\n file "/a\\ud800/x.exr"\n name R\n}\n'
    )
    assert "/a\\ud800/x.exr" in desk("scan", scene, "--no-host")[0]


def test_long_lists_on_a_terminal(desk: Desk) -> None:
    """A branch ends after some lines, and says how many more there are."""
    report = ScanReport("/s.ma", "maya-ascii", ignored=tuple(Ignored(f"{n}", f"node{n}", "x") for n in range(50)))
    console = Console(width=200)
    with console.capture() as printed:
        console.print(report_tree(report, lines=10))
    assert "… and 40 more: --json has all" in printed.get()
    assert len(printed.get().splitlines()) == 13


def test_host_and_reading_disagree(desk: Desk) -> None:
    """What only one sees is kept and marked, in the tree and in JSON; a line counts it."""
    both, host, own = (desk.write(name) for name in ("both.png", "host.png", "own.png"))
    scene = desk.write("shot.blend", "read both.png\nread own.png\n")
    desk.host_says(dependencies=[_dependency(both, "both.png"), _dependency(host, "host.png")])
    report = desk.report(scene)
    assert {Path(d["path"]).name: d["seen_by"] for d in report["dependencies"]} == {
        "both.png": ["host", "file"],
        "host.png": ["host"],
        "own.png": ["file"],
    }
    out, err = desk("scan", scene)
    assert err == ""
    assert "host.png  Image host  only Blender sees this\n" in out
    assert "own.png  line 1  only our reading of the file sees this\n" in out
    assert "both.png  Image both\n" in out
    assert "disagree: 1 that only the host sees, 1 that only our reading sees" in out
    assert own.exists()


def test_the_host_is_not_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no Blender is, the file is read by us alone and one line says so; with --no-host nobody wants to know."""
    scene = desk.write("shot.blend", "skip a.png\n")
    desk.host_says()
    assert desk.report(scene)["ignored"][0]["seen_by"] == ["file"]
    assert desk("scan", scene, "--no-host")[1] == ""
    assert desk.report(scene, "--no-host")["ignored"][0]["seen_by"] == []
    monkeypatch.delenv("CONDUCTOR_BLENDER")
    monkeypatch.setenv("PATH", str(tmp_path))
    out, err = desk("scan", scene)
    assert "a.png" in out
    assert err.count("\n") == 1
    assert "the host was not asked. There is no blender on the PATH." in err
    assert "no blender on the PATH" in desk("scan", scene, "--host", code=ExitCode.HOST_FAILED)[1]


def test_a_host_that_crashes(desk: Desk) -> None:
    """Our own reading stands alone with a line that says so; with --host it is an error."""
    scene = desk.write("shot.blend", "read a.png\n")
    out, err = desk("scan", scene)
    assert "a.png" in out
    assert "the host could not answer." in err
    desk("scan", scene, "--host", code=ExitCode.HOST_FAILED)


def test_our_reading_fails_and_the_host_answers(desk: Desk) -> None:
    """The host's answer stands alone, and one line says why ours is not there."""
    scene = desk.write("shot.blend", "damaged\n")
    wood = desk.write("wood.png")
    desk.host_says(dependencies=[_dependency(wood, "wood.png")])
    out, err = desk("scan", scene)
    assert "wood.png  Image wood\n" in out
    assert "our own reading failed (line 0 is damaged)" in err


def test_variables_reach_the_host(desk: Desk) -> None:
    """--env is set for the host too."""
    scene = desk.write("shot.blend", "")
    desk.host_says(ignored=[{"as_written": "$VARIABLE", "referrer": "Text", "reason": "x"}])
    assert desk.report(scene, "--env", "VARIABLE=value")["ignored"][0]["as_written"] == "value"


def test_which_reader_said_what(desk: Desk) -> None:
    """--explain: each finding that fits by text, path or referrer, with file, format, reader, places and verdict."""
    wood = desk.write("lib/wood.png")
    desk.write("lib/chair.toy", "read wood.png\nread gone.png\n")
    scene = desk.write("shot.toy", "load lib/chair.toy\nskip a.png\n")
    out, _ = desk("scan", scene, "--explain", "WOOD")
    for words in (
        "1 finding",
        "wood.png  line 0",
        f"in {desk.root / 'lib' / 'chair.toy'} (toy)",
        "test_cli_looking.read_toy",
        f"looked at {wood}",
        f"found: texture {wood}",
    ):
        assert words in out
    assert "missing: texture" in desk("scan", scene, "--explain", "gone.???")[0]
    assert "ignored: ships with Toy" in desk("scan", scene, "--explain", "line 1")[0]
    assert "0 findings" in desk("scan", scene, "--explain", "[a")[0]
    (found,) = json.loads(desk("scan", scene, "--explain", "*/wood.png", "--json")[0])["findings"]
    assert (found["as_written"], found["verdicts"]) == ("wood.png", [f"found: texture {wood}"])


def test_the_page_that_a_reader_rests_on(desk: Desk) -> None:
    """A row of a table has its own; a format's reader that of its module."""
    desk.write("a.mtl", "newmtl a\nmap_Kd wood.png\n")
    (found,) = json.loads(desk("scan", desk.root / "a.mtl", "--explain", "wood", "--json")[0])["findings"]
    assert found["source"] == "http://paulbourke.net/dataformats/mtl/"
    desk.write("a.nk", "Read {\n inputs 0\n file wood.png\n name Read1\n}\n")
    (row,) = json.loads(desk("scan", desk.root / "a.nk", "--explain", "wood", "--json")[0])["findings"]
    assert row["reader"].startswith("table nuke: Read")
    assert row["source"].startswith("https://")


def test_explaining_what_the_host_said(desk: Desk) -> None:
    """The host is a reader too."""
    scene = desk.write("shot.blend", "read a.png\n")
    desk.host_says(missing=[{"as_written": "//b.png", "path": "/b.png", "kind": "texture", "referrer": "B", "reason": "gone"}])
    out, _ = desk("scan", scene, "--explain", "b.png")
    assert "reader the host" in out
    assert "missing: texture /b.png: gone" in out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("shot.what",), ExitCode.USAGE, "no reader knows its format. Known are: "),
        (("damaged.toy",), ExitCode.USAGE, "line 1 is damaged"),
        (("absent.toy",), ExitCode.MISSING_FILES, "is not there"),
        ((".",), ExitCode.MISSING_FILES, "is a folder, not a scene"),
        (("good.toy", "--frames", "1-x"), ExitCode.USAGE, "Frame range '1-x'"),
        (("good.toy", "--env", "A"), ExitCode.USAGE, "--env 'A' is not NAME=VALUE"),
        (("good.toy", "--host"), ExitCode.USAGE, "no host is known that reads .toy files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_scanned(desk: Desk, words: tuple[str, ...], code: int, sentence: str) -> None:
    """Unknown, damaged, missing, a folder, bad frames, bad --env: a sentence and a code each."""
    desk.write("shot.what", "x")
    desk.write("damaged.toy", "read a\ndamaged\n")
    desk.write("good.toy", "read a\n")
    assert sentence in desk("scan", desk.root / words[0], *words[1:], code=code)[1]


def test_a_file_that_may_not_be_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason is the system's, and the code says that a file could not be read."""
    scene = desk.write("good.toy", "read a\n")

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("conductor_core.formats.scan.format_of", refuse)
    assert "cannot be read (Permission denied)" in desk("scan", scene, code=ExitCode.TRANSFER_FAILED)[1]


def test_submitting_what_our_reading_describes(desk: Desk) -> None:
    """Software, frames, steps and outputs come from the file; files are those of the scan."""
    desk.write("wood.png")
    scene = desk.write("shot.toy", "read wood.png\nstep beauty\nstep shadow\n")
    answer = json.loads(desk("submit", scene, "--dry-run", "-p", "show", "-t", "small", "--step", "shadow")[0])
    submission = answer["submission"]
    assert submission["software"] == {"name": "toy", "version": "3.1"}
    (step,) = submission["steps"]
    assert (step["name"], step["frames"]) == ("shadow", "1-4")
    assert step["outputs"][0]["path"] == str(desk.root / "out" / "shadow_####.exr")
    assert answer["files"] == [str(scene), str(desk.root / "wood.png")]
    other = json.loads(desk("submit", scene, "--dry-run", "-p", "s", "-t", "t", "--software", "toy@4", "--frames", "7")[0])
    assert (other["submission"]["software"]["version"], other["submission"]["steps"][0]["frames"]) == ("4", "7")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toy", "read a.toy\n", "is no scene that can be rendered by itself (toy)"),
        ("noframes.toy", "step a\n", "does not say which frames it has. Say --frames"),
        ("shot.blend", "step a\n", "did not answer"),
    ],
)
def test_what_cannot_be_submitted(desk: Desk, name: str, text: str, sentence: str) -> None:
    """Nothing to render, no frames, a host that cannot open it: a clear sentence before anything is sent."""
    code = ExitCode.HOST_FAILED if name.endswith(".blend") else ExitCode.USAGE
    assert sentence in desk("submit", desk.write(name, text), "--dry-run", "-p", "s", "-t", "t", code=code)[1]


def test_a_submission_has_the_files_of_both_readers(desk: Desk) -> None:
    """What only our reading sees is sent too; steps and software are the host's."""
    host, own = desk.write("host.png"), desk.write("own.png")
    scene = desk.write("shot.blend", "read own.png\nstep ours\n")
    desk.host_says(dependencies=[_dependency(host, "host.png")])
    answer = json.loads(desk("submit", scene, "--dry-run", "-p", "s", "-t", "t")[0])
    assert answer["files"] == [str(scene), str(host), str(own)]
    assert [s["name"] for s in answer["submission"]["steps"]] == ["Scene"]
    alone = json.loads(desk("submit", scene, "--dry-run", "-p", "s", "-t", "t", "--no-host")[0])
    assert alone["files"] == [str(scene), str(own)]
    assert [s["name"] for s in alone["submission"]["steps"]] == ["ours"]
