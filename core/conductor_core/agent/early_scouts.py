"""Scout frames go as soon as their own files are there: what is sent for them first, and what they are told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from conductor_core.api.client import ServiceClient
from conductor_core.digest import Digest
from conductor_core.errors import Conflict, NotFound, PathError, Refused
from conductor_core.manifest import Entry, Manifest
from conductor_core.paths import ClientPath, Flavour, ScenePath

_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Early:
    """What the scout frames need, while some of the rest is still to be sent."""

    manifest: Manifest
    #: of what is to be sent
    missing: frozenset[Digest]

    def let_go(self, client: ServiceClient, job: str) -> bool:
        """Let the scout frames go, and tell whether they do; where the service will not, they go with all the others."""
        try:
            client.put_manifest_for_scouts(job, self.manifest)
        except (NotFound, Refused, Conflict) as exc:
            _LOG.info("the scout frames of job %s wait for all files: %s", job, exc)
            return False
        return True


def early_part(manifest: Manifest, missing: Iterable[Digest], later: Iterable[str]) -> Early | None:
    """Return what goes first; None where nothing is to be sent that could come after it.

    `later`: absolute paths of files that no scout frame needs.
    """
    left = frozenset(later)
    entries = tuple(entry for entry in manifest.entries if entry.path not in left)
    if left and (led := _led_to(entries, manifest.flavour, left)):
        return early_part(manifest, missing, left - led)
    first = Manifest(manifest.flavour, entries)
    wanted = frozenset(missing)
    early = wanted.intersection(first.objects())
    return Early(first, early) if entries and wanted - early else None


def held_back(manifest: Manifest, missing: Collection[Digest], later: Collection[str]) -> bool:
    """Tell whether anything that is to be sent may come after the scout frames."""
    return bool(later) and any(entry.path in later and entry.digest in missing for entry in manifest.entries)


def _led_to(entries: Iterable[Entry], flavour: Flavour, paths: Iterable[str]) -> frozenset[str]:
    """Return those of `paths` to which links among some entries lead, or their folders: a scout frame may go by way of them."""
    targets = set()
    for entry in entries:
        if entry.kind == "symlink":
            with contextlib.suppress(PathError):  # it leads to nothing, on the instance too
                targets.add(ScenePath(entry.target).under(ClientPath.parse(entry.path, flavour).parent).key)
    if not targets:
        return frozenset()
    return frozenset(path for path in paths if ClientPath.parse(path, flavour).is_within_any(targets))
