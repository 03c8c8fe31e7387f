"""A task that does its worst on purpose: what docs/security.md says is refused, tried for real, one test per attack."""

from __future__ import annotations

import os
import platform
import re
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_service.runner.isolation import Isolation, choose_isolation
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.system_calls import MACHINES, call_filter

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

TOOLS = """
import ctypes, errno, os, stat, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def refused(attempt):
    try:
        what = attempt()
    except OSError:
        return
    raise SystemError(f"the sandbox let it through: {what!r}")
def call(number, *arguments):
    ctypes.set_errno(0)
    answer = libc.syscall(number, *(ctypes.c_long(a) for a in (*arguments, 0, 0, 0, 0, 0, 0)[:6]))
    return errno.errorcode.get(ctypes.get_errno(), "") if answer == -1 else answer
"""


def attempt_in(farm: Farm, job: MakeJob, body: str, **changes: object) -> None:
    """Run a scene that must come to its end: all that it tried was refused."""
    told = farm.told(job(TOOLS + body + "\npng(path)", **changes))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message


FIND = """
import os
found = []
for top, folders, files in os.walk("/"):
    if top in ("/proc", "/sys", "/usr"):
        folders[:] = []
    found += [os.path.join(top, n) for n in (*folders, *files) if "top-secret" in n]
assert not found, found
for pid in (p for p in os.listdir("/proc") if p.isdigit()):
    for name in ("environ", "cmdline"):
        try:
            assert "top-secret" not in open(f"/proc/{pid}/{name}", errors="replace").read(), (pid, name)
        except PermissionError:
            pass
"""


def test_another_job_of_the_instance_is_not_there(farm: Farm, job: MakeJob) -> None:
    """Before or after it, in the same cache: no file, folder, command line or variable of it."""
    secrets = {"/job/top-secret/plate.txt": b"the plate"}
    scenes = [("own", "png(path)", secrets), ("other", FIND + "png(path)", {}), ("again", "png(path)", secrets)]
    attempts = [farm.add(job(scene, session=name, files=files)) for name, scene, files in scenes]
    farm.run()
    assert [farm.service.verdict(a).state for a in attempts] == ["success"] * 3, farm.service.verdict(attempts[1]).message


def test_another_instance_of_the_machine_is_not_there(tmp_path: Path, farm: Farm, job: MakeJob) -> None:
    """While it renders: neither its files nor its processes can be found, nor can its abstract sockets be spoken to."""
    other = type(farm)(tmp_path / "other", farm.isolation)
    listens = """
import socket, time, os
with socket.socket(socket.AF_UNIX) as s:
    s.bind("\\0top-secret")
    s.listen()
    open(os.path.dirname(path) + "/top-secret.txt", "w").write("up")
    time.sleep(6)
png(path)
"""
    attempt = other.add(job(listens, files={"/job/top-secret/plate.txt": b"the plate"}))
    thread = threading.Thread(target=other.run)
    thread.start()
    deadline = time.monotonic() + 60
    while not list((tmp_path / "other").rglob("top-secret.txt")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    try:
        tries = 'import socket\ndef speak():\n    with socket.socket(socket.AF_UNIX) as s: s.connect("\\0top-secret")\nrefused(speak)\n'
        attempt_in(farm, job, FIND + tries)
    finally:
        thread.join()
    assert other.service.verdict(attempt).state == "success"


def test_no_descriptor_of_the_runner_is_open(farm: Farm, job: MakeJob) -> None:
    """A task has its three pipes, and what it opened itself; nor has any other process that it sees more."""
    with socket.create_server(("127.0.0.1", 0)):  # the runner's own descriptors: one must not be inherited
        body = """
for pid in (p for p in os.listdir("/proc") if p.isdigit()):
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        continue
    for name in names:
        try:
            says = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        own = pid == str(os.getpid()) and says.startswith(("/job/", f"/proc/{pid}/"))
        assert own or says.startswith(("pipe:", "/dev/null", "/proc", "anon_inode:[eventfd]", "anon_inode:[signalfd]")), (pid, name, says)
"""
        attempt_in(farm, job, body)


def test_proc_leads_nowhere(farm: Farm, job: MakeJob) -> None:
    """Roots and working folders of all visible processes are the sandbox's own; nothing of the kernel can be set."""
    body = """
for pid in ("self", "1"):
    for link in ("root", "cwd"):
        try:
            names = os.listdir(f"/proc/{pid}/{link}")
        except PermissionError:
            continue
        assert sorted(names) == sorted(os.listdir("/")), (pid, link, names)
refused(lambda: open("/proc/1/mem", "rb+").read(1))
own = ("/proc/self", "/proc/thread-self", *(f"/proc/{p}" for p in os.listdir("/proc") if p.isdigit()))
tried = 0
for top, folders, files in os.walk("/proc"):
    folders[:] = [f for f in folders if os.path.join(top, f) not in own]
    for file in files:
        tried += 1
        # opened only: a write that the sandbox let through would be one to the machine that runs this test
        refused(lambda: os.close(os.open(os.path.join(top, file), os.O_WRONLY | os.O_NONBLOCK)) or os.path.join(top, file))
assert tried > 100, tried
hidden = ("kcore", "vmcore", "kmsg", "keys", "kallsyms", "timer_list", "slabinfo", "config.gz", "kpagecount", "kpageflags", "kpagecgroup")
for file in hidden:
    assert not os.path.exists(f"/proc/{file}") or os.stat(f"/proc/{file}").st_rdev == os.stat("/dev/null").st_rdev
refused(lambda: os.listdir("/sys/fs/cgroup"))
refused(lambda: open("/sys/devices/system/cpu/online", "w"))
assert sorted(os.listdir("/sys")) == ["devices"], os.listdir("/sys")
"""
    attempt_in(farm, job, body)


def test_system_calls_that_no_renderer_needs(farm: Farm, job: MakeJob) -> None:
    """Mounts, namespaces, key rings, the kernel's log, other processes' memory, io_uring and their like are refused by a filter."""
    machine = MACHINES[platform.machine()]
    body = f"""
answers = {{name: call(number) for name, number in {dict(machine.refused)!r}.items()}}
assert set(answers.values()) == {{"EPERM"}}, answers
assert call(435) == "ENOSYS"
for flag in (0x00020000, 0x10000000, 0x20000000, 0x40000000):
    assert call({machine.clone}, flag | 17) == "EPERM", hex(flag)
assert call({machine.ioctl}, 0, 0x5412) == "EPERM"
assert isinstance(call({machine.ioctl}, 0, 0x5401), str) and call({machine.ioctl}, 0, 0x5401) != "EPERM"
import subprocess, threading
assert subprocess.run(["true"]).returncode == 0
threading.Thread(target=print).start()
"""
    attempt_in(farm, job, body)


#: a 32-bit program for Linux that ends with the code 42: its head, and `exit(42)` by the interrupt that such programs use
OLD_PROGRAM = (
    b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x08048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    + struct.pack("<8I", 1, 0, 0x08048000, 0x08048000, 97, 97, 5, 0x1000)
    + bytes.fromhex("b801000000bb2a000000cd80f4")
)  # fmt: skip


def test_a_32_bit_program_cannot_run(tmp_path: Path, farm: Farm, job: MakeJob) -> None:
    """Its system calls have other numbers than those that the filter knows: not one is let through, not even the one that ends it."""
    body = f"""
import os, subprocess
program = os.path.dirname(path) + "/old"
open(program, "wb").write({OLD_PROGRAM!r})
os.chmod(program, 0o755)
try:
    code = subprocess.run([program]).returncode
except OSError:  # a kernel that has no such programs at all
    code = -1
os.unlink(program)
"""
    attempt_in(farm, job, body + "assert code < 0, code")
    if platform.machine() == "x86_64":  # it is a real program: without a sandbox it ends as it should, or the kernel has none
        other = type(farm)(tmp_path / "other", choose_isolation("rewrite"))
        attempt_in(other, job, body + "assert code in (42, -1), code")


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("name", list(MACHINES))
def test_system_calls_have_the_numbers_of_the_kernel(name: str) -> None:
    """Where the kernel's headers are installed, each number is compared with theirs."""
    if not HEADERS[name].exists():
        pytest.skip(f"{HEADERS[name]} is not installed (linux-libc-dev)")
    machine = MACHINES[name]
    theirs = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)\b", HEADERS[name].read_text()))
    ours = {**machine.refused, "clone": machine.clone, "ioctl": machine.ioctl, "clone3": 435}
    assert {n: theirs[n] for n in ours if n in theirs} == {n: str(number) for n, number in ours.items() if n in theirs}
    assert len([n for n in ours if n in theirs]) > 40


def test_a_machine_whose_calls_are_not_known_says_so(sandbox: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    """No filter is better than a wrong one; log and attempt have the words."""
    assert sandbox.name == "sandbox"
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert call_filter() == b""
    assert choose_isolation("sandbox").name == "sandbox, without a filter of system calls"


def test_no_signal_leaves_the_sandbox(farm: Farm, job: MakeJob) -> None:
    """Killing everything that can be named, the parent and the first process too, ends nothing but the task itself."""
    body = f"""
os.kill(1, 9)
for pid in {{os.getppid(), {os.getpid()}}}:
    try: os.kill(pid, 9)
    except OSError: pass
"""
    attempt_in(farm, job, body)
    bad, good = farm.add(job("import os\nos.kill(-1, 9)\nos.kill(0, 9)")), farm.add(job(session="other"))
    farm.run()
    assert farm.service.verdict(bad).state == "failed"
    assert farm.service.verdict(good).state == "success"


def test_devices_and_terminals(farm: Farm, job: MakeJob) -> None:
    """No device can be made, no disk opened, nothing typed into anybody's terminal."""
    body = """
import fcntl, termios
refused(lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
refused(lambda: os.mknod(os.path.dirname(path) + "/kmsg", 0o600 | stat.S_IFCHR, os.makedev(1, 11)))
for fd in (0, 1, 2):
    refused(lambda: fcntl.ioctl(fd, termios.TIOCSTI, b"x"))
    refused(lambda: fcntl.ioctl(fd, 0x541C, b"\\x03"))
assert set(os.listdir("/dev")) <= {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "console", "fd", "stdin", "stdout", "stderr", "core"}, os.listdir("/dev")
"""
    attempt_in(farm, job, body)


def test_what_is_put_into_shared_memory_goes_with_the_session(farm: Farm, job: MakeJob) -> None:
    """/dev/shm is the session's own."""
    body = "import os\nassert os.listdir('/dev/shm') == []\nopen('/dev/shm/left', 'w').write('x')\npng(path)"
    attempts = [farm.add(job(body, session=name)) for name in "ab"]
    farm.run()
    assert [farm.service.verdict(a).state for a in attempts] == ["success", "success"]
    assert not Path("/dev/shm/left").exists()


def test_shared_memory_counts_as_memory(farm: Farm, job: MakeJob, require: Callable[[object, str], None]) -> None:
    """A task that fills /dev/shm, which no process's size shows, is out of memory all the same."""
    require("no cgroup" not in farm.way, "this process may make no control groups")
    farm.resources = ResourceLimits(memory=200 << 20, free_disk=1 << 20)
    told = farm.told(job("import os, time\nwith open('/dev/shm/x', 'wb') as s:\n    while True: s.write(b'x' * (1 << 20))"))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "out-of-memory"), told.verdict


BOMBS = {
    "it forks": "while True: os.fork()",
    "it forks, whatever it is told": "while True:\n    try: os.fork()\n    except OSError: pass",
    "it starts threads": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(600,)).start()",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_real_fork_bomb(farm: Farm, job: MakeJob, require: Callable[[object, str], None], bomb: str) -> None:
    """Without end, as root too: the machine starts other programs all the while, and the instance goes on."""
    require("no cgroup" not in farm.way, "this process may make no control groups")
    farm.resources = ResourceLimits(processes=60, free_disk=1 << 20)
    bad, good = farm.add(job("import os\n" + bomb)), farm.add(job(session="other"))
    thread = threading.Thread(target=farm.run)
    thread.start()
    started = 0
    while thread.is_alive():
        assert subprocess.run(["true"], timeout=60, check=False).returncode == 0
        started += 1
        time.sleep(0.05)
    assert started
    verdict = farm.service.verdict(bad)
    assert (verdict.state, verdict.cause) == ("failed", "crashed"), verdict
    assert farm.service.verdict(good).state == "success"


FILLS = {
    "bytes": "with open(f'{folder}/big', 'wb') as s:\n    while True: s.write(b'x' * (1 << 20))",
    "bytes, whatever it is told": "n = 0\nwhile True:\n    n += 1\n    try: open(f'{folder}/{n}', 'wb').write(b'x' * (4 << 20))\n    except OSError: time.sleep(0.01)",
    "files": "n = 0\nwhile True:\n    n += 1\n    try: open(f'{folder}/{n}', 'w').close()\n    except OSError: time.sleep(0.01)",
}


@pytest.mark.parametrize("place", ["/job/render", "/tmp", "/conductor/home", "/conductor/scratch"])
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS.keys())
def test_a_task_that_fills_the_disk(farm: Farm, job: MakeJob, small_disk: Path, place: str, fill: str) -> None:
    """Its attempt fails for that, all that it wrote goes, and the next job has the disk."""
    bad = farm.add(job(f"import time\nfolder = {place!r}\n{fill}"))
    good = farm.add(job("open('/tmp/x', 'wb').write(b'x' * (32 << 20))\npng(path)", session="other"))
    farm.run()
    verdict = farm.service.verdict(bad)
    assert (verdict.state, verdict.cause) == ("failed", "disk-full"), verdict
    assert farm.service.verdict(good).state == "success", farm.service.verdict(good)
    left = sum(f.stat().st_blocks * 512 for f in small_disk.rglob("*") if f.is_file())
    assert left < 1 << 20


def test_second_names_do_not_have_the_instance_fill_its_own_disk(farm: Farm, job: MakeJob, small_disk: Path) -> None:
    """Thirty names of one file are copied once; two large files with second names, which would not fit, fail their attempt."""
    names = "big, n = os.path.dirname(path) + '/big.bin', 0\n"
    one = "open(big, 'wb').write(os.urandom(20 << 20))\nfor n in range(30): os.link(big, f'{big}{n}')\npng(path)"
    two = "for n in '12': open(big + n, 'wb').write(os.urandom(25 << 20)); os.link(big + n, f'{big}3{n}')\npng(path)"
    attempts = [farm.add(job(f"import os\n{names}{scene}", session=scene)) for scene in (one, two, "png(path)")]
    farm.run()
    ends = [farm.service.verdict(attempt) for attempt in attempts]
    assert [(end.state, end.cause) for end in ends] == [("success", None), ("failed", "disk-full"), ("success", None)], ends
    assert len(farm.service.told[attempts[0]].outputs) == 32
    assert sum(f.stat().st_blocks * 512 for f in small_disk.rglob("*") if f.is_file()) < 1 << 20
