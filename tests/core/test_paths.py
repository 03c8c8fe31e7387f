from __future__ import annotations

import os
import re

import pytest
from conductor_core.errors import PathError
from conductor_core.paths import (
    ClientPath,
    Flavour,
    PathRule,
    ScenePath,
    common_roots,
    contains_escape,
    is_absolute,
    local_flavour,
    map_path,
    reversed_rules,
    stage_path,
    unstage_path,
)
from hypothesis import assume, given
from hypothesis import strategies as st

P, W = Flavour.POSIX, Flavour.WINDOWS


def posix(text: str) -> ClientPath:
    return ClientPath.parse(text, P)


def windows(text: str) -> ClientPath:
    return ClientPath.parse(text, W)


PARSED = {
    "posix": (P, "/job/a.exr", "/", ("job", "a.exr"), "/job/a.exr"),
    "posix root": (P, "/", "/", (), "/"),
    "posix doubled slash": (P, "//job///a", "/", ("job", "a"), "/job/a"),
    "posix trailing slash": (P, "/job/", "/", ("job",), "/job"),
    "posix dot": (P, "/./job/./a", "/", ("job", "a"), "/job/a"),
    "posix dot-dot": (P, "/job/x/../a", "/", ("job", "a"), "/job/a"),
    "posix dot-dot to the root": (P, "/job/..", "/", (), "/"),
    "posix backslash is a letter": (P, "/job/a\\b", "/", ("job", "a\\b"), "/job/a\\b"),
    "posix colon, blank, dot at the end": (P, "/C:/a /b.", "/", ("C:", "a ", "b."), "/C:/a /b."),
    "posix three dots are a name": (P, "/job/...", "/", ("job", "..."), "/job/..."),
    "posix line break": (P, "/job/a\nb", "/", ("job", "a\nb"), "/job/a\nb"),
    "posix, not UTF-8": (P, "/job/a\udcff", "/", ("job", "a\udcff"), "/job/a\udcff"),
    "posix, two ways to write é": (P, "/e\u0301/\u00e9", "/", ("e\u0301", "\u00e9"), "/e\u0301/\u00e9"),
    "drive": (W, "C:\\job\\a.exr", "C:\\", ("job", "a.exr"), "C:\\job\\a.exr"),
    "drive, small letter and slashes": (W, "c:/job/a", "C:\\", ("job", "a"), "C:\\job\\a"),
    "drive, both slashes": (W, "C:\\job/sub\\\\a", "C:\\", ("job", "sub", "a"), "C:\\job\\sub\\a"),
    "drive root": (W, "D:/", "D:\\", (), "D:\\"),
    "drive dot-dot": (W, "C:\\job\\..\\a", "C:\\", ("a",), "C:\\a"),
    "share": (W, "\\\\srv\\proj\\a", "\\\\srv\\proj\\", ("a",), "\\\\srv\\proj\\a"),
    "share with slashes": (W, "//srv/proj/a", "\\\\srv\\proj\\", ("a",), "\\\\srv\\proj\\a"),
    "share root": (W, "\\\\srv\\proj", "\\\\srv\\proj\\", (), "\\\\srv\\proj\\"),
    "share keeps its case": (W, "\\\\Srv\\Proj$\\A", "\\\\Srv\\Proj$\\", ("A",), "\\\\Srv\\Proj$\\A"),
    "server by address": (W, "\\\\10.0.0.1\\p\\a", "\\\\10.0.0.1\\p\\", ("a",), "\\\\10.0.0.1\\p\\a"),
    "long drive path": (W, "\\\\?\\C:\\job\\a", "C:\\", ("job", "a"), "C:\\job\\a"),
    "long share path": (W, "\\\\?\\UNC\\srv\\p\\a", "\\\\srv\\p\\", ("a",), "\\\\srv\\p\\a"),
    "tokens stay": (W, "C:\\wood.<UDIM>.####.exr", "C:\\", ("wood.<UDIM>.####.exr",), "C:\\wood.<UDIM>.####.exr"),
    "device letters in a name": (W, "C:\\console\\nulls.txt", "C:\\", ("console", "nulls.txt"), "C:\\console\\nulls.txt"),
}

REFUSED = {
    "posix empty": (P, "", "not absolute"),
    "posix relative": (P, "job/a", "not absolute"),
    "posix: a windows path": (P, "C:\\job", "not absolute"),
    "posix above the root": (P, "/job/../../a", "above its root"),
    "posix NUL": (P, "/job\0/a", "NUL"),
    "windows empty": (W, "", "not absolute"),
    "windows relative": (W, "job\\a", "not absolute"),
    "windows: a posix path": (W, "/job/a", "not absolute"),
    "relative to the drive's folder": (W, "C:job", "not absolute"),
    "drive alone": (W, "C:", "not absolute"),
    "relative to the drive": (W, "\\job", "not absolute"),
    "drive of two letters": (W, "CC:\\a", "not absolute"),
    "drive of another script": (W, "É:\\a", "not absolute"),
    "above the drive": (W, "C:\\..\\a", "above its root"),
    "above the share": (W, "\\\\srv\\p\\..\\q", "above its root"),
    "server without share": (W, "\\\\srv", "not absolute"),
    "server without share, slash": (W, "\\\\srv\\", "not absolute"),
    "server named dot-dot": (W, "\\\\..\\p\\a", "not absolute"),
    "device namespace": (W, "\\\\.\\PhysicalDrive0", "not absolute"),
    "long path of neither": (W, "\\\\?\\Volume{1}\\a", "not absolute"),
    "alternate data stream": (W, "C:\\a.exr:evil", "does not allow"),
    "question mark": (W, "C:\\a?.exr", "does not allow"),
    "control character": (W, "C:\\a\n.exr", "does not allow"),
    "dot at the end": (W, "C:\\a.\\b", "dot or blank"),
    "blank at the end": (W, "C:\\a \\b", "dot or blank"),
    "dot-dot and a blank": (W, "C:\\a\\.. \\b", "dot or blank"),
    "three dots": (W, "C:\\a\\...\\b", "dot or blank"),
    "device": (W, "C:\\out\\NUL", "device"),
    "device with extension": (W, "C:\\out\\con.0001.exr", "device"),
    "device by superscript": (W, "C:\\out\\COM¹", "device"),
}


@pytest.mark.parametrize(("flavour", "text", "anchor", "components", "written"), PARSED.values(), ids=PARSED.keys())
def test_a_path_is_taken_apart(flavour: Flavour, text: str, anchor: str, components: tuple[str, ...], written: str) -> None:
    """Each spelling of a place gives one anchor, one list of components and one text."""
    path = ClientPath.parse(text, flavour)
    assert (path.anchor, path.components, path.text, str(path)) == (anchor, components, written, written)


@pytest.mark.parametrize(("flavour", "text", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_place_is_refused(flavour: Flavour, text: str, reason: str) -> None:
    """Text that depends on where one stands, or that the system would take for another place, is an error that quotes it."""
    with pytest.raises(PathError, match=re.escape(reason)) as caught:
        ClientPath.parse(text, flavour)
    assert caught.value.path == text


HAND_MADE = {
    "anchor of the other flavour": (P, "C:\\", ()),
    "no anchor": (P, "", ("a",)),
    "small drive letter": (W, "c:\\", ()),
    "share without the last slash": (W, "\\\\srv\\p", ()),
    "empty component": (P, "/", ("",)),
    "dot": (P, "/", (".",)),
    "dot-dot": (P, "/", ("a", "..")),
    "slash in a component": (P, "/", ("a/b",)),
    "backslash in a component": (W, "C:\\", ("a\\b",)),
    "slash in a windows component": (W, "C:\\", ("a/b",)),
}


@pytest.mark.parametrize(("flavour", "anchor", "components"), HAND_MADE.values(), ids=HAND_MADE.keys())
def test_a_path_made_by_hand_is_as_right_as_a_parsed_one(flavour: Flavour, anchor: str, components: tuple[str, ...]) -> None:
    """There is no ClientPath with a component that is none."""
    with pytest.raises(PathError):
        ClientPath(flavour, anchor, components)


SAME = {
    "windows case": (windows("C:\\Tex\\Wood.EXR"), windows("c:/tex/wood.exr")),
    "share case": (windows("\\\\SRV\\P\\a"), windows("\\\\srv\\p\\A")),
    "windows, accented": (windows("C:\\ÄÉ"), windows("C:\\äé")),
    "dot-dot": (posix("/a/b/../c"), posix("/a/c")),
}

DIFFERENT = {
    "posix case": (posix("/Tex"), posix("/tex")),
    "drives": (windows("C:\\a"), windows("D:\\a")),
    "drive and share": (windows("C:\\a"), windows("\\\\C\\a")),
    "sharp s is not ss": (windows("C:\\Straße"), windows("C:\\STRASSE")),
    "dotless i is not I": (windows("C:\\ı"), windows("C:\\I")),
    "long s is not S": (windows("C:\\ſ"), windows("C:\\s")),
    "composed and decomposed": (posix("/e\u0301"), posix("/\u00e9")),
    "sibling with the same beginning": (posix("/job/render"), posix("/job/render_assets")),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_two_spellings_of_one_place_are_equal(one: ClientPath, other: ClientPath) -> None:
    """Paths compare and hash as the client's system compares them."""
    assert one == other
    assert len({one, other}) == 1
    assert one.is_within(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_two_places_are_never_taken_for_one(one: ClientPath, other: ClientPath) -> None:
    """Where the client's system sees two files, so do we."""
    assert one != other
    assert len({one, other}) == 2


WITHIN = {
    "itself": ("/job", "/job", True),
    "child": ("/job/a", "/job", True),
    "root holds all": ("/job/a", "/", True),
    "parent": ("/job", "/job/a", False),
    "sibling that begins alike": ("/job/render_assets", "/job/render", False),
    "case": ("/Job/a", "/job", False),
}


@pytest.mark.parametrize(("path", "folder", "within"), WITHIN.values(), ids=WITHIN.keys())
def test_within_goes_by_components(path: str, folder: str, within: bool) -> None:
    """/job/render does not hold /job/render_assets."""
    assert posix(path).is_within(posix(folder)) is within


def test_flavours_never_meet() -> None:
    """No posix path lies in a windows folder."""
    assert not posix("/a").is_within(windows("C:\\"))
    assert posix("/a") != windows("C:\\a")


def test_the_parts_of_a_path() -> None:
    """Name, parent, root and the slashed text follow from the components."""
    path = windows("\\\\srv\\p\\a\\b.exr")
    assert (path.name, path.parent.text, path.root.text) == ("b.exr", "\\\\srv\\p\\a", "\\\\srv\\p\\")
    assert path.slashed == "//srv/p/a/b.exr"
    assert windows("C:\\a").slashed == "C:/a"
    assert posix("/a\\b").slashed == "/a\\b"
    assert posix("/").parent == posix("/")
    assert posix("/").name == ""
    assert path.relative_to(windows("\\\\SRV\\P\\A")) == ("b.exr",)


def test_what_leads_from_elsewhere_is_no_relative_path() -> None:
    """relative_to answers only for what lies within."""
    with pytest.raises(PathError, match="does not lie within '/job/render'"):
        posix("/job/render_assets/a").relative_to(posix("/job/render"))


def test_paths_sort_a_folder_right_before_what_lies_in_it() -> None:
    """The order is by components: nothing stands between a folder and its files."""
    texts = ["/a/b", "/a-b", "/a", "/a/b/c", "/a.b"]
    assert [p.text for p in sorted(map(posix, texts))] == ["/a", "/a/b", "/a/b/c", "/a-b", "/a.b"]


JOINED = {
    "file": ("/job", ("a.exr",), "/job/a.exr"),
    "several": ("/job", ("tex", "wood/a.exr"), "/job/tex/wood/a.exr"),
    "dot-dot": ("/job/scenes", ("../tex/a.exr",), "/job/tex/a.exr"),
    "dot": ("/job", ("./a",), "/job/a"),
    "to the root": ("/job", ("..",), "/"),
    "to the root and on": ("/job", ("../lib/a",), "/lib/a"),
}


@pytest.mark.parametrize(("folder", "parts", "result"), JOINED.values(), ids=JOINED.keys())
def test_join_follows_relative_text(folder: str, parts: tuple[str, ...], result: str) -> None:
    """Join leads where the client's system would lead."""
    assert posix(folder).join(*parts).text == result


NOT_JOINED = {
    "absolute": (posix("/job"), "/etc/passwd"),
    "empty": (posix("/job"), ""),
    "above the root": (posix("/job"), "../../a"),
    "another drive": (windows("C:\\job"), "D:\\a"),
    "drive-relative": (windows("C:\\job"), "D:a"),
    "root-relative": (windows("C:\\job"), "\\a"),
    "share": (windows("C:\\job"), "\\\\srv\\p\\a"),
    "stream": (windows("C:\\job"), "a:b"),
    "NUL": (posix("/job"), "a\0b"),
}


@pytest.mark.parametrize(("folder", "part"), NOT_JOINED.values(), ids=NOT_JOINED.keys())
def test_join_refuses_what_is_not_relative(folder: ClientPath, part: str) -> None:
    """No text can silently replace the folder it is joined to."""
    with pytest.raises(PathError):
        folder.join(part)


def test_a_scene_path_is_a_place_only_together_with_a_folder() -> None:
    """Relative text is read from the folder, absolute text by itself, and the text itself stays as it was written."""
    written = ScenePath("../tex/./wood.<UDIM>.exr")
    assert str(written) == "../tex/./wood.<UDIM>.exr"
    assert written.under(posix("/job/scenes")) == posix("/job/tex/wood.<UDIM>.exr")
    assert ScenePath("/lib/a").under(posix("/job")) == posix("/lib/a")
    assert ScenePath("d:/lib/a").under(windows("C:\\job")) == windows("D:\\lib\\a")
    with pytest.raises(PathError):
        ScenePath("").under(posix("/job"))


def test_this_machine_has_a_flavour() -> None:
    """The flavour of a submission made here is the one of this system."""
    assert local_flavour() is (W if os.name == "nt" else P)
    assert ClientPath.parse(os.getcwd(), local_flavour()).text == os.getcwd()


ABSOLUTE = {
    "posix": ("/a", P, True),
    "posix relative": ("a", P, False),
    "posix: drive is a name": ("C:/a", P, False),
    "drive": ("C:\\a", W, True),
    "drive-relative": ("C:a", W, True),
    "root-relative": ("\\a", W, True),
    "share": ("//srv/p", W, True),
    "windows relative": ("a\\b", W, False),
    "empty": ("", W, False),
}


@pytest.mark.parametrize(("text", "flavour", "absolute"), ABSOLUTE.values(), ids=ABSOLUTE.keys())
def test_absolute_means_not_by_a_folder_alone(text: str, flavour: Flavour, absolute: bool) -> None:
    """C:a and \\a are not relative, since joined to a folder they leave it."""
    assert is_absolute(text, flavour) is absolute


ESCAPES = {
    "name": ("a.exr", P, False),
    "nested": ("a/b/c", P, False),
    "there and back": ("a/../b", P, False),
    "dots in names": ("..a/b../...", P, False),
    "empty": ("", P, False),
    "up": ("..", P, True),
    "up and down again": ("../a", P, True),
    "out in the middle": ("a/../../a/b", P, True),
    "absolute": ("/a", P, True),
    "posix backslash is a letter": ("..\\a", P, False),
    "windows backslash": ("..\\a", W, True),
    "windows mixed": ("a/..\\../b", W, True),
    "windows drive": ("C:a", W, True),
    "windows stays": ("a\\..\\b", W, False),
}


@pytest.mark.parametrize(("text", "flavour", "escapes"), ESCAPES.values(), ids=ESCAPES.keys())
def test_an_escape_is_seen_at_any_point_of_the_text(text: str, flavour: Flavour, escapes: bool) -> None:
    """Relative text that leaves its folder at any point is found, even where it comes back."""
    assert contains_escape(text, flavour) is escapes


# Mapping

RULES = (
    PathRule(posix("/job"), posix("/stage/job")),
    PathRule(posix("/job/render"), posix("/fast/render")),
    PathRule(windows("C:\\proj"), posix("/stage/C/proj")),
    PathRule(windows("D:\\"), posix("/stage/D")),
    PathRule(windows("\\\\srv\\lib"), posix("/stage/UNC/srv/lib")),
)

MAPPED = {
    "inside": (posix("/job/a/b"), "/stage/job/a/b"),
    "the folder itself": (posix("/job"), "/stage/job"),
    "the longest source wins": (posix("/job/render/a"), "/fast/render/a"),
    "begins alike": (posix("/job/render_assets/a"), "/stage/job/render_assets/a"),
    "begins alike, no rule": (posix("/jobs/a"), "/jobs/a"),
    "elsewhere": (posix("/lib/a"), "/lib/a"),
    "drive": (windows("c:/PROJ/Tex/a.exr"), "/stage/C/proj/Tex/a.exr"),
    "other drive": (windows("D:\\proj\\a"), "/stage/D/proj/a"),
    "share": (windows("//SRV/lib/a"), "/stage/UNC/srv/lib/a"),
    "drive without rule": (windows("E:\\a"), "E:\\a"),
}


@pytest.mark.parametrize(("path", "result"), MAPPED.values(), ids=MAPPED.keys())
def test_a_path_is_mapped_by_the_rule_that_matches_most_components(path: ClientPath, result: str) -> None:
    """The order of the rules does not matter, the depth of the match does."""
    assert map_path(path, RULES).text == result
    assert map_path(path, reversed(RULES)).text == result


def test_the_first_of_two_equal_sources_wins() -> None:
    """Mapping does not depend on a set's order."""
    rules = [PathRule(posix("/a"), posix("/first")), PathRule(posix("/a"), posix("/second"))]
    assert map_path(posix("/a/x"), rules).text == "/first/x"


def test_outputs_come_back_under_the_artists_paths() -> None:
    """The reversed rules lead from the instance's place to the client's, across flavours."""
    back = reversed_rules(RULES)
    assert map_path(posix("/stage/C/proj/out/a_0001.exr"), back).text == "C:\\proj\\out\\a_0001.exr"
    assert map_path(posix("/stage/UNC/srv/lib/a"), back).text == "\\\\srv\\lib\\a"
    assert RULES[0].reversed().reversed() == RULES[0]


def test_a_name_that_the_target_cannot_have_is_an_error() -> None:
    """A posix name with a colon does not become a Windows path that means something else."""
    with pytest.raises(PathError, match="does not allow"):
        map_path(posix("/job/a:b"), [PathRule(posix("/job"), windows("C:\\job"))])


NOT_REVERSIBLE = {
    "one source, two targets": (("/a", "/x"), ("/a", "/y")),
    "one target, two sources": (("/a", "/x"), ("/b", "/x")),
    "a target inside another": (("/a", "/x"), ("/b", "/x/y")),
    "a target inside another, other order": (("/b", "/x/y"), ("/a", "/x")),
    "nested sources, targets nested otherwise": (("/a", "/x"), ("/a/b", "/x/c")),
}


@pytest.mark.parametrize("pairs", NOT_REVERSIBLE.values(), ids=NOT_REVERSIBLE.keys())
def test_rules_under_which_two_paths_meet_have_no_way_back(pairs: tuple[tuple[str, str], ...]) -> None:
    """Two client files never become one place, nor one place two client files."""
    with pytest.raises(PathError):
        reversed_rules([PathRule(posix(a), posix(b)) for a, b in pairs])


def test_a_rule_that_repeats_what_an_outer_one_says_is_allowed() -> None:
    """/a → /x and /a/b → /x/b agree."""
    rules = [PathRule(posix("/a"), posix("/x")), PathRule(posix("/a/b"), posix("/x/b"))]
    assert map_path(posix("/x/b/c"), reversed_rules(rules)).text == "/a/b/c"


STAGED = {
    "posix": (posix("/a/b"), "a/b"),
    "posix root": (posix("/"), "."),
    "drive": (windows("C:\\a\\b"), "C/a/b"),
    "drive root": (windows("D:\\"), "D"),
    "share": (windows("\\\\Srv\\Share\\A\\b"), "UNC/srv/share/A/b"),
    "share root": (windows("\\\\srv\\share"), "UNC/srv/share"),
    "a folder named UNC on a drive": (windows("U:\\NC\\a"), "U/NC/a"),
}


@pytest.mark.parametrize(("path", "staged"), STAGED.values(), ids=STAGED.keys())
def test_a_client_path_has_one_place_on_the_stage(path: ClientPath, staged: str) -> None:
    """C: and D: never collapse, nor a share with a drive; the way back leads to the same path."""
    assert stage_path(path) == staged
    assert unstage_path(staged, path.flavour) == path


NOT_STAGED = {
    "absolute": ("/a", P),
    "escape": ("../a", P),
    "escape in the middle": ("C/../../a", W),
    "dot-dot on a drive": ("C/a/../b", W),
    "no drive": ("", W),
    "no drive but a folder": ("proj/a", W),
    "small drive": ("c/a", W),
    "server without share": ("UNC/srv", W),
    "a name Windows cannot have": ("C/a:b", W),
}


@pytest.mark.parametrize(("staged", "flavour"), NOT_STAGED.values(), ids=NOT_STAGED.keys())
def test_what_stage_path_cannot_have_written_is_refused(staged: str, flavour: Flavour) -> None:
    """A made-up place on the stage does not become a path on the client."""
    with pytest.raises(PathError):
        unstage_path(staged, flavour)


ROOTS = {
    "none": ([], []),
    "one file": (["/job/a/x.png"], ["/job/a"]),
    "one folder": (["/job/a/x.png", "/job/a/y.png"], ["/job/a"]),
    "siblings": (["/job/a/x.png", "/job/b/y.png"], ["/job"]),
    "nested": (["/job/x.png", "/job/a/b/y.png"], ["/job"]),
    "top-level folders apart": (["/job/a/x.png", "/mnt/lib/y.png"], ["/job/a", "/mnt/lib"]),
    "begin alike": (["/job/a/x", "/job2/a/x"], ["/job/a", "/job2/a"]),
    "file in the root": (["/x.png", "/job/a/y.png"], ["/"]),
    "order does not matter": (["/mnt/y", "/job/b/x", "/job/a/x"], ["/job", "/mnt"]),
}


@pytest.mark.parametrize(("paths", "roots"), ROOTS.values(), ids=ROOTS.keys())
def test_common_roots_are_few_and_deep(paths: list[str], roots: list[str]) -> None:
    """One folder for each top-level folder that is used, as deep as its files allow."""
    assert [r.text for r in common_roots(map(posix, paths))] == roots


def test_common_roots_keep_drives_and_shares_apart() -> None:
    """No folder holds files of two drives, and case does not make two folders of one."""
    paths = ["C:\\job\\A\\x", "c:\\JOB\\b\\x", "D:\\job\\x", "\\\\srv\\p\\lib\\x", "\\\\SRV\\P\\lib\\tex\\x"]
    assert [r.text for r in common_roots(map(windows, paths))] == ["C:\\job", "D:\\job", "\\\\srv\\p\\lib"]


# Properties

posix_names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda n: n not in (".", "..")
)
windows_names = st.text(
    st.characters(exclude_characters='\\/:*?"|', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6
).filter(lambda n: n[-1] not in ". " and not re.match(r"(?i)(con|prn|aux|nul|com.|lpt.)(\.|\Z)", n))
few_names = st.sampled_from(["a", "b", "A", "ab", "job", "job_2"])
anchors = st.sampled_from(["C:\\", "D:\\", "\\\\srv\\p\\", "\\\\SRV\\p\\", "\\\\c\\d\\"])


def posix_paths(names: st.SearchStrategy[str], min_size: int = 0) -> st.SearchStrategy[ClientPath]:
    components = st.lists(names, min_size=min_size, max_size=5).map(tuple)
    return components.map(lambda c: ClientPath(P, "/", c))


def windows_paths(names: st.SearchStrategy[str]) -> st.SearchStrategy[ClientPath]:
    components = st.lists(names, max_size=5).map(tuple)
    return st.builds(lambda a, c: ClientPath(W, a, c), anchors, components)


any_path = st.one_of(posix_paths(posix_names), windows_paths(windows_names))
simple_path = st.one_of(posix_paths(few_names), windows_paths(few_names))


@given(any_path)
def test_the_text_of_a_path_reads_back_as_the_path(path: ClientPath) -> None:
    """Writing a path and reading it again gives the same place, character by character; slashes do not matter."""
    again = ClientPath.parse(path.text, path.flavour)
    assert again == path
    assert (again.anchor, again.components) == (path.anchor, path.components)
    assert ClientPath.parse(path.slashed, path.flavour) == path


@given(any_path)
def test_staging_reads_back_as_the_path_and_never_leaves_the_stage(path: ClientPath) -> None:
    """Every client path has its own place inside the staging folder."""
    staged = stage_path(path)
    assert not contains_escape(staged)
    assert unstage_path(staged, path.flavour) == path


@given(simple_path, simple_path)
def test_two_places_on_the_client_are_two_places_on_the_stage(one: ClientPath, other: ClientPath) -> None:
    """No two drives, shares or folders of one client collapse."""
    assume(one.flavour is other.flavour and one != other)
    assert stage_path(one) != stage_path(other)


@given(simple_path, st.lists(st.sampled_from(["a", "b", ".", "..", "../c", "a/../b"]), max_size=6))
def test_a_join_that_does_not_escape_stays_within(folder: ClientPath, parts: list[str]) -> None:
    """contains_escape and join agree: what does not escape lands inside the folder."""
    text = "/".join(parts)
    if not text or contains_escape(text, folder.flavour):
        return
    assert folder.join(text).is_within(folder)


@given(posix_paths(posix_names), st.text("ab./", max_size=12))
def test_posix_normalisation_is_that_of_the_standard_library(folder: ClientPath, text: str) -> None:
    """What `os.path.normpath` says of a path that stays below the root, we say too."""
    import posixpath

    whole = folder.text + "/" + text
    try:
        path = posix(whole)
    except PathError:
        return
    assert path.text == re.sub("^//", "/", posixpath.normpath(whole))


@given(windows_paths(windows_names))
def test_windows_paths_are_those_of_the_standard_library(path: ClientPath) -> None:
    """`ntpath` finds the same drive and the same parts."""
    import ntpath

    drive, rest = ntpath.splitdrive(path.text)
    assert path.anchor == drive + "\\"
    assert tuple(p for p in rest.split("\\") if p) == path.components


@st.composite
def reversible_rules(draw: st.DrawFn) -> list[PathRule]:
    """Draw rules with sources of their own and targets apart from each other."""
    sources = draw(st.lists(simple_path, min_size=1, max_size=5, unique=True))
    return [PathRule(source, posix(f"/stage/{number}/root")) for number, source in enumerate(sources)]


@given(reversible_rules(), st.lists(simple_path, min_size=2, max_size=8, unique=True))
def test_mapping_is_bijective(rules: list[PathRule], paths: list[ClientPath]) -> None:
    """There and back is the same path, and two paths never meet in one place."""
    back = reversed_rules(rules)
    inside = [p for p in paths if any(p.is_within(r.source) for r in rules)]
    mapped = [map_path(p, rules) for p in inside]
    assert [map_path(m, back) for m in mapped] == inside
    assume(len({p.flavour for p in inside}) <= 1)
    assert len(set(mapped)) == len(inside)


@given(st.lists(simple_path, max_size=3), simple_path, simple_path)
def test_mapping_keeps_what_lies_inside_inside(rest: list[ClientPath], source: ClientPath, path: ClientPath) -> None:
    """A mapped path lies in its rule's target by the same components; a path outside of all sources stays."""
    rule = PathRule(source, posix("/target"))
    result = map_path(path, [rule])
    if path.is_within(source):
        assert result.relative_to(rule.target) == path.relative_to(source)
    else:
        assert result == path


@given(st.lists(simple_path, max_size=10))
def test_common_roots_hold_every_file_and_none_holds_another(paths: list[ClientPath]) -> None:
    """Each file's folder lies in exactly one root."""
    roots = common_roots(paths)
    for path in paths:
        assert sum(path.parent.is_within(root) for root in roots) == 1
    assert not any(a.is_within(b) for a in roots for b in roots if a is not b)
    assert list(roots) == sorted(roots)
    assert common_roots(reversed(paths)) == roots


@given(st.text("abC:/\\.? \0", max_size=12), st.sampled_from(Flavour))
def test_any_text_is_a_path_or_a_path_error(text: str, flavour: Flavour) -> None:
    """No text makes the parser fail in another way; what it accepts has one spelling and no way out."""
    try:
        path = ClientPath.parse(text, flavour)
    except PathError:
        return
    assert ClientPath.parse(path.text, flavour).text == path.text
    assert not contains_escape(stage_path(path))
