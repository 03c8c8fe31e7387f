"""Large files straight from the artist's machine into the bucket, past the service, which sees that they are what they are called."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from conductor_core.api.answers import SignedRequest
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.api.direct import DirectLine
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import FileChanged
from conductor_core.manifest import Entry
from conductor_core.transfer import parts
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Progress
from conductor_service.embedded import embedded_service
from conductor_service.store.s3_line import S3Line
from faults.faulty_line import Proxy

DATA = os.urandom((32 << 20) + 77)
UPLOADS = "/projects/default/uploads"


@pytest.fixture(autouse=True)
def _large_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGE", len(DATA))


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    path = tmp_path / "cache.abc"
    path.write_bytes(DATA)
    return Entry(str(path), "file", digest_of(DATA), size=len(DATA), mtime_ns=path.stat().st_mtime_ns)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    line = Proxy()
    yield line
    line.refuse()


@pytest.mark.parametrize("reachable", [True, False], ids=["straight", "behind a wall"])
def test_a_large_file_goes_past_the_service(
    s3_settings: Any, entry: Entry, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    """Its bytes do not touch the service's line where the bucket can be reached, and go through it where not."""
    store = dataclasses.asdict(s3_settings)
    if not reachable:
        monkeypatch.setattr("conductor_core.api.direct.is_loopback", lambda _host: False)
    with embedded_service(tmp_path / "service", {"find_software": False, "store": store}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        with ServiceClient(proxy.url, service.token) as client:
            objects, progress = ProjectObjects(client, "default"), Progress()
            assert send_in_parts(entry, "", objects, progress)
            assert progress.counts().bytes_sent == len(DATA)
            through = sum(seen.sent for seen in proxy.seen if "/parts/" in seen.line)
            assert through == (0 if reachable else len(DATA))
            assert not objects.missing({Digest(entry.digest): entry.size})
            with objects.read(entry.digest, 0) as blocks:
                assert hashlib.sha256(b"".join(blocks)).hexdigest() == entry.digest[7:]


def test_what_lies_in_the_bucket_proves_nothing(s3_settings: Any, entry: Entry, tmp_path: Path) -> None:
    """Wrong bytes that were put there directly, each part signed for and right in itself, never become the object."""
    store = dataclasses.asdict(s3_settings)
    wrong = dataclasses.replace(entry, digest=digest_of(b"something else"))
    with (
        embedded_service(tmp_path / "service", {"find_software": False, "store": store}) as service,
        ServiceClient(service.url, service.token) as client,
    ):
        objects = ProjectObjects(client, "default")
        with pytest.raises(FileChanged):
            send_in_parts(wrong, "", objects, Progress())
        assert objects.missing({Digest(wrong.digest): wrong.size}) == {wrong.digest}


def test_a_signature_that_ran_out(s3_settings: Any, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is sent more than a quarter of an hour after it was signed for is refused, signed for anew, and goes straight."""
    line, put, once = S3Line(s3_settings), DirectLine.put, DirectLine._once
    refused: list[bool] = []
    now = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now() - timedelta(minutes=16))
    asked: list[str] = []

    def late(direct: DirectLine, signed: Callable[[], SignedRequest], body: Callable[[], Any]) -> None:
        first = True

        def old_at_first() -> SignedRequest:
            nonlocal first
            asked.append("signed")
            made, late, first = signed(), first, False
            if not late:
                return made
            parts = urlsplit(made.url)
            key = parts.path.removeprefix(f"/{line.bucket}/")
            length = {"Content-Length": made.headers["Content-Length"]}
            old = line.sign("PUT", key, query=dict(parse_qsl(parts.query)), headers=length, sha256=_hash_in(made))
            return SignedRequest(old.method, old.url, dict(old.headers))

        put(direct, old_at_first, body)

    def noting(direct: DirectLine, request: SignedRequest, body: Any) -> tuple[int, bytes]:
        status, said = once(direct, request, body)
        if status >= 300:
            refused.append(status == 403 and b"RequestTimeTooSkewed" in said)
        return status, said

    monkeypatch.setattr(DirectLine, "put", late)
    monkeypatch.setattr(DirectLine, "_once", noting)
    monkeypatch.setattr(parts, "LARGE", 1)
    data = DATA[: (16 << 20) + 77]
    path = tmp_path / "cache.abc"
    path.write_bytes(data)
    entry = Entry(str(path), "file", digest_of(data), size=len(data), mtime_ns=path.stat().st_mtime_ns)
    store = dataclasses.asdict(s3_settings)
    with embedded_service(tmp_path / "service", {"find_software": False, "store": store}) as service:
        proxy.upstream = int(service.url.rsplit(":", 1)[1])
        with ServiceClient(proxy.url, service.token) as client:
            objects = ProjectObjects(client, "default")
            assert send_in_parts(entry, "", objects, Progress())
            assert (len(asked), refused) == (4, [True, True]), "two parts, each a second time"
            assert sum(seen.sent for seen in proxy.seen if "/parts/" in seen.line) == 0
            assert not objects.missing({Digest(entry.digest): entry.size})


def _hash_in(request: SignedRequest) -> str:
    return next(value for name, value in request.headers.items() if name.lower() == "x-amz-content-sha256")


@pytest.fixture
def studio(make_studio: Any, s3_settings: Any) -> Any:
    """Give a service whose objects are in a bucket."""
    make_studio.store = None
    return make_studio(store=s3_settings)


def _begin(studio: Any) -> Any:
    return studio.ask("POST", UPLOADS, json={"digest": digest_of(DATA), "size": len(DATA)}).json()


def test_a_signature_is_for_one_part(studio: Any) -> None:
    """It binds hash and length, has no secret in its address, and is the project's own to ask for."""
    upload = _begin(studio)
    assert upload["direct"] is True
    part = hashlib.sha256(DATA[: 16 << 20]).hexdigest()
    wish = {"parts": [{"number": 1, "sha256": part}]}
    path = f"{UPLOADS}/{upload['upload']}/sign"
    (signed,) = studio.ask("POST", path, json=wish).json()["requests"]
    headers = {name.lower(): value for name, value in signed["headers"].items()}
    assert (signed["number"], signed["method"], headers["x-amz-content-sha256"]) == (1, "PUT", part)
    assert "content-length" in headers["authorization"]
    assert "Signature" not in signed["url"]
    assert studio.ask("POST", path, json=wish, token=studio.second_token()).status_code == 404


@pytest.mark.parametrize(
    "part", [{"number": 0, "sha256": "0" * 64}, {"number": 4, "sha256": "0" * 64}, {"number": 1, "sha256": "x"}], ids=str
)
def test_what_is_not_signed(studio: Any, part: dict[str, Any]) -> None:
    """Parts that cannot be, or too many at once, are refused."""
    path = f"{UPLOADS}/{_begin(studio)['upload']}/sign"
    assert studio.ask("POST", path, json={"parts": [part]}).status_code == 400
    many = [{"number": 1, "sha256": "0" * 64}] * 101
    assert studio.ask("POST", path, json={"parts": many}).status_code == 400


@pytest.mark.parametrize("in_a_bucket", [True, False], ids=["by setting", "a folder"])
def test_a_store_that_takes_nothing_directly(make_studio: Any, request: pytest.FixtureRequest, in_a_bucket: bool) -> None:
    """Where the store is a folder, or its operator wants it so, nothing is signed and parts go through the service."""
    if in_a_bucket:
        make_studio.store = None
        studio = make_studio(store=dataclasses.replace(request.getfixturevalue("s3_settings"), direct=False))
    else:
        studio = make_studio()
    upload = _begin(studio)
    assert upload["direct"] is False
    wish = {"parts": [{"number": 1, "sha256": "0" * 64}]}
    assert studio.ask("POST", f"{UPLOADS}/{upload['upload']}/sign", json=wish).status_code == 400
