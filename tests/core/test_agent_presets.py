"""Presets: YAML files of the user, the project and the studio."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.preset_file import LARGEST, MOST_VALUES, PresetMistake, preset_text, read_preset
from conductor_core.agent.presets import Presets
from conductor_core.agent_answers import Preset
from conductor_core.errors import AgentError, InvalidDocument
from core.artists_desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

#: root may write where it likes
VALUES = {"chunk_size": 5, "title": "Größe: 1", "preemptible": True, "metadata": [["shot", "10"]], "plug_ins": None}


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CONDUCTOR_PRESETS", raising=False)
    return tmp_path / "studio"


@pytest.fixture
def presets(tmp_path: Path, studio: Path) -> Presets:
    return Presets(tmp_path / "config" / "presets", lambda: (str(studio),))


def _save(presets: Presets, name: str, scope: str = "personal", values: Any = None) -> Preset:
    return presets.save(name, values or VALUES, scope=scope, project="dragons", folders="")


def _listed(presets: Presets, project: str = "dragons", folders: str = "") -> list[tuple[str, str]]:
    return [(preset.scope, preset.name) for preset in presets.all(project, folders)]


def test_the_studios_then_the_projects_then_ones_own(presets: Presets, tmp_path: Path) -> None:
    """Each scope is kept in its own folder, and comes back with its values, another project's not at all."""
    for scope in ("personal", "studio", "project"):
        _save(presets, f"of the {scope}", scope)
    assert _listed(presets) == [("studio", "of the studio"), ("project", "of the project"), ("personal", "of the personal")]
    assert _listed(presets, "tests") == [("studio", "of the studio"), ("personal", "of the personal")]
    assert all(dict(preset.values) == VALUES for preset in presets.all("dragons", ""))
    files = [os.path.relpath(preset.file, tmp_path) for preset in presets.all("dragons", "")]
    assert files == [
        os.path.join("studio", "of the studio.yaml"),
        os.path.join("studio", "projects", "dragons", "of the project.yaml"),
        os.path.join("config", "presets", "of the personal.yaml"),
    ]


def test_kept_under_a_name_that_is_taken(presets: Presets) -> None:
    """The newer takes the place of the older; removed, both are gone, and nothing else is left in the folder."""
    _save(presets, "finals", values={"chunk_size": 1})
    kept = _save(presets, "finals", values={"chunk_size": 9})
    assert [dict(preset.values) for preset in presets.all("dragons", "")] == [{"chunk_size": 9}]
    folder = Path(kept.file).parent
    assert [p.name for p in folder.iterdir()] == ["finals.yaml"]
    for _ in range(2):
        presets.remove("finals", scope="personal", project="", folders="")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are posix")
def test_ones_own_are_private(presets: Presets) -> None:
    """Nobody else reads this user's presets; the studio's are for everybody."""
    own, shared = Path(_save(presets, "a").file), Path(_save(presets, "b", "studio").file)
    assert (stat.S_IMODE(own.stat().st_mode), stat.S_IMODE(own.parent.stat().st_mode)) == (0o600, 0o700)
    assert stat.S_IMODE(shared.stat().st_mode) & 0o044 == 0o044 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_hosts_variable_comes_before_the_settings(presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that the host names come first, without them the agent's own variable; then those of the settings."""
    for name, value in (("host", 1), ("agent", 2), ("studio", 3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.yaml").write_text(f"chunk_size: {value}")
        (tmp_path / name / f"{name}.yaml").write_text("")
    monkeypatch.setenv("CONDUCTOR_PRESETS", os.pathsep.join(("", "relative", str(tmp_path / "none"), str(tmp_path / "agent"))))
    assert _listed(presets) == [("studio", name) for name in ("agent", "same", "studio")]
    found = presets.all("", str(tmp_path / "host"))
    assert [preset.name for preset in found] == ["host", "same", "studio"]
    assert dict(found[1].values) == {"chunk_size": 1}
    assert presets.save("new", {}, scope="studio", project="", folders=str(tmp_path / "host")).file.startswith(
        str(tmp_path / "host")
    )


BROKEN = {
    "no mapping": (b"- 1", "must have fields"),
    "no yaml": (b"a: [1", "line 1"),
    "two documents": (b"a: 1\n---\nb: 2", "is not YAML"),
    "a date": (b"when: 2026-01-01", "field 'when' is a date: write it in quotes"),
    "a number as a name": (b"steps:\n  - {1: x}", "the name 1 in field 'steps[0]' is no text"),
    "infinite": (b"chunk_size: .inf", "field 'chunk_size' must be a finite number"),
    "no text": (b"\xff\xfe\x00", "UTF-8"),
    "a python object": (b"a: !!python/object/apply:os.system ['true']", "is not YAML"),
    "too long": (b"#" * (LARGEST + 1), "more than 1 MB"),
    "itself": (b"a: &x [*x]", "field"),
    "a number without end": (b"chunk_size: 0x" + b"f" * 6000, "line 1"),
    "a number to the base of 60": (b"x: 2\nchunk_size: 1" + b":20" * 100_000, "line 2"),
    "a fraction to the base of 60": (b"chunk_size: 1" + b":20" * 100_000 + b".5", "line 1"),
    "a number that is too great": (b"chunk_size: 9223372036854775808", "field 'chunk_size' is a number that is too great"),
    "a bomb": (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 10)) for n in range(97, 106)), "more in it"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_told_and_the_others_load(presets: Presets, studio: Path, text: bytes, said: str) -> None:
    """Its sentence names the file and the field; the other presets are there."""
    studio.mkdir()
    (studio / "broken.yaml").write_bytes(text)
    (studio / "good.yaml").write_text("chunk_size: 2")
    broken, good = presets.all("dragons", "")
    assert (broken.name, dict(broken.values)) == ("broken", {})
    assert broken.problem.startswith(str(studio / "broken.yaml"))
    assert said in broken.problem
    assert (good.name, dict(good.values), good.problem) == ("good", {"chunk_size": 2}, "")


def test_what_is_no_preset_is_passed_over(presets: Presets, studio: Path) -> None:
    """Other files, folders of projects and what a crash left behind are not shown; an empty file is an empty preset."""
    (studio / "projects" / "x").mkdir(parents=True)
    for name in ("notes.txt", ".finals.yaml.0123456789abcdef0123456789abcdef", ".hidden.yaml"):
        (studio / name).write_text("x: 1")
    (studio / "empty.yaml").write_text("# nothing yet\n")
    assert [(p.name, dict(p.values), p.problem) for p in presets.all("dragons", "")] == [("empty", {}, "")]


HOSTILE = (
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "C:x",
    "nul",
    "COM1.yaml",
    "x.",
    " x",
    ".x",
    "a\0b",
    "a\nb",
    "x" * 201,
    "a:b",
    "*",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_folder(presets: Presets, studio: Path, tmp_path: Path, name: str) -> None:
    """A name that is no file's name everywhere is refused, as a preset's and as a project's, and nothing is written."""
    for call in (
        lambda: _save(presets, name),
        lambda: presets.remove(name, scope="personal", project="", folders=""),
        lambda: presets.save("good", VALUES, scope="project", project=name, folders=""),
    ):
        with pytest.raises(InvalidDocument):
            call()
    assert presets.all(name, "") == []
    assert list(tmp_path.rglob("*.yaml")) == []


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_any_name_is_refused_or_stays_in_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever is taken for a name becomes one file in the folder, and is found under it again."""
    folder = tmp_path_factory.mktemp("presets")
    presets = Presets(folder, tuple)
    try:
        kept = presets.save(name, {"a": 1}, scope="personal", project="", folders="")
    except InvalidDocument:
        assert list(folder.iterdir()) == []
    else:
        assert Path(kept.file).parent == folder
        assert [p.name for p in presets.all("", "")] == [name]


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), _values, max_size=5))
def test_what_is_kept_comes_back(values: dict[str, Any]) -> None:
    """Every value that a form can have is read again as it was written."""
    assert read_preset(preset_text(values)) == values


def test_what_no_preset_can_hold(presets: Presets) -> None:
    """It is refused with its field, before anything is written."""
    with pytest.raises(InvalidDocument, match="'when' is a object"):
        _save(presets, "x", values={"when": object()})
    with pytest.raises(InvalidDocument, match="'chunk_size' is a number that is too great"):
        _save(presets, "x", values={"chunk_size": 10**5000})
    with pytest.raises(PresetMistake, match="not Unicode"):
        preset_text({"title": "a\udcffb"})
    with pytest.raises(PresetMistake, match="more in it"):
        preset_text({"list": list(range(MOST_VALUES + 1))})


def test_no_folder_of_the_studio(tmp_path: Path, studio: Path) -> None:
    """Without one, the sentence says how to name it; unknown scopes are refused."""
    presets = Presets(tmp_path, tuple)
    for scope in ("studio", "project"):
        with pytest.raises(AgentError, match="CONDUCTOR_PRESETS"):
            _save(presets, "x", scope)
    with pytest.raises(InvalidDocument, match="scope"):
        _save(presets, "x", "galaxy")
    with pytest.raises(InvalidDocument, match="scope"):
        presets.remove("x", scope="galaxy", project="", folders="")


def test_a_share_that_cannot_be_written(presets: Presets, studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read all the same; keeping and removing say whom to ask, and leave nothing behind."""
    studio.mkdir()
    (studio / "finals.yaml").write_text("chunk_size: 2")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        patch.setattr(Path, "unlink", _unless_aside(refuse))
        with pytest.raises(AgentError, match="Permission denied"):
            _save(presets, "new", "studio")
        with pytest.raises(AgentError, match="looks after that folder"):
            presets.remove("finals", scope="studio", project="", folders="")
    assert _listed(presets) == [("studio", "finals")]
    assert [p.name for p in studio.iterdir()] == ["finals.yaml"]


def _unless_aside(refuse: Any) -> Any:
    unlink = Path.unlink

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        unlink(path) if path.name.startswith(".") else refuse()

    return unlinked


@pytest.mark.skipif(os.name != "posix", reason="links that lead to themselves are posix")
def test_a_folder_that_cannot_be_read_is_told(presets: Presets, studio: Path) -> None:
    """One that nobody can look into is said, and the others load."""
    studio.symlink_to(studio)
    _save(presets, "own")
    first, second = presets.all("", "")
    assert ("cannot be read" in first.problem, second.name) == (True, "own")


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def test_over_the_channel(desk: Desk, studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a panel keeps another finds; the settings' folders are looked up with each question."""
    client = desk.start()
    kept = client.save_preset("finals", VALUES, scope="personal", project="dragons")
    assert client.presets(project="dragons") == [kept]
    (desk.folders.config / "settings.yaml").write_text(f"presets: [{str(studio)!r}]")
    shared = client.save_preset("shared", {"chunk_size": 3}, scope="project", project="dragons")
    assert client.presets(project="dragons") == [shared, kept]
    monkeypatch.setenv("CONDUCTOR_PRESETS", str(studio / "other"))
    assert client.save_preset("lookdev", {}, scope="studio", project="").file == str(studio / "other" / "lookdev.yaml")
    client.remove_preset("shared", scope="project", project="dragons")
    client.remove_preset("finals", scope="personal", project="")
    assert [preset.name for preset in client.presets(project="dragons")] == ["lookdev"]
    with pytest.raises(AgentError, match="cannot be the name of a file"):
        client.save_preset("../x", {}, scope="personal", project="")
