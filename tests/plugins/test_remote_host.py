"""A host in another process, asked through two pipes: it keeps every promise that it keeps at home, and ends cleanly."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import pkgutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.compliance.check import checks, outcome
from conductor_plugins.host import HostRefused
from conductor_plugins.host_server import HostServer
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.remote_host import RemoteHost
from conductor_plugins.wire import decode, encode, kinds
from plugins.memory_world import MemoryWorld

Told = list[str]


class Wire:
    """Two pipes: at one end a host that is served by a thread, which stands for its main thread, at the other a panel."""

    def __init__(self, host: Any, *, serve: bool = True) -> None:
        questions, ask = os.pipe()
        answers, say = os.pipe()
        self.told: Told = []
        self.closed = threading.Event()
        self.server = HostServer(host, os.fdopen(questions, encoding="utf-8"), os.fdopen(say, "w", encoding="utf-8"))
        self._ask = os.fdopen(ask, "w", encoding="utf-8")
        self.remote = RemoteHost(os.fdopen(answers, encoding="utf-8"), self._ask, self._hear)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        if serve:
            self._thread.start()

    def hang_up(self) -> None:
        """Close the panel's end."""
        with contextlib.suppress(OSError):
            self._ask.close()
        if self._thread.ident is not None:
            self._thread.join(20)
        self.server.close()

    def _serve(self) -> None:
        while self.server.answer(0.0):
            time.sleep(0.0005)  # as a timer of the host's comes round
        self.server.close()

    def _hear(self, word: str) -> None:
        self.told.append(word)
        if word == "close":
            self.closed.set()


@pytest.fixture
def wired() -> Iterator[Callable[..., Wire]]:
    """Give the making of wires, which are cut with the test."""
    made: list[Wire] = []

    def make(host: Any, *, serve: bool = True) -> Wire:
        made.append(Wire(host, serve=serve))
        return made[-1]

    yield make
    for wire in made:
        wire.hang_up()


@pytest.mark.parametrize("name", checks())
def test_a_remote_host_keeps_every_promise(name: str, tmp_path: Path, wired: Callable[..., Wire]) -> None:
    """The compliance suite passes through the pipes as it does at home."""
    home = MemoryWorld(tmp_path)
    found = outcome(name, checks()[name], RemoteWorld(home, wired(home.host).remote))
    assert (found.problem, found.untried) == ("", "")


class RemoteWorld:
    """A world that is made at home, and whose host is asked through the pipes."""

    def __init__(self, home: MemoryWorld, remote: RemoteHost) -> None:
        self._home = home
        self.host = remote

    def __getattr__(self, name: str) -> Any:
        return getattr(self._home, name)


def test_what_the_host_refuses_is_refused_in_its_own_words(wired: Callable[..., Wire]) -> None:
    """The sentence that the host has for the artist arrives."""
    remote = wired(MemoryHost()).remote
    with pytest.raises(HostRefused, match="Save it under one first"):
        remote.save()


def test_a_panel_that_is_closed_is_noticed(wired: Callable[..., Wire]) -> None:
    """The host stops answering, and its end of the pipe is closed."""
    wire = wired(MemoryHost())
    assert wire.remote.scene().frames == "1-10"
    wire.hang_up()
    assert wire.closed.wait(20)


def test_a_host_that_is_closed_is_noticed(wired: Callable[..., Wire]) -> None:
    """The panel is told, and whatever it asks from then on is refused at once."""
    wire = wired(MemoryHost())
    wire.server.close()
    assert wire.closed.wait(20)
    with pytest.raises(HostRefused, match="was closed"):
        wire.remote.scene()


def test_what_the_host_tells_arrives_between_answers(wired: Callable[..., Wire]) -> None:
    """A word that wants no answer is heard without a question, and disturbs none."""
    wire = wired(MemoryHost())
    wire.server.tell("raise")
    assert wire.remote.scene().frames == "1-10"
    assert wire.told == ["raise"]


def test_a_host_that_is_busy_is_not_waited_for_without_end(wired: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel says so after its patience, and the late answer is not taken for the next one."""
    monkeypatch.setattr("conductor_plugins.remote_host._PATIENCES", dict.fromkeys(("scene", "reveal"), 0.05))
    wire = wired(MemoryHost(), serve=False)
    with pytest.raises(HostRefused, match="busy"):
        wire.remote.scene()
    monkeypatch.setattr("conductor_plugins.remote_host._PATIENCES", {})
    wire._thread.start()
    assert wire.remote.reveal("nobody") is False


def test_a_scan_that_is_left_is_let_go(wired: Callable[..., Wire]) -> None:
    """Nothing of a scan that the panel gave up stays in the host."""
    wire = wired(MemoryHost())
    pieces = wire.remote.dependencies(())
    next(pieces, None)
    pieces.close()  # type: ignore[attr-defined]
    assert wire.remote.scene()
    assert wire.server._scans == {}


def test_only_values_of_a_host_can_be_made_of_what_arrives() -> None:
    """A kind that is not on the list is refused."""
    scene = MemoryHost().scene()
    assert decode(json.loads(json.dumps(encode(scene)))) == scene
    with pytest.raises(KeyError):
        decode({"%": "Popen", "args": ["true"]})


def test_every_way_to_files_travels() -> None:
    """A finding of any host reaches a panel in another process: no class by which findings come to files is forgotten."""
    import conductor_core.discovery as discovery

    ways = set()
    for info in pkgutil.iter_modules(discovery.__path__):
        module = importlib.import_module(f"conductor_core.discovery.{info.name}")
        made = (kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__)
        found = (kind for kind in made if hasattr(kind, "find") and not getattr(kind, "_is_protocol", False))
        ways |= {kind for kind in found if "listing" in inspect.signature(kind.find).parameters}
    assert len(ways) >= 12
    assert {kind.__qualname__ for kind in ways - set(kinds().values())} == set()
