"""What every reader promises whatever it is given: a report or a clear error, bounded memory, and no file read twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import conductor_core
import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import Scan, known_formats, scan_file
from conductor_core.formats.format import HEAD, format_of
from core.formats.samples import SAMPLES, Sample

KNOWN = [f.name for f in known_formats()]
#: bytes of a large file of many lines, and of one that is a single line
MANY_LINES, ONE_LINE = 8 << 20, 16 << 20
#: bytes that a scan of either may hold; one value may have 1 MiB (`limits.py`), and is copied and decoded
HELD = 6 << 20
EXTENSIONS = sorted(
    {s.extension for s in SAMPLES.values()} | {".usdz", ".mb", ".hip", ".hda", ".blend", ".usd", ".usdc", ".abc", ".xgen"}
)

samples = pytest.mark.parametrize("sample", [s for s in SAMPLES.values() if s.format in KNOWN], ids=lambda s: s.format)


def _scan(path: Path) -> Scan | SceneNotRead:
    """Return a scan or the clear error; whatever else is raised fails the test."""
    try:
        return scan_file(Survey(str(path)))
    except SceneNotRead as exc:
        return exc


def _report(path: Path) -> Scan:
    scan = _scan(path)
    assert isinstance(scan, Scan), scan
    return scan


def _write(sample: Sample, path: Path, *names: str) -> Path:
    path.write_bytes(sample.make(names))
    return path


@samples
def test_a_sample_is_what_it_says(sample: Sample, tmp_path: Path) -> None:
    """The format is told by content under its own extension, and each name is found or missing."""
    (tmp_path / f"here{sample.reads}").write_bytes(b"")
    report = _report(_write(sample, tmp_path / f"a{sample.extension}", f"here{sample.reads}", f"gone{sample.reads}")).report
    assert report.format == sample.format
    assert [Path(f).name for f in report.files()] == [f"a{sample.extension}", f"here{sample.reads}"]
    assert [Path(m.path).name for m in report.missing] == [f"gone{sample.reads}"]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 5000, b"\xff\xfe" * 3000, b"\n" * 9000, b"{" * 9000, b"PK\x03\x04" + b"\0" * 90], ids=repr
)
def test_garbage(extension: str, data: bytes, tmp_path: Path) -> None:
    """Nothing, zeros, no text, nothing but line breaks, nothing but nesting, a zip that is none."""
    path = tmp_path / f"a{extension}"
    path.write_bytes(data)
    _scan(path)


@samples
def test_a_head_and_then_garbage(sample: Sample, tmp_path: Path) -> None:
    """What begins like the format and goes on as anything."""
    head = sample.make([f"a{sample.reads}"])
    for tail in (
        b"\0" * 9000,
        b"\xff" * 9000,
        bytes(range(256)) * 40,
        b'"' * 9000,
        b"{" * 9000,
        b"[(" * 9000,
        b"<<<<<<< HEAD\n" * 300,
    ):
        for keep in (len(head), len(head) // 2, len(head) - 3, 12):
            path = tmp_path / f"a{sample.extension}"
            path.write_bytes(head[:keep] + tail)
            _scan(path)


@samples
def test_a_file_that_ends_too_early(sample: Sample, tmp_path: Path) -> None:
    """Cut at any byte of its first part, and at many after that."""
    whole = sample.make([f"a{sample.reads}", f"b{sample.reads}"])
    path = tmp_path / f"a{sample.extension}"
    for end in (*range(0, min(len(whole), 400), 7), *range(400, len(whole), 41)):
        path.write_bytes(whole[:end])
        _scan(path)


@samples
def test_a_folder_with_the_name_of_a_file(sample: Sample, tmp_path: Path) -> None:
    """As the scene it is an error; where a scene points to it, the scan goes on."""
    folder = tmp_path / f"folder{sample.extension}"
    folder.mkdir()
    assert isinstance(_scan(folder), SceneNotRead)
    _report(_write(sample, tmp_path / f"a{sample.extension}", folder.name))


@samples
def test_a_file_that_is_not_there(sample: Sample, tmp_path: Path) -> None:
    """The sentence has the system's reason."""
    error = _scan(tmp_path / f"no{sample.extension}")
    assert isinstance(error, SceneNotRead)
    assert "cannot be read" in error.reason


@samples
def test_a_file_that_vanishes(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its head and the reading; a file that another points to is unresolved then."""
    path = _write(sample, tmp_path / f"a{sample.extension}", f"b{sample.reads}")

    def format_and_remove(file: str) -> object:
        found = format_of(file)
        os.unlink(file)
        return found

    monkeypatch.setattr("conductor_core.formats.scan.format_of", format_and_remove)
    assert isinstance(_scan(path), SceneNotRead)


@samples
@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_a_file_that_may_not_be_read(sample: Sample, tmp_path: Path, without_privileges: list[str]) -> None:
    """As the scene it is an error with the reason; as a dependency it is unresolved, and the scan goes on."""
    closed = _write(sample, tmp_path / f"closed{sample.extension}", f"a{sample.reads}")
    closed.chmod(0)
    scene = _write(sample, tmp_path / f"a{sample.extension}", closed.name)
    code = (
        "import sys; from conductor_core.discovery.survey import Survey; from conductor_core.formats import scan_file\n"
        "for name in sys.argv[1:]:\n"
        "    try: print('report', [u.reason for u in scan_file(Survey(name)).report.unresolved])\n"
        "    except Exception as exc: print(type(exc).__name__, exc)\n"
    )
    words = [*without_privileges, sys.executable, "-c", code, str(closed), str(scene)]
    said = subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=True, env=os.environ | _path()
    ).stdout.splitlines()
    assert said[0].startswith("SceneNotRead")
    assert "Permission denied" in said[0]
    assert said[1].startswith("report")


def _path() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(conductor_core.__file__).parents[1])}


@samples
def test_files_that_point_to_each_other(sample: Sample, tmp_path: Path) -> None:
    """a → b → a, and to themselves: each is read once."""
    a, b = f"a{sample.extension}", f"b{sample.extension}"
    _write(sample, tmp_path / b, a, b)
    report = _report(_write(sample, tmp_path / a, b, a)).report
    assert {Path(f).name for f in report.files()} <= {a, b}
    assert len(report.dependencies) <= 6


@samples
@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_in_a_circle(sample: Sample, tmp_path: Path) -> None:
    """A link to itself is a file that cannot be read; a folder that lies in itself is not walked for ever."""
    (tmp_path / f"loop{sample.extension}").symlink_to(f"loop{sample.extension}")
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    names = (f"loop{sample.extension}", f"folder/folder/folder/b{sample.extension}", f"folder/a{sample.extension}")
    _write(sample, tmp_path / f"b{sample.extension}", f"folder/folder/a{sample.extension}")
    report = _report(_write(sample, tmp_path / f"a{sample.extension}", *names)).report
    assert len(report.dependencies) <= 12
    assert isinstance(_scan(tmp_path / f"loop{sample.extension}"), SceneNotRead)


@samples
@pytest.mark.skipif(sys.platform != "linux", reason="disks that know upper and lower case")
def test_names_that_differ_in_case_only(sample: Sample, tmp_path: Path) -> None:
    """What a workstation forgives, an instance does not: the name as written is missing."""
    (tmp_path / f"Wood{sample.reads}").write_bytes(b"")
    report = _report(_write(sample, tmp_path / f"a{sample.extension}", f"wood{sample.reads}")).report
    assert [Path(m.path).name for m in report.missing] == [f"wood{sample.reads}"]


@samples
def test_very_many_references(sample: Sample, tmp_path: Path) -> None:
    """Thousands are read in seconds, and each is told."""
    names = [f"t{k}{sample.reads}" for k in range(sample.many)]
    report = _report(_write(sample, tmp_path / f"a{sample.extension}", *names)).report
    assert len({m.path for m in report.missing}) == sample.many


def _held(small: Path, large: Path) -> int:
    """Return by how many bytes a process grows that reads a large file after a small one of the same format."""
    code = (
        "import resource, sys\n"
        "from conductor_core.discovery.survey import Survey\n"
        "from conductor_core.errors import SceneNotRead\n"
        "from conductor_core.formats import scan_file\n"
        "def read(name):\n"
        "    try: scan_file(Survey(name))\n"
        "    except SceneNotRead: pass\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = read(sys.argv[1]); print(read(sys.argv[2]) - before)\n"
    )
    words = [sys.executable, "-c", code, str(small), str(large)]
    grown = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True, env=os.environ | _path()).stdout
    return int(grown) * (1 if sys.platform == "darwin" else 1024)


large = pytest.mark.parametrize("sample", [s for s in SAMPLES.values() if s.format in KNOWN and s.filler], ids=lambda s: s.format)


@large
@pytest.mark.skipif(sys.platform == "win32", reason="resource")
def test_large_files_are_not_held(sample: Sample, tmp_path: Path) -> None:
    """What a scan holds does not grow with the file, or by so much as its format's page says (Nuke: the nodes).

    benchmarks/large_scenes.py does the same with 500 MB.
    """
    small = _write(sample, tmp_path / f"a{sample.extension}", f"a{sample.reads}")
    path = tmp_path / f"b{sample.extension}"
    with path.open("wb") as file:
        file.write(small.read_bytes())
        for _ in range(MANY_LINES // len(sample.filler) // 1000):
            file.write(sample.filler * 1000)
    assert _held(small, path) < HELD + sample.holds * MANY_LINES


@large
@pytest.mark.skipif(sys.platform == "win32", reason="resource")
@pytest.mark.parametrize("quote", [b"", b'"'], ids=["bare", "quoted"])
def test_one_endless_line_is_not_held(sample: Sample, quote: bytes, tmp_path: Path) -> None:
    """Millions of letters without a break, in quotes or not, after a beginning that is right."""
    small = _write(sample, tmp_path / f"a{sample.extension}", f"a{sample.reads}")
    path = tmp_path / f"b{sample.extension}"
    path.write_bytes(small.read_bytes() + quote + b"x" * ONE_LINE)
    assert _held(small, path) < HELD


def test_every_format_has_a_page() -> None:
    """The index of docs/formats names each format by the name that a report gives it, and each page is there."""
    docs = Path(__file__).resolve().parents[3] / "docs" / "formats"
    index = (docs / "README.md").read_text("utf-8")
    assert {name for name in KNOWN if f"`{name}`" not in index} == set()
    pages = set(re.findall(r"\]\((\w+\.md)\)", index))
    assert {page for page in pages if not (docs / page).is_file()} == set()


def test_the_head_is_small() -> None:
    """To tell a format costs one block of the disk."""
    assert HEAD <= 4096
