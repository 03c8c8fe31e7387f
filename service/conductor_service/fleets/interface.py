"""What the scheduler asks of a provider of machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conductor_core.errors import ConductorError


class LaunchFailed(ConductorError):
    """The provider did not give the instance."""

    def __init__(self, instance_id: str, reason: str) -> None:
        super().__init__(f"Instance {instance_id} could not be launched: {reason}.", "The scheduler tries again later.")


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """An instance as it is wanted."""

    instance_id: str
    instance_type: str
    preemptible: bool
    #: where its runner finds the service
    service_url: str
    #: its runner's token
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderInstance:
    """An instance that exists, as the provider sees it."""

    instance_id: str
    instance_type: str


class Fleet(Protocol):
    """Launch and end instances, and say which there are; ids are the service's."""

    def launch(self, order: LaunchOrder) -> None:
        """Start an instance with a runner on it; nothing happens if there is one of that id.

        Raises:
            LaunchFailed: the provider did not give it.
        """
        ...

    def instances(self) -> Sequence[ProviderInstance]:
        """Return every instance that exists now, whoever launched it, also one whose runner does not answer."""
        ...

    def terminate(self, instance_id: str) -> None:
        """End an instance and everything that runs on it; none of that id is no error. Returns when nothing runs."""
        ...
