"""The object store: bytes by digest, behind a ladder of three protocols.

    Store < WritableStore < PrunableStore

A `PartStore` beside each takes large objects in parts.

`MemoryStore` and `FolderStore` hold objects; `PackedStore` wraps either and finds members of packs in it; `VerifyingStore`
wraps any and checks what it reads. All of them run
the conformance suite in tests/service/test_store_conformance.py.
"""

from __future__ import annotations

from conductor_service.store.errors import (
    ObjectDamaged,
    ObjectMissing,
    ObjectUnreadable,
    StoreFull,
    StoreUnreachable,
    StoreUnwritable,
)
from conductor_service.store.folder import FolderStore
from conductor_service.store.folder_parts import FolderParts
from conductor_service.store.interfaces import CHUNK_BYTES, PrunableStore, Store, WritableStore
from conductor_service.store.memory import MemoryStore
from conductor_service.store.memory_parts import MemoryParts
from conductor_service.store.packed import PackedStore, PackIndex, Spot
from conductor_service.store.parts import Kept, PartStore, PartTaken, Staged, UploadLost, part_bytes
from conductor_service.store.verifying import VerifyingStore

__all__ = [
    "CHUNK_BYTES",
    "FolderParts",
    "FolderStore",
    "Kept",
    "MemoryParts",
    "MemoryStore",
    "ObjectDamaged",
    "ObjectMissing",
    "ObjectUnreadable",
    "PackIndex",
    "PackedStore",
    "PartStore",
    "PartTaken",
    "PrunableStore",
    "Spot",
    "Staged",
    "Store",
    "StoreFull",
    "StoreUnreachable",
    "StoreUnwritable",
    "UploadLost",
    "VerifyingStore",
    "WritableStore",
    "part_bytes",
]
