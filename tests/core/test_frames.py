from __future__ import annotations

import re

import pytest
from conductor_core.errors import FrameSpecError
from conductor_core.frames import MAX_FRAME_NUMBER, MAX_FRAMES, FrameSet, format_frames, scout_frames
from fileseq.frameset import FrameSet as TheirFrameSet
from hypothesis import given
from hypothesis import strategies as st

READABLE = {
    "one": ("7", [7]),
    "range": ("1-5", [1, 2, 3, 4, 5]),
    "range of one": ("3-3", [3]),
    "stepped": ("1-10x3", [1, 4, 7, 10]),
    "stepped, last not hit": ("1-9x3", [1, 4, 7]),
    "step beyond the range": ("1-5x10", [1]),
    "list": ("1,5,9-12", [1, 5, 9, 10, 11, 12]),
    "order kept as given": ("9-11,1,5", [9, 10, 11, 1, 5]),
    "negative": ("-5", [-5]),
    "negative range": ("-10--7", [-10, -9, -8, -7]),
    "through zero": ("-2-2", [-2, -1, 0, 1, 2]),
    "positive to negative": ("1--1", [1, 0, -1]),
    "falling": ("5-1", [5, 4, 3, 2, 1]),
    "falling, stepped": ("10-1x3", [10, 7, 4, 1]),
    "falling below zero": ("-7--10", [-7, -8, -9, -10]),
    "duplicates once, at their first place": ("5,1-6,5", [5, 1, 2, 3, 4, 6]),
    "leading zeros": ("0001-0003", [1, 2, 3]),
    "minus zero": ("-0", [0]),
    "blanks around commas": (" 1 ,\t3-4 , 6 ", [1, 3, 4, 6]),
    "exclusion": ("1-10,^3-4", [1, 2, 5, 6, 7, 8, 9, 10]),
    "exclusion of one": ("1-4,^2", [1, 3, 4]),
    "exclusion, stepped": ("1-10,^1-10x2", [2, 4, 6, 8, 10]),
    "exclusion comes first": ("^3,1-4", [1, 2, 4]),
    "exclusion wins wherever it stands": ("1-4,^3,3", [1, 2, 4]),
    "exclusion of what is not there": ("1-3,^50-60", [1, 2, 3]),
    "exclusion of negative": ("-3-1,^-2--1", [-3, 0, 1]),
    "the largest": (str(MAX_FRAME_NUMBER), [MAX_FRAME_NUMBER]),
}

UNREADABLE = {
    "empty": ("", "", "nothing stands"),
    "blank": ("  ", "", "nothing stands"),
    "trailing comma": ("1-10x2,", "", "nothing stands"),
    "leading comma": (",1", "", "nothing stands"),
    "double comma": ("1,,2", "", "nothing stands"),
    "blank as comma (fileseq: 1-1012)": ("1-10 12", "1-10 12", "blanks"),
    "blank in a range": ("1 - 10", "1 - 10", "blanks"),
    "line break": ("1\n2", "1\n2", "blanks"),
    "line break at the end": ("1-2\n", "1-2\n", "blanks"),
    "at sign (fileseq: 1-102)": ("1-10@2", "1-10@2", "not a frame"),
    "fileseq's fill": ("1-10y3", "1-10y3", "not a frame"),
    "fileseq's stagger": ("1-10:3", "1-10:3", "not a frame"),
    "step zero": ("1-10x0", "1-10x0", "1 or more"),
    "step negative": ("10-1x-3", "10-1x-3", "falling range"),
    "step without number": ("1-10x", "1-10x", "not a frame"),
    "step without range": ("5x2", "5x2", "needs a range"),
    "capital X": ("1-10X2", "1-10X2", "not a frame"),
    "fraction": ("1.5", "1.5", "whole numbers"),
    "plus": ("+5", "+5", "not a frame"),
    "open range": ("1-", "1-", "not a frame"),
    "two minus": ("--5", "--5", "not a frame"),
    "words": ("all", "all", "not a frame"),
    "digits of another script": ("٣-٥", "٣-٥", "not a frame"),
    "exclusion only": ("^5", "^5", "no frame is left"),
    "everything excluded": ("1-3,^1-10", "1-3,^1-10", "no frame is left"),
    "two carets": ("1-3,^^2", "^^2", "not a frame"),
    "a million and one": ("1-1000001", "1-1000001", "more than 1,000,000"),
    "a million and one in parts": ("1-600000,600001-1000001", "600001-1000001", "more than 1,000,000"),
    "a million and one times the same": ("1-600000,1-600000", "1-600000", "more than 1,000,000"),
    "endless exclusion": ("1,^1-99999999", "^1-99999999", "more than 1,000,000"),
    "beyond 32 bits": ("2147483648", "2147483648", "32 bits"),
    "a number of 5,000 digits": ("9" * 5000, "9" * 5000, "32 bits"),
}


@pytest.mark.parametrize(("spec", "frames"), READABLE.values(), ids=READABLE.keys())
def test_a_spec_gives_exactly_its_frames_in_its_order(spec: str, frames: list[int]) -> None:
    """What the artist wrote is what is rendered, in that order."""
    assert list(FrameSet.parse(spec)) == frames


@pytest.mark.parametrize(("spec", "part", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_spec_outside_the_grammar_is_refused(spec: str, part: str, reason: str) -> None:
    """Text that could be misread names no frame at all, and the message names the part and the reason."""
    with pytest.raises(FrameSpecError, match=re.escape(reason)) as caught:
        FrameSet.parse(spec)
    assert (caught.value.spec, caught.value.part) == (spec, part)
    assert len(str(caught.value)) < 400


def test_a_million_frames_are_allowed() -> None:
    """The limit is there against typing errors, not against long jobs."""
    assert len(FrameSet.parse("1-1000000")) == MAX_FRAMES


FORMATTED = {
    "none": ([], ""),
    "one": ([5], "5"),
    "neighbours": ([1, 2], "1-2"),
    "two apart": ([1, 9], "1,9"),
    "three apart": ([1, 5, 9], "1-9x4"),
    "falling": ([3, 2, 1], "3-1"),
    "falling, stepped": ([10, 7, 4], "10-4x3"),
    "negative": ([-3, -2, -1], "-3--1"),
    "hole": ([1, 2, 4, 5], "1-2,4-5"),
    "the run starts at the second": ([1, 5, 6, 7], "1,5-7"),
    "duplicates": ([1, 1, 2], "1-2"),
}


@pytest.mark.parametrize(("frames", "spec"), FORMATTED.values(), ids=FORMATTED.keys())
def test_frames_are_written_compactly(frames: list[int], spec: str) -> None:
    """The canonical text is what a person would have written."""
    assert format_frames(frames) == spec


frame = st.integers(-200, 200)
frames_of_a_job = st.lists(frame, min_size=1, max_size=60, unique=True)


@st.composite
def parts(draw: st.DrawFn, *, falling: bool = True) -> str:
    """Draw a range without exclusion."""
    first = draw(frame)
    if draw(st.booleans()):
        return str(first)
    last = draw(frame if falling else st.integers(first, 200))
    step = draw(st.one_of(st.none(), st.integers(1, 50)))
    return f"{first}-{last}" + ("" if step is None else f"x{step}")


@given(frames_of_a_job)
def test_what_is_formatted_reads_back_as_the_same_frames_in_the_same_order(frames: list[int]) -> None:
    """Writing frames down and reading them again loses, adds and moves none."""
    assert list(FrameSet.parse(format_frames(frames))) == frames


@given(st.lists(parts(), min_size=1, max_size=6))
def test_the_canonical_text_is_one_for_equal_sets(texts: list[str]) -> None:
    """Two ways to write the same frames have one canonical text, which is its own canonical text."""
    frames = FrameSet.parse(",".join(texts))
    again = FrameSet.parse(frames.spec)
    assert again == frames
    assert again.spec == frames.spec == str(frames)


@given(st.lists(parts(), min_size=1, max_size=6), st.integers(1, 70))
def test_the_frames_rendered_are_exactly_the_frames_asked_for_chunked_or_not(texts: list[str], size: int) -> None:
    """The chunks, one after the other, are the frames: none between, none twice, none moved; only the last is shorter."""
    frames = FrameSet.parse(",".join(texts))
    chunks = frames.chunks(size)
    assert tuple(f for chunk in chunks for f in chunk) == frames.frames
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= size


@given(st.lists(parts(), min_size=1, max_size=6), st.lists(parts(), max_size=3), st.randoms(use_true_random=False))
def test_an_excluded_frame_is_never_rendered_and_no_other_is_lost(wanted: list[str], excluded: list[str], random: object) -> None:
    """Exclusions take out exactly what they name, wherever they stand."""
    asked = FrameSet.parse(",".join(wanted)).frames
    out = set(FrameSet.parse(",".join(excluded)).frames) if excluded else set()
    expected = tuple(f for f in asked if f not in out)
    texts = list(wanted)
    for text in excluded:
        texts.insert(random.randint(0, len(texts)), f"^{text}")  # type: ignore[attr-defined]
    if expected:
        assert FrameSet.parse(",".join(texts)).frames == expected
    else:
        with pytest.raises(FrameSpecError, match="no frame is left"):
            FrameSet.parse(",".join(texts))


@given(st.lists(parts(), min_size=1, max_size=6))
def test_fileseq_reads_the_same_frames_where_it_is_right(texts: list[str]) -> None:
    """A spec that we accept without exclusions means to us what it means to the field's own library."""
    spec = ",".join(texts)
    assert list(FrameSet.parse(spec)) == [int(f) for f in TheirFrameSet(spec)]


@given(st.text("0123456789-x,^ \t@y:.+\n", max_size=15))
def test_any_text_is_frames_or_a_frame_spec_error(text: str) -> None:
    """No text makes the parser fail in another way, and what it accepts has no blank inside a part."""
    try:
        frames = FrameSet.parse(text)
    except FrameSpecError:
        return
    assert len(frames) >= 1
    assert all(not re.search(r"\s", part.strip(" \t")) for part in text.split(","))


def test_a_chunk_of_a_stepped_range_has_the_very_frames() -> None:
    """A chunk of 1-100x5 renders 1, 6, 11 and not 1 to 11."""
    assert FrameSet.parse("1-100x5").chunks(3)[0] == (1, 6, 11)


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_at_least_one_frame(size: int) -> None:
    """A chunk size below 1 is an error and not an endless loop."""
    with pytest.raises(ValueError, match="at least 1"):
        FrameSet.parse("1-3").chunks(size)


WRONG_FRAMES = {
    "none": ((), "no frame"),
    "twice": ((1, 2, 1), "twice"),
    "beyond 32 bits": ((1, 2**31), "32 bits"),
    "beyond 32 bits, negative": ((-(2**31), 1), "32 bits"),
    "too many": (tuple(range(MAX_FRAMES + 1)), "more than"),
}


@pytest.mark.parametrize(("frames", "reason"), WRONG_FRAMES.values(), ids=WRONG_FRAMES.keys())
def test_a_frame_set_made_by_hand_is_as_right_as_a_parsed_one(frames: tuple[int, ...], reason: str) -> None:
    """There is no FrameSet that no spec could name."""
    with pytest.raises(FrameSpecError, match=reason):
        FrameSet(frames)


def test_a_frame_set_is_a_value() -> None:
    """Equal frames in equal order are equal, hashable, countable and searchable."""
    frames = FrameSet.parse("1-3")
    assert frames == FrameSet((1, 2, 3)) != FrameSet((3, 2, 1))
    assert hash(frames) == hash(FrameSet.parse("1,2,3"))
    assert len(frames) == 3
    assert 2 in frames
    assert 4 not in frames


@pytest.mark.parametrize(
    ("spec", "frames", "scouts"),
    [
        pytest.param("", "1-10", (), id="none"),
        pytest.param("1,50,100", "1-100", (1, 50, 100), id="listed"),
        pytest.param("50,1", "1-100", (1, 50), id="listed-in-the-order-of-rendering"),
        pytest.param("1,200", "1-100", (1,), id="listed-those-that-are-there"),
        pytest.param("fml:3", "1-101", (1, 51, 101), id="first-middle-last"),
        pytest.param("fml:1", "5-9", (5,), id="first"),
        pytest.param("fml:2", "1-9x2", (1, 9), id="first-last"),
        pytest.param("auto:3", "1-90", (16, 46, 76), id="evenly"),
        pytest.param("auto:9", "1-3", (1, 2, 3), id="more-than-there-are"),
    ],
)
def test_scout_frames(spec: str, frames: str, scouts: tuple[int, ...]) -> None:
    """Scout frames are frames of the step, in its order."""
    assert scout_frames(spec, FrameSet.parse(frames)) == scouts


@pytest.mark.parametrize("spec", ["auto:0", "fml:", "auto", "x", "200", "auto:-1", "auto:99999999"])
def test_scout_frames_that_cannot_be_read(spec: str) -> None:
    """What names no frame of the step is refused."""
    with pytest.raises(FrameSpecError):
        scout_frames(spec, FrameSet.parse("1-100"))


@given(st.sets(st.integers(-1000, 1000), min_size=1), st.sampled_from(["auto", "fml"]), st.integers(1, 2000))
def test_a_rule_for_scouts_picks_as_many_as_it_says(frames: set[int], rule: str, count: int) -> None:
    """Never a frame twice, never one that the step has not."""
    scouts = scout_frames(f"{rule}:{count}", sorted(frames))
    assert len(set(scouts)) == len(scouts) == min(count, len(frames))
    assert set(scouts) <= frames
