"""Control groups of the real kernel: what they limit, how that is told, and that none stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_service.fleets.local import LocalProcessFleet
from conductor_service.runner import group_versions
from conductor_service.runner.causes import failure_of_toll
from conductor_service.runner.group_sweep import RECORD, remove_group, sweep_groups
from conductor_service.runner.group_versions import V1, V2, CannotGroup, choose_groups, find_parents, own_folder, read_mounts
from conductor_service.runner.groups import KernelGroup, KernelGroups, NoGroups, Version
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.work_folder import WorkFolder

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

PROC = Path("/proc/self")
LIMITS = ResourceLimits(memory=64 << 20, processes=20)
HOG = "x = []\nwhile True: x.append(bytearray(1 << 20))"
HALF = "x = bytearray(120 << 20); import time; time.sleep(600)"
#: without end: it goes on forking when the kernel refuses
BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"


def available() -> dict[str, Callable[[Path], KernelGroups]]:
    """Return how groups are made here, by version; of version 2 without its controllers only the mechanics can be tried."""
    found: dict[str, Callable[[Path], KernelGroups]] = {}
    for version in (V1, V2):
        try:
            parents = find_parents(version, PROC)
        except (CannotGroup, OSError):
            continue
        found[version.name] = lambda work, v=version, p=parents: KernelGroups(v, p, work / RECORD)  # type: ignore[misc]
    return found


AVAILABLE = available()


@pytest.fixture(params=AVAILABLE or ["none"])
def groups(request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[object, str], None]) -> KernelGroups:
    """Give the groups of each version that this machine has, where its limits work."""
    require(AVAILABLE, "this process may make no control groups")
    return AVAILABLE[request.param](tmp_path)


@pytest.fixture
def group(groups: KernelGroups) -> Iterator[KernelGroup]:
    """Give a group with small limits."""
    made = groups.require(LIMITS)
    yield made
    made.remove()


def left(record: Path) -> list[str]:
    """Return the group folders there are of a record."""
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    return [str(f) for data in lines for parent in data["parents"] for f in Path(parent).glob(f"{data['prefix']}*")]


def run(group: KernelGroup, script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(group.entering((sys.executable, "-c", script)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_memory_is_limited_by_the_kernel(group: KernelGroup) -> None:
    """What allocates without end is killed at the limit; kills and peak are told, counted from the task's beginning."""
    for _ in range(2):
        group.begin()
        assert run(group, HOG).wait(60) == -signal.SIGKILL
        toll = group.toll()
        assert toll is not None
        assert (toll.killed, toll.refused) == (1, 0)
        assert 60 << 20 < toll.peak <= 64 << 20


def test_processes_are_limited_by_the_kernel(group: KernelGroup) -> None:
    """What forks without end gets no more than its number, and all of it goes with the group."""
    bomb = run(group, BOMB)
    deadline = time.monotonic() + 60
    while not (toll := group.toll()) or not toll.refused:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    group.remove()
    assert bomb.wait(60) == -signal.SIGKILL


def test_nothing_of_a_command_runs_outside_its_group(groups: KernelGroups, tmp_path: Path) -> None:
    """A group that is gone is not entered, and the command is not started."""
    group = groups.require(LIMITS)
    group.remove()
    assert run(group, f"open({str(tmp_path / 'ran')!r}, 'w')").wait(60) == 125
    assert not (tmp_path / "ran").exists()


def test_a_group_that_cannot_be_limited_is_not_left(groups: KernelGroups, tmp_path: Path) -> None:
    """A limit that the kernel refuses leaves no folder behind; the session then runs with resource limits."""
    impossible = ResourceLimits(memory=64 << 20, processes=-5)
    with pytest.raises(OSError, match="Invalid argument"):
        groups.require(impossible)
    assert groups.make(impossible).toll() is None
    assert left(tmp_path / RECORD) == []


def test_the_mechanics_of_version_2(tmp_path: Path) -> None:
    """In the unified hierarchy of this machine, whatever its controllers: entered, emptied, removed."""
    mounts = read_mounts((PROC / "mountinfo").read_text())
    try:
        own = own_folder(mounts, group_versions.read_membership((PROC / "cgroup").read_text()), "cgroup2", "")
    except CannotGroup as exc:
        pytest.skip(str(exc))
    if not os.access(own, os.W_OK):
        pytest.skip(f"{own} is not ours to write")
    bare = Version("bare", (), V2.killed, V2.refused, V2.peak)
    group = KernelGroups(bare, {"memory": own, "pids": own}, tmp_path / RECORD).require(LIMITS)
    sleeper = run(group, "import time; time.sleep(600)")
    procs = Path(left(tmp_path / RECORD)[0], "cgroup.procs")
    deadline = time.monotonic() + 30
    while str(sleeper.pid) not in procs.read_text().split():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    group.remove()
    assert sleeper.wait(30) == -signal.SIGKILL
    assert left(tmp_path / RECORD) == []


def test_what_is_written_into_a_group() -> None:
    """Memory and swap together; none where there is no limit; the kernel's own files, by version."""
    texts = {v.name: {c.file: c.text(LIMITS) for c in v.controls} for v in (V1, V2)}
    assert texts == {
        "cgroup v1": {"memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "67108864", "pids.max": "20"},
        "cgroup v2": {"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "20"},
    }
    free = replace(LIMITS, memory=0)
    assert {c.file for v in (V1, V2) for c in v.controls if c.text(free) is None} == {
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.max",
        "memory.swap.max",
    }


V1_MOUNT = "36 31 0:32 {root} {place} rw,relatime shared:9 - cgroup cgroup rw,memory\n"
V2_MOUNT = "41 31 0:38 {root} {place} rw - cgroup2 cgroup2 rw\n"
PLACES: Mapping[str, tuple[str, str, str, str]] = {
    "v1, in a group": (V1_MOUNT.format(root="/", place="/cg/memory"), "4:memory:/a/b", "memory", "/cg/memory/a/b"),
    "v1, at the root": (V1_MOUNT.format(root="/", place="/cg/memory"), "4:cpu,memory:/", "memory", "/cg/memory"),
    "v1, in a container": (V1_MOUNT.format(root="/docker/1", place="/cg"), "4:memory:/docker/1", "memory", "/cg"),
    "v2, with a space": (V2_MOUNT.format(root="/", place="/c\\040g"), "0::/user/x", "", "/c g/user/x"),
}


@pytest.mark.parametrize(("mountinfo", "cgroup", "controller", "folder"), PLACES.values(), ids=PLACES.keys())
def test_where_a_process_s_own_group_is(mountinfo: str, cgroup: str, controller: str, folder: str) -> None:
    """The mount's root is taken off the path that the kernel names, as containers need it."""
    own = group_versions.read_membership(cgroup)
    assert own_folder(read_mounts(mountinfo), own, "cgroup" if controller else "cgroup2", controller) == Path(folder)


def tree(folder: Path, **files: str) -> Path:
    """Make what a group of version 2 looks like; a file `x` that refuses to be written is a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        place = folder / name.replace("_", ".", 1)
        if text == "refuses":
            place.mkdir()
        else:
            place.write_text(text)
    return folder


DELEGATED = {
    "its own, divided already": ("memory pids", "", "own"),
    "its own, that it can divide": ("", "", "own"),
    "the one above, that was given away": ("refuses", "1", "above"),
    "nobody's": ("refuses", "", None),
    "the one above, that was marked as not given away": ("refuses", "0", None),
}


@pytest.mark.parametrize("user", [0, 1000], ids=["root", "a user"])
@pytest.mark.parametrize(("control", "mark", "expected"), DELEGATED.values(), ids=DELEGATED.keys())
def test_which_group_of_version_2_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str, mark: str, expected: str | None, user: int
) -> None:
    """Its own where the kernel lets it, else the one above if a service manager marked that as given away; else none.

    That a user may write the one above says nothing: all of a user's slices are his, and no part of the runner's unit.
    """
    monkeypatch.setattr(os, "geteuid", lambda: user)
    above = tree(tmp_path / "above", cgroup_controllers="cpu memory pids", cgroup_subtree_control="cpu")
    own = tree(above / "own", cgroup_controllers="memory pids", cgroup_procs="1\n2\n", cgroup_subtree_control=control)
    if mark:
        os.setxattr(above, "user.delegate", mark.encode())
    (tmp_path / "mountinfo").write_text(V2_MOUNT.format(root="/", place=above))
    (tmp_path / "cgroup").write_text("0::/own\n")
    if expected is None:
        with pytest.raises(CannotGroup, match="other processes in it"):
            find_parents(V2, tmp_path)
    else:
        parent = {"own": own, "above": above}[expected]
        assert find_parents(V2, tmp_path) == {"memory": parent, "pids": parent}


HOPELESS = {
    "nothing is mounted": ("", "4:memory:/\n0::/", "v2: the unified hierarchy is not mounted; v1: memory is not mounted"),
    "another part is shown": (V1_MOUNT.format(root="/other", place="/cg"), "4:memory:/own", "/cg does not show /own"),
    "version 2 has no controllers": (V2_MOUNT.format(root="/", place="/no/such"), "0::/", "has no controller for memory, pids"),
}


@pytest.mark.parametrize(("mountinfo", "cgroup", "reason"), HOPELESS.values(), ids=HOPELESS.keys())
def test_why_there_are_none(tmp_path: Path, mountinfo: str, cgroup: str, reason: str) -> None:
    """A machine without groups is said to be one, with the reason."""
    (tmp_path / "mountinfo").write_text(mountinfo)
    (tmp_path / "cgroup").write_text(cgroup)
    found = choose_groups(tmp_path, tmp_path)
    assert isinstance(found, NoGroups)
    assert reason in found.name


@pytest.mark.parametrize("found", ["kernel", "none"])
def test_the_log_says_how_limits_are_kept(farm: Farm, job: MakeJob, found: str) -> None:
    """Log and attempt name the way; a session without groups runs as well."""
    if found == "none":
        farm.groups = lambda: NoGroups("for this test")
    told = farm.told(job())
    assert told.verdict is not None
    assert told.verdict.state == "success"
    way = "limits: no cgroup (for this test)" if found == "none" else farm.way
    assert way in told.verdict.message
    assert way in told.log.decode()


@pytest.mark.parametrize("isolation", ["sandbox", "rewrite"])
def test_no_group_outlives_its_session(request: pytest.FixtureRequest, job: MakeJob, isolation: str) -> None:
    """After success, failure, out of memory and a fork bomb no folder of a group is left."""
    farm: Farm = request.getfixturevalue("farm" if isolation == "sandbox" else "open_farm")
    farm.resources = ResourceLimits(memory=200 << 20, processes=40, free_disk=1 << 20)
    made: list[str] = []
    farm.groups = lambda: noting(choose_groups(farm.work.root), farm.work.root / RECORD, made)
    bad = {
        "boom": "import os; os.abort()",
        "bomb": BOMB,
        "hog": f"import subprocess, sys, time\nfor _ in range(3): subprocess.Popen([sys.executable, '-c', {HALF!r}])\ntime.sleep(600)",
    }
    attempts = {name: farm.add(job(scene, session=name)) for name, scene in {"good": "png(path)", **bad}.items()}
    farm.run()
    ends = {name: (farm.service.verdict(a).state, farm.service.verdict(a).cause) for name, a in attempts.items()}
    assert ends == {
        "good": ("success", None),
        "boom": ("failed", "crashed"),
        "bomb": ("failed", "crashed"),
        "hog": ("failed", "out-of-memory"),
    }
    assert len(made) >= 4
    assert [folder for folder in made if Path(folder).exists()] == []
    assert not (farm.work.root / RECORD).exists()


def noting(groups: object, record: Path, made: list[str]) -> KernelGroups:
    """Return groups that note the folders of each one they make."""
    assert isinstance(groups, KernelGroups), groups
    make = groups.make

    def noted(limits: ResourceLimits) -> object:
        group = make(limits)
        made.extend(left(record))
        return group

    groups.make = noted  # type: ignore[method-assign,assignment]
    return groups


LEAVES_A_GROUP = """
import sys, time, subprocess
from pathlib import Path
from conductor_service.runner.group_versions import choose_groups
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.work_folder import WorkFolder
work = WorkFolder(Path(sys.argv[1]))
work.open()
group = choose_groups(work.root).require(ResourceLimits(processes=20))
subprocess.Popen(group.entering(("sleep", "600")))
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("who", ["the next runner", "the fleet"])
def test_the_groups_of_a_killed_runner_are_swept(groups: KernelGroups, tmp_path: Path, who: str) -> None:
    """kill -9 leaves a group with a process in it; whoever comes next kills that, and removes the group."""
    assert groups.name
    home = tmp_path / "instances" / "one"
    (home / "work").mkdir(parents=True)
    command = [sys.executable, "-c", LEAVES_A_GROUP, str(home / "work")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"up\n"
        runner.kill()
    folders = left(home / "work" / RECORD)
    assert folders
    if who == "the fleet":
        LocalProcessFleet(tmp_path / "instances").terminate("one")
    else:
        WorkFolder(home / "work").open()
    assert [f for f in folders if Path(f).exists()] == []


PLANTED = {
    "no JSON": "x",
    "another prefix": '{"prefix": "", "parents": ["PLACE"]}',
    "no list": '{"prefix": "conductor-00000000-", "parents": 5}',
    "members that are no group's": '{"prefix": "conductor-00000000-", "parents": ["PLACE"], "members": 1}',
    "no group": '{"prefix": "conductor-00000000-", "parents": ["PLACE"]}',
}


@pytest.mark.parametrize("text", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_record_removes_nothing_else(tmp_path: Path, text: str) -> None:
    """A task without a sandbox could write the record: only control groups of a runner's name are ever removed."""
    victim = tmp_path / "conductor-00000000-1"
    victim.mkdir()
    if "members" in text:
        (victim / "cgroup.procs").write_text("2147483647\n")
    (tmp_path / RECORD).write_text(text.replace("PLACE", str(tmp_path)))
    sweep_groups(tmp_path / RECORD)
    assert victim.exists()
    assert not (tmp_path / RECORD).exists()


@pytest.fixture
def parents(require: Callable[[object, str], None]) -> Iterator[Mapping[str, Path]]:
    """Give groups of version 1 of the test's own, below which those of sessions are made."""
    require(V1.name in AVAILABLE, "this process may make no control groups of version 1")
    found = {controller: parent / f"test-{os.getpid()}" for controller, parent in find_parents(V1, PROC).items()}
    for folder in found.values():
        folder.mkdir()
    yield found
    for folder in found.values():
        assert remove_group(folder)


LARGE = ResourceLimits(memory=4 << 30, processes=400)


def test_a_limit_of_a_group_above_is_not_the_task_s(parents: Mapping[str, Path], tmp_path: Path) -> None:
    """Killed and refused for what all sessions of a machine have together: the attempt says so."""
    (parents["memory"] / "memory.limit_in_bytes").write_text(str(100 << 20))
    (parents["pids"] / "pids.max").write_text("12")
    group = KernelGroups(V1, parents, tmp_path / RECORD).require(LARGE)
    assert run(group, HOG).wait(60) == -signal.SIGKILL
    toll = group.toll()
    assert toll is not None
    failure = failure_of_toll(toll, LARGE, measured=0, code=-9)
    assert re.search(r"The instance had no memory left \(the task had (9\d|100) MiB of its 4,096 MiB\)", str(failure))
    group.begin()
    bomb = run(group, BOMB)
    deadline = time.monotonic() + 60
    while not (toll := group.toll()) or not toll.refused:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    group.remove()
    assert bomb.wait(60) == -signal.SIGKILL
    assert "The instance let the task start no more processes" in str(failure_of_toll(toll, LARGE, measured=0, code=None))


def test_the_peak_is_the_task_s(group: KernelGroup) -> None:
    """What an earlier task of the session needed is not told of the next one."""
    group.begin()
    assert run(group, "x = bytearray(50 << 20)").wait(60) == 0
    first = group.toll()
    group.begin()
    assert run(group, "pass").wait(60) == 0
    second = group.toll()
    assert first is not None
    assert second is not None
    assert first.peak > 50 << 20 > 40 << 20 > second.peak > 0


NESTS = """
import os, sys, time
for file in sys.argv[1:]:
    deep = os.path.join(os.path.dirname(file), "a", "b")
    os.makedirs(deep)
    open(os.path.join(deep, "cgroup.procs"), "w").write("0")
print("up", flush=True)
time.sleep(600)
"""


def test_groups_in_a_group_go_with_it(groups: KernelGroups, tmp_path: Path) -> None:
    """A task without sandbox, as root, can make some and go in: it is killed there, and they are removed."""
    group = groups.require(LIMITS)
    folders = left(tmp_path / RECORD)
    command = group.entering((sys.executable, "-c", NESTS, *(f"{folder}/cgroup.procs" for folder in folders)))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as nested:
        assert nested.stdout is not None
        assert nested.stdout.readline() == b"up\n"
        group.remove()
        assert nested.wait(30) == -signal.SIGKILL
    assert left(tmp_path / RECORD) == []


def test_a_record_stays_for_as_long_as_a_group_does(groups: KernelGroups, tmp_path: Path) -> None:
    """What cannot be removed at once is for the next sweep, of whichever way it was made."""
    record = tmp_path / RECORD
    sleeper = run(groups.require(LIMITS), "import time; time.sleep(600)")
    before = left(record)
    procs = [Path(folder, "cgroup.procs") for folder in before]
    deadline = time.monotonic() + 30
    while not all(str(sleeper.pid) in file.read_text().split() for file in procs):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    empty = KernelGroups(V2, {"memory": tmp_path / "gone"}, record)
    assert empty.make(LIMITS).name.startswith("no cgroup (none can be made any more: ")
    assert not sweep_groups(record, patience=0.0)
    assert left(record) == before
    assert sweep_groups(record)
    assert sleeper.wait(30) == -signal.SIGKILL
    assert [folder for folder in before if Path(folder).exists()] == []
    assert not record.exists()


@pytest.mark.parametrize("isolation", ["sandbox", "rewrite"])
def test_a_session_that_got_no_group_says_so(
    request: pytest.FixtureRequest, job: MakeJob, tmp_path: Path, isolation: str
) -> None:
    """Groups worked at the runner's start and cannot be made any more: log and attempt tell what the session really has."""
    farm: Farm = request.getfixturevalue("farm" if isolation == "sandbox" else "open_farm")
    gone = {"memory": tmp_path / "gone", "pids": tmp_path / "gone"}
    farm.groups = lambda: KernelGroups(V2, gone, farm.work.root / RECORD)
    told = farm.told(job())
    assert told.verdict is not None
    assert told.verdict.state == "success"
    for text in (told.verdict.message, told.log.decode()):
        assert "limits: no cgroup (none can be made any more" in text
        assert "cgroup v2" not in text


STEPS_ASIDE = """
import sys
from pathlib import Path
from conductor_service.runner import group_versions
own = Path(sys.argv[1])
def refuse(parent):
    if (own / "conductor-runner").exists() or parent != own:
        print("aside", (own / "conductor-runner" / "cgroup.procs").read_text().split() != [], flush=True)
    raise OSError("refused")
group_versions._NEEDED, group_versions._enable = (), refuse
try:
    group_versions._delegated(own)
except OSError as exc:
    print(exc, (own / "conductor-runner").exists(), len((own / "cgroup.procs").read_text().split()), flush=True)
"""


def test_a_runner_that_stepped_aside_in_vain_steps_back(tmp_path: Path) -> None:
    """A group that cannot be divided is left as it was found."""
    mounts = read_mounts((PROC / "mountinfo").read_text())
    try:
        own = own_folder(mounts, group_versions.read_membership((PROC / "cgroup").read_text()), "cgroup2", "")
    except CannotGroup as exc:
        pytest.skip(str(exc))
    if not os.access(own, os.W_OK):
        pytest.skip(f"{own} is not ours to write")
    bare = Version("bare", (), V2.killed, V2.refused, V2.peak)
    group = KernelGroups(bare, {"memory": own, "pids": own}, tmp_path / RECORD).require(LIMITS)
    folder = left(tmp_path / RECORD)[0]
    command = group.entering((sys.executable, "-c", STEPS_ASIDE, folder))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    group.remove()
    assert done.stdout.splitlines() == ["aside True", "refused False 1"], done.stderr
