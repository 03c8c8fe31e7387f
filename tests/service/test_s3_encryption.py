"""Encryption at rest by a real S3 server: all that the service writes has it, or the service does not start."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import compaction, garbage, objects, uploads
from conductor_service.scrubbing import Place, Scrub
from conductor_service.store.s3 import S3Store
from conductor_service.store.s3_line import ENCRYPTION, EncryptionRefused, S3Line, S3Refused
from service.s3_server import KMS_KEY

SMALL = [f"small {i}".encode() * 50 for i in range(3)]
DATA = os.urandom(5000)


@pytest.mark.parametrize(
    ("sse", "said"),
    [
        ({"sse": "AES256"}, r"sse: AES256 asks \(it would keep everything unencrypted, and does not say so\)"),
        ({"sse": "aws:kms"}, r"sse: aws:kms asks \(it answers 400 InvalidArgument .*key"),
        ({"sse": "aws:kms", "kms_key": "nobodys"}, r"sse: aws:kms asks \(it answers 403"),
    ],
    ids=["passed over", "no key", "another key"],
)
def test_a_server_that_does_not_encrypt_as_asked(s3_server: Any, sse: dict[str, str], said: str) -> None:
    """The store is not opened, and it is said why; Ceph's gateway 16.2 takes AES256 and encrypts nothing."""
    settings = s3_server.settings(prefix="refused", **sse)
    with pytest.raises(EncryptionRefused, match=said):
        S3Store(S3Line(settings, sleep=lambda _: None), settings.folder)
    plain = S3Store(S3Line(s3_server.settings()), settings.folder)
    assert list(plain.listed("")) == []


def test_other_troubles_are_not_laid_to_encryption(s3_server: Any) -> None:
    """A bucket that is not there is what is told of."""
    settings = s3_server.settings(bucket="nobodys", sse="aws:kms", kms_key=KMS_KEY)
    with pytest.raises(S3Refused, match="has no such bucket"):
        S3Store(S3Line(settings, sleep=lambda _: None), settings.folder)


@pytest.fixture
def studio(make_studio: Any, s3_server: Any, s3_settings: Any) -> Any:
    """Give a service whose bucket's server encrypts."""
    make_studio.store = None
    return make_studio(store=s3_server.settings(prefix=s3_settings.prefix, sse="aws:kms", kms_key=KMS_KEY))


def _pack(studio: Any, *bodies: bytes) -> str:
    members = [Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]  # type: ignore[misc]
    data = b"".join(write_pack(members))
    assert studio.ask("POST", "/projects/default/packs", content=data).status_code == 201
    return digest_of(data)


def _send_in_parts(studio: Any) -> None:
    begun = studio.ask("POST", "/projects/default/uploads", json={"digest": digest_of(DATA), "size": len(DATA)}).json()
    path = f"/projects/default/uploads/{begun['upload']}"
    for number in range(1, 6):
        part = DATA[(number - 1) * 1000 : number * 1000]
        headers = {"X-Content-Sha256": hashlib.sha256(part).hexdigest()}
        assert studio.ask("PUT", f"{path}/parts/{number}", content=part, headers=headers).status_code == 200
    assert studio.ask("POST", f"{path}/complete").status_code in (200, 201)


def test_all_that_is_written_is_encrypted(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects, packs, manifests, frames, what came in parts and was copied, rewritten packs, and what is set aside."""
    monkeypatch.setattr(uploads, "part_bytes", lambda _size: 1000)
    studio.job()
    runner = studio.runner()
    runner.render(runner.take())
    _send_in_parts(studio)
    worn = _pack(studio, *SMALL, b"x" * 50_000)
    studio.upload(b"")
    database, shelf = studio.farm.database, studio.farm.shelf
    project = studio.get("/me")["projects"][0]["id"]
    studio.clock.pass_time((objects.LEASE + timedelta(seconds=1)).total_seconds())
    kept = [digest_of(b) for b in (*SMALL, DATA, b"")]
    assert objects.ask(database, shelf, project, kept) == []
    garbage.forget_objects(database)
    assert compaction.compact(database, shelf) == 1
    for damaged in (DATA[:-1] + b"!", b""):
        sha = hashlib.sha256(damaged).hexdigest()
        shelf.line.done("PUT", shelf.key(digest_of(DATA)), body=damaged, headers=shelf.line.sse, sha256=sha)
        assert [d.digest for step in Scrub(database, shelf, lambda _: None).steps(Place()) for d in step.found] == [
            digest_of(DATA)
        ]
        assert shelf.size(digest_of(DATA)) is None
        _send_in_parts(studio)
    keys = {key.removeprefix(shelf.folder): key for key, _ in shelf.listed("")}
    assert f"damaged/{digest_of(DATA)[7:]}" in keys
    assert shelf.key(Digest(worn)) in keys.values()
    assert len(keys) == 8
    for key in keys.values():
        headers = shelf.line.done("HEAD", key).headers
        assert (headers[ENCRYPTION], headers[f"{ENCRYPTION}-aws-kms-key-id"]) == ("aws:kms", KMS_KEY), key
    answer = studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}", headers={"Range": "bytes=990-2009"})
    assert answer.content == DATA[990:2010]
    for body in (*SMALL, DATA, b""):
        assert b"".join(studio.farm.store.read(digest_of(body))) == body
