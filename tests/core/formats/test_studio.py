"""A studio's own readers: the example of the docs, the order of folders, and mistakes that must not end a scan."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conductor_core.api.settings import Settings, read_settings
from conductor_core.discovery import node as nodes
from conductor_core.discovery import tables
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import findings_of
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import format as formats
from conductor_core.formats import known_formats, scan_file, studio
from conductor_core.formats.studio import load_readers
from core.test_node_readers import Lamp, PlainAsk

DOCS = Path(__file__).resolve().parents[3] / "docs" / "formats" / "README.md"
HEAD = """
from conductor_core.discovery.finding import Usage
from conductor_core.discovery.node import files, reads_node
from conductor_core.formats import reads_format
"""


@pytest.fixture(autouse=True)
def _own_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a test registers end with it."""
    known_formats()
    tables.load_all()
    monkeypatch.setattr(formats, "_FORMATS", list(formats._FORMATS))
    copied = {host: {type_: list(readers) for type_, readers in types.items()} for host, types in nodes._READERS.items()}
    monkeypatch.setattr(nodes, "_READERS", copied)
    monkeypatch.setattr(nodes, "_ROWS", list(nodes._ROWS))
    monkeypatch.setattr(studio._FILES, "_loaded", {})


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(HEAD + text)
    return folder


def _found(type_: str, **values: str) -> list[Finding]:
    node = Lamp({f".{name}": value for name, value in values.items()}, type_, "node1")
    return list(findings_of("maya", node, PlainAsk()))


def _texts(findings: list[Finding]) -> list[str]:
    return [f.as_written for f in findings]


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    """What docs/formats/README.md shows does what it says."""
    nodes.files("maya", "dgLight", ".ies", kind="profile", source="ours")
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "dragon.py").write_text(example)
    assert studio.load([str(tmp_path)]) == ()
    assert _texts(_found("dgScales", maskFile="m.tif", flowFile="f.tif", notes="n")) == ["m.tif", "f.tif"]
    assert _texts(_found("dgLight", ies="a.ies", gel="g.tif")) == ["g.tif"]
    (on,), (off,) = _found("dgCache", useCache="1", cacheFile="a.abc"), _found("dgCache", useCache="0", cacheFile="a.abc")
    assert (type(on).__name__, type(off).__name__) == ("Usage", "Ignored")
    assert nodes.source_of(on.reader) == "https://wiki.dragon.example/shaders"
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\n")
    shot = tmp_path / "a.shot"
    shot.write_text('{"dragon-shot": 1, "layers": ["a.obj"], "output": "out/a_####.exr", "frames": "1-8"}')
    scan = scan_file(Survey(str(shot)))
    assert [d.as_written for d in scan.report.dependencies] == ["a.obj"]
    assert [(m.as_written, m.within) for m in scan.report.missing] == [("a.mtl", str(tmp_path / "a.obj"))]
    assert scan.report.outputs[0].path == str(tmp_path / "out/a_####.exr")
    assert scan.facts is not None
    assert scan.facts.frames == "1-8"
    shot.write_text('{"dragon-shot"')
    with pytest.raises(SceneNotRead, match="it is no JSON"):
        scan_file(Survey(str(shot)))


def test_the_order_of_folders(tmp_path: Path) -> None:
    """The environment, then the settings, then the command line; the last that says `instead` stands alone."""
    row = 'files("maya", "dgX", ".{name}", kind="texture", source="s"{instead})\n'
    folders = [
        _write(tmp_path / name, "x.py", row.format(name=name, instead=", instead=True" if name == "settings" else ""))
        for name in ("environment", "settings", "command")
    ]
    environ = {"CONDUCTOR_READERS": str(folders[0])}
    assert load_readers([str(folders[2])], Settings(readers=(str(folders[1]),)), environ) == ()
    assert _texts(_found("dgX", environment="e", settings="s", command="c")) == ["s", "c"]


def test_the_settings_name_folders(tmp_path: Path) -> None:
    """`readers:` is a list of folders."""
    (tmp_path / "settings.yaml").write_text("readers: [/studio/a, /studio/b]\n")
    assert read_settings(tmp_path).readers == ("/studio/a", "/studio/b")


def test_files_that_others_import(tmp_path: Path) -> None:
    """A name with `_` before it is no reader, and can be imported; each file is loaded once however often it is named."""
    _write(tmp_path, "_shared.py", 'KIND = "cache"\n')
    _write(tmp_path, "a.py", 'import _shared\nfiles("maya", "dgX", ".a", kind=_shared.KIND, source="s")\n')
    assert studio.load([str(tmp_path), str(tmp_path / ".")]) == ()
    assert [getattr(f, "kind", "") for f in _found("dgX", a="a")] == ["cache"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('files("maya", "dgX", ".a", kind="cache", source="s")\nnonsense\n', 6, "NameError: name 'nonsense' is not defined"),
        ('files("maya", "dgX", ".a", kind="cache", source="s")\ndef f(:\n', 6, "SyntaxError"),
        ("import nothing_of_this_name\n", 5, "ModuleNotFoundError"),
        ("reads_format('x', lambda h, e: True)(None)\nraise SystemError\n", 6, "SystemError"),
        ("import sys\nsys.exit(3)\n", 6, "SystemExit: 3"),
    ],
    ids=["name", "syntax", "import", "format", "exit"],
)
def test_a_file_that_cannot_be_loaded(tmp_path: Path, text: str, line: int, words: str) -> None:
    """It is named with its line and left out as a whole; the other files are loaded."""
    before = known_formats()
    _write(tmp_path, "a.py", text)
    _write(tmp_path, "b.py", 'files("maya", "dgX", ".b", kind="cache", source="s")\n')
    (problem,) = studio.load([str(tmp_path)])
    assert f"{tmp_path / 'a.py'}, line {line} were left out: {words}" in problem
    assert _texts(_found("dgX", a="a", b="b")) == ["b"]
    assert known_formats() == before
    assert studio.load([str(tmp_path)]) == (problem,), "said again by each scan of a process that goes on"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is named; nothing else happens."""
    assert studio.load([str(tmp_path / "no")]) == (f"{tmp_path / 'no'} is no folder, so no readers were loaded from it.",)


def test_a_reader_that_fails_on_a_node(tmp_path: Path) -> None:
    """What it found before stands; the rest is unresolved, with node, file and line; other readers go on."""
    text = """
@reads_node("maya", "dgX", source="s")
def read(node, ask):
    yield from ask.read(node, ".a", "cache")
    {}["b"]
files("maya", "dgX", ".c", kind="cache", source="s")
"""
    _write(tmp_path, "x.py", text)
    assert studio.load([str(tmp_path)]) == ()
    findings = _found("dgX", a="a", c="c")
    assert _texts(findings) == ["a", "dgX node1", "c"]
    reason = getattr(findings[1], "reason", "")
    assert reason == f"the studio's reader in {tmp_path / 'x.py'}, line 9 failed: KeyError: 'b'"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('yield "a.png"', "TypeError: it yields str, which is no finding"),
        ('yield Usage("a", "a", "cache", "/a")', "TypeError: the places of a Usage are a tuple of texts"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return None", ""),
    ],
)
def test_a_reader_that_yields_something_else(tmp_path: Path, body: str, words: str) -> None:
    """What is no finding is told as a failure of the reader; a reader that returns without a word has found nothing."""
    _write(tmp_path, "x.py", f'@reads_node("maya", "dgX", source="s")\ndef read(node, ask):\n    {body}\n')
    assert studio.load([str(tmp_path)]) == ()
    reasons = [getattr(f, "reason", "") for f in _found("dgX", a="a")]
    assert [r.partition(" failed: ")[2] for r in reasons] == ([words] if words else [])


@pytest.fixture
def failing_format(tmp_path: Path) -> Path:
    text = """
@reads_format("dragon", lambda head, extension: 1 / 0 if extension == ".bad" else extension == ".dragon")
def read(survey):
    yield Usage("a", "a", "cache", ("/a",))
    raise ValueError("what now")
"""
    _write(tmp_path / "readers", "x.py", text)
    assert studio.load([str(tmp_path / "readers")]) == ()
    return tmp_path


def test_a_format_that_fails(failing_format: Path) -> None:
    """The scene itself: an error with file and line. A file that another points to: unresolved. A recogniser: not its format."""
    (failing_format / "a.dragon").write_text("")
    with pytest.raises(SceneNotRead, match=r"x\.py, line 9 failed: ValueError: what now\. Mend that reader"):
        scan_file(Survey(str(failing_format / "a.dragon")))
    (failing_format / "a.obj").write_text("mtllib a.dragon\nv 0 0 0\n")
    report = scan_file(Survey(str(failing_format / "a.obj"))).report
    assert [d.as_written for d in report.dependencies] == ["a.dragon"]
    assert "line 9 failed" in report.unresolved[0].reason
    (failing_format / "a.bad").write_text("")
    with pytest.raises(SceneNotRead, match="no reader knows its format"):
        scan_file(Survey(str(failing_format / "a.bad")))


def test_a_file_may_have_dataclasses(tmp_path: Path) -> None:
    """They look for their module among those that are loaded."""
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass(slots=True)\nclass Node:\n    name: str\n"
    )
    assert studio.load([str(tmp_path)]) == ()
