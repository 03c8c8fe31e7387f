"""Server-sent events, resumed after each break by the last id seen (WHATWG HTML, 9.2 "Server-sent events")."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from conductor_core.api.transport import Transport
from conductor_core.errors import ServiceUnreachable

#: seconds without even a comment line after which the connection is dead (the service sends one every 15 s)
SILENCE = 45.0
#: kind of the event that tells of a fresh connection: whoever follows asks for the present state then
CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class Event:
    """One change, as the service tells it."""

    kind: str
    #: rises; empty for `connected`
    id: str
    data: Any


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events in `lines`; comments and unfinished events at the end are left out."""
    kind, identity, data = "message", "", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Event(kind, identity, json.loads("\n".join(data)))
            kind, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "id":
            identity = value
        elif field == "data":
            data.append(value)


def follow_events(
    transport: Transport,
    path: str,
    *,
    query: dict[str, str | int | None],
    after: str = "",
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Yield events for as long as the caller wants, beginning with `connected` at each (re)connection.

    Raises:
        ServiceUnreachable: the service could not be reached in as many attempts as the transport's policy has.
        Unauthorized, Forbidden, NotFound, Refused: the service's own no.
    """
    last = after
    broken = 0
    while not stopped():
        headers = {"Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        response = transport.call("GET", path, query=query, headers=headers, stream=True, read_timeout=SILENCE)
        try:
            yield Event(CONNECTED, "", None)
            for event in parse_events(_lines(response, stopped)):
                broken = 0
                last = event.id or last
                yield event
                if stopped():
                    return
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            failure: Exception | None = exc
        else:
            failure = None
        finally:
            response.close()
        broken += 1
        if broken > transport.retries.attempts:
            raise ServiceUnreachable(f"{transport.base} keeps breaking off its events.", "Try again later.") from failure
        transport.timing.sleep(transport.retries.wait(broken, None, transport.timing.uniform))


def _lines(response: requests.Response, stopped: Callable[[], bool]) -> Iterator[str]:
    """Yield complete lines as they arrive: `iter_lines` holds a line back until the next one comes."""
    rest = b""
    for chunk in response.raw.stream(4096, decode_content=True):
        if stopped():
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
