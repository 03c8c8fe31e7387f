"""TCL, Python and arithmetic of Nuke's knobs, evaluated without Nuke: what comes out, and what is said where nothing does."""

from __future__ import annotations

import contextlib
import re

import pytest
from conductor_core.discovery import nuke_python
from conductor_core.discovery.arithmetic import NotArithmetic, calculate
from conductor_core.discovery.nuke_time import Clip, held
from conductor_core.discovery.tcl import NotEvaluated, escaped, split_list, substitute, unescape
from hypothesis import given, settings
from hypothesis import strategies as st


class _World:
    """A host with two knobs and one variable."""

    def command(self, words: list[str]) -> str | None:
        if words[0] == "value":
            return {"root.name": "/job/shot/nk/shot_v012.nk", "empty": ""}.get(words[1])
        return "%d" if words[0] == "frame" else None

    def variable(self, name: str) -> str | None:
        return {"JOB": "/job"}.get(name)

    def value(self, knob: str) -> str:
        values = {"root.name": "/job/shot/nk/shot_v012.nk", "Read1.file": "/x/y.0001.exr", "this.k": "v"}
        if knob not in values:
            raise NotEvaluated(f"there is no {knob}")
        return values[knob]


@pytest.mark.parametrize(
    ("text", "comes_to"),
    [
        ("[file dirname [value root.name]]/a.%04d.exr", "/job/shot/nk/a.%04d.exr"),
        ('[expr {[file tail x/v] eq "v" ? "a.png" : "b.png"}]', "a.png"),
        ('[expr {1 > 2 ? "a.png" : [file tail x/v] eq "w" ? "b.png" : "c.png"}]', "c.png"),
        ('[expr {0 ? "a.png" : 2 + 3}]', "5"),
        ("[file rootname [file tail [value root.name]]]", "shot_v012"),
        ("[file extension a/b.c.exr][file join /a b /c d][file normalize /a/../b]", ".exr/c/d/b"),
        ("$env(JOB)/x", "/job/x"),
        ("$NAME/x", "$NAME/x"),
        ("img.[format %04d [frame]].exr", "img.%04d.exr"),
        ("img.[frame].exr", "img.%d.exr"),
        ("[string range [file tail [value root.name]] 0 end-3]", "shot_v012"),
        ("[string toupper ab][string trimleft xxa x][string length abc][string index abc end]", "ABa3c"),
        ("[string map {_v012 {} shot SH} [value root.name]]", "/job/SH/nk/SH.nk"),
        ("[lindex [split [value root.name] /] 2]", "shot"),
        ("[join [lrange [split [value root.name] /] 0 end-2] /]", "/job/shot"),
        ("[if {[string equal a a]} {return x} else {return y}]", "x"),
        ("[if {1 > 2} {return x} elseif {2 > 1} {return z} else {return y}]", "z"),
        ('[if {"a" eq "b"} {return x} {return y}]', "y"),
        ("[expr 1+2*3] [expr {7/2}] [expr 7/2.0] [expr {2 > 1 ? 5 : 6}]", "7 3 3.5 5"),
        ("[regsub {_v[0-9]+} [value root.name] {_x}]", "/job/shot/nk/shot_x.nk"),
        (r"shot\[1\].exr \\server C:\jobs\$x", r"shot[1].exr \\server C:\jobs$x"),
        ("[format v%03d 7]-[format %s a]", "v007-a"),
        ("a[value empty]b", "ab"),
        ("[concat a { b }] [llength {a {b c}}] [list a {b c}]", "a b 2 a {b c}"),
        ('["file" tail "/a/[file tail x/b.exr]"]', "b.exr"),
        ("[set_nothing_here]"[:0] + "plain", "plain"),
    ],
)
def test_tcl_that_needs_no_nuke_is_evaluated(text: str, comes_to: str) -> None:
    """Commands of TCL that take paths apart come to what TCL makes of them."""
    assert substitute(text, _World()) == comes_to


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[metadata input/filename]", "[metadata …] is not evaluated without Nuke"),
        ("[exec ls]", "[exec …] is not evaluated without Nuke"),
        ("$env(NOT_SET)/x", "the environment variable NOT_SET is not set here"),
        ("[value root.name", "a bracket is not closed"),
        ("[" * 500, "its commands are nested too deeply"),
        ("[file mtime x]", "[file mtime …] depends on the machine that runs it"),
        ("[expr [frame]+1]", "it depends on the frame"),
        ("[string repeat abcdef 100000000]", "[string repeat …] makes too long a text"),
        ("[lindex {a b} x]", "x is no index"),
        ("[expr 1/0]", "1/0 has no value"),
        ("[regsub {(a+)+b} aaaa x]", "[regsub …] with a pattern like this is not evaluated without Nuke"),
        ("[format %d abc]", "abc is no number"),
    ],
)
def test_what_needs_nuke_says_so(text: str, reason: str) -> None:
    """What cannot be evaluated is never guessed: the reason names what it is."""
    with pytest.raises(NotEvaluated, match="^" + re.escape(reason)):
        substitute(text, _World())


@pytest.mark.parametrize(
    ("code", "comes_to"),
    [
        ("nuke.script_directory()", "/job/shot/nk"),
        ("os.path.dirname(nuke.root().name())", "/job/shot/nk"),
        ("import os; os.path.join(os.environ['JOB'], 'x')", "/job/x"),
        ("os.path.splitext(os.path.basename(nuke.root()['name'].value()))[0]", "shot_v012"),
        ("nuke.toNode('Read1')['file'].value().split('/')[-1]", "y.0001.exr"),
        ("'/'.join(nuke.root().name().split('/')[:-2]) + '/out'", "/job/shot/out"),
        ("nuke.root().knob('name').getValue().replace('shot', 'sh')", "/job/sh/nk/sh_v012.nk"),
        ("nuke.thisNode()['k'].value()", "v"),
        ("ret = os.getenv('NOT_SET', 'd')\nret", "d"),
        ("len('abc') + 1 - 2", "2"),
    ],
)
def test_python_that_takes_paths_apart(code: str, comes_to: str) -> None:
    """Python that only looks at texts and knobs is evaluated from its syntax, without running it."""
    assert nuke_python.evaluate(code, _World()) == comes_to


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('touch /tmp/x')",
        "open('/etc/passwd').read()",
        "os.environ['NOT_SET']",
        "().__class__",
        "'a' * 10**9",
        "'a'.join.__globals__",
        "[x for x in 'abc']",
        "while True: pass",
        "nuke.toNode('No')['file'].value()",
        "(" * 3000,
        "a+" * 1000 + "a",
        "nuke.selectedNode().name()",
        "1.5",
    ],
    ids=lambda code: code[:30],
)
def test_python_that_does_more_is_not_run(code: str) -> None:
    """Nothing of the script's own code is executed."""
    with pytest.raises(NotEvaluated):
        nuke_python.evaluate(code, _World())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("frame+499", 511),
        ("frame*2-1", 23),
        ("-2**2", 4),
        ("2**3**2", 512),
        ("frame<10?1:2", 2),
        ("!0 && 3>=3", 1),
        ("int(7/2)", 3),
        ("clamp(5, 0, 3)", 3),
        ("max(1,min(2,3))", 2),
        ("7%3", 1),
        (".5+1e1", 10.5),
    ],
)
def test_arithmetic(text: str, value: float) -> None:
    """Expressions of knobs have the value that Nuke gives them."""
    assert calculate(text, lambda _name: 12) == value


@pytest.mark.parametrize(
    "text", ["", "1+", "(1", "a b", "1/0", "9**9**9**9", "2**" * 900 + "1", "(" * 5000, "1" * 5000, "noise(1)", "1e999"]
)
def test_no_arithmetic(text: str) -> None:
    """What is no expression, or too much of one, says so at once."""
    with pytest.raises(NotArithmetic):
        calculate(text, lambda _name: 12)


@pytest.mark.parametrize(
    ("before", "after", "reads"),
    [
        ("hold", "hold", {3: 5, 5: 5, 9: 9, 12: 9}),
        ("black", "black", {3: None, 9: 9, 10: None}),
        ("loop", "loop", {4: 9, 3: 8, 10: 5, 15: 5}),
        ("bounce", "bounce", {4: 6, 3: 7, 10: 8, 13: 5, 14: 6}),
    ],
)
def test_outside_of_a_clip(before: str, after: str, reads: dict[int, int | None]) -> None:
    """A clip of 5 to 9 is held, looped, bounced or black outside of it, as the node reference says."""
    clip = Clip(5, 9, before, after)
    assert {frame: clip.shown(frame) for frame in reads} == reads
    assert [held(f, 10, 5) for f in (8, 10, 14, 15)] == [5, 10, 10, 15]


_tcl_texts = st.text(st.sampled_from('[]{}"\\$ ab/.0;\n%()'), max_size=60) | st.text(max_size=40)


@settings(deadline=None, max_examples=400)
@given(_tcl_texts)
def test_no_text_breaks_the_evaluation(text: str) -> None:
    """Whatever a knob holds, it has a value or a reason."""
    for evaluate in (
        lambda: substitute(text, _World()),
        lambda: nuke_python.evaluate(text, _World()),
        lambda: calculate(text, lambda _name: 1),
        lambda: substitute(f"[string map {{{text}}} x][format {{{text}}} 1][expr {{{text}}}]", _World()),
    ):
        with contextlib.suppress(NotEvaluated, NotArithmetic):
            evaluate()


@settings(deadline=None, max_examples=400)
@given(st.text(st.sampled_from('{}"\\ ab[]$;\n\t1x'), max_size=30))
def test_lists_are_split_as_tcl_does(text: str) -> None:
    """The elements of a list are those that TCL itself gives."""
    tkinter = pytest.importorskip("tkinter")
    try:
        theirs = list(map(str, tkinter.Tcl().splitlist(text)))
    except tkinter.TclError:
        with pytest.raises(NotEvaluated):
            split_list(text)
        return
    assert split_list(text) == theirs


@pytest.mark.parametrize(
    ("stored", "held_as"),
    [
        (r"\[value x]", "[value x]"),
        (r"a\nb\t\\c", "a\nb\t\\c"),
        (r"\x41\u00e9\101", "AéA"),
        ("a\\\n   b", "a b"),
        (r"\v", "\v"),
        ("x", "x"),
    ],
)
def test_escapes(stored: str, held_as: str) -> None:
    """Escapes of the file are taken off once."""
    assert unescape(stored) == held_as


@given(st.text())
def test_a_text_is_escaped_as_it_is_stored(text: str) -> None:
    """What Nuke holds, escaped as in its files, is read back as it was."""
    assert unescape(escaped(text)) == text


def test_what_is_escaped() -> None:
    """As in files that Nuke has saved: brackets that open, braces, quotes; a dollar sign stands as it is."""
    assert escaped(r'[value a]/$SHOT/{b}"c.exr') == r"\[value a]/$SHOT/\{b\}\"c.exr"
