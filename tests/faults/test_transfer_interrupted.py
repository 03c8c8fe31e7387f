"""Transfers that are interrupted for real: each goes on with what is missing, and nothing half is ever seen.

The line holds a transfer in its middle, so that each interruption falls where it is meant to; what comes by is counted there.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from faults.faulty_line import page
from faults.studio import Studio, eventually
from faults.twins import cases

PART = 16 << 20
#: five parts, the last of them a short one; the service takes files of 64 MiB and more in parts
LARGE = 4 * PART + 1234
#: what a frame is, and what of it comes before the interruption
FRAME, CAME = 3_000_000, 1_000_000
#: seconds; the whole road of a job, on a machine that has other things to do
PATIENCE = 300.0

Interrupt = Callable[[Studio], None]


def _agent(studio: Studio) -> psutil.Process:
    return psutil.Process(json.loads((studio.ann.home / "state" / "agent.json").read_text())["pid"])


def _kill_agent(studio: Studio) -> None:
    agent = _agent(studio)
    agent.kill()
    agent.wait(30)
    studio.people.heal()
    eventually(studio.ann.start_agent)


def _kill_service(studio: Studio) -> None:
    studio.kill()
    studio.people.heal()
    studio.start()


def _kill_both(studio: Studio) -> None:
    studio.kill()
    _kill_agent(studio)
    studio.start()


def _sleep(studio: Studio) -> None:
    """Let the artist's machine sleep; its connections are dead when it wakes up."""
    agent = _agent(studio)
    agent.suspend()
    studio.people.heal()
    agent.resume()


def _service_sleeps(studio: Studio) -> None:
    """Let the service's machine sleep until somebody has asked it something."""
    assert studio.service is not None
    service = psutil.Process(studio.service.process.pid)
    service.suspend()
    before = len(studio.people.seen)
    studio.people.heal()
    eventually(lambda: len(studio.people.seen) > before)
    service.resume()


def _drop(studio: Studio) -> None:
    studio.people.refuse()
    studio.people.heal()
    studio.people.accept()


def _move(studio: Studio) -> None:
    """Let the service come back at the same address, with all that was open cut off in silence and then refused."""
    studio.people.refuse()
    studio.kill()
    studio.people.heal()
    studio.start()
    studio.people.accept()


def _storm(studio: Studio) -> None:
    """Answer the next calls with each of the errors that proxies and services have when they are overloaded."""
    studio.people.heal()
    for status in ("500 Oops", "502 Bad Gateway", "503 Busy", "504 Late", "429 Slow"):
        studio.people.add("answer", "(PUT|POST|GET) .*/(parts|uploads|objects|manifest)", answer=page(status), times=1)


def _expire(studio: Studio) -> None:
    """End the token, and log in again with a new one."""
    studio.change_tokens("UPDATE token SET expires = created WHERE kind = 'user' AND revoked IS NULL")
    studio.people.heal()
    studio.kill()
    studio.renew_token()
    studio.start()
    studio.log_in(studio.ann)


INTERRUPTIONS: dict[str, tuple[Interrupt]] = {
    "agent killed": (_kill_agent,),
    "service killed": (_kill_service,),
    "both killed": (_kill_both,),
    "sleep": (_sleep,),
    "service asleep": (_service_sleeps,),
    "drop": (_drop,),
    "moved": (_move,),
    "storm": (_storm,),
    "token expired": (_expire,),
}
#: of these, the ones that a download meets in a way of its own
OF_DOWNLOADS = {name: INTERRUPTIONS[name] for name in ("agent killed", "sleep", "service killed", "drop", "storm")}


@pytest.fixture(scope="module")
def line(make_module_studio: Callable[..., Studio]) -> Studio:
    """Give one studio for all."""
    return make_module_studio(idle_seconds=30)


@pytest.fixture
def studio(line: Studio, tmp_path: Path) -> Iterator[Studio]:
    """Give that studio with files that no other test has sent."""
    line.show = tmp_path / "show"
    line.show.mkdir()
    line.people.seen.clear()
    yield line
    line.people.heal()


def _sent(studio: Studio, match: str) -> int:
    """Return the bytes of bodies that came to the service."""
    return sum(seen.sent for seen in list(studio.people.seen) if re.match(match, seen.line))


def _received(studio: Studio, match: str) -> int:
    """Return the bytes of answers that came to the artist's machine."""
    return sum(seen.received for seen in list(studio.people.seen) if re.match(match, seen.line))


@pytest.mark.parametrize("interrupt", cases(INTERRUPTIONS, "agent killed", "service killed"))
def test_an_upload_goes_on_inside_the_file(studio: Studio, interrupt: Interrupt) -> None:
    """Parts that came are not sent again, not a byte of them; nothing lies under the file's name before all of it does."""
    data = random.Random(str(interrupt)).randbytes(LARGE)
    studio.texture.write_bytes(data)
    studio.people.add("silent", "PUT .*/parts/[45]$")
    tool = studio.show / "sum.sh"
    tool.write_text(f'sha256sum < "{studio.texture}" > "{studio.renders}/sum_$1.txt"\n')
    files = ("--file", tool, "--file", studio.texture, "--output", studio.renders / "sum_#.txt", "-t", "local")
    studio.ann("submit", "--command", f"sh {tool} {{frame}}", "-f", "1", *files, "--background")
    eventually(lambda: _received(studio, "PUT .*/parts/[123]$") and _sent(studio, "PUT .*/parts/[123]$") == 3 * PART)
    eventually(lambda: studio.people.count("PUT .*/parts/[45]$") >= 2)
    # the answers to the first three are in: what is not there is what the line holds
    eventually(lambda: all(s.received for s in list(studio.people.seen) if re.match("PUT .*/parts/[123]$", s.line)))
    assert not studio.stored(data).exists()
    interrupt(studio)
    eventually(lambda: _is_home(studio, "sum_1.txt"), PATIENCE)
    assert studio.stored(data).read_bytes() == data
    assert _sent(studio, "PUT .*/parts/[123]$") == 3 * PART
    # what goes out under a token that is refused is refused after it went out
    assert _sent(studio, "PUT .*/parts/") == LARGE or interrupt is _expire
    assert _sent(studio, "PUT .*/objects/[^/]*$") <= tool.stat().st_size
    studio.check_no_secret()


def _is_home(studio: Studio, name: str) -> bool:
    return (studio.renders / name).exists()


@pytest.mark.parametrize("interrupt", cases(OF_DOWNLOADS, "agent killed", "sleep"))
def test_a_download_goes_on_inside_the_file(studio: Studio, interrupt: Interrupt) -> None:
    """What came is not asked for again, not a byte of it; the frame lies in its place when it is whole, and not before."""
    studio.texture.write_bytes(os.urandom(FRAME))
    fault = studio.people.add("stalled", "GET .*/objects/", size=CAME, times=1)
    studio.ann(*studio.words("1", "--background"))
    eventually(lambda: fault.hits)
    (part,) = eventually(lambda: _parts(studio))
    eventually(lambda: part.stat().st_size == CAME)
    assert studio.at_home().keys() == {part.name}, "nothing but the part, which programs do not take for a frame"
    interrupt(studio)
    eventually(lambda: studio.at_home() == studio.expected(1), PATIENCE)
    # a refusal has a body, too
    assert 0 <= _received(studio, "GET .*/objects/") - len(studio.frame(1)) < 10_000
    studio.check_no_secret()


def _parts(studio: Studio) -> list[Path]:
    return list(studio.renders.glob(".*.conductor-part")) if studio.renders.exists() else []
