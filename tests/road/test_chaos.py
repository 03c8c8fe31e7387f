"""Killed anywhere: real processes, `kill -9` at seeded instants, and all that must be true afterwards (`road.chaos`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from faults.faulty_line import Proxy
from road.chaos import kills, leftovers, money
from road.chaos.checks import moment
from road.chaos.kills import VICTIMS, Kill, Victim, execute, find, plan_kills
from road.chaos.line_faults import TROUBLES, LineFault, plan_faults
from road.chaos.renderers import Bpy, Fake
from road.chaos.rounds import Round, run_round
from road.chaos.world import PATIENCE, World, open_world, wait_for

pytestmark = [pytest.mark.xdist_group("rendering"), pytest.mark.skipif(sys.platform != "linux", reason="runners need Linux")]

FULL = os.environ.get("CI") == "true"
SEEDS = tuple(f"road {n}" for n in range(1, 5 if FULL else 2))


def _check(done: Round, world: World) -> None:
    log = (world.data / "service.log").read_text()[-2000:]
    assert not done.violations, f"{done.story()}\n{log}"


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_anywhere(world: World, seed: str) -> None:
    """Whatever is killed when: every job ends, each frame is accepted and home once, nothing is left, nothing billed twice."""
    done = run_round(world, seed)
    _check(done, world)
    assert done.kills, done.story()


def test_killed_anywhere_with_blender(tmp_path: Path, bpy_python: Callable[..., Path]) -> None:
    """The same with real Blender: its process, its sandbox, its runner and the service are killed while it renders."""

    steps = [Kill(0.3, ("frame server",), 0.0, 0), Kill(1.0, ("runner", "service"), 0.5, 0), Kill(1.0, ("sandbox",), 0.0, 1)]
    with open_world(tmp_path, Bpy(bpy_python())) as world:
        done = run_round(world, "blender", frames=4, steps=steps)
        _check(done, world)
        assert {k.victim for k in done.kills} >= {"frame server", "runner", "service"}, done.story()


def test_a_bad_line_and_a_kill_in_the_middle_of_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are cut in both directions, answers get lost, errors storm, and the agent dies while it sends: all the same holds."""
    monkeypatch.setattr(kills, "WAITED_FOR", PATIENCE)
    faults = [
        LineFault("cut upload", 2, 300_000),
        LineFault("lost answer", 1),
        LineFault("cut download", 1, 10),
        LineFault("storm", 1),
    ]
    with open_world(tmp_path, Fake(), Proxy()) as world:
        steps = [Kill(0.0, ("agent",), 0.0, 0, "half an upload")]
        done = run_round(world, "line", frames=2, steps=steps, faults=faults)
        _check(done, world)
    assert [kill.instant for kill in done.kills] == ["half an upload"], done.story()
    assert set(done.troubles) == set(TROUBLES), done.story()
    assert all(done.troubles.values()), done.troubles


def test_a_line_is_the_same_for_the_same_seed() -> None:
    """As is the plan of kills; over the seeds everything goes wrong that can."""
    assert plan_faults("a") == plan_faults("a") != plan_faults("b")
    assert {fault.trouble for n in range(50) for fault in plan_faults(str(n))} == set(TROUBLES)


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    """A seed that found something finds it again; over the seeds, every kind of process has its turn."""
    assert plan_kills("a") == plan_kills("a") != plan_kills("b")
    assert {v for n in range(50) for step in plan_kills(str(n)) for v in step.victims} == set(VICTIMS)


def test_what_a_replacement_costs(world: World) -> None:
    """A killed runner is billed to when it was last heard of; its replacement is another instance with a minimum of its own."""
    before = {row["id"] for row in world.database("SELECT id FROM instance")}
    job = world.submit("replacement", range(1, 13), chunk=12)
    wait_for("a frame is accepted", lambda: _outputs(world, job.seed))
    (killed,) = execute(world, [job], Kill(0.0, ("runner",), 0.0, 0))
    wait_for("the job is home", lambda: all(job.home(frame).exists() for frame in job.frames))
    wait_for("its instances end", lambda: not leftovers.unended(world))
    rows = [row for row in world.database("SELECT * FROM instance ORDER BY launched") if row["id"] not in before]
    assert len(rows) == 2
    dead, replacement = rows
    assert (dead["id"], dead["end_reason"]) == (killed.instance, "the instance is gone")
    assert moment(dead["ended"]) <= killed.at + money.UNDER_WAY
    assert moment(replacement["launched"]) >= moment(dead["ended"])
    assert money.check(world) == []
    assert [money.recomputed(world)[row["id"]] for row in rows] == [money.MINIMUM_MINUTES * Decimal("0.0100")] * 2
    wait_for("nothing is left", lambda: not leftovers.find(world))


def _outputs(world: World, seed: str) -> int:
    return len(world.database("SELECT o.id FROM output o JOIN job j ON j.id = o.job_id WHERE j.title = ?", seed))


def test_a_terminal_that_waits_outlives_agent_and_service(world: World, tmp_path: Path) -> None:
    """`conductor submit --wait` goes on when the service is started again, and starts a killed agent itself."""
    tool, out = tmp_path / "bake.sh", tmp_path / "out"
    tool.write_text(f'sleep 1; printf "frame %s" "$1" > "{out}/bake_$1.txt"\n')
    words = ["submit", "--command", f"sh {tool} {{frame}}", "-f", "1-6", "--file", str(tool), "--wait", "--json"]
    command = [sys.executable, "-m", "conductor_core.cli", *words, "-t", "local", "--output", f"{out}/bake_#.txt"]
    environment = {**os.environ, **world.environment}
    known = len(world.database("SELECT id FROM job"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as terminal:
        wait_for("the job is there", lambda: len(world.database("SELECT id FROM job")) > known or terminal.poll() is not None)
        wait_for("a frame is home", lambda: list(out.glob("*.txt")) or terminal.poll() is not None)
        agent = world.agent_process()
        assert agent is not None
        agent.kill()
        world.service.process.kill()
        world.service.process.wait()
        time.sleep(1.0)
        world.start_service()
        said, complaints = terminal.communicate(timeout=PATIENCE)
    assert terminal.returncode == 0, complaints
    assert json.loads(said)["job_state"] == "success"
    assert {p.name: p.read_text() for p in out.iterdir()} == {f"bake_{n}.txt": f"frame {n}" for n in range(1, 7)}
    wait_for("its instances end", lambda: not leftovers.unended(world))
    wait_for("nothing is left", lambda: not leftovers.find(world))


def test_eyes_that_see(world: World) -> None:
    """The harness finds what it looks for: planted files, a planted process, a frame that came home twice."""
    part = world.show / ".frame_0001.png.0123456789abcdef.conductor-part"
    aside = world.data / ".service.json.0123456789abcdef0123456789abcdef"
    half = world.data / "store" / "tmp" / "half"
    words = [sys.executable, "-c", "import time; time.sleep(600)", str(world.ledger)]
    planted: list[Path] = [part, aside, half]
    with subprocess.Popen(words) as stray:
        try:
            for path in planted:
                path.write_bytes(b"x")
            found = leftovers.find(world)
            for what in (*map(str, planted), f"process {stray.pid}"):
                assert [line for line in found if what in line], (what, found)
        finally:
            stray.kill()
            for path in planted:
                path.unlink()
    assert leftovers.find(world) == []


def test_every_victim_is_found(world: World) -> None:
    """Each kind of process is found while a job renders: a harness that kills nobody proves nothing."""
    job = world.submit("victims", range(1, 13), chunk=6)
    seen: set[Victim] = set()

    def all_seen() -> bool:
        seen.update(victim for victim in VICTIMS if find(world, victim))
        return len(seen) == len(VICTIMS)

    wait_for("every kind of process is there", all_seen)
    wait_for("the job is home", lambda: all(job.home(frame).exists() for frame in job.frames))
