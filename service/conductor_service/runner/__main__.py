"""`python -m conductor_service.runner`: one runner, for one instance. Fleets start it; people may, to try something.

Exit codes: 0 retired or stopped, 1 it could not start, 3 the service was gone for too long.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path

from conductor_core.errors import ConductorError

from conductor_service.runner.group_versions import choose_groups
from conductor_service.runner.http_service import HttpRunnerService, Patience, require_safe_url
from conductor_service.runner.isolation import choose_isolation
from conductor_service.runner.launching import hosts_folder
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.machine import Machine
from conductor_service.runner.work_folder import WorkFolder
from conductor_service.runner.worker import Settings, Worker


def main(argv: list[str] | None = None) -> int:
    """Run a runner until its end; return the exit code."""
    options = _parser().parse_args(argv)
    form = f"%(asctime)s runner {options.instance} %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=form)
    work = WorkFolder(options.work_folder.resolve())
    try:
        url = require_safe_url(options.service, allow_plain=options.allow_plain_http)
        token = options.token_file.read_text(encoding="utf-8").strip()
        isolation = choose_isolation(options.isolation)
        work.open()
        groups = choose_groups(work.root)
    except (ConductorError, OSError) as exc:
        print(f"runner: {exc}", file=sys.stderr)
        return 1
    resources = ResourceLimits(memory=int(options.memory_gb * (1 << 30)), free_disk=int(options.free_disk_gb * (1 << 30)))
    machine = Machine(isolation, hosts_folder(os.environ), resources, work.room, time.monotonic, groups)
    settings = Settings(int(options.cache_gb * (1 << 30)), options.dead_after)
    service = HttpRunnerService(url, token, patience=Patience(options.dead_after), ca_file=options.ca_file)
    worker = Worker(service, work, machine, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    try:
        return 3 if worker.run() == "service-gone" else 0
    except ConductorError as exc:
        print(f"runner: {exc}", file=sys.stderr)
        return 1
    finally:
        service.close()
        work.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conductor_service.runner", description=__doc__)
    add = parser.add_argument
    add("--service", required=True, metavar="URL", help="address of the service, e.g. https://render.studio:8443")
    add("--token-file", required=True, type=Path, metavar="FILE", help="file with this instance's token")
    add("--instance", required=True, metavar="ID", help="id of this instance, for the runner's own log")
    add("--work-folder", required=True, type=Path, metavar="DIR", help="cache and working files; one runner per folder")
    add(
        "--isolation",
        choices=("sandbox", "rewrite", "auto"),
        default="auto",
        help="sandbox: bubblewrap or nothing; auto: path rewriting where bubblewrap does not work",
    )
    add("--memory-gb", type=float, default=0.0, metavar="N", help="memory a task may use; 0: all there is")
    add("--free-disk-gb", type=float, default=1.0, metavar="N", help="disk that must stay free; a task that fills more is ended")
    add("--cache-gb", type=float, default=50.0, metavar="N", help="size of the content cache")
    add(
        "--dead-after",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="without the service for this long, the instance ends itself",
    )
    add("--ca-file", default="", metavar="FILE", help="certificate authority of the service, if it is a studio's own")
    add("--allow-plain-http", action="store_true", help="send the token in clear text to a service on another machine")
    return parser


if __name__ == "__main__":
    sys.exit(main())
