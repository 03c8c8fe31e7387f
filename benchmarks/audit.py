"""What `conductor audit` takes on a large database: seconds and memory, for tasks that were really leased and finished.

    .conductor/env/bin/python benchmarks/audit.py [--tasks 20000]

The tasks are made by the service's own functions (submission, lease, object, publication, end), in one process without
HTTP; each leaves an attempt, an output with an object of its own, and four moves of history. Then the command is run as
people run it.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from conductor_core.digest import digest_of
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_service import jobs, leases, objects, outputs
from conductor_service.accounts import ensure_owner
from conductor_service.door import Why
from conductor_service.equipment import Equipment
from conductor_service.farm import Farm, open_farm
from conductor_service.hand_out import hand_out
from conductor_service.instances import new_instance
from conductor_service.manifests import NamedManifest
from conductor_service.models import Account, Attempt, Instance, Job, Project, Task
from conductor_service.planning import Kind
from conductor_service.settings import Settings
from conductor_service.tokens import Principal
from sqlalchemy import select

#: tasks of one transaction while the database is made
AT_ONCE = 200


def main() -> None:
    """Make the database, audit it, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=20_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conductor-audit-") as name:
        farm = open_farm(Settings(data=str(Path(name) / "data"), find_software=False))
        ensure_owner(farm.database, farm.settings.data_folder, instance_limit=1, owner_name="Ada")
        began = time.monotonic()
        instance = _submit(farm, arguments.tasks)
        left = arguments.tasks
        while left > 0:
            left -= _render(farm, instance)
        farm.close()
        print(f"made in {time.monotonic() - began:.0f} s")
        for words in ([], ["--deep"]):
            _audit(farm.settings.data_folder, arguments.tasks, words)


def _submit(farm: Farm, tasks: int) -> str:
    """Make a job of one-frame tasks whose manifest is committed, and an instance for it; return the instance's id."""
    kind = next(iter(farm.catalogue.instance_types))
    step = Step("main", f"1-{tasks}", kind="command", outputs=(Output("/job/out/f.#####.png"),), command=("true",))
    submission = Submission(
        id=new_submission_id(),
        project="default",
        title="many",
        scene="",
        flavour=Flavour.POSIX,
        software=Software("shell", "1"),
        steps=(step,),
        instance_type=kind,
    )
    texture = b"a texture"
    entry = Entry("/job/texture.png", digest=digest_of(texture), size=len(texture), mode=0o644, mtime_ns=1)
    manifest = make_manifest(Flavour.POSIX, [entry])
    for data in (texture, manifest.to_bytes()):
        farm.store.write(digest_of(data), [data], len(data))
    with farm.database.write() as unit:
        account, project = unit.session.scalars(select(Account)).one(), unit.session.scalars(select(Project)).one()
        who = Principal("user", "", account.id, unit.now, name="Ada")
        package = farm.catalogue.packages[0]
        job, _ = jobs.create_job(unit, who, project, submission, Equipment(package))
        objects.grant(unit, project.id, entry.digest, entry.size)
        unit.session.flush()
        jobs.commit_manifest(unit, job, NamedManifest.of(manifest, manifest.to_bytes()), why=Why("Ada"))
        instance = new_instance(unit, Kind(account.id, kind, False), farm.catalogue)
        instance.state, instance.ready = "ready", unit.now
        return instance.id


def _render(farm: Farm, instance_id: str) -> int:
    """Lease, publish and finish some tasks in one transaction; return how many."""
    with farm.database.write() as unit:
        instance = unit.session.get_one(Instance, instance_id)
        project = unit.session.scalars(select(Job)).one().project_id
        for done in range(AT_ONCE):
            given = hand_out(unit, instance, (), farm.lease_times)
            if given is None:
                return done
            attempt = unit.session.get_one(Attempt, given["attempt"]["id"])
            frame = unit.session.get_one(Task, attempt.task_id).frames[0]
            data = f"picture of frame {frame}".encode()
            digest = digest_of(data)
            farm.store.write(digest, [data], len(data))
            objects.grant(unit, project, digest, len(data))
            unit.session.flush()
            record = outputs.OutputRecord(f"/job/out/f.{frame:05d}.png", digest, len(data), "main", frame=frame)
            outputs.publish(unit, attempt, attempt.fence, [record])
            unit.session.flush()
            leases.finish(unit, attempt, leases.Finish(attempt.fence, "success"))
        return AT_ONCE


def _audit(data: Path, tasks: int, words: list[str]) -> None:
    began, peak = time.monotonic(), 0
    command = [sys.executable, "-m", "conductor_service.audit", "--data", str(data), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:  # what the system counts as its peak has that of this process in it
            with contextlib.suppress(psutil.NoSuchProcess):
                peak = max(peak, watched.memory_info().rss)
            time.sleep(0.02)
        assert process.stdout is not None
        said = process.stdout.read().strip().splitlines()[-1]
    seconds = time.monotonic() - began
    print(f"audit {' '.join(words)} of {tasks} tasks: {seconds:.1f} s, {peak / 2**20:.0f} MB, exit code {process.returncode}")
    print(said)


if __name__ == "__main__":
    main()
