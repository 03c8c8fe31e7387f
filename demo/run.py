"""The demo: a real Blender scene goes out to two local instances, and its frames come home.

Run by `python3 install.py demo`. It types the same commands that an artist would, and shows them; only the summaries
are asked from the API.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from conductor_core.agent_client import connect as connect_agent
from conductor_core.api.client import ServiceClient
from conductor_core.errors import ConductorError
from conductor_service.embedded import EmbeddedService, start_service, stop_service
from contact_sheet import write_contact_sheet
from rich.console import Console
from rich.table import Table

FRAMES = 8
INSTANCES = 2
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays."""

    folder: Path
    #: the interpreter with Blender as a module
    blender: Path

    @property
    def production(self) -> Path:
        """The artist's project."""
        return self.folder / "production"

    @property
    def moved(self) -> Path:
        """Where the artist moves it later."""
        return self.folder / "elsewhere" / "production"

    def environment(self) -> dict[str, str]:
        """Return the environment of an artist who uses nothing but this demo's service."""
        return {**os.environ, "CONDUCTOR_HOME": str(self.folder / "client"), "CONDUCTOR_BLENDER": str(self.blender)}


class DemoFailed(ConductorError):
    """A step of the demo did not do what it shows."""


def main() -> int:
    """Run the demo and return the exit code."""
    arguments = _arguments()
    stage = Stage(arguments.folder.resolve(), arguments.blender.absolute())
    try:
        _play(stage, range(1, arguments.frames + 1), keep=arguments.keep)
    except ConductorError as error:
        console.print(f"\n[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Service and instances have been stopped; run the demo again when you like.")
        return 130
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--blender", type=Path, required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--frames", type=int, default=FRAMES, help="how many frames to render")
    return parser.parse_args()


def _play(stage: Stage, frames: range, *, keep: bool) -> None:
    began = time.monotonic()
    os.environ.update(stage.environment())
    _clear(stage)
    _title("A production", "a shot with a linked library, a UDIM set, an animated texture and a moving camera")
    scene = _build_production(stage, stage.production)
    _title("The service", "one process: database, object store, scheduler, dashboard")
    with _service(stage, keep=keep) as service, ServiceClient(service.url, service.token) as client:
        _conductor("login", service.url, "--token-file", str(service.token_file))
        _title("Submit", f"{len(frames)} frames, on {INSTANCES} instances of this machine")
        first = _submit(scene, f"{frames[0]}-{frames[-1]}", "Demo shot")
        _show_summary(client, first, len(frames), began)
        sheet = _contact_sheet(stage, client, first, frames)
        _title("The same again", "one texture renamed, the whole project moved to another folder")
        scene = _rename_and_move(stage)
        second = _submit(scene, str(frames[0]), "Demo shot, moved")
        _show_second(second, scene)
        _show_where(service, client, sheet, scene.parent / "render", keep=keep)


def _clear(stage: Stage) -> None:
    """End what an earlier demo left running with --keep, and remove what it made."""
    with contextlib.suppress(ConductorError):
        connect_agent(start=False).quit(now=True)
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "serve" in words and str(stage.folder / "service") in words:
            console.print(f"The service of an earlier demo still runs (process {process.pid}): it is stopped now.")
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
                process.wait(30)
    shutil.rmtree(stage.folder, ignore_errors=True)
    stage.folder.mkdir(parents=True)


@contextlib.contextmanager
def _service(stage: Stage, *, keep: bool) -> Iterator[EmbeddedService]:
    """Run service and agent; unless they are kept, nothing of them is left afterwards."""
    service = start_service(stage.folder / "service", _settings(stage))
    console.print(f"  dashboard: {service.url}    (sign in with the token in {service.token_file})")
    finished = False
    try:
        yield service
        finished = True
    finally:
        with contextlib.suppress(ConductorError):
            connect_agent(start=False).quit(now=True)
        if not (keep and finished):
            stop_service(service)


def _settings(stage: Stage) -> dict[str, object]:
    """Return the settings of a service with one kind of local instance and one Blender."""
    version = stage.blender.parents[1].name
    return {
        "idle_seconds": 20,
        "instance_types": [
            {
                "name": "this-machine",
                "description": "a process on this machine",
                "cores": max(1, (os.cpu_count() or 2) // INSTANCES),
                "memory_gb": 4,
                "price_per_hour": "1.20",
            }
        ],
        "software": [
            {
                "name": "blender",
                "version": version,
                "description": "Blender as a Python module",
                "launch": "bpy-module",
                "executable": str(stage.blender),
                "roots": [str(stage.blender.parents[1]), str(Path(os.path.realpath(stage.blender)).parents[1])],
            }
        ],
    }


def _build_production(stage: Stage, folder: Path, *words: str) -> Path:
    script = Path(__file__).with_name("production.py")
    log = stage.folder / "production.log"
    with log.open("ab") as out:
        built = subprocess.run([str(stage.blender), str(script), str(folder), *words], stdout=out, stderr=out, check=False)
    scenes = sorted(folder.glob("shots/**/*.blend"))
    if built.returncode != 0 or not scenes:
        raise DemoFailed(f"The production could not be built (exit code {built.returncode}).", f"The log is {log}.")
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    console.print(f"  {folder}: {sum(1 for f in folder.rglob('*') if f.is_file())} files, {size / 1e6:.1f} MB")
    return scenes[0]


def _rename_and_move(stage: Stage) -> Path:
    _build_production(stage, stage.production, "--rename-texture")
    stage.moved.parent.mkdir(parents=True)
    os.rename(stage.production, stage.moved)
    console.print(f"  moved to {stage.moved}")
    return next(iter(sorted(stage.moved.glob("shots/**/*.blend"))))


def _conductor(*words: str) -> None:
    """Type a `conductor` command, as an artist would.

    Raises:
        DemoFailed: it did not succeed.
    """
    console.print(f"[bold]$ conductor {' '.join(words)}[/bold]", soft_wrap=True)
    ran = subprocess.run([sys.executable, "-m", "conductor_core.cli", *words], check=False)
    if ran.returncode != 0:
        raise DemoFailed(f"conductor {words[0]} ended with exit code {ran.returncode}.", "What it printed above says why.")


def _submit(scene: Path, frames: str, title: str) -> dict[str, object]:
    """Submit and wait until every frame is home; return what the agent says of the submission."""
    instances = ["--instance-type", "this-machine", "--max-instances", str(INSTANCES)]
    _conductor("submit", str(scene), "--frames", frames, *instances, "--title", title, "--wait", "--download")
    submissions = connect_agent(start=False).submissions()
    return max(submissions, key=lambda s: s["number"])


def _show_summary(client: ServiceClient, submission: dict[str, object], frames: int, began: float) -> None:
    job = client.job(str(submission["job"]))
    sent, total = int(str(submission["bytes_sent"])), int(str(submission["bytes_total"]))
    cost = client.cost(job=job.id)
    table = _facts(f"Job {job.number}: {job.title}")
    table.add_row("files found", str(submission["files"]))
    table.add_row("bytes sent", f"{sent:,}")
    table.add_row("bytes saved by dedupe", f"{total - sent:,}")
    table.add_row("frames home", f"{job.frames['success']} of {frames}")
    table.add_row("rendered", _isolation(client, job.id))
    table.add_row("wall time", f"{time.monotonic() - began:.0f} s since the demo began")
    table.add_row("instance-minutes", f"{cost.billed_minutes} billed (10 at least for each instance)")
    table.add_row("cost so far", f"{cost.total} {cost.currency}")
    console.print(table)


def _isolation(client: ServiceClient, job: str) -> str:
    """Return how the tasks of a job were kept apart, as their attempts say."""
    said = {a.message for t in client.tasks(job) for a in client.task(t.id).attempts or () if a.state == "success"}
    if said and all(message.startswith("isolation: sandbox") for message in said if message):
        return "in a sandbox, at the artist's own paths"
    return "[yellow]without a sandbox, with rewritten paths: bubblewrap does not start here (see docs/security.md)[/yellow]"


def _show_second(submission: dict[str, object], scene: Path) -> None:
    sent, total, size = int(str(submission["bytes_sent"])), int(str(submission["bytes_total"])), scene.stat().st_size
    assets = sent - size
    if assets != 0:
        raise DemoFailed(f"{sent:,} bytes were sent, though only the scene ({size:,} bytes) changed.", "Please report this.")
    table = _facts(f"Job {submission['number']}: the same project, renamed and moved")
    table.add_row("bytes sent for the scene, which names the texture anew", f"{size:,}")
    table.add_row("bytes sent for assets", f"{assets:,}")
    table.add_row("bytes saved by dedupe", f"{total - sent:,}")
    console.print(table)


def _facts(title: str) -> Table:
    return Table(title=title, title_justify="left", show_header=False, title_style="bold")


def _contact_sheet(stage: Stage, client: ServiceClient, submission: dict[str, object], wanted: range) -> Path:
    """Make the contact sheet from the frames at home, having seen that each of them is there."""
    frames = {}
    for output in client.outputs(str(submission["job"])):
        if output.frame is not None and Path(output.path).suffix == ".exr":
            frames[output.frame] = Path(output.path)
    lacking = [f for f in wanted if f not in frames or not frames[f].exists()]
    if lacking:
        raise DemoFailed(f"Frames {lacking} did not come home.", f"See the dashboard, and the logs in {stage.folder}.")
    return write_contact_sheet(frames, stage.folder / "contact-sheet.png")


def _show_where(service: EmbeddedService, client: ServiceClient, sheet: Path, frames: Path, *, keep: bool) -> None:
    console.print(f"\n[bold]Frames[/bold]         {frames}")
    console.print(f"[bold]Contact sheet[/bold]  {sheet}")
    if keep:
        console.print(f"[bold]Dashboard[/bold]      {service.url}   token: {service.token_file}")
        console.print(f"The service keeps running; end it with: kill {service.process.pid}")
    else:
        console.print(
            f"[bold]Dashboard[/bold]      it was at {service.url}; look around in it with: python3 install.py demo --keep"
        )
    minutes = client.cost().billed_minutes
    console.print(f"{minutes} instance-minutes in all; instances end when they are idle.")


def _title(title: str, text: str) -> None:
    console.print(f"\n[bold cyan]{title}[/bold cyan]  {text}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
