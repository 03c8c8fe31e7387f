"""What every fleet promises; local processes besides: they outlive the service, and die whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conductor_service.fleets import Fleet, LaunchFailed, LaunchOrder, LocalProcessFleet
from conductor_service.fleets.local import LOGS_KEPT, MARK

# One after the other, and named by the run: instances are found, and killed, by their names.
pytestmark = pytest.mark.xdist_group("fleet")
A, B = f"a{os.getpid()}", f"b{os.getpid()}"

# A runner with a child that escapes into a session of its own; both take no notice of anything but signals.
RUNNER = """
import subprocess, sys, time
child = [sys.executable, "-c", "import time; time.sleep(300)"]
subprocess.Popen(child, start_new_session=True, stdin=subprocess.DEVNULL)
print("up", flush=True)
time.sleep(300)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"


def order(name: str, **changes: Any) -> LaunchOrder:
    facts: dict[str, Any] = {"instance_type": "small", "preemptible": False, "service_url": "http://x", "token": "cdr_secret"}
    return LaunchOrder(name, **{**facts, **changes})


def local(folder: Path, code: str = RUNNER, **changes: Any) -> LocalProcessFleet:
    return LocalProcessFleet(folder, command=(sys.executable, "-c", code), patience=1.0, **changes)


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def marked(name: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == name and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture(params=["fake", "local"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, make_studio: Any) -> Iterator[Fleet]:
    """Give each kind of fleet, and leave nothing of it behind."""
    made: Fleet = make_studio.fleet if request.param == "fake" else local(tmp_path / "fleet")
    yield made
    for instance in made.instances():
        made.terminate(instance.instance_id)


def names(fleet: Fleet) -> list[str]:
    return sorted(i.instance_id for i in fleet.instances())


def test_a_launched_instance_is_there(fleet: Fleet) -> None:
    """What was launched is in the provider's view, with its type, until it is terminated."""
    assert names(fleet) == []
    fleet.launch(order(A))
    fleet.launch(order(B, instance_type="large"))
    assert sorted((i.instance_id, i.instance_type) for i in fleet.instances()) == [(A, "small"), (B, "large")]
    fleet.terminate(A)
    assert names(fleet) == [B]


def test_launching_twice_is_launching_once(fleet: Fleet) -> None:
    """An order repeated under the same id, as after a crash, changes nothing."""
    fleet.launch(order(A))
    fleet.launch(order(A, token="cdr_other"))
    assert names(fleet) == [A]


def test_terminating_nothing_is_no_error(fleet: Fleet) -> None:
    """An instance that is not there, or no more, can be terminated again."""
    fleet.terminate("none")
    fleet.launch(order(A))
    fleet.terminate(A)
    fleet.terminate(A)
    assert names(fleet) == []


def test_an_id_can_be_launched_again_after_its_end(fleet: Fleet) -> None:
    """An instance that was lost while launching is asked for again under its id."""
    fleet.launch(order(A))
    fleet.terminate(A)
    fleet.launch(order(A))
    assert names(fleet) == [A]


def test_a_local_instance_outlives_its_service(tmp_path: Path) -> None:
    """Another service with the same ledger finds the processes, does not start them again, and can end them."""
    first = local(tmp_path)
    first.launch(order(A))
    assert until(lambda: len(marked(A)) == 2)
    second = local(tmp_path)
    second.launch(order(A))
    assert names(second) == [A]
    assert len(marked(A)) == 2
    second.terminate(A)
    assert marked(A) == []
    assert names(first) == []


def test_terminate_ends_the_whole_tree(tmp_path: Path) -> None:
    """Children in sessions of their own end too, and a runner that ignores the request is killed."""
    for code, processes in ((RUNNER, 2), (STUBBORN, 1)):
        fleet = local(tmp_path, code)
        fleet.launch(order(A))
        assert until(lambda fleet=fleet: b"up" in fleet.log_file(A).read_bytes())  # type: ignore[misc]
        assert until(lambda n=processes: len(marked(A)) == n)  # type: ignore[misc]
        fleet.terminate(A)
        assert marked(A) == []
        assert not (tmp_path / A).exists()


def test_what_a_dead_runner_left_is_swept(tmp_path: Path) -> None:
    """When a runner is killed, its orphans are killed and its folder removed as soon as somebody looks."""
    fleet = local(tmp_path)
    fleet.launch(order(A))
    assert until(lambda: len(marked(A)) == 2)
    runner = json.loads((tmp_path / A / "instance.json").read_text())["pid"]
    os.kill(runner, signal.SIGKILL)
    assert until(lambda: names(fleet) == [])
    assert marked(A) == []
    assert not (tmp_path / A).exists()


def test_logs_of_the_dead_are_not_kept_for_ever(tmp_path: Path) -> None:
    """The newest logs stay for whoever asks what happened; a living instance's own stays whatever its age."""
    fleet = local(tmp_path)
    fleet.launch(order(A))
    os.utime(fleet.log_file(A), (0, 0))
    for number in range(LOGS_KEPT + 3):
        log = fleet.log_file(f"gone{number}")
        log.write_text("x")
        os.utime(log, (number + 1, number + 1))
    fleet.launch(order("b"))
    gone = {p.stem for p in tmp_path.glob("gone*.log")}
    assert gone == {f"gone{number}" for number in range(3, LOGS_KEPT + 3)}
    assert fleet.log_file(A).exists()
    for name in (A, "b"):
        fleet.terminate(name)


def test_a_reused_pid_is_not_ours(tmp_path: Path) -> None:
    """A process that has the pid of a runner that is gone is left alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        home = tmp_path / A
        home.mkdir()
        entry = {"id": A, "type": "small", "pid": other.pid, "started": psutil.Process(other.pid).create_time() - 100}
        (home / "instance.json").write_text(json.dumps(entry))
        fleet = local(tmp_path)
        assert names(fleet) == []
        assert other.poll() is None
        other.communicate(b"\n")


@pytest.mark.parametrize("left", ['{"id": A, "type": "small", "pid": null, "started": null}', "{", None])
def test_a_crash_while_launching_leaves_nothing(tmp_path: Path, left: str | None) -> None:
    """Whatever a service had written when it died before the process started, the instance is not there."""
    home = tmp_path / A
    home.mkdir()
    if left is not None:
        (home / "instance.json").write_text(left)
    fleet = local(tmp_path)
    assert names(fleet) == []
    assert not home.exists()


def test_a_crash_right_after_the_start_is_repaired(tmp_path: Path) -> None:
    """A process that started while its pid was not written down yet is found by its command line."""
    first = local(tmp_path)
    first.launch(order(A))
    file = tmp_path / A / "instance.json"
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "pid": None, "started": None}))
    second = local(tmp_path)
    assert until(lambda: len(marked(A)) == 2)
    assert names(second) == [A]
    second.terminate(A)
    assert marked(A) == []
    assert names(first) == []


def test_the_token_is_private(tmp_path: Path) -> None:
    """The token is in a file that its owner alone reads, and in neither command line nor environment."""
    fleet = local(tmp_path)
    fleet.launch(order(A))
    file = tmp_path / A / "token"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("cdr_secret\n", 0o600)
    for pid in marked(A):
        process = psutil.Process(pid)
        assert "cdr_secret" not in " ".join(process.cmdline())
        assert "cdr_secret" not in str(process.environ())
    fleet.terminate(A)


def test_a_runner_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    """A command that does not exist is said, and leaves nothing that looks like an instance."""
    fleet = LocalProcessFleet(tmp_path, command=("/nowhere/python",))
    with pytest.raises(LaunchFailed, match="nowhere"):
        fleet.launch(order(A))
    assert names(fleet) == []


def test_an_id_is_no_path(tmp_path: Path) -> None:
    """An instance id cannot lead out of the ledger."""
    with pytest.raises(ValueError, match="not an instance id"):
        local(tmp_path).terminate("../x")


def nest(folder: Path, depth: int) -> None:
    """Nest folders deeper than a path may be long, as a task can; a file in the deepest."""
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_a_tree_of_any_depth_is_swept(tmp_path: Path) -> None:
    """Folders nested by a hostile task stop neither the look at the fleet nor the removal of what is left."""
    fleet = local(tmp_path)
    fleet.launch(order(B))
    nest(tmp_path / A / "work" / "sessions" / "1", 3000)
    assert names(fleet) == [B]
    assert not (tmp_path / A).exists()
    fleet.terminate(B)


def test_a_home_that_cannot_be_removed_hides_no_other(tmp_path: Path) -> None:
    """One instance's trouble is logged and tried again; folders that are no instance's are left alone."""

    class Troubled(LocalProcessFleet):
        def terminate(self, instance_id: str) -> None:
            if instance_id == A:
                raise PermissionError("a disk that answers nothing")
            super().terminate(instance_id)

    fleet = Troubled(tmp_path, command=(sys.executable, "-c", RUNNER), patience=1.0)
    (tmp_path / A).mkdir()
    (tmp_path / "lost+found").mkdir()
    fleet.launch(order(B))
    assert names(fleet) == [B]
    assert (tmp_path / "lost+found").exists()
    fleet.terminate(B)


#: ends in its own time when it is asked to, as a runner that still has frames to publish
SLOW = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(1.5)
    pathlib.Path(FILE).write_text("published")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", *sys.argv[1:], flush=True)
time.sleep(300)
"""


def test_a_runner_may_publish_what_it_rendered_before_it_ends(tmp_path: Path) -> None:
    """A runner that drains is waited for (by default for as long as draining takes), one that is stopped is not."""
    file = tmp_path / "done"
    fleet = LocalProcessFleet(tmp_path / "fleet", command=(sys.executable, "-c", SLOW.replace("FILE", repr(str(file)))))
    fleet.launch(order("slow"))
    assert until(lambda: b"up" in fleet.log_file("slow").read_bytes())
    fleet.terminate("slow")
    assert file.read_text() == "published"
    fleet.launch(order("stopped"))
    assert until(lambda: b"up" in fleet.log_file("stopped").read_bytes())
    os.kill(marked("stopped")[0], signal.SIGSTOP)
    began = time.monotonic()
    fleet.terminate("stopped")
    assert time.monotonic() - began < 10
    assert marked("stopped") == []


def test_a_runner_is_told_the_memory_of_its_type(tmp_path: Path) -> None:
    """Tasks use no more memory than the type is paid for; a type that says nothing has all there is."""
    fleet = local(tmp_path, SLOW, memory_gb={"small": 1.5, "open": 0.0})
    said = {}
    for kind in ("small", "open", "other"):
        fleet.launch(order(kind, instance_type=kind))
        assert until(lambda kind=kind: b"up" in fleet.log_file(kind).read_bytes())  # type: ignore[misc]
        said[kind] = fleet.log_file(kind).read_text().split()
        fleet.terminate(kind)
    assert said["small"][said["small"].index("--memory-gb") + 1] == "1.5"
    assert "--memory-gb" not in said["open"] + said["other"]
