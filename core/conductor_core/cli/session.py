"""What every command starts from: this user's folders, settings, service and agent."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from conductor_core.agent_client import AgentClient, connect
from conductor_core.agent_start import record_agent_command
from conductor_core.api.settings import Settings, read_settings
from conductor_core.cli.clock import clock_words
from conductor_core.documents import to_json
from conductor_core.user_folders import UserFolders

if TYPE_CHECKING:
    from conductor_core.api.client import ServiceClient
    from conductor_core.api.profile import Login


@dataclass(frozen=True)
class Session:
    """One run of `conductor`; connections are made when they are first needed."""

    folders: UserFolders
    #: as asked for on the command line; empty: the default login
    service: str = ""

    @functools.cached_property
    def settings(self) -> Settings:
        """This user's settings."""
        return read_settings(self.folders.config)

    @functools.cached_property
    def login(self) -> Login:
        """The login to use."""
        from conductor_core.api.profile import read_profile

        return read_profile(self.folders.config).login(self.service)

    @functools.cached_property
    def client(self) -> ServiceClient:
        """The service."""
        # what speaks HTTP takes as long to import as a scan takes, which needs none of it
        from conductor_core.api.profile import connect as connect_service
        from conductor_core.api.transport import Timing

        return connect_service(self.login, timing=Timing(waiting=say_that_we_wait()))

    @functools.cached_property
    def agent(self) -> AgentClient:
        """The agent, started if it does not run."""
        return self.agent_again()

    def agent_again(self) -> AgentClient:
        """Return the agent that runs now, started if none does: the one before may have been killed."""
        record_agent_command(self.folders)
        return connect(folders=self.folders)


def say_that_we_wait() -> Callable[[str], None]:
    """Return what tells, once per command, that the service is waited for, and since when."""
    told = False

    def tell(reason: str) -> None:
        nonlocal told
        if not told:
            told = True
            click.echo(f"Waiting for the service since {clock_words(time.time())}: {reason}", err=True)

    return tell


pass_session = click.make_pass_decorator(Session)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(to_json(value), indent=1))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
