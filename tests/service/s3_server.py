"""A real S3 server for tests: Ceph's gateway over one monitor and one storage daemon that keeps everything in memory."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_service.store_settings import StoreSettings

PROGRAMS = ("ceph-mon", "ceph-osd", "ceph", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin")
ACCESS_KEY, SECRET_KEY = "CONDUCTORTEST", "a-secret-of-no-worth"
#: of the key that objects are encrypted by; the gateway's own test backend, 32 bytes in base64
KMS_KEY = "testkey-1"
_KMS_BYTES = "YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo="

_CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}/0
public addr = 127.0.0.1
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
run dir = {folder}/run
admin socket = {folder}/run/$name.$pid.asok
pid file = {folder}/run/$name.pid
log file = {folder}/$name.log
crash dir = {folder}/run
mon data = {folder}/mon
mon cluster log file = {folder}/cluster.log
mon data avail crit = 1
mon data avail warn = 1
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw multipart min part size = 1
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = {kms_key}={kms_bytes}
"""


@dataclass(frozen=True)
class S3Server:
    """A running server, with one user."""

    endpoint: str
    credentials_file: Path

    def settings(self, **more: Any) -> StoreSettings:
        """Return the settings of a store on it."""
        given: dict[str, Any] = {"kind": "s3", "bucket": "farm", "endpoint": self.endpoint}
        return StoreSettings(**{**given, "credentials_file": str(self.credentials_file), **more})


def is_installed() -> bool:
    """Tell whether all of its programs are there."""
    return all(shutil.which(program) for program in PROGRAMS)


class Cluster:
    """Start and stop the daemons."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._monitor = _free_port(), _free_port()
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> S3Server:
        """Return when the server answers, after a quarter of a minute or so."""
        self._prepare()
        self._daemon("ceph-mon", "-i", "a")
        identity = str(uuid.uuid4())
        self._run("ceph", "osd", "new", identity, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity)
        self._daemon("ceph-osd", "-i", "0")
        words = ("--uid=conductor", "--display-name=Conductor", f"--access-key={ACCESS_KEY}", f"--secret={SECRET_KEY}")
        self._run("radosgw-admin", "user", "create", *words)
        self._daemon("radosgw", "-n", "client.rgw")
        endpoint = f"http://127.0.0.1:{self.port}"
        self._wait_for(endpoint)
        file = self.folder / "credentials"
        file.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        file.chmod(0o600)
        return S3Server(endpoint, file)

    def stop(self) -> None:
        """End the daemons; nothing that they keep is worth a farewell."""
        for daemon in reversed(self._daemons):
            daemon.kill()
        for daemon in self._daemons:
            daemon.wait()

    def _prepare(self) -> None:
        folder = self.folder
        for name in ("mon", "osd", "run"):
            (folder / name).mkdir(parents=True)
        fsid = str(uuid.uuid4())
        text = _CONFIGURATION.format(
            fsid=fsid, folder=folder, monitor=self._monitor, port=self.port, kms_key=KMS_KEY, kms_bytes=_KMS_BYTES
        )
        (folder / "ceph.conf").write_text(text)
        keyring = str(folder / "keyring")
        _run(["ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"])
        for name in ("client.admin", "client.rgw", "osd.0"):
            rights = [word for kind in ("mon", "osd", "mgr") for word in ("--cap", kind, "allow *")]
            _run(["ceph-authtool", keyring, "--gen-key", "-n", name, *rights])
        monmap = str(folder / "monmap")
        _run(["monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{self._monitor}]", monmap])
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)

    def _run(self, program: str, *words: str) -> None:
        _run([program, "-c", str(self.folder / "ceph.conf"), *words])

    def _daemon(self, program: str, *words: str) -> None:
        command = [program, "-f", "-c", str(self.folder / "ceph.conf"), *words]
        with (self.folder / f"{program}.out").open("wb") as out:
            self._daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out))

    def _wait_for(self, address: str, seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or self._daemons[-1].poll() is not None:
                    raise
                time.sleep(0.1)


def _run(command: Sequence[str]) -> None:
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
