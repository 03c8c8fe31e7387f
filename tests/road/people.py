"""People of one machine: each with a home, a user id, and the `conductor` command.

Another user must be able to run this clone's Python, which may lie in a home of mode 0700. So each of that user's
processes gets a mount namespace of its own, in which folders that are closed hold what is needed and nothing else. It
takes root.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]

#: as user $1 shows the paths $2 in the closed folders $3, by way of the folder $4; gives up all rights, and runs the rest
_BECOME = """
set -e
user=$1 shown=$2 closed=$3 stage=$4
IFS=:
number=0
for path in $shown; do
    number=$((number + 1))
    mount --bind "$path" "$stage/$number"
done
for folder in $closed; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
number=0
for path in $shown; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --bind "$stage/$number" "$path"
    umount "$stage/$number"
done
unset IFS
shift 4
cd /
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""


@dataclass(frozen=True)
class Person:
    """Somebody with a home; `user` None is who runs the tests."""

    home: Path
    user: int | None = None

    def words(self, *words: object) -> list[str]:
        """Return the command that runs Python with `words` as this person."""
        command = [sys.executable, *map(str, words)]
        return command if self.user is None else [*_become(self.user, self.home.parent / "stage"), *command]

    def environment(self) -> dict[str, str]:
        """Return an environment that knows nothing of who runs the tests."""
        code = f"{REPO / 'core'}:{REPO / 'service'}"  # of this clone, whichever the environment was installed from
        own = {"HOME": str(self.home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "PYTHONPATH": code}
        return own if self.user is not None else {**os.environ, **own, "CONDUCTOR_HOME": str(self.home)}

    def start(self, *words: object, log: Path) -> subprocess.Popen[bytes]:
        """Start Python in the background, with the most careless umask there is."""
        with log.open("ab") as out:
            return subprocess.Popen(
                self.words(*words), env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, umask=0
            )

    def run(self, *words: object, code: int = 0) -> str:
        """Run Python to its end, and return what it printed."""
        ran = subprocess.run(
            self.words(*words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            umask=0,
        )
        assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout + (ran.stderr if code else "")

    def conductor(self, *words: object, code: int = 0) -> str:
        """Type a `conductor` command, and return what it said."""
        return self.run("-m", "conductor_core.cli", *words, code=code)

    def json(self, *words: object, code: int = 0) -> Any:
        """Type a `conductor` command with --json, and return its answer."""
        return json.loads(self.conductor(*words, "--json", code=code))


def _become(user: int, stage: Path) -> Sequence[str]:
    """Return the words before a command that another user is to run."""
    shown = [Path(p) for p in dict.fromkeys([sys.base_prefix, str(REPO), sys.prefix])]
    closed = dict.fromkeys(str(p) for path in shown if (p := _closed(path)))
    for number in range(1, len(shown) + 1):
        (stage / str(number)).mkdir(parents=True, exist_ok=True)
    places = (":".join(map(str, shown)), ":".join(closed), str(stage))
    return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", _BECOME, "become", str(user), *places]


def _closed(path: Path) -> Path | None:
    """Return the outermost folder above `path` that strangers may not enter."""
    return next((p for p in reversed(path.parents) if not stat.S_IMODE(p.stat().st_mode) & stat.S_IXOTH), None)
