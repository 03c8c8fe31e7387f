"""What an edited file sends: scenes saved again by Blender, a Maya scene with a node inserted near its top."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.manifest import Entry
from conductor_core.transfer.checked_file import send_whole
from conductor_core.transfer.differences import Differences
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.progress import Progress
from conductor_service.embedded import embedded_service
from transfer_rows import Row, took

#: of a file, at most
SHARE = 0.02
#: points on a side of each of the scene's four meshes, and nodes of the Maya scene: 500 MB of each kind
ROWS, NODES = 1345, 250_000
_BPY = (
    Path(__file__).parents[1] / ".conductor" / "blender" / "4.5.15" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
)


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure each kind of file: the first version goes whole, the second as its difference."""
    program, part = Path(__file__).with_name("edited_scene.py"), 4 if small else 1
    command = [str(_BPY), str(program), str(folder), str(ROWS // part), str(NODES // part**2)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with embedded_service(folder / "service", {}) as service:
        client = ServiceClient(service.url, service.token_file.read_text().strip())
        for name in ("shot.blend", "cache.abc", "rig.ma"):
            yield from _edited(client, folder, name)


def _edited(client: ServiceClient, folder: Path, name: str) -> Iterator[Row]:
    sink = ProjectObjects(client, "default")
    way = Differences(client.versions("default"))
    work = folder / name
    shutil.copyfile(folder / "before" / name, work)
    before = _entry(work)
    way.expect([before])
    if way(before, "", sink, Progress()):
        raise AssertionError("there is nothing yet that it could be a version of")
    whole = took(lambda: send_whole(before, "", sink, Progress()))
    shutil.copyfile(folder / "after" / name, work)
    after, progress = _entry(work), Progress()

    def send() -> None:
        if not way(after, "", sink, progress):
            send_whole(after, "", sink, progress)

    seconds = took(send)
    counts = progress.counts()
    size = f"{after.size / 1e6:,.0f} MB"
    sent = f"{counts.bytes_sent / 1e6:,.2f} MB sent, {counts.bytes_received / 1e6:,.2f} MB asked for"
    yield Row(f"edited {name}: bytes sent", sent, size, counts.bytes_sent / after.size, SHARE)
    # on this machine's loopback, faster than any line: what is saved there is line, not time
    yield Row(f"edited {name}: time", f"{seconds:.2f} s", f"{whole:.2f} s (whole, loopback)", seconds / whole, None)


def _entry(path: Path) -> Entry:
    hashed = hash_file(str(path))
    return Entry(str(path), "file", hashed.digest, size=hashed.state.size, mode=0o644, mtime_ns=hashed.state.mtime_ns)
