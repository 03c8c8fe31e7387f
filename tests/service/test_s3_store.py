"""An S3 store behind the service, on a real server: settings, a whole submission, encryption, and what goes wrong as a sentence."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
import yaml
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ConductorError, ContentMismatch, SettingsError
from conductor_service import uploads
from conductor_service.settings import load_settings
from conductor_service.store import ObjectDamaged, ObjectMissing, StoreUnreachable, VerifyingStore, s3, s3_copy
from conductor_service.store.s3 import S3Store
from conductor_service.store.s3_line import CredentialsMissing, S3Line, S3Refused
from conductor_service.store_at_rest import store_at_rest
from conductor_service.store_settings import StoreSettings

DATA = os.urandom(5000)


def _line(settings: StoreSettings) -> S3Line:
    return S3Line(settings, sleep=lambda _seconds: None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{kind: s3}", "bucket"),
        ("{kind: s3, bucket: Farm}", "bucket"),
        ("{kind: s3, bucket: farm, prefix: ../x}", "prefix"),
        ("{kind: s3, bucket: farm, endpoint: s3.studio.example}", "endpoint"),
        ("{kind: s3, bucket: farm, endpoint: 'https://s3.studio.example/farm'}", "endpoint"),
        ("{kind: s3, bucket: farm, endpoint: 'http://s3.studio.example'}", "in the clear"),
        ("{kind: s3, bucket: farm, kms_key: k}", "kms_key"),
        ("{bucket: farm}", "kind: s3"),
        ("{kind: azure}", "kind"),
        ("{kind: s3, bucket: farm, secret: x}", "secret"),
    ],
    ids=["no bucket", "no name", "up", "no scheme", "a path", "plain", "a key for nothing", "a folder", "azure", "a secret"],
)
def test_settings_that_cannot_be(tmp_path: Path, given: str, said: str) -> None:
    """A store that could never be is refused by its field when the settings are read."""
    file = tmp_path / "settings.yaml"
    file.write_text(f"store: {given}\n")
    with pytest.raises(SettingsError, match=said):
        load_settings(file)


def test_settings_of_a_bucket(tmp_path: Path) -> None:
    """Files are relative to the settings; AWS needs no endpoint; a prefix ends in one slash."""
    file = tmp_path / "settings.yaml"
    file.write_text("store: {kind: s3, bucket: farm, prefix: render/, region: eu-west-1, credentials_file: keys}\n")
    store = load_settings(file).store
    assert store.address == "https://farm.s3.eu-west-1.amazonaws.com"
    assert (store.credentials_file, store.folder) == (str(tmp_path / "keys"), "render/")
    dotted = StoreSettings(kind="s3", bucket="my.farm")
    assert (dotted.address, dotted.folder) == ("https://s3.us-east-1.amazonaws.com/my.farm", "")
    assert StoreSettings(kind="s3", bucket="farm", endpoint="http://nas", allow_plain_http=True).address == "http://nas/farm"


def test_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there, or has no keys, is named, with what to do."""
    missing = StoreSettings(kind="s3", bucket="farm", credentials_file=str(tmp_path / "keys"))
    with pytest.raises(CredentialsMissing, match=r"keys.*credentials_file"):
        S3Line(missing)
    (tmp_path / "keys").write_text("[other]\naws_access_key_id = x\n")
    with pytest.raises(CredentialsMissing, match="keys"):
        S3Line(missing)


def test_secrets_stay_out_of_addresses(tmp_path: Path) -> None:
    """A signed request has its signature and its content's hash in headers, and the secret key nowhere."""
    keys = tmp_path / "keys"
    keys.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = VERYSECRET\n")
    line = S3Line(StoreSettings(kind="s3", bucket="farm", credentials_file=str(keys), sse="aws:kms", kms_key="k"))
    signed = line.sign("PUT", "objects/ab", headers=line.sse, sha256="0" * 64)
    assert signed.url == "https://farm.s3.us-east-1.amazonaws.com/objects/ab"
    assert "VERYSECRET" not in str(signed)
    assert signed.headers["X-Amz-Content-SHA256"] == "0" * 64
    asked = signed.headers["Authorization"]
    assert "x-amz-content-sha256" in asked
    assert "x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id" in asked
    assert signed.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "k"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bucket": "nobodys"}, "has no such bucket"),
        ({"credentials_file": "wrong-secret"}, "does not accept the secret key"),
        ({"credentials_file": "wrong-key"}, "does not know the access key"),
    ],
    ids=["bucket", "secret", "key"],
)
def test_what_the_server_refuses(s3_server: Any, tmp_path: Path, change: dict[str, str], said: str) -> None:
    """A service does not start with a bucket that it cannot use, and says why."""
    text = s3_server.credentials_file.read_text()
    (tmp_path / "wrong-secret").write_text(text.replace("a-secret", "another-secret"))
    (tmp_path / "wrong-key").write_text(text.replace("CONDUCTORTEST", "NOBODY"))
    if "credentials_file" in change:
        change = {"credentials_file": str(tmp_path / change["credentials_file"])}
    with pytest.raises(S3Refused, match=said):
        S3Store(_line(s3_server.settings(**change)))


def test_a_server_that_is_away(s3_server: Any) -> None:
    """A server that does not answer is named, after some patience."""
    waited: list[float] = []
    settings = StoreSettings(
        kind="s3", bucket="farm", endpoint="http://127.0.0.1:9", credentials_file=str(s3_server.credentials_file)
    )
    with pytest.raises(StoreUnreachable, match=r"127\.0\.0\.1:9.*cannot be reached"):
        S3Store(S3Line(settings, sleep=waited.append))
    assert len(waited) == 4


def test_the_server_checks_what_it_is_sent(s3_store: S3Store) -> None:
    """The server itself refuses other bytes than were announced: what a signature binds is bound."""
    assert s3_store.checks
    right = hashlib.sha256(b"right").hexdigest()
    with pytest.raises(S3Refused, match="400"):
        s3_store.line.done("PUT", s3_store.key(digest_of(b"right")), body=b"wrong", sha256=right)
    assert s3_store.size(digest_of(b"right")) is None


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_bytes_in_memory_are_hashed_once(
    s3_store: S3Store, monkeypatch: pytest.MonkeyPatch, kind: type[bytes | bytearray]
) -> None:
    """Their name is the hash that binds them: nothing is left to compare."""
    hashed = 0
    real = hashlib.sha256

    class Counting:
        def __init__(self, data: bytes = b"", **_: Any) -> None:
            self._sha = real()
            self.update(data)

        def update(self, data: bytes) -> None:
            nonlocal hashed
            hashed += len(data) if len(data) >= len(DATA) else 0  # not what is signed
            self._sha.update(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._sha, name)

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "sha256", Counting)
        assert s3_store.write_whole(kind(DATA)) == digest_of(DATA)
        assert hashed == 2 * len(DATA), "once in the store, and once in this test"
    assert b"".join(s3_store.read(digest_of(DATA))) == DATA


def test_a_server_that_does_not_check(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to a server that believes everything is read back before it is an object."""
    s3_store.checks = False
    assert s3_store.write(digest_of(DATA), [DATA], len(DATA)) is True
    assert b"".join(s3_store.read(digest_of(DATA))) == DATA
    with monkeypatch.context() as patch:
        patch.setattr(s3_store, "chunks", lambda *_: iter([b"changed on its way"]))
        with pytest.raises(ContentMismatch):
            s3_store.write(digest_of(b"x"), [b"x"], 1)
    assert s3_store.size(digest_of(b"x")) is None
    assert list(s3_store.listed("unseen/")) == []


@pytest.mark.parametrize("chunks", [[DATA], [DATA[:4999], b"!"], [DATA[:-1]]], ids=["right", "wrong", "short"])
def test_an_object_of_more_than_one_request(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch, chunks: list[bytes]) -> None:
    """What is larger than S3 takes at once goes in parts, and is there whole or not at all."""
    monkeypatch.setattr(s3, "WHOLE_BYTES", 100)
    monkeypatch.setattr(s3_copy, "part_bytes", lambda _size: 999)
    monkeypatch.setattr(s3_copy, "COPY_BYTES", 100)
    monkeypatch.setattr(s3_copy, "_RANGE_BYTES", 1024)
    digest = digest_of(DATA)
    if chunks == [DATA]:
        assert s3_store.write(digest, chunks, len(DATA)) is True
        s3_copy.copy(s3_store.line, s3_store.key(digest), f"{s3_store.folder}copy", len(DATA), {})
        assert b"".join(s3_store.chunks(f"{s3_store.folder}copy", digest, 0, None)) == DATA
    else:
        with pytest.raises(ContentMismatch):
            s3_store.write(digest, chunks, len(DATA))
        assert s3_store.size(digest) is None
    uploads_left = s3_store.line.xml("GET", "", query={"uploads": "", "prefix": s3_store.folder})
    assert list(uploads_left.iter("Upload")) == []


def test_encrypted_at_rest(s3_server: Any) -> None:
    """By setting, the server encrypts what it keeps, copies and parts too; who reads it does not notice."""
    settings = s3_server.settings(prefix="encrypted", sse="aws:kms", kms_key="testkey-1")
    store = S3Store(_line(settings), settings.folder)
    digest = digest_of(DATA)
    store.write(digest, [DATA], len(DATA))
    answer = store.line.done("HEAD", store.key(digest))
    assert answer.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert b"".join(store.read(digest, 17)) == DATA[17:]


@pytest.mark.parametrize("there", [False, True], ids=["nothing", "the object"])
def test_a_write_beside_another(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """A server that answers that another write is under way may have kept neither: it is looked whether the object is there."""
    digest, done = digest_of(DATA), s3_store.line.done

    def conflict(method: str, key: str, **how: Any) -> Any:
        if method != "PUT":
            return done(method, key, **how)
        if there:
            done(method, key, **how)
        return SimpleNamespace(status=409)

    monkeypatch.setattr(s3_store.line, "done", conflict)
    if there:
        assert s3_store.write(digest, [DATA], len(DATA)) is False
        return
    with pytest.raises(StoreUnreachable, match="another write"):
        s3_store.write(digest, [DATA], len(DATA))


def test_a_line_that_breaks_again_and_again(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server is out of reach: that is no word about the object."""
    digest = digest_of(DATA)
    s3_store.write(digest, [DATA], len(DATA))
    call = s3_store.line.call

    def broken(*asked: Any, **how: Any) -> Any:
        answer = call(*asked, **how)

        def read(_size: int) -> bytes:
            raise urllib3.exceptions.ProtocolError("cut")

        monkeypatch.setattr(answer, "read", read)
        return answer

    monkeypatch.setattr(s3_store.line, "call", broken)
    with pytest.raises(StoreUnreachable, match="the line breaks: ProtocolError"):
        b"".join(s3_store.read(digest))


def test_damage_in_the_bucket(s3_store: S3Store) -> None:
    """Bytes that somebody changed in the bucket reach nobody as an object: they are set aside, and missing."""
    digest = digest_of(DATA)
    s3_store.write(digest, [DATA], len(DATA))
    other = DATA[:-1] + b"!"
    s3_store.line.done("PUT", s3_store.key(digest), body=other, sha256=hashlib.sha256(other).hexdigest())
    verifying = VerifyingStore(s3_store)
    with pytest.raises(ObjectDamaged):
        b"".join(verifying.read(digest))
    with pytest.raises(ObjectMissing):
        verifying.read(digest)
    assert [key.rpartition("/")[2] for key, _ in s3_store.listed("damaged/")] == [digest[7:]]


@pytest.fixture
def studio(make_studio: Any, s3_settings: StoreSettings) -> Any:
    """Give a service whose objects are in a bucket, as its settings say."""
    make_studio.store = None
    return make_studio(store=s3_settings)


def test_a_service_with_a_bucket(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects, packs' manifests, parts and outputs are in the bucket, and come back by whole and by range."""
    monkeypatch.setattr(uploads, "part_bytes", lambda _size: 1000)
    job = studio.job()
    assert studio.state(job) == "pending"
    runner = studio.runner()
    runner.render(runner.take())
    begun = studio.ask("POST", "/projects/default/uploads", json={"digest": digest_of(DATA), "size": len(DATA)}).json()
    path = f"/projects/default/uploads/{begun['upload']}"
    for number in range(1, 6):
        part = DATA[(number - 1) * 1000 : number * 1000]
        headers = {"X-Content-Sha256": hashlib.sha256(part).hexdigest()}
        assert studio.ask("PUT", f"{path}/parts/{number}", content=part, headers=headers).status_code == 200
    again = studio.ask("POST", "/projects/default/uploads", json={"digest": digest_of(DATA), "size": len(DATA)}).json()
    assert (again["upload"], again["have"]) == (begun["upload"], [1, 2, 3, 4, 5])
    assert studio.ask("POST", f"{path}/complete").status_code == 201
    answer = studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}", headers={"Range": "bytes=10-19"})
    assert answer.content == DATA[10:20]
    assert list(studio.farm.uploads.parts.kept()) == []
    assert not (studio.farm.settings.data_folder / "store").exists()


def test_a_whole_that_is_wrong_stays_staged_no_longer(studio: Any) -> None:
    """Parts that are wrong together are refused at the end, and nothing of them is left in the bucket."""
    begun = studio.ask("POST", "/projects/default/uploads", json={"digest": digest_of(DATA), "size": len(DATA)}).json()
    path = f"/projects/default/uploads/{begun['upload']}"
    other = b"x" * len(DATA)
    headers = {"X-Content-Sha256": hashlib.sha256(other).hexdigest()}
    assert studio.ask("PUT", f"{path}/parts/1", content=other, headers=headers).status_code == 200
    assert studio.ask("POST", f"{path}/complete").status_code == 422
    assert studio.farm.shelf.size(digest_of(DATA)) is None
    assert list(studio.farm.uploads.parts.kept()) == []


def test_commands_find_the_bucket(studio: Any, tmp_path: Path) -> None:
    """What works on a store that is at rest works on the bucket that the settings name."""
    digest = Digest(studio.upload(DATA))
    settings = studio.farm.settings
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"data": settings.data, "store": dataclasses.asdict(settings.store)}))
    with store_at_rest(None, file) as there:
        assert there.shelf.size(digest) == len(DATA)


def test_errors_are_ours() -> None:
    """What goes wrong with a bucket is one of our errors: it is answered, and kept from no border."""
    for kind in (S3Refused, CredentialsMissing, StoreUnreachable):
        assert issubclass(kind, ConductorError)
