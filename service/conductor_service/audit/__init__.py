"""`conductor audit`: check the database and the store against each other, and change neither.

Each kind of fault is one small function (`kinds.py` says how it is registered) that yields what it saw. The modules are
named by what they look at: the database as a file (`whole`), `jobs`, `tasks`, `history`, `attempts`, `instances`, `outputs`,
`manifests`, and the `store`.
"""

from __future__ import annotations

from conductor_service.audit import attempts, history, instances, jobs, manifests, outputs, store, tasks, whole
from conductor_service.audit.kinds import KINDS, Finding, Ground, Kind, Place, Seen, Shelf, audit
from conductor_service.audit.shelf import BucketShelf, FolderShelf

__all__ = [
    "KINDS",
    "BucketShelf",
    "Finding",
    "FolderShelf",
    "Ground",
    "Kind",
    "Place",
    "Seen",
    "Shelf",
    "attempts",
    "audit",
    "history",
    "instances",
    "jobs",
    "manifests",
    "outputs",
    "store",
    "tasks",
    "whole",
]
