"""Progress from what renderers print: lines as they print them, in pieces, with noise around them."""

from __future__ import annotations

import pytest
from conductor_service.runner.printed import PrintedProgress, printed_by

#: renderer, what it prints, the fractions that are told
LINES = {
    "arnold": (
        "arnold",
        "00:00:01   512MB         |  rendering image at 960 x 540, 3 AA samples\n"
        "00:00:02   515MB         |     0% done\n00:00:03   515MB         |    45% done - 23 rays/pixel\n"
        "00:00:04   515MB         |   100% done\n",
        [0.0, 0.45, 1.0],
    ),
    "arnold's other percentages": ("arnold", "00:00:04   515MB  |  texture cache 99% full, 100% donex\n", []),
    "vray": ("vray", "[2024/Jun/1|10:00:00] V-Ray: Rendering image...: 12.5% done [  0h  0m  1.2s]\n", [0.125]),
    "vray in Maya": ("vray", "[PROGRESS] 40 percent\n", [0.4]),
    "redshift": ("redshift", "INFO : [Redshift] Block 32/48 (7,4) rendered by GPU 0 in 2ms\n", [32 / 48]),
    "renderman": ("renderman", "R90000   45%\n", [0.45]),
    "software": ("mayaSoftware", "[PROGRESS] Percentage of rendering done: 45 (/show/images/a.0001.iff)\n", [0.45]),
    "nuke": ("nuke", "Writing /show/a.v2.0001.exr .1.2.3\n", [0.3]),
    "nuke, done": ("nuke", "Writing /show/a.0001.exr took 0.31 seconds\n", []),
    "karma": ("alfred", "ALF_PROGRESS 62%\n", [0.62]),
    "nobody": ("", "45% done\n", []),
    "unknown": ("future", "45% done\n", []),
}


class Listener:
    """Collect what is told; time goes on by a second with each look."""

    def __init__(self, who: str, step: float = 1.0) -> None:
        self.told: list[float] = []
        self._now, self._step = 0.0, step
        self.progress = PrintedProgress(who, lambda fraction, _line: self.told.append(fraction), self._clock)

    def _clock(self) -> float:
        self._now += self._step
        return self._now


@pytest.mark.parametrize(("who", "printed", "fractions"), LINES.values(), ids=LINES)
def test_each_renderers_lines_are_read(who: str, printed: str, fractions: list[float]) -> None:
    """Line by line as they are printed, each tells its part of the picture; other lines tell nothing."""
    listener = Listener(who)
    for line in printed.splitlines(keepends=True):
        listener.progress.feed(line.encode())
    assert listener.told == pytest.approx(fractions)


def test_a_line_may_come_in_pieces() -> None:
    """Nuke writes tenths on one line as they come, and pipes cut anywhere."""
    listener = Listener("nuke")
    for piece in ("Wri", "ting /show/a.0001.exr ", ".1", ".2", ".", "3"):
        listener.progress.feed(piece.encode())
    assert listener.told == pytest.approx([0.1, 0.2, 0.3])


def test_a_flood_is_told_a_few_times_a_second() -> None:
    """A renderer that prints a thousand lines within a tenth of a second costs one beat."""
    listener = Listener("arnold", step=0.0001)
    for number in range(1000):
        listener.progress.feed(f"{number % 101}% done\n".encode())
    assert len(listener.told) == 1


def test_a_line_without_end_costs_nothing() -> None:
    """Megabytes without a line's end, and percentages beyond a hundred, do no harm."""
    listener = Listener("nuke")
    for _ in range(64):
        listener.progress.feed(b"Writing " + b".1" * 8192)
    listener.progress.feed(b"\n")
    software = Listener("arnold")
    software.progress.feed(b" 999% done\n")
    assert software.told == [1.0]


@pytest.mark.parametrize(
    ("program", "who"),
    [
        ("/opt/hfs20.5/bin/husk", "alfred"),
        ("C:\\solidangle\\bin\\kick.exe", "arnold"),
        ("mantra", "alfred"),
        ("/usr/bin/python3", ""),
    ],
)
def test_programs_of_command_steps_are_known(program: str, who: str) -> None:
    """A command step's program is known by its name, in either system's paths."""
    assert printed_by(program) == who
