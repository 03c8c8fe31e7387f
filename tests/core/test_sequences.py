from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import (
    DirectoryListing,
    expand_frames,
    expand_udim,
    frame_of,
    frame_path,
    has_frame_token,
    has_tile_token,
    output_folder,
    sequence_pattern,
)
from fileseq.constants import PAD_STYLE_HASH1
from fileseq.filesequence import FileSequence
from hypothesis import given
from hypothesis import strategies as st

FILLED = {
    "four digits": ("/r/img.####.exr", 7, "/r/img.0007.exr"),
    "as many digits as there are #": ("/r/img.######.exr", 7, "/r/img.000007.exr"),
    "one digit": ("/r/img.#.exr", 7, "/r/img.7.exr"),
    "a number longer than its place": ("/r/img.##.exr", 1234, "/r/img.1234.exr"),
    "zero": ("/r/img.####.exr", 0, "/r/img.0000.exr"),
    "negative: the sign beside the digits (Blender)": ("/r/img.####.exr", -5, "/r/img.-0005.exr"),
    "printf": ("/r/img.%04d.exr", 7, "/r/img.0007.exr"),
    "printf without width": ("/r/img.%d.exr", 7, "/r/img.7.exr"),
    "printf of two digits": ("/r/img.%010d.exr", 7, "/r/img.0000000007.exr"),
    "printf negative: the sign among the digits": ("/r/img.%04d.exr", -5, "/r/img.-005.exr"),
    "bare": ("/r/img.<f>.exr", 7, "/r/img.7.exr"),
    "bare, capital": ("/r/img.<F>.exr", 7, "/r/img.7.exr"),
    "twice": ("/r/##/img.####.exr", 7, "/r/07/img.0007.exr"),
    "no token": ("/r/img.exr", 7, "/r/img.exr"),
    "tiles stay": ("/r/w.<UDIM>.####.exr", 7, "/r/w.<UDIM>.0007.exr"),
    "a # alone in a folder is a #": ("/jobs/#42/img.#.exr", 7, "/jobs/#42/img.7.exr"),
    "spaced printf is none": ("/r/100%4d/a% d.exr", 7, "/r/100%4d/a% d.exr"),
    "ends in a token": ("/r/img_####", 7, "/r/img_0007"),
    "no folder": ("####.exr", 7, "0007.exr"),
}


@pytest.mark.parametrize(("pattern", "frame", "path"), FILLED.values(), ids=FILLED.keys())
def test_a_frame_is_filled_in(pattern: str, frame: int, path: str) -> None:
    """Each token becomes the frame as the host that uses the token writes it; all else stays."""
    assert frame_path(pattern, frame) == path


OF_PATTERN = {
    "four digits": ("/r/img.####.exr", "/r/img.0007.exr", 7),
    "more digits than #": ("/r/img.##.exr", "/r/img.1234.exr", 1234),
    "negative": ("/r/img.####.exr", "/r/img.-0005.exr", -5),
    "printf negative": ("/r/img.%04d.exr", "/r/img.-005.exr", -5),
    "any padding": ("/r/img.<f>.exr", "/r/img.007.exr", 7),
    "twice": ("/r/##/img.####.exr", "/r/07/img.0007.exr", 7),
    "beside a tile": ("/r/w.<UDIM>.##.exr", "/r/w.1001.07.exr", 7),
    "a # alone in a folder": ("/jobs/#42/img.#.exr", "/jobs/#42/img.7.exr", 7),
    "twice, but not the same": ("/r/##/img.####.exr", "/r/08/img.0007.exr", None),
    "too few digits": ("/r/img.####.exr", "/r/img.7.exr", None),
    "too many digits": ("/r/img.####.exr", "/r/img.00007.exr", None),
    "minus zero": ("/r/img.##.exr", "/r/img.-00.exr", None),
    "no number": ("/r/img.####.exr", "/r/img.left.exr", None),
    "another folder": ("/r/img.####.exr", "/s/img.0007.exr", None),
    "a dot is a dot": ("/r/img.####.exr", "/r/img-0007.exr", None),
    "no token": ("/r/img.exr", "/r/img.exr", None),
    "a line break at the end": ("/r/img.####", "/r/img.0007\n", None),
}


@pytest.mark.parametrize(("pattern", "path", "frame"), OF_PATTERN.values(), ids=OF_PATTERN.keys())
def test_the_frame_of_a_file_is_read_by_its_pattern(pattern: str, path: str, frame: int | None) -> None:
    """Only a path that frame_path would write has a frame."""
    assert frame_of(pattern, path) == frame


@given(st.sampled_from(["/r/a.####.x", "/r/a.%03d.x", "/r/a%d", "/r/<f>.x", "/##/a#"]), st.integers(-99_999, 99_999))
def test_frame_of_is_frame_path_the_other_way_round(pattern: str, frame: int) -> None:
    """Every frame that is written is read back."""
    assert frame_of(pattern, frame_path(pattern, frame)) == frame


TOKENS = {
    "hashes": ("/r/a.####.exr", True, False),
    "printf": ("/r/a.%03d.exr", True, False),
    "bare": ("/r/a.<f>.exr", True, False),
    "udim": ("/r/a.<UDIM>.exr", False, True),
    "uvtile": ("/r/a.<UVTILE>.exr", False, True),
    "both": ("/r/a.<udim>.%d.exr", True, True),
    "none": ("/r/#1/a.exr", False, False),
    "unknown": ("/r/a.<frame2>.exr", False, False),
}


@pytest.mark.parametrize(("pattern", "frame", "tile"), TOKENS.values(), ids=TOKENS.keys())
def test_tokens_are_recognised(pattern: str, frame: bool, tile: bool) -> None:
    """A caller can ask which family of tokens a text has."""
    assert (has_frame_token(pattern), has_tile_token(pattern)) == (frame, tile)


OUTPUT_FOLDERS = {
    "frame in the name": ("/job/render/shot_####.exr", "/job/render"),
    "no token": ("/job/render/movie.mp4", "/job/render"),
    "frame in a folder": ("/job/render/####/beauty.exr", "/job/render"),
    "frame in a folder and the name": ("/render/####/shot_####.exr", "/render"),
    "frame in part of a folder's name": ("/job/take_##_b/x/shot.exr", "/job"),
    "a # alone in a folder is a #": ("/jobs/#42/shot_####.exr", "/jobs/#42"),
    "a # alone in a folder, above a frame": ("/jobs/#42/##/a#.exr", "/jobs/#42"),
    "printf in a folder": ("/job/%04d/shot.exr", "/job"),
    "bare frame in a folder": ("/job/<f>/shot.exr", "/job"),
    "tile in a folder": ("/job/<UDIM>/shot.exr", "/job"),
    "frame in the first folder": ("/####/shot.exr", "/"),
    "directly in the root": ("/shot_####.exr", "/"),
    "Windows": ("C:\\job\\####\\shot.exr", "C:\\job"),
    "Windows, with slashes": ("C:/jobs/#42/shot_####.exr", "C:\\jobs\\#42"),
    "share": ("\\\\nas\\show\\%d\\shot.exr", "\\\\nas\\show\\"),
}


@pytest.mark.parametrize(("path", "expected"), OUTPUT_FOLDERS.values(), ids=OUTPUT_FOLDERS.keys())
def test_an_output_has_a_folder(path: str, expected: str) -> None:
    """The folder that a step may write lies above every token, and is as near to the file as that allows."""
    flavour = Flavour.POSIX if path.startswith("/") else Flavour.WINDOWS
    assert output_folder(ClientPath.parse(path, flavour)).text == expected


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., str]:
    """Give a function that makes empty files in a folder and returns the folder."""

    def make(*names: str) -> str:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return str(tmp_path)

    return make


EXPANDED = {
    "all there": (["a.0001.png", "a.0002.png"], "a.####.png", [1, 2], ["a.0001.png", "a.0002.png"], []),
    "in the order of the frames": (["a.1.png", "a.2.png"], "a.#.png", [2, 1], ["a.2.png", "a.1.png"], []),
    "a gap": (["a.0001.png", "a.0003.png"], "a.%04d.png", [1, 2, 3], ["a.0001.png", "a.0003.png"], ["a.0002.png"]),
    "only the frames asked for": (["a.1.png", "a.2.png", "a.3.png"], "a.#.png", [2], ["a.2.png"], []),
    "other padding is another file": (["a.1.png"], "a.####.png", [1], [], ["a.0001.png"]),
    "case": (["A.0001.PNG"], "a.####.png", [1], [], ["a.0001.png"]),
    "negative": (["a.-0005.png", "a.-005.png"], "a.####.png", [-5], ["a.-0005.png"], []),
    "any padding": (["a.001.png", "a.12.png"], "a.<f>.png", [1, 12, 3], ["a.001.png", "a.12.png"], ["a.3.png"]),
    "any padding, both": (["a.1.png", "a.01.png", "a.11.png"], "a.<f>.png", [1], ["a.01.png", "a.1.png"], []),
    "any padding, zero": (["a.000.png"], "a.<f>.png", [0], ["a.000.png"], []),
    "any padding, negative": (["a.-02.png", "a.02.png"], "a.<f>.png", [-2], ["a.-02.png"], []),
    "no token: one file for all frames": (["a.png"], "a.png", [1, 2, 3], ["a.png"], []),
    "no token: one missing for all frames": ([], "a.png", [1, 2, 3], [], ["a.png"]),
    "folder of the frame": (["0001/a.png", "0002/b.png"], "####/a.png", [1, 2], ["0001/a.png"], ["0002/a.png"]),
    "folder by any padding": (["f01/a.png", "f1/a.png"], "f<f>/a.png", [1], ["f01/a.png", "f1/a.png"], []),
    "animated tiles": (
        ["w.1001.01.png", "w.1002.01.png", "w.1001.02.png"],
        "w.<UDIM>.##.png",
        [1, 2, 3],
        ["w.1001.01.png", "w.1002.01.png", "w.1001.02.png"],
        ["w.<UDIM>.03.png"],
    ),
    "characters of regular expressions": (["a+(1).1001.png"], "a+(1).<UDIM>.png", [1], ["a+(1).1001.png"], []),
    "# alone in a folder": (["#4/a.1001.1.png"], "#4/a.<UDIM>.#.png", [1], ["#4/a.1001.1.png"], []),
}


@pytest.mark.parametrize(("files", "pattern", "frames", "found", "missing"), EXPANDED.values(), ids=EXPANDED.keys())
def test_a_pattern_comes_to_the_files_of_the_frames(
    folder: Callable[..., str], files: list[str], pattern: str, frames: list[int], found: list[str], missing: list[str]
) -> None:
    """Each frame asked for ends in found or in missing, and no other file of the folder does."""
    root = folder(*files)
    result = expand_frames(os.path.join(root, pattern), frames)
    assert list(result.found) == [os.path.join(root, f) for f in found]
    assert list(result.missing) == [os.path.join(root, f) for f in missing]


TILES = {
    "udim": (["w.1001.exr", "w.1011.exr", "w.1002.exr"], "w.<UDIM>.exr", ["w.1001.exr", "w.1002.exr", "w.1011.exr"]),
    "small letters": (["w.1001.exr"], "w.<udim>.exr", ["w.1001.exr"]),
    "numbers that are no tile": (["w.1000.exr", "w.0001.exr", "w.10010.exr", "w.100.exr", "w.1001.png"], "w.<UDIM>.exr", []),
    "the last tile": (["w.9999.exr"], "w.<UDIM>.exr", ["w.9999.exr"]),
    "uvtile": (["w_u1_v1.exr", "w_u10_v2.exr", "w_u1.exr"], "w_<UVTILE>.exr", ["w_u10_v2.exr", "w_u1_v1.exr"]),
    "in folders": (["1001/w.exr", "1002/w.exr", "1003/v.exr"], "<UDIM>/w.exr", ["1001/w.exr", "1002/w.exr"]),
    "in both": (["1001/w.1002.exr", "1001/w.1001.exr"], "<UDIM>/w.<UDIM>.exr", ["1001/w.1001.exr", "1001/w.1002.exr"]),
    "no tile token": (["w.exr"], "w.exr", ["w.exr"]),
    "nothing": ([], "w.<UDIM>.exr", []),
    "a frame token matches nothing": (["w.1001.1.exr"], "w.<UDIM>.<f>.exr", []),
}


@pytest.mark.parametrize(("files", "pattern", "found"), TILES.values(), ids=TILES.keys())
def test_a_tile_pattern_comes_to_the_tiles_on_disk(
    folder: Callable[..., str], files: list[str], pattern: str, found: list[str]
) -> None:
    """The tiles that are there, sorted, and nothing that only looks like one."""
    root = folder(*files)
    assert list(expand_udim(os.path.join(root, pattern))) == [os.path.join(root, f) for f in found]


def test_each_folder_is_listed_once() -> None:
    """A thousand frames and a hundred tiles cost one listing of their folder."""
    asked: list[str] = []

    def scan(folder: str) -> list[str]:
        asked.append(folder)
        return [f"a.{n:04d}.png" for n in range(2000)]

    listing = DirectoryListing(scan)
    assert len(expand_frames("/r/a.####.png", range(1000), listing).found) == 1000
    assert len(expand_udim("/r/a.<UDIM>.png", listing)) == 999
    assert expand_frames("/r/b.####.png", range(3), listing).found == ()
    assert asked == ["/r"]


def test_a_folder_that_cannot_be_read_has_no_files_and_says_why(folder: Callable[..., str]) -> None:
    """Missing files of a missing or forbidden folder can be told from missing files of an empty one."""

    def forbidden(folder: str) -> list[str]:
        raise PermissionError(13, "Permission denied", folder)

    listing = DirectoryListing(forbidden)
    assert expand_frames("/secret/a.####.png", [1], listing).missing == ("/secret/a.0001.png",)
    assert listing.problem("/secret") == "Permission denied"
    root = folder("a.png")
    assert DirectoryListing().problem(root) == ""
    assert DirectoryListing().problem(os.path.join(root, "none")) == "No such file or directory"
    assert DirectoryListing().problem(os.path.join(root, "a.png")) == "Not a directory"


def test_a_folder_can_be_looked_for_too(folder: Callable[..., str]) -> None:
    """A path that ends in a slash is there when it can be listed."""
    root = folder("cache/a.png")
    listing = DirectoryListing()
    assert listing.has(os.path.join(root, "cache", ""))
    assert listing.has(os.path.join(root, "cache"))
    assert not listing.has(os.path.join(root, "none", ""))


def test_relative_patterns_are_read_from_the_current_folder() -> None:
    """The empty folder is the current one."""
    listing = DirectoryListing({".": ["a.1.png"]}.__getitem__)
    assert expand_frames("a.#.png", [1], listing).found == ("a.1.png",)


NUMBERED = {
    "dotted": ("/r/img.0001.png", "/r/img.####.png", 1),
    "underscore": ("/r/img_0010.png", "/r/img_####.png", 10),
    "attached": ("/r/img0001.png", "/r/img####.png", 1),
    "only a number": ("/r/0001.png", "/r/####.png", 1),
    "unpadded": ("/r/img.7.png", "/r/img.#.png", 7),
    "the last number": ("/r/shot_v002.0001.exr", "/r/shot_v002.####.exr", 1),
    "the extension has digits": ("/r/clip.0001.mp4", "/r/clip.####.mp4", 1),
    "two extensions": ("/r/sim.0042.bgeo.sc", "/r/sim.####.bgeo.sc", 42),
    "number last": ("/r/smoke.0001", "/r/smoke.####", 1),
    "negative": ("/r/img.-0005.png", "/r/img.####.png", -5),
    "negative after an underscore": ("/r/img_-05.png", "/r/img_##.png", -5),
    "negative, nothing before": ("/r/-05.png", "/r/##.png", -5),
    "a dash before the number": ("/r/img-0005.png", "/r/img-####.png", 5),
    "minus zero keeps its dash": ("/r/img.-00.png", "/r/img.-##.png", 0),
    "folders with numbers": ("/r/2024/img.0001.png", "/r/2024/img.####.png", 1),
    "no folder": ("img.0001.png", "img.####.png", 1),
}


@pytest.mark.parametrize(("path", "pattern", "frame"), NUMBERED.values(), ids=NUMBERED.keys())
def test_a_numbered_file_has_a_pattern(path: str, pattern: str, frame: int) -> None:
    """The pattern of a sequence is told by any file of it, and gives that file back."""
    assert sequence_pattern(path) == (pattern, frame)
    assert frame_path(pattern, frame) == path


NOT_NUMBERED = {
    "no number": "/r/img.png",
    "number in the extension only": "/r/clip.mp4",
    "number in the folder only": "/r/001/img.png",
    "a token already": "/r/img.####.0001.png",
    "tiles already": "/r/img.<UDIM>.0001.png",
}


@pytest.mark.parametrize("path", NOT_NUMBERED.values(), ids=NOT_NUMBERED.keys())
def test_a_file_without_a_number_has_no_pattern(path: str) -> None:
    """Nothing is guessed where there is nothing to go by."""
    assert sequence_pattern(path) is None


words = st.text("ab._-v", max_size=4)


@given(words, st.integers(-20_000, 20_000), st.integers(1, 6), words, st.sampled_from([".png", ".bgeo.sc", ".3ds"]))
def test_a_pattern_gives_its_file_back(before: str, frame: int, width: int, after: str, extension: str) -> None:
    """sequence_pattern and frame_path are each other's inverse, whatever stands around the number."""
    path = f"/r/{before}{frame:0{width}d}{after}{extension}"
    numbered = sequence_pattern(path)
    assert numbered is not None
    assert frame_path(*numbered) == path


@given(st.integers(1, 6), st.integers(0, 2_000_000))
def test_fileseq_pads_as_we_do(width: int, frame: int) -> None:
    """A run of # means one digit each, as in fileseq's PAD_STYLE_HASH1."""
    pattern = "/r/img." + "#" * width + ".exr"
    theirs = FileSequence(pattern.replace(".#", ".1-1#", 1), pad_style=PAD_STYLE_HASH1)
    assert frame_path(pattern, frame) == theirs.frame(frame)
