"""The agent as panels have it: started by the first call, found anew when it was replaced."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_core.agent_client import AgentClient, connect
from conductor_core.errors import AgentError, AgentGone
from conductor_plugins.agent import Agent
from conductor_plugins.lazy_agent import LazyAgent
from plugins.answering_agent import AnsweringAgent


def test_all_of_them_are_an_agent() -> None:
    """The agent's client, the panel's lazy one and the one of tests have what the panel asks for; mypy checks the types."""
    agents: list[Agent] = [AgentClient(1, "t"), LazyAgent(), AnsweringAgent()]
    asked = [name for name in vars(Agent) if not name.startswith("_")]
    assert len(asked) >= 13
    assert [(type(agent).__name__, name) for agent in agents for name in asked if not callable(getattr(agent, name))] == []


@dataclass
class Agents:
    """Agents that come one after the other: each is gone when `gone` has its port."""

    gone: set[int] = field(default_factory=set)
    started: list[int] = field(default_factory=list)
    panels: set[str] = field(default_factory=set)

    def connect(self) -> AgentClient:
        self.started.append(len(self.started) + 1)
        return AgentClient(self.started[-1], "t")


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Agents:
    agents = Agents()

    def presets(client: AgentClient, *, project: str) -> list[Preset]:
        agents.panels.add(client.panel)
        if client.port in agents.gone:
            raise AgentGone("nobody listens")
        if project == "hopeless":
            raise AgentError("no")
        return [Preset(str(client.port), "personal", {})]

    monkeypatch.setattr(AgentClient, "presets", presets)
    return agents


def _asked(agent: Agent, project: str = "") -> Any:
    return agent.presets(project=project)[0].name


def test_the_first_call_starts_it(agents: Agents) -> None:
    """Making one starts nothing; calls from several threads start one agent, and name one panel."""
    agent = LazyAgent(agents.connect)
    assert agents.started == []
    threads = [threading.Thread(target=_asked, args=(agent,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert agents.started == [1]
    assert len(agents.panels) == 1
    assert agents.panels != {""}


def test_a_replaced_agent_is_found_anew(agents: Agents) -> None:
    """When the agent ended since the last call, the call goes to the next one; its own no is passed on."""
    agent = LazyAgent(agents.connect)
    assert _asked(agent) == "1"
    agents.gone = {1}
    assert _asked(agent) == "2"
    with pytest.raises(AgentError):
        _asked(agent, "hopeless")
    assert agents.started == [1, 2]


def test_an_agent_that_is_gone_again_is_told(agents: Agents) -> None:
    """An agent that ends as soon as it starts is no endless loop: the second time it is said."""
    agents.gone = {1, 2}
    with pytest.raises(AgentGone):
        _asked(LazyAgent(agents.connect))
    assert agents.started == [1, 2]


def test_a_real_agent_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two questions of a panel, it is started again by the second, which is answered as if nothing had been."""
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("yaml", reason="a host's Python starts the agent by another one, which the installer notes")
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    panel = LazyAgent()
    try:
        kept = panel.save_preset("finals", {"chunk_size": 5}, scope="personal", project="")
        process = psutil.Process(connect(start=False).status()["pid"])
        process.kill()
        process.wait(10)
        assert panel.presets(project="") == [kept]
        assert connect(start=False).status()["pid"] != process.pid
    finally:
        agent = connect(start=False)
        process = psutil.Process(agent.status()["pid"])
        agent.quit(now=True)
        process.wait(20)
