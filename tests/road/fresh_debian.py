"""A fresh Debian 12 root with `python3` and nothing else, and commands in it as on a machine of its own.

Made by debootstrap; entered by pivot_root in new mount and process namespaces with a /proc of their own, so that
bubblewrap starts in it as on a real machine (in a chroot the kernel lets nobody make user namespaces). It takes root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: how this machine reaches the network: proxies, certificates, package indexes
_NETWORK = (
    "PIP_",
    "SSL_",
    "REQUESTS_",
    "CURL_CA",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_NETWORK_FILES = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates",
)  # fmt: skip

#: makes the root the only thing there is, then runs "$@"; the shell stays, to collect what is orphaned
_ENTER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
shift
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p .old
pivot_root . .old
umount --lazy /.old
cd "$HOME"
"$@"
"""


def make_root(root: Path) -> None:
    """Install Debian 12 (minbase) with its `python3` into `root`, from the mirror that this machine's apt uses."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm"], capture_output=True, text=True, check=True
    )
    mirror = asked.stdout.split()[0]
    command = ["debootstrap", "--variant=minbase", "--include=python3", "bookworm", str(root), mirror]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-4000:] + made.stderr[-4000:]
    for name in _NETWORK_FILES:
        source, target = Path(name), root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copyfile(source, target)


def clone_into(root: Path, repository: Path, name: str) -> None:
    """Put a fresh clone of what is committed in `repository` into root's home."""
    target = root / "root" / name
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(repository), str(target)], check=True)


def run_in(
    root: Path, *command: str, timeout: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the root's home, with an environment of its own; nothing of it is left when this returns."""
    own = {
        "HOME": "/root",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        **{k: v for k, v in os.environ.items() if k.startswith(_NETWORK) and k != "PIP_FIND_LINKS"},
        **(environment or {}),
    }
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", _ENTER, "enter", str(root), *command]
    return subprocess.run(
        enter,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
