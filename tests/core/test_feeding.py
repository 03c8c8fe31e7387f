"""What a step makes for another: told by pattern, frame and who waits for whom."""

from __future__ import annotations

import pytest
from conductor_core.feeding import Fed, fed_in
from conductor_core.submission import Output, Step


def fed(pattern: str, frames: str = "1-10", waits: bool = True) -> Fed:
    """Return what `pre` makes, in a job whose other step waits for it or not."""
    return fed_in(
        (
            Step("pre", frames, outputs=(Output(pattern),)),
            Step("final", frames, outputs=(Output("/o/f_#.exr"),), after=("pre",) if waits else ()),
        )
    )


@pytest.mark.parametrize(
    ("pattern", "path", "made"),
    [
        ("/o/p.####.exr", "/o/p.0003.exr", True),
        ("/o/p.####.exr", "/o/p.0011.exr", False),
        ("/o/p.####.exr", "/o/p.3.exr", False),
        ("/o/p.####.exr", "/o/p.%04d.exr", True),
        ("/o/p.%04d.exr", "/o/p.####.exr", True),
        ("/o/p.####.exr", "/o/q.0003.exr", False),
        ("/o/p.####.exr", "/o/sub/p.0003.exr", False),
        ("/o/####/p.exr", "/o/0003/p.exr", True),
        ("/o/p.abc", "/o/p.abc", True),
        ("/o/p.abc", "/o/p.abc.bak", False),
        ("C:/o/p.####.exr", r"C:\o\p.0003.exr", True),
        ("/o/f_#.exr", "/o/f_3.exr", True),
        ("C:/O/p.####.exr", r"c:\o\P.0003.exr", True),
        ("//srv/Show/p.####.exr", r"\\SRV\show\p.0003.exr", True),
        ("/O/p.####.exr", "/o/p.0003.exr", False),
    ],
)
def test_what_is_made(pattern: str, path: str, made: bool) -> None:
    """A frame of a pattern that is rendered, the pattern itself, or one file for all; of another frame or name nothing."""
    assert fed(pattern).maker_of(path) == ("pre" if made else "")


def test_only_for_who_waits() -> None:
    """What nobody waits for may be read before it is written."""
    assert fed("/o/p.####.exr", waits=False).maker_of("/o/p.0003.exr") == ""
    assert fed("/o/p.####.exr").maker_of("/o/f_3.exr") == ""
