"""The grammar of Nuke scripts: what is read is what TCL reads, whatever the pieces it comes in, and nothing breaks it."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_core.discovery.nuke_node import Knob
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import nuke_grammar, scan_file
from conductor_core.formats.nuke_grammar import Statements
from conductor_core.formats.nuke_graph import Graph
from hypothesis import given, settings
from hypothesis import strategies as st

LIMIT = 1 << 20
SAMPLE = rb"""#! /opt/Nuke15.1v3/Nuke15.1 -nx
version 15.1 v3
define_window_layout_xml {<?xml version="1.0" encoding="UTF-8"?>
<layout version="1.0"><window x="0"/></layout>
}
Root {
 inputs 0
 name /job/shot.nk
 views "left #ff0000
right #00ff00"
 onScriptLoad "print(\"\[x]\")\nif True: \{\}"
}
Read {
 inputs 0
 file "\[file dirname \[value root.name]]/a.%04d.exr"
 first {{Ctrl.first}}
 translate {{curve x1 1 x9 3} 4}
 addUserKnob {20 User}
 addUserKnob {41 shown l "A label" T Ctrl.shot}
 name Read1
}
set N41bf330 [stack 0]
Group {
 inputs 2+1
 name Group1
}
 Input {
  inputs 0
  name Input1
 }
 Roto {
  curves {{{v x3f99999a}
  {f 0}
  {n {layer Root {f 0} {t x44a00000 x44580000}}}}}
  name Roto1
 }
end_group
push $N41bf330
push 0
Merge2 {
 inputs 2
 name Merge1
}
clone $C1 { xpos 2 }
Write {
 file out/%V.####.exr
 name Write1
}
"""


def read(data: bytes) -> tuple[list[nuke_grammar.Statement], list[str]]:
    """Return the statements of a script, and what was wrong."""
    statements = Statements(io.BytesIO(data), LIMIT)
    found = list(statements)
    return found, statements.damage.found


def test_statements_of_a_script() -> None:
    """Nodes with their knobs as stored, commands with their words, in the order of the file."""
    found, damage = read(SAMPLE)
    assert not damage
    assert [s.words[0] for s in found if s.knobs is not None] == [
        "Root",
        "Read",
        "Group",
        "Input",
        "Roto",
        "Merge2",
        "clone",
        "Write",
    ]
    knobs = {k.name: k for k in found[3].knobs or ()}
    assert knobs["file"] == ("file", r"\[file dirname \[value root.name]]/a.%04d.exr", "quoted")
    assert knobs["first"] == ("first", "{Ctrl.first}", "braced")
    assert knobs["name"] == ("name", "Read1", "bare")
    assert found[4].words == ("set", "N41bf330", "[stack", "0]")
    assert [(s.indent, s.line) for s in found if s.words == ("Roto",)] == [(1, 31)]


def test_the_stack_connects_nodes() -> None:
    """Inputs come off the stack, the top first; groups have stacks of their own."""
    graph = Graph("x.nk", 10)
    nodes = {n.full_name: n for n in graph.add(read(SAMPLE)[0])}
    assert [n.name if n else None for n in nodes["Merge1"].inputs] == [None, "Read1"]
    assert [n.name for n in nodes["Group1"].inputs if n] == ["Read1"]
    assert nodes["Group1.Roto1"].group is nodes["Group1"]
    assert [n.name for n in nodes["Write1"].inputs if n] == ["clone"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 500])
def test_pieces_make_no_difference(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word may be cut anywhere between two reads of the file."""
    whole = read(SAMPLE)
    monkeypatch.setattr(nuke_grammar, "PIECE", size)
    assert read(SAMPLE) == whole


_names = st.from_regex(r"[a-z_][a-z_0-9.]{0,8}", fullmatch=True).filter(lambda n: n.encode() not in nuke_grammar._DRAWN)
_values = st.text(st.sampled_from('ab/\\{}[]"$;# \n\t.%é<=>'), max_size=25)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(_names, _values), max_size=6))
def test_values_that_tcl_wrote(knobs: list[tuple[str, str]]) -> None:
    """Whatever TCL itself quotes is read back as it was."""
    tkinter = pytest.importorskip("tkinter")
    tcl = tkinter.Tcl()
    body = ""
    for name, value in knobs:
        tcl.setvar("name", name)
        tcl.setvar("value", value)
        body += " " + str(tcl.eval("list $name $value")) + "\n"
    graph = Graph("x.nk", 10)
    (node,) = graph.add(read(f"Class {{\n{body}}}\n".encode())[0])
    kept = {name: value for name, value in knobs if name != "addUserKnob"}
    assert {name: tkinter_plain(tcl, node.knobs[name]) for name in node.knobs} == kept


def tkinter_plain(tcl: object, knob: Knob) -> str:
    """Return a value as TCL itself understands it."""
    text = {"bare": knob.text, "quoted": f'"{knob.text}"', "braced": "{" + knob.text + "}"}[knob.style]
    (value,) = tcl.splitlist(text)  # type: ignore[attr-defined]
    return str(value)


class _Made(io.RawIOBase):
    """A file that is made while it is read, so that the test holds none of it."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._kept = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._kept) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._kept += part
        given, self._kept = self._kept[:size], self._kept[size:]
        return given


def _one_line(start: bytes, unit: bytes, end: bytes) -> Iterator[bytes]:
    yield b"Read {\n label " + start
    for _ in range(200):
        yield unit
    yield end + b"\n file /a.exr\n name R\n}\n"


@pytest.mark.parametrize(
    ("start", "unit", "end"), [(b'"', b"x", b'"'), (b"", b"x", b""), (b"{", b"x ", b"}"), (b'"', b"\\n", b'"')]
)
def test_a_line_of_200_megabytes(start: bytes, unit: bytes, end: bytes) -> None:
    """A value longer than the limit is passed over, and memory stays below 16 MiB; what follows it is read."""
    tracemalloc.start()
    statements = Statements(_Made(_one_line(start, unit * ((1 << 20) // len(unit)), end)), LIMIT)  # type: ignore[arg-type]
    (only,) = list(statements)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(k.name, k.style) for k in only.knobs or ()] == [("label", "skipped"), ("file", "bare"), ("name", "bare")]
    assert peak < 16 << 20


def test_braces_without_end() -> None:
    """Braces that nest without end take no stack, and the report says where they begin."""
    statements, damage = read(b"Read {\n file a.exr\n label " + b"{" * 1_000_000)
    assert [k.name for k in statements[0].knobs or ()] == ["file"]
    assert damage[0] == "the value of label in line 3 is not closed"


def _scanned(folder: Path, data: bytes) -> None:
    path = folder / "a.nk"
    path.write_bytes(data)
    try:
        report = scan_file(Survey(str(path))).report
    except SceneNotRead:
        return
    assert all(m.reason for m in report.missing)
    assert all(u.reason for u in (*report.unresolved,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all examples of a property."""
    return tmp_path_factory.mktemp("nuke")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(SAMPLE)))
def test_truncated_scripts(folder: Path, length: int) -> None:
    """A script that ends anywhere gives a report or a reason."""
    _scanned(folder, SAMPLE[:length])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_bytes(folder: Path, flips: list[tuple[int, int]]) -> None:
    """Bytes that changed anywhere give a report or a reason."""
    data = bytearray(SAMPLE)
    for at, byte in flips:
        data[at] = byte
    _scanned(folder, bytes(data))


_PIECES = [
    "Read {\n",
    "}\n",
    " file ",
    '"',
    "{",
    "}",
    "\\",
    "[value R.file]",
    "\\[value root.name]",
    "end_group\n",
    "Group {\n",
    "push $a\n",
]
_PIECES += [
    "set a [stack 0]\n",
    " name R\n",
    "<<<<<<< A\n",
    "=======\n",
    ">>>>>>> B\n",
    "clone $a {\n",
    " inputs 2\n",
    "a.%04d.exr\n",
    "Root {\n",
    ";",
    "#",
    "\0",
    "\v",
    "\f",
    "\x1c",
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=30))
def test_pieces_in_any_order(folder: Path, parts: list[str]) -> None:
    """Any mixture of the grammar's words gives a report or a reason."""
    _scanned(folder, "".join(parts).encode("utf-8", "surrogatepass"))
