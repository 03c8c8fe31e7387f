"""`conductor gc` and `conductor scrub` on a bucket of a real server: what goes, what stays, and damage behind the service's back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from conductor_core.digest import Digest, digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packs import Member, write_pack
from conductor_service.gc_command import gc_command
from conductor_service.models import Pack
from conductor_service.scrub_command import scrub_command
from conductor_service.store.s3 import S3Store
from sqlalchemy import select

DAY = 86400
SMALL = [f"small {i}".encode() * 50 for i in range(6)]
FILLING = b"x" * 50_000
TEXTURE = b"a large texture" * 1000


def pack_of(*bodies: bytes) -> bytes:
    return b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]))  # type: ignore[misc]


@dataclass
class Site:
    """A service whose objects are in a bucket, and its settings for the commands."""

    studio: Any
    settings: Path

    @property
    def bucket(self) -> S3Store:
        shelf = self.studio.farm.shelf
        assert isinstance(shelf, S3Store)
        return shelf

    def send(self, *bodies: bytes) -> str:
        """Send bodies as a pack; return its name."""
        data = pack_of(*bodies)
        assert self.studio.ask("POST", "/projects/default/packs", content=data).status_code == 201
        return digest_of(data)

    def submit(self, *bodies: bytes) -> str:
        """Make a job of files that are there; return its manifest's digest."""
        job = self.studio.submit()
        entries = [Entry(f"/job/{i}.tex", digest=digest_of(b), size=len(b), mode=0o644, mtime_ns=1) for i, b in enumerate(bodies)]
        body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
        answer = self.studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
        assert answer.status_code == 200, answer.text
        return digest_of(body)

    def missing(self, *bodies: bytes) -> list[bytes]:
        asked = {"digests": [digest_of(b) for b in bodies]}
        lacking = self.studio.ask("POST", "/projects/default/objects/missing", json=asked).json()["missing"]
        return [b for b in bodies if digest_of(b) in lacking]

    def read(self, body: bytes) -> bytes:
        return b"".join(self.studio.farm.store.read(digest_of(body)))

    def put(self, name: str, data: bytes) -> None:
        """Write into the bucket as somebody who passes the service by."""
        self.bucket.line.done("PUT", self.bucket.key(Digest(name)), body=data, sha256=hashlib.sha256(data).hexdigest())

    def run(self, command: Any, *words: str) -> Any:
        return CliRunner().invoke(command, ["--settings", str(self.settings), *words])

    def collect(self, *words: str) -> dict[str, int]:
        done = self.run(gc_command, "--json", *words)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))


@pytest.fixture
def site(make_studio: Any, s3_settings: Any, tmp_path: Path) -> Site:
    """A service that begins ten days ago: what is sent now is leased no more when a command looks at it."""
    make_studio.store = None
    make_studio.clock.now = datetime.now(UTC) - timedelta(days=10)
    studio = make_studio(store=s3_settings)
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"data": studio.farm.settings.data, "store": dataclasses.asdict(s3_settings)}))
    return Site(studio, file)


def test_a_clean_up_of_a_bucket(site: Site) -> None:
    """A dry run changes nothing; a run forgets, and rewrites packs; an hour later what is not needed is out of the bucket."""
    worn = site.send(*SMALL, FILLING)
    for body in (TEXTURE, b"left"):
        site.studio.upload(body)
    site.bucket.write(digest_of(b"nobody's"), [b"nobody's"], 8)
    manifest = site.submit(*SMALL[:2], TEXTURE)
    before = set(site.bucket.digests())
    would = {"manifests": 0, "objects": 6, "packs": 1, "deleted": 0, "waiting": 2}
    would["bytes"] = sum(map(len, SMALL[2:])) + len(FILLING) + len(b"left")
    assert site.collect("--dry-run") == would
    assert set(site.bucket.digests()) == before
    assert site.collect() == {**would, "deleted": 1}, "what no row knows of goes at once: it has been there for days"
    with site.studio.farm.database.read() as session:
        (new,) = session.scalars(select(Pack.digest)).all()
    assert set(site.bucket.digests()) == before - {digest_of(b"nobody's")} | {new}, "somebody may be reading it"
    assert site.missing(*SMALL, TEXTURE, b"left") == [*SMALL[2:], b"left"]
    site.studio.clock.pass_time(10 * DAY + 2 * 3600)
    site.studio.scheduler.tick()
    assert set(site.bucket.digests()) == {new, digest_of(TEXTURE), manifest}
    assert worn != new
    assert [site.read(b) for b in (*SMALL[:2], TEXTURE)] == [*SMALL[:2], TEXTURE]
    assert site.run(scrub_command).output == "4 objects read, 0 damaged or gone.\n"


def test_what_comes_again_into_a_bucket_stays(site: Site) -> None:
    """Bytes that were forgotten, and were sent again before they were deleted, are not deleted."""
    site.studio.upload(b"left")
    site.collect()
    site.studio.clock.pass_time(10 * DAY)
    site.studio.upload(b"left")
    site.studio.clock.pass_time(2 * 3600)
    site.studio.scheduler.tick()
    assert site.missing(b"left") == []
    assert site.read(b"left") == b"left"


def _damage(site: Site, worn: str, data: bytes) -> None:
    site.put(worn, data[:-1] + b"!")
    site.put(digest_of(TEXTURE), TEXTURE[:-1] + b"!")


def _lose(site: Site, worn: str, _data: bytes) -> None:
    site.bucket.delete(Digest(worn))
    site.bucket.delete(digest_of(TEXTURE))


@pytest.mark.parametrize(
    ("happen", "lost", "aside"),
    [(_damage, SMALL[1:2], [digest_of(TEXTURE)]), (_lose, SMALL[:2], [])],
    ids=["damaged", "gone"],
)
def test_damage_in_a_bucket_is_named_and_repaired(
    site: Site, happen: Callable[[Site, str, bytes], None], lost: list[bytes], aside: list[str]
) -> None:
    """Who needs it is named; it is set aside, and missing; sent again, all is well."""
    pack = site.send(*SMALL[:2])
    site.studio.upload(TEXTURE)
    site.submit(*SMALL[:2], TEXTURE)
    happen(site, pack, pack_of(*SMALL[:2]))
    done = site.run(scrub_command)
    assert done.exit_code == 10, done.output
    for body in (*lost, TEXTURE):
        assert f"Object {digest_of(body)} " in done.output
    assert "needed: /job/2.tex of job 1" in done.output
    assert [f"sha256:{key.rpartition('/')[2]}" for key, _ in site.bucket.listed("damaged/")] == aside
    assert site.missing(*SMALL[:2], TEXTURE) == [*lost, TEXTURE]
    site.send(*SMALL[:2])
    site.studio.upload(TEXTURE)
    assert site.missing(*SMALL[:2], TEXTURE) == []
    assert site.run(scrub_command).output == "4 objects read, 0 damaged or gone.\n"
    assert [site.read(b) for b in (*SMALL[:2], TEXTURE)] == [*SMALL[:2], TEXTURE]


def test_a_worn_pack_that_is_damaged_in_a_bucket(site: Site) -> None:
    """What lives in it goes on, what is damaged is sent again."""
    name = site.send(*SMALL, FILLING)
    site.submit(*SMALL)
    data = bytearray(pack_of(*SMALL, FILLING))
    data[data.index(SMALL[2])] ^= 1
    site.put(name, bytes(data))
    assert site.collect()["packs"] == 1
    assert site.missing(*SMALL) == [SMALL[2]]
    whole = [b for b in SMALL if b != SMALL[2]]
    assert [site.read(b) for b in whole] == whole
