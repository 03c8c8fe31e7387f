"""TLS that does not verify, with a real service and real certificates: the sentence says what is wrong, the token stays."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conductor_service.embedded import embedded_service
from faults.studio import Artist

#: they share their services, one for each certificate
pytestmark = pytest.mark.xdist_group("tls")

_CONFIG = """
[ca]
default_ca = studio
[studio]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """A studio's own certificate authority, by the openssl program."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.ca = folder, folder / "ca.pem"
        (folder / "ca.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        subject = ("-subj", "/CN=Studio Authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", *subject
        )

    def certificate(self, names: str, *, end: str = "20991231000000Z") -> dict[str, str]:
        """Return the service's settings for a certificate of these names, good until `end`."""
        request = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=farm")
        self._openssl(*request, "-addext", f"subjectAltName={names}")
        dates = ("-startdate", "20200101000000Z", "-enddate", end)
        self._openssl("ca", "-batch", "-notext", "-config", "ca.cnf", *dates, "-in", "request.pem", "-out", "cert.pem")
        paths = {"tls_certificate": "cert.pem", "tls_key": "key.pem", "tls_ca": "ca.pem"}
        return {name: str(self.folder / file) for name, file in paths.items()}

    def _openssl(self, *words: str) -> None:
        ran = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


@dataclass(frozen=True)
class Farm:
    """A service under TLS."""

    url: str
    token_file: Path
    authority: Authority


@pytest.fixture(scope="module")
def make_farm(tmp_path_factory: pytest.TempPathFactory, require: Callable[[object, str], None]) -> Iterator[Callable[..., Farm]]:
    """Give what starts a service with a certificate, once for each."""
    require(shutil.which("openssl"), "the openssl program is not installed")
    running: dict[tuple[str, str], tuple[Any, Farm]] = {}

    def make(names: str, end: str) -> Farm:
        if (names, end) not in running:
            folder = tmp_path_factory.mktemp("farm")
            authority = Authority(folder / "ca")
            context = embedded_service(folder / "data", {"find_software": False, **authority.certificate(names, end=end)})
            service = context.__enter__()
            running[names, end] = context, Farm(service.url, service.token_file, authority)
        return running[names, end][1]

    yield make
    for context, _ in running.values():
        context.__exit__(None, None, None)


GOOD, LATER = "IP:127.0.0.1,DNS:localhost", "20991231000000Z"
#: names and end of the certificate, whether its authority is trusted, words of the sentence, the next step
CASES: dict[str, tuple[str, str, bool, str, str]] = {
    "another authority": (GOOD, LATER, False, "does not verify: .*(self-signed|unable to get).*", "log in with --ca FILE"),
    "expired": (
        GOOD,
        "20200102000000Z",
        True,
        "does not verify: certificate has expired",
        "for a new certificate, and check the clock",
    ),
    "another host": (
        "DNS:other.example",
        LATER,
        True,
        "does not verify: IP address mismatch",
        "Use the address that the certificate is for",
    ),
}


@pytest.fixture
def artist(make_artist: Callable[[], Artist]) -> Artist:
    """Give somebody who is logged in nowhere."""
    return make_artist()


@pytest.mark.parametrize(("names", "end", "trusted", "words", "step"), CASES.values(), ids=CASES)
def test_a_certificate_that_does_not_verify(
    make_farm: Callable[..., Farm], artist: Artist, names: str, end: str, trusted: bool, words: str, step: str
) -> None:
    """One sentence at once with 3: the address, what is wrong with its certificate, what to do; nothing is kept."""
    farm = make_farm(names, end)
    trust = ("--ca", farm.authority.ca) if trusted else ()
    ran = artist("login", farm.url, "--token-file", farm.token_file, *trust, code=3)
    assert re.search(f"The TLS certificate of {re.escape(farm.url)} {words}", ran.err), ran.err
    assert step in ran.err
    assert ran.err.count("\n") == 1
    assert farm.token_file.read_text().strip() not in ran.err + artist.written()
    assert not (artist.home / "config" / "credentials.json").exists()


def test_a_certificate_that_verifies(make_farm: Callable[..., Farm], artist: Artist) -> None:
    """With the studio's authority named, the same service is fine."""
    farm = make_farm(GOOD, LATER)
    artist("login", farm.url, "--token-file", farm.token_file, "--ca", farm.authority.ca)
    assert artist("jobs", "--json").json == {"jobs": []}


def test_plain_http_asked_of_a_tls_port(make_farm: Callable[..., Farm], artist: Artist) -> None:
    """What answers does not speak HTTP, or hangs up: the address is named, and nothing hangs."""
    farm = make_farm(GOOD, LATER)
    plain = farm.url.replace("https", "http")
    ran = artist("login", plain, "--token-file", farm.token_file, code=3)
    assert f"{plain} cannot be reached (" in ran.err
    assert "is it an https:// address?" in ran.err


def test_tls_asked_of_a_plain_port(artist: Artist, tmp_path: Path) -> None:
    """The sentence says that there is no TLS, not that a certificate is wrong."""
    with embedded_service(tmp_path / "plain", {"find_software": False}) as service:
        address = service.url.replace("http", "https")
        ran = artist("login", address, "--token-file", service.token_file, code=3)
    assert f"What answers at {address} does not speak TLS. Check the address and its port" in ran.err
    assert ran.err.count("\n") == 1


def test_a_runner_that_does_not_trust_the_service(make_farm: Callable[..., Farm], tmp_path: Path) -> None:
    """A runner says what is wrong with the certificate, asks for as long as it is told to, and ends with its token unsaid."""
    farm = make_farm(GOOD, LATER)
    token = "cdr_" + "x" * 43
    (tmp_path / "token").write_text(token)
    options = ("--service", farm.url, "--instance", "i1", "--token-file", "token", "--work-folder", "work", "--dead-after", "1")
    ran = subprocess.run(
        [sys.executable, "-m", "conductor_service.runner", *options],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert f"The TLS certificate of {farm.url} does not verify: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert token not in ran.stderr + ran.stdout
