"""Parts straight to the store: what the answers mean, and what never goes there."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from conductor_core.api.answers import SignedRequest
from conductor_core.api.client import ServiceClient
from conductor_core.api.direct import DirectLine, DirectUnsuitable, Rests
from conductor_core.api.transport import Address, Timing
from conductor_core.digest import digest_of
from conductor_core.errors import NotFound, Refused

_WRONG = b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"


class Bucket:
    """A server that answers as it is told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[dict[str, str], bytes]] = []
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bucket.seen.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status, said = bucket.answers.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/farm/staged/x?partNumber=1&uploadId=a"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}).start()


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    made = Bucket()
    yield made
    made.server.shutdown()
    made.server.server_close()


def _put(url: str, service: str = "https://farm.example", **address: Any) -> int:
    """Send three bytes; return how often they were signed."""
    signed: list[int] = []

    def sign() -> SignedRequest:
        signed.append(1)
        return SignedRequest("PUT", url, {"Authorization": f"AWS4 {len(signed)}", "Content-Length": "3", "X-Amz-Date": "now"})

    line = DirectLine(Address(service, **address), Timing(sleep=lambda _seconds: None))
    try:
        line.put(sign, lambda: b"abc")
    finally:
        line.close()
    return len(signed)


def test_what_was_signed_is_what_is_sent(bucket: Bucket, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store gets the signed headers and the bytes; no token of ours, and nothing of this user's ~/.netrc."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    bucket.answers = [(200, b"")]
    assert _put(bucket.url) == 1
    ((headers, body),) = bucket.seen
    assert (headers["authorization"], headers["content-length"], body) == ("AWS4 1", "3", b"abc")
    assert not {"cookie", "transfer-encoding"} & set(headers)


def test_what_passes_is_signed_anew(bucket: Bucket) -> None:
    """A signature that has run out, a busy server and one that gave a slow sender up are asked again, signed anew."""
    bucket.answers = [(403, b"<Code>RequestTimeTooSkewed</Code>"), (503, b""), (400, b"<Code>RequestTimeout</Code>"), (200, b"")]
    assert _put(bucket.url) == 4
    assert [headers["authorization"] for headers, _ in bucket.seen] == ["AWS4 1", "AWS4 2", "AWS4 3", "AWS4 4"]


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ([(400, _WRONG)], Refused, "not those"),
        ([(404, b"<Code>NoSuchUpload</Code>")], NotFound, "gone"),
        ([(404, b"somebody else's page")], DirectUnsuitable, "404"),
        ([(403, b"")] * 4, DirectUnsuitable, "403"),
        ([(301, b"")], DirectUnsuitable, "301"),
        ([(501, b"")] * 4, DirectUnsuitable, "501"),
    ],
    ids=["wrong bytes", "gone", "another", "never good", "elsewhere", "cannot"],
)
def test_what_the_store_answers(bucket: Bucket, answers: list[tuple[int, bytes]], error: type[Exception], said: str) -> None:
    """Wrong bytes and lost uploads are told as such; whatever else a store says, the part may go through the service."""
    bucket.answers = list(answers)
    with pytest.raises(error, match=said):
        _put(bucket.url)
    assert bucket.answers == []


@pytest.mark.parametrize(
    ("url", "agreed"),
    [
        ("http://s3.studio.example/farm/x", False),
        ("ftp://127.0.0.1/x", True),
        ("http://127.0.0.1:9/x", False),
    ],
    ids=["in the clear", "another scheme", "nobody there"],
)
def test_where_parts_do_not_go(url: str, agreed: bool) -> None:
    """Nothing crosses a network in the clear unless that was agreed to; what cannot be reached is no failure."""
    with pytest.raises(DirectUnsuitable):
        _put(url, allow_plain_http=agreed)


def test_what_could_not_go_straight_is_tried_again(bucket: Bucket) -> None:
    """After a minute by one part, then after twice as long, an hour at most; when that comes through all go straight again."""
    now = [1000.0]
    line = DirectLine(Address("https://farm.example"), Timing(clock=lambda: now[0], sleep=lambda _seconds: None))

    def goes(*answers: int) -> bool:
        bucket.answers = [(status, b"") for status in answers]
        went = line.offer(lambda: SignedRequest("PUT", bucket.url, {}), lambda: b"abc")
        assert bucket.answers == []
        return went

    assert goes(200)
    assert not goes(301)
    assert not goes()
    now[0] += 60
    assert not goes(301)
    now[0] += 60
    assert not goes()
    now[0] += 60
    assert goes(200)
    assert goes(200)
    assert not goes(301)
    now[0] -= 86400  # set back
    assert goes(200)
    line.close()


def test_rests_grow_to_an_hour_and_one_tries_alone() -> None:
    """Parts that fail together count once; of those that wait, one is let through at a time."""
    now = [1000.0]
    rests = Rests(lambda: now[0])
    assert [rests.may_try() for _ in range(4)] == [True] * 4
    assert [rests.failed() for _ in range(4)] == [60.0] * 4
    waits = []
    for _ in range(8):
        now[0] += 3600
        assert [rests.may_try() for _ in range(3)] == [True, False, False]
        waits.append(rests.failed())
    assert waits == [120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0, 3600.0]
    now[0] += 3600
    assert rests.may_try()
    rests.worked()
    assert [rests.may_try() for _ in range(3)] == [True] * 3


def test_a_client_goes_back_to_the_direct_line(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was away for a moment does not send every later part through the service."""
    now = [1000.0]
    client = ServiceClient("http://127.0.0.1:9", "token", timing=Timing(clock=lambda: now[0], sleep=lambda _seconds: None))
    signed = {"requests": [{"number": 1, "method": "PUT", "url": bucket.url, "headers": {}}]}
    monkeypatch.setattr(client, "_post", lambda *_: signed)

    def goes(*answers: int) -> bool:
        bucket.answers = [(status, b"") for status in answers]
        return client.put_part_directly("show", "u", 1, digest_of(b"abc"), lambda: b"abc")

    assert not goes(301)
    assert not goes()
    now[0] += 3600
    assert goes(200)
    client.close()
