"""Bytes on their way into a store."""

from __future__ import annotations

from collections.abc import Iterator


class SenderPieces:
    """Iterate, and remember the error that the source itself raised; iterating again goes on."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._source
        except BaseException as exc:
            self.failure = exc
            raise


def one_behind(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass each piece on once the next has come, and the last once all has ended well."""
    held = b""
    for chunk in chunks:
        if held:
            yield held
        held = chunk
    if held:
        yield held
