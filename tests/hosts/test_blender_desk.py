"""The artist at a Blender waits for programs that have something to do, however little of the processor they get."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest
from hosts.blender_desk import AWAKE, share_awake

BUSY = "print(flush=True)\nwhile True: pass"
ASLEEP = "import time\nprint(flush=True)\ntime.sleep(600)"

Start = Callable[[str], psutil.Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give what starts a program of one's own, which ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str) -> psutil.Process:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return psutil.Process(process.pid)

    yield begin
    for process in started:
        with process:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the states of threads are Linux' own")
def test_a_program_that_gets_no_processor_is_not_at_rest(start: Start) -> None:
    """Its time stands still as that of one that sleeps does; whether it waits for a processor tells them apart."""
    cpu = min(os.sched_getaffinity(0))
    other, starved, asleep = start(BUSY), start(BUSY), start(ASLEEP)
    for program in (other, starved):
        os.sched_setaffinity(program.pid, {cpu})
    os.sched_setscheduler(starved.pid, os.SCHED_IDLE, os.sched_param(0))
    before = sum(starved.cpu_times()[:2])
    assert share_awake([asleep, starved], 0.5) > AWAKE
    assert sum(starved.cpu_times()[:2]) - before < 0.08, "this test's own: it was to be starved"
    assert share_awake([asleep], 0.5) < AWAKE
