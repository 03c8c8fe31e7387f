"""The object store: bytes by digest, behind a ladder of three protocols.

    Store < WritableStore < PrunableStore

`MemoryStore` and `FolderStore` hold objects; `PackedStore` wraps either and finds members of packs in it; `VerifyingStore`
wraps any and checks what it reads. All of them run
the conformance suite in tests/service/test_store_conformance.py.
"""

from __future__ import annotations

from conductor_service.store.errors import ObjectDamaged, ObjectMissing, ObjectUnreadable, StoreFull, StoreUnwritable
from conductor_service.store.folder import FolderStore
from conductor_service.store.interfaces import CHUNK_BYTES, PrunableStore, Store, WritableStore
from conductor_service.store.memory import MemoryStore
from conductor_service.store.packed import PackedStore, PackIndex, Spot
from conductor_service.store.verifying import VerifyingStore

__all__ = [
    "CHUNK_BYTES",
    "FolderStore",
    "MemoryStore",
    "ObjectDamaged",
    "ObjectMissing",
    "ObjectUnreadable",
    "PackIndex",
    "PackedStore",
    "PrunableStore",
    "Spot",
    "Store",
    "StoreFull",
    "StoreUnwritable",
    "VerifyingStore",
    "WritableStore",
]
