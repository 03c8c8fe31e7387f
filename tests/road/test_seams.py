"""Killed between two things that must not part: each process dies once at each of its seams (`road.chaos.seams_of`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from road.chaos.rounds import Round, run_round
from road.chaos.seams_of import AGENT, RUNNER, SERVICE, Seam, armed
from road.chaos.world import World, wait_for

pytestmark = [pytest.mark.xdist_group("rendering"), pytest.mark.skipif(sys.platform != "linux", reason="runners need Linux")]

#: several at a time: processes die in one run, each at its own seam, the next of its kind at the next
GROUPS = [[*SERVICE[n::6], *RUNNER[n::6], *AGENT[n::6]] for n in range(6)]
#: the windows that matter most, in every run: output stored and not committed, launched and not noted, at home and not noted
FEW = [
    [next(s for s in SERVICE if "pid not noted" in s.what), next(s for s in RUNNER if "stored" in s.what), AGENT[-1]],
]


@pytest.mark.parametrize(
    "seams",
    GROUPS if os.environ.get("CI") == "true" else FEW,
    ids=lambda seams: ", ".join(f"{s.victim} {s.what}" for s in seams),
)
def test_killed_at_a_seam(world: World, tmp_path: Path, seams: list[Seam]) -> None:
    """Every process dies where it was told to, and all ends as if it had not."""
    with armed(world, tmp_path / "seams", seams) as waiting:

        def until_all_died(_world: World, this: Round) -> None:
            wait_for("every process dies at its seam", lambda: len(waiting.done()) == len(seams))
            this.kills += waiting.done()
            for death in this.kills:
                world.instances.note_death(death.instance, death.at)

        done = run_round(world, f"seams {len(seams)} {seams[0].what}", during=until_all_died)
    assert not done.violations, done.story()
    assert len(done.kills) == len(seams)
