"""Where a file is to lie: below another folder, under another name, and never out of it."""

from __future__ import annotations

import pytest
from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.transfer import places
from conductor_core.transfer.places import Published, check_names, place_of

P, W = Flavour.POSIX, Flavour.WINDOWS


def _published(path: str, flavour: Flavour = P, *, frame: int | None = 7, step: str = "beauty") -> Published:
    return Published(ClientPath.parse(path, flavour), step, frame, 12, "dragons")


@pytest.mark.parametrize(
    ("path", "roots", "to", "name", "place"),
    [
        ("/s/r/a/f_0007.exr", ["/s/r/a"], "/to", "", "/to/f_0007.exr"),
        ("/s/r/a/f_0007.exr", ["/s/r/a", "/s/r/b"], "/to", "", "/to/a/f_0007.exr"),
        ("/s/r/a/f_0007.exr", ["/s/r", "/s/r/b"], "/to", "", "/to/a/f_0007.exr"),
        ("/s/r/a/f_0007.exr", [], "/to", "", "/to/s/r/a/f_0007.exr"),
        ("/s/r/a/f_0007.exr", ["/s/r"], "", "{folder}/x_{name}", "/s/r/a/x_f_0007.exr"),
        ("/s/r/f_0007.exr", ["/s/r"], "", "{folder}/x_{name}", "/s/r/x_f_0007.exr"),
        ("/s/r/f_0007.exr", ["/s/r"], "/to", "{step}/{job}_{stem}.{frame:06}{ext}", "/to/beauty/12_f_0007.000007.exr"),
        ("/s/r/f_0007.exr", ["/s/r"], "/to", "{project}/{{{frame}}}{ext}", "/to/dragons/{7}.exr"),
        ("/s/r/a/f_0007.exr", ["/s/r"], "/to", "{path}", "/to/a/f_0007.exr"),
    ],
    ids=[
        "below",
        "side by side",
        "one in the other",
        "of a project",
        "in place",
        "in place, in its root",
        "all",
        "braces",
        "path",
    ],
)
def test_where_a_file_lies(monkeypatch: pytest.MonkeyPatch, path: str, roots: list[str], to: str, name: str, place: str) -> None:
    """The way below what all have in common is kept; a pattern says how it is called there."""
    monkeypatch.setattr(places, "local_flavour", lambda: P)
    assert place_of(_published(path), [ClientPath.parse(r, P) for r in roots], to=to, name=name) == place


@pytest.mark.parametrize(
    ("path", "flavour", "roots", "name", "place"),
    [
        (r"S:\show\a\f.exr", W, [r"S:\show"], "", r"D:\to\a\f.exr"),
        (r"S:\show\a\f.exr", W, [r"S:\show", r"T:\more"], "", r"D:\to\S\show\a\f.exr"),
        (r"\\nas\show\a\f.exr", W, [], "", r"D:\to\UNC\nas\show\a\f.exr"),
        ("/show/a/f.exr", P, ["/show"], r"{step}\{name}", r"D:\to\a_b\f.exr"),
    ],
    ids=["one drive", "two drives", "a share", "from Linux"],
)
def test_on_windows(
    monkeypatch: pytest.MonkeyPatch, path: str, flavour: Flavour, roots: list[str], name: str, place: str
) -> None:
    """Drives and shares become folders where they must, and either slash makes folders in a pattern."""
    monkeypatch.setattr(places, "local_flavour", lambda: W)
    published = _published(path, flavour, step="a:b")
    assert place_of(published, [ClientPath.parse(r, flavour) for r in roots], to="D:\\to", name=name) == place


@pytest.mark.parametrize("name", ["con.exr", "a:b.exr", "dot.", "blank "])
def test_what_windows_cannot_have_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name from Linux that is no file's name on Windows is told, and not written under another."""
    monkeypatch.setattr(places, "local_flavour", lambda: W)
    with pytest.raises(PathError):
        place_of(_published(f"/show/{name}"), [ClientPath.parse("/show", P)], to="D:\\to")


def test_a_file_of_no_frame_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film among frames: what asks for a frame is left out."""
    monkeypatch.setattr(places, "local_flavour", lambda: P)
    film = _published("/s/r/film.mov", frame=None)
    assert place_of(film, [ClientPath.parse("/s/r", P)], to="/to", name="{frame:04}/{step}/{frame}{ext}") == "/to/beauty/film.mov"


@pytest.mark.parametrize("step", ["..", "a/../../b", "/abs", "", "C:\\x"])
def test_no_name_leads_out_of_the_folder(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whatever a step or a file is called."""
    monkeypatch.setattr(places, "local_flavour", lambda: P)
    place = place_of(_published("/s/r/f.exr", step=step), [ClientPath.parse("/s/r", P)], to="/to", name="{step}/{name}")
    assert ClientPath.parse(place, P).text == place
    assert len(ClientPath.parse(place, P).relative_to(ClientPath.parse("/to", P))) == 2


@pytest.mark.parametrize("path", ["/s/other/f.exr", "/s/r", "/s/re/f.exr"])
def test_what_lies_in_no_root_has_no_place(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A service cannot have a file written that is none of the job's outputs."""
    monkeypatch.setattr(places, "local_flavour", lambda: P)
    with pytest.raises(PathError, match="outside of the output folders"):
        place_of(_published(path), [ClientPath.parse("/s/r", P)], to="/to")


@pytest.mark.parametrize(
    "pattern",
    ["", "{step}", "../{name}", "/abs/{name}", "a//{name}", "{nme}", "{name", "}", "{name:4}", "{frame:x}", "{name!s}", "{}"],
)
def test_a_pattern_that_makes_no_sense(pattern: str) -> None:
    """It is refused with what there is."""
    with pytest.raises(PathError, match="pattern of names"):
        check_names(pattern)
