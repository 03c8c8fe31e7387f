"""What every call to the service is made of: a question or a document on the way there, JSON on the way back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

from conductor_core.api.transport import QueryValue, Transport, not_ours

JSON = {"Content-Type": "application/json"}
#: seconds; a question changes nothing and is soon answered, and somebody may be waiting before a still screen
QUESTION_TIMEOUT = 20.0


class Calls:
    """Make calls by one transport."""

    def __init__(self, service: str, transport: Transport) -> None:
        self.service = service
        self._transport = transport

    def _get(self, path: str, **query: QueryValue) -> Any:
        return self._parse(self._transport.call("GET", path, query=query, read_timeout=QUESTION_TIMEOUT))

    def _post(self, path: str, data: Any) -> Any:
        return self._send("POST", path, json.dumps(data).encode())

    def _send(self, method: str, path: str, body: bytes) -> Any:
        return self._parse(self._transport.call(method, path, body=lambda: body, headers=JSON))

    def _parse(self, response: requests.Response) -> Any:
        try:
            return json.loads(response.content)
        except ValueError:
            raise not_ours(self.service, "something that is not JSON", response.status_code) from None


def segment(value: str | int) -> str:
    """Return a value as a part of a path."""
    return quote(str(value), safe="")
