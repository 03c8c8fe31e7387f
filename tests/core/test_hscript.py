"""Houdini's strings and expressions, as far as they can be told without Houdini."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from conductor_core.discovery.hscript import NeedsFrame, NotEvaluated, evaluate, expand
from conductor_core.discovery.hscript_values import Value
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass
class Nowhere:
    """A scene with variables and one parameter."""

    frame: int | None = None
    depth: int = 0
    variables: dict[str, str] = field(default_factory=lambda: {"HIP": "/job", "OS": "file1", "VER": "003", "HIPNAME": "shot"})

    def variable(self, name: str) -> str | None:
        return self.variables.get(name)

    def call(self, function: str, arguments: tuple[Value, ...]) -> Value | None:
        return "rock" if (function, arguments) == ("chs", ("../name",)) else None


@pytest.mark.parametrize(
    ("text", "pattern", "at_7"),
    [
        ("$HIP/a.bgeo", "/job/a.bgeo", "/job/a.bgeo"),
        ("${HIP}/${OS}_v$VER.exr", "/job/file1_v003.exr", "/job/file1_v003.exr"),
        ("$HIP/$OS.$F4.exr", "/job/file1.%04d.exr", "/job/file1.0007.exr"),
        ("a.$F.exr", "a.%d.exr", "a.7.exr"),
        ("a.${F4}.exr", "a.%04d.exr", "a.0007.exr"),
        ("a.$FF.exr", "a.%d.exr", "a.7.exr"),
        ("a.`padzero(4, $F)`.exr", "a.%04d.exr", "a.0007.exr"),
        ('`strcat("$HIP", "/x.exr")`', "/job/x.exr", "/job/x.exr"),
        ("`chs(\"../name\")`.`chs('../name')`", "rock.rock", "rock.rock"),
        ("`$OS`_`$VER`", "file1_3", "file1_3"),
        ('`ifs(1 > 2, "a", "b")`', "b", "b"),
        ('`substr("STRING", 3, 2)`', "IN", "IN"),
        ('`strreplace("/project/project.hip", "project", "char01")`', "/char01/char01.hip", "/char01/char01.hip"),
        ("`fpadzero(5, 3, 126)`", "00126.000", "00126.000"),
        ("`padzero(1, 23)`", "23", "23"),
        ("`toupper('a') + tolower('B')`", "Ab", "Ab"),
        ("`'$OS'`", "$OS", "$OS"),
        (r"\$HIP\`", "$HIP`", "$HIP`"),
        ("no variables at all", "no variables at all", "no variables at all"),
        ("`1 + 2 * 3 - 4 / 2`", "5", "5"),
        ("`(1 + 2) * -3`", "-9", "-9"),
        ("`int(7.9) % 4 + (2 ^ 3)`", "11", "11"),
        ("`strmatch('*.exr', 'a.exr') && !0`", "1", "1"),
        ("`arg('a b c', 1)`", "b", "b"),
        ("`1e999 * 1e999`", "inf", "inf"),
    ],
)
def test_expansion(text: str, pattern: str, at_7: str) -> None:
    """A string is what Houdini makes of it: a pattern for all frames, and its text on one."""
    assert expand(text, Nowhere()) == pattern
    assert expand(text, Nowhere(frame=7)) == at_7


@pytest.mark.parametrize(
    ("text", "at_7"), [("`$F + 10`", "17"), ("a.`padzero(4, $F-1)`.exr", "a.0006.exr"), ('`ifs($F<12, "a", "b")`', "a")]
)
def test_a_frame_that_is_reckoned_with(text: str, at_7: str) -> None:
    """There is no pattern then, but a text for each frame."""
    with pytest.raises(NeedsFrame):
        expand(text, Nowhere())
    assert expand(text, Nowhere(frame=7)) == at_7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$SHOW/a", "$SHOW is not set in the scene, nor by --env"),
        ("a.$SF.sim", "$SF is the frame of a simulation, which its network tells"),
        ("`pythonexprs('1')`", "pythonexprs(): it runs Python"),
        ("`details(0, 'name')`", "details(): it asks the geometry"),
        ("`@name`", "it asks for an attribute (@), which is there only while the node cooks"),
        ("`unheard(1)`", "the function unheard() is not evaluated without Houdini"),
        ("`substr(1)`", "substr() is called with what it does not take"),
        ("`1 +`", "the expression ends too early"),
        ("`1 1`", "the expression is not understood at '1'"),
        ("`a", "a backtick lacks its partner"),
        ("`1/0`", "/ cannot be reckoned"),
        ("`{ return 1; }`", "it is a program of several lines"),
        ("`" + "(" * 99 + "`", "brackets nest too deep"),
        ("`name`", "name is no function that is known here"),
    ],
)  # fmt: skip
def test_what_only_houdini_can_tell(text: str, reason: str) -> None:
    """It is never guessed: the reason says what stands in the way."""
    with pytest.raises(NotEvaluated) as caught:
        expand(text, Nowhere())
    assert caught.value.reason == reason


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="`$F{}()+-*/^%!<>=&|,.'\"\\ 019chsOS", max_size=60)),
    st.sampled_from([None, 3]),
)
def test_any_text(text: str, frame: int | None) -> None:
    """Whatever the text: a value, or one of the two reasons for none."""
    for function in (expand, evaluate):
        try:
            function(text, Nowhere(frame=frame))
        except (NeedsFrame, NotEvaluated):
            continue
