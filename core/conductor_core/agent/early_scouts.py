"""Scout frames go as soon as their own files are there: what is sent for them first, and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from conductor_core.api.client import ServiceClient
from conductor_core.digest import Digest
from conductor_core.errors import Conflict, NotFound, Refused
from conductor_core.manifest import Manifest

_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Early:
    """What the scout frames need, while some of the rest is still to be sent."""

    manifest: Manifest
    #: of what is to be sent
    missing: frozenset[Digest]

    def let_go(self, client: ServiceClient, job: str) -> None:
        """Let the scout frames go; where the service will not, they go with all the others."""
        try:
            client.put_manifest_for_scouts(job, self.manifest)
        except (NotFound, Refused, Conflict) as exc:
            _LOG.info("the scout frames of job %s wait for all files: %s", job, exc)


def early_part(manifest: Manifest, missing: Iterable[Digest], later: Iterable[str]) -> Early | None:
    """Return what goes first; None where nothing is to be sent that could come after it.

    `later`: absolute paths of files that no scout frame needs.
    """
    left = frozenset(later)
    entries = tuple(entry for entry in manifest.entries if entry.path not in left)
    first = Manifest(manifest.flavour, entries)
    wanted = frozenset(missing)
    early = wanted.intersection(first.objects())
    return Early(first, early) if entries and wanted - early else None
