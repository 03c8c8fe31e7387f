"""The store that the settings name, with what takes large objects in parts beside it.

boto's signing costs a service that keeps its objects in a folder nothing: it is loaded when an S3 store is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conductor_service.clock import Clock
from conductor_service.store import FolderParts, FolderStore, MemoryParts, PartStore, PrunableStore
from conductor_service.store_settings import StoreSettings

if TYPE_CHECKING:
    from conductor_service.store.s3 import S3Store


def open_store(settings: StoreSettings, data: Path, clock: Clock) -> PrunableStore:
    """Open the store.

    Raises:
        CredentialsMissing: nobody says as whom an S3 server is to be asked.
        EncryptionRefused: it does not keep things encrypted as the settings ask.
        S3Refused: it has no such bucket, or gives no right to it.
        StoreUnreachable: it does not answer.
        StoreUnwritable: the folder is not there and cannot be made.
    """
    return FolderStore(data / "store") if settings.kind == "folder" else _open_s3(settings, clock)


def _open_s3(settings: StoreSettings, clock: Clock) -> S3Store:
    from conductor_service.store.s3 import S3Store
    from conductor_service.store.s3_line import S3Line

    return S3Store(S3Line(settings), settings.folder, clock)


def part_store(store: PrunableStore, clock: Clock) -> PartStore:
    """Return what takes large objects in parts for a store."""
    if isinstance(store, FolderStore):
        return FolderParts(store)
    line = getattr(store, "line", None)
    if line is None:
        return MemoryParts(store, clock)
    from conductor_service.store.s3 import S3Store
    from conductor_service.store.s3_parts import S3Parts

    assert isinstance(store, S3Store)
    return S3Parts(store)
