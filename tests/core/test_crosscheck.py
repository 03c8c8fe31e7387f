"""Two readers' reports as one: who sees what, and what stands where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from conductor_core.discovery.crosscheck import cross_checked, disagreement, real
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from hypothesis import given, settings
from hypothesis import strategies as st

SCENE = "/show/shot.blend"
LIBRARY = "/show/lib/props.blend"


def found(text: str, *files: str, within: str = "", path: str = "") -> Dependency:
    return Dependency(text, path or files[0], files, "texture", f"Image {text}", within=within, reader="ours" if within else "")


def gone(text: str, path: str, within: str = "") -> Missing:
    return Missing(text, path, "texture", f"Image {text}", "there is no such file", within)


def report(*entries: object) -> ScanReport:
    def of(kind: type) -> tuple[object, ...]:
        return tuple(e for e in entries if isinstance(e, kind))

    return ScanReport(SCENE, "blend", of(Dependency), of(Missing), of(Unresolved), of(ScanOutput), of(Ignored))  # type: ignore[arg-type]


def rows(merged: ScanReport) -> list[tuple[str, str, str]]:
    """Return list, path or text, and who sees it."""
    lists = {
        "found": [(" ".join(d.files), d.seen_by) for d in merged.dependencies],
        "missing": [(m.path, m.seen_by) for m in merged.missing],
        "unresolved": [(u.as_written, u.seen_by) for u in merged.unresolved],
        "written": [(o.path, o.seen_by) for o in merged.outputs],
        "ignored": [(i.as_written, i.seen_by) for i in merged.ignored],
    }
    return [(name, text, "+".join(by)) for name, entries in lists.items() for text, by in entries]


WOOD = "/show/wood.png"
CASES = {
    "both find it": ([found("//wood.png", WOOD)], [found("//wood.png", WOOD)], [("found", WOOD, "host+file")]),
    "written in two ways": ([found("//wood.png", WOOD)], [found(WOOD, WOOD)], [("found", WOOD, "host+file")]),
    "only the host": ([found("//wood.png", WOOD)], [], [("found", WOOD, "host")]),
    "only our reading": ([], [found("//wood.png", WOOD)], [("found", WOOD, "file")]),
    "missing for both": ([gone("//wood.png", WOOD)], [gone("//wood.png", WOOD)], [("missing", WOOD, "host+file")]),
    "missing, only the host": ([gone("//wood.png", WOOD)], [], [("missing", WOOD, "host")]),
    "missing, only our reading": ([], [gone("//wood.png", WOOD)], [("missing", WOOD, "file")]),
    "the host misses what we found": ([gone("//wood.png", WOOD)], [found("//wood.png", WOOD)], [("found", WOOD, "host+file")]),
    "we miss what the host found": ([found("//wood.png", WOOD)], [gone("//wood.png", WOOD)], [("found", WOOD, "host+file")]),
    "we look for it elsewhere": (
        [found("//wood.png", WOOD)],
        [gone("//wood.png", "/x/wood.png")],
        [("found", WOOD, "host+file")],
    ),
    "we look for a library's elsewhere": (
        [found("//wood.png", WOOD)],
        [gone("//wood.png", "/x/wood.png", LIBRARY)],
        [("found", WOOD, "host+file"), ("missing", "/x/wood.png", "file")],
    ),
    "a frame more each": (
        [found("//a.####.png", "/show/a.1.png", "/show/a.2.png", path="/show/a.#.png")],
        [found("//a.####.png", "/show/a.2.png", "/show/a.3.png", path="/show/a.#.png")],
        [("found", "/show/a.2.png", "host+file"), ("found", "/show/a.1.png", "host"), ("found", "/show/a.3.png", "file")],
    ),
    "the host ignores it": (
        [Ignored("//wood.png", "Image", "it is packed")],
        [found("//wood.png", WOOD)],
        [("ignored", "//wood.png", "host+file")],
    ),
    "the host ignores it, a library has it": (
        [Ignored("//wood.png", "Image", "nobody uses it")],
        [found("//wood.png", WOOD, within=LIBRARY)],
        [("found", WOOD, "file"), ("ignored", "//wood.png", "host+file")],
    ),
    "we ignore what the host reads": (
        [found("//wood.png", WOOD)],
        [Ignored("//wood.png", "Image", "a comment")],
        [("found", WOOD, "host+file")],
    ),
    "we cannot resolve what the host reads": (
        [found("//wood.png", WOOD)],
        [Unresolved("//wood.png", "Image", "an expression")],
        [("found", WOOD, "host+file")],
    ),
    "the host cannot resolve what we read": (
        [Unresolved("//wood.png", "Image", "an expression")],
        [found("//wood.png", WOOD)],
        [("found", WOOD, "host+file")],
    ),
    "a share in two spellings": (
        [gone("//wood.png", "\\\\srv/tex/wood.png")],
        [gone("//wood.png", "//srv/tex/wood.png")],
        [("missing", "\\\\srv/tex/wood.png", "host+file")],
    ),
    "nobody can resolve it": (
        [Unresolved("[x]", "Image", "an expression")],
        [Unresolved("[x]", "Image", "who knows")],
        [("unresolved", "[x]", "host+file")],
    ),
    "the host writes what we take for read": (
        [ScanOutput("//cache/", "/show/cache", "Scene")],
        [found("//cache/", "/show/cache")],
        [("written", "/show/cache", "host+file")],
    ),
    "each its own": (
        [ScanOutput("//o/", "/show/o", "Scene"), Ignored("a", "A", "x"), Unresolved("b", "B", "x")],
        [ScanOutput("//p/", "/show/p", "Scene"), Ignored("c", "C", "x"), Unresolved("d", "D", "x")],
        [
            ("unresolved", "b", "host"),
            ("unresolved", "d", "file"),
            ("written", "/show/o", "host"),
            ("written", "/show/p", "file"),
            ("ignored", "a", "host"),
            ("ignored", "c", "file"),
        ],
    ),
}


@pytest.mark.parametrize(("host", "file", "expected"), CASES.values(), ids=CASES)
def test_what_stands_where_two_readers_disagree(
    host: list[object], file: list[object], expected: list[tuple[str, str, str]]
) -> None:
    """Each case of docs/decisions/0011-two-readers.md."""
    assert rows(cross_checked(report(*host), report(*file))) == expected


def test_our_reading_tells_in_which_file_a_text_stands() -> None:
    """The host does not know it: the entry that both see has the host's words, and the library from our reading."""
    merged = cross_checked(report(found("//wood.png", WOOD)), report(found("//wood.png", WOOD, within=LIBRARY)))
    assert [(d.referrer, d.within, d.reader) for d in merged.dependencies] == [("Image //wood.png", LIBRARY, "ours")]


def test_one_file_under_two_names(tmp_path: Path) -> None:
    """A file behind a link is one file: the host's way to it stands."""
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    by_link = str(tmp_path / "link" / "a.png")
    merged = cross_checked(report(found("a", by_link)), report(found("a", str(tmp_path / "a.png"))))
    assert rows(merged) == [("found", by_link, "host+file")]


def test_disagreements_are_counted() -> None:
    """The number of dependencies that only one sees is told in one line."""
    merged = cross_checked(report(found("a", "/a"), gone("b", "/b")), report(found("c", "/c"), found("a", "/a")))
    counted = disagreement(merged)
    assert (counted.host_only, counted.file_only) == (1, 1)


names = st.sampled_from(["a", "b", "c", "d"])
within = st.sampled_from(["", LIBRARY])
entries = st.one_of(
    st.builds(lambda n, fs, w: found(n, *(f"/{f}" for f in sorted(fs)), within=w), names, st.sets(names, min_size=1), within),
    st.builds(lambda n, p, w: gone(n, f"/{p}", w), names, names, within),
    st.builds(lambda n, w: Unresolved(n, "R", "r", w), names, within),
    st.builds(lambda n, p: ScanOutput(n, f"/{p}", "R"), names, names),
    st.builds(lambda n, w: Ignored(n, "R", "r", w), names, within),
)


def _consistent(said: Sequence[object]) -> ScanReport:
    """Return a report as one reader gives it: it does not call a file missing that it has found."""
    there = {f for e in said if isinstance(e, Dependency) for f in e.files}
    return report(*dict.fromkeys(e for e in said if not (isinstance(e, Missing) and e.path in there)))


reports = st.lists(entries, max_size=6).map(_consistent)


def _texts(one: ScanReport) -> set[str]:
    lists = (one.dependencies, one.missing, one.unresolved, one.outputs, one.ignored)
    return {entry.as_written for entries in lists for entry in entries}


@settings(max_examples=300)
@given(reports, reports)
def test_nothing_is_dropped(host: ScanReport, file: ScanReport) -> None:
    """Each text of either stands somewhere, and each file of the host is sent; one of ours unless the host decided on its text."""
    merged = cross_checked(host, file)
    assert _texts(merged) | {t for t in _texts(host) | _texts(file) if _same_file(t, merged, host, file)} == (
        _texts(host) | _texts(file)
    )
    assert set(host.files()) <= set(merged.files())
    decided = {e.as_written for entries in (merged.ignored, merged.outputs) for e in entries}
    left = set(file.files()) - set(merged.files())
    assert left <= {f for d in file.dependencies if d.as_written in decided for f in d.files}


def _same_file(text: str, merged: ScanReport, host: ScanReport, file: ScanReport) -> bool:
    """Tell whether a text is left out because the same path stands there under the host's text, or one found instead."""
    paths = {real(f) for d in merged.dependencies for f in (*d.files, d.path)}
    paths |= {real(e.path) for entries in (merged.missing, merged.outputs) for e in entries}
    own = [p for one in (host, file) for d in one.dependencies if d.as_written == text for p in d.files]
    own += [e.path for one in (host, file) for entries in (one.missing, one.outputs) for e in entries if e.as_written == text]
    return bool(own) and all(real(p) in paths for p in own)


@settings(max_examples=300)
@given(reports, reports)
def test_nothing_stands_twice(host: ScanReport, file: ScanReport) -> None:
    """A file is not found and missing, and what our reading adds was not there."""
    merged = cross_checked(host, file)
    there = {f for d in merged.dependencies for f in d.files}
    assert not there & {m.path for m in merged.missing}
    assert not there & {f for d in merged.dependencies if d.seen_by == ("file",) for f in d.files} & set(host.files())


@given(reports)
def test_two_readers_of_one_mind(one: ScanReport) -> None:
    """Where both say the same, the report is the host's, and everything is seen by both."""
    merged = cross_checked(one, one)
    assert merged.files() == one.files()
    assert {by for _, _, by in rows(merged)} <= {"host+file"}


@given(reports)
def test_a_reader_that_says_nothing(one: ScanReport) -> None:
    """Where one is silent, everything of the other stands, marked."""
    silent = report()
    assert [row[:2] for row in rows(cross_checked(one, silent))] == [row[:2] for row in rows(one)]
    assert [row[:2] for row in rows(cross_checked(silent, one))] == [row[:2] for row in rows(one)]
    assert {by for _, _, by in rows(cross_checked(silent, one))} <= {"file"}
