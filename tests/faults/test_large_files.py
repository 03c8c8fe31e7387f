"""A large file over a real line to a real service: whatever is killed, it goes on inside the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.api.answers import PartialUpload
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.api.transport import RetryPolicy
from conductor_core.digest import Digest
from conductor_core.errors import ServiceUnreachable
from conductor_core.manifest import Entry
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Progress
from conductor_service.embedded import embedded_service
from faults.faulty_line import Proxy

#: six parts, the last of them short
SIZE = (80 << 20) + 12_345
PART = 16 << 20

#: sends the file, and dies in the middle of the body of one part, by the signal that nothing outlives
_AGENT = """
import os, signal, sys
from conductor_core.api.answers import PartialUpload
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.manifest import Entry
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Progress

path, url, token, at = sys.argv[1:]

class Killed(Progress):
    def sent(self, count):
        super().sent(count)
        if self.counts().bytes_sent > int(at):
            os.kill(os.getpid(), signal.SIGKILL)

hashed = hash_file(path)
entry = Entry(path, "file", hashed.digest, size=hashed.state.size, mtime_ns=hashed.state.mtime_ns)
send_in_parts(entry, "", ProjectObjects(ServiceClient(url, token), "default"), Killed())
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """Give a file of several parts, no two of them alike."""
    path = tmp_path_factory.mktemp("large") / "cache.abc"
    with path.open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))
        file.write(b"x" * (SIZE % (1 << 20)))
    hashed = hash_file(str(path))
    return Entry(str(path), "file", hashed.digest, size=SIZE, mtime_ns=hashed.state.mtime_ns)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Give a line that counts what goes over it."""
    line = Proxy()
    yield line
    line.refuse()


def _objects(url: str, token: str) -> ProjectObjects:
    return ProjectObjects(ServiceClient(url, token, retries=RetryPolicy(attempts=2, first_wait=0.05)), "default")


def _length(number: int) -> int:
    return min(PART, SIZE - (number - 1) * PART)


def _sent(proxy: Proxy, after: int = 0) -> int:
    """Return the bytes of parts that went over the line, of requests after the first so many."""
    return sum(seen.sent for seen in list(proxy.seen)[after:] if "/parts/" in seen.line)


def _is_there(objects: ProjectObjects, entry: Entry) -> bool:
    if objects.missing({Digest(entry.digest): entry.size}):
        return False
    with objects.read(entry.digest, 0) as blocks, Path(entry.path).open("rb") as file:
        return all(block == file.read(len(block)) for block in blocks) and not file.read(1)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills so surely here")
def test_a_killed_agent_goes_on_inside_the_file(tmp_path: Path, large: Entry, proxy: Proxy) -> None:
    """Killed with 68 MiB of 80 sent, the next agent sends the rest, and of those parts again only what was under way."""
    with embedded_service(tmp_path / "service", {"find_software": False}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        command = [sys.executable, "-c", _AGENT, large.path, proxy.url, service.token, str(68 << 20)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        objects = _objects(proxy.url, service.token)
        had = objects.begin_upload(large.digest, large.size)
        assert had.have, "four parts are under way at once, and more than that was sent"
        assert not _is_there(objects, large)
        before, progress = len(proxy.seen), Progress()
        assert send_in_parts(large, "", objects, progress)
        # a part that was on its way when its sender died may have come to its end since
        assert _sent(proxy, before) <= SIZE - sum(_length(n) for n in had.have)
        assert progress.counts().bytes_sent == SIZE
        assert _is_there(objects, large)


def test_a_killed_service_goes_on_inside_the_file(tmp_path: Path, large: Entry, proxy: Proxy) -> None:
    """Killed with three parts on its disk, the service has them when it is back; only the others are sent again."""
    with embedded_service(tmp_path / "service", {"find_software": False}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        after_three = _Interrupted(_objects(proxy.url, service.token), 3, service.process.kill)
        with pytest.raises(ServiceUnreachable):
            send_in_parts(large, "", after_three, Progress())
        assert service.process.wait(60) != 0
    with embedded_service(tmp_path / "service", {"find_software": False}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        objects = _objects(proxy.url, service.token)
        had = objects.begin_upload(large.digest, large.size)
        assert len(had.have) >= 3
        before = len(proxy.seen)
        assert send_in_parts(large, "", objects, Progress())
        assert _sent(proxy, before) == SIZE - sum(_length(n) for n in had.have)
        assert _is_there(objects, large)
        assert list((tmp_path / "service" / "store" / "parts").iterdir()) == []


def test_a_body_that_is_cut_costs_one_part(tmp_path: Path, large: Entry, proxy: Proxy) -> None:
    """A line that breaks in the middle of a part has that part sent again, and nothing else."""
    with embedded_service(tmp_path / "service", {"find_software": False}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        fault = proxy.add("cut-request", r"PUT .*/parts/2", times=1, size=5 << 20)
        objects = _objects(proxy.url, service.token)
        assert send_in_parts(large, "", objects, Progress())
        assert fault.hits == 1
        assert SIZE <= _sent(proxy) <= SIZE + PART
        assert _is_there(objects, large)


class _Interrupted(ProjectObjects):
    """Something happens once so many parts are there."""

    def __init__(self, inner: ProjectObjects, parts: int, happens: Callable[[], Any]) -> None:
        super().__init__(inner._client, "default")
        self._parts, self._happens = parts, happens
        self._there: list[int] = []

    def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Any]) -> None:
        super().put_part(upload, number, digest, body)
        self._there.append(number)
        if len(self._there) == self._parts:
            self._happens()
