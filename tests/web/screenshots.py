"""Take the dashboard's pictures for the README, of a farm with a believable day's work.

python tests/web/screenshots.py FOLDER_OF_PNGS [docs/pictures]

The folder holds frames as a runner's previews are (demo/production.py makes a scene worth showing).
"""

from __future__ import annotations

import random
import runpy
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

SHARED = runpy.run_path(str(Path(__file__).with_name("conftest.py")))
TITLES = (
    ("Still life with vases, turntable", "ceramics-film", "Mika Lindqvist", 96),
    ("sh010 vases, lighting v014", "ceramics-film", "Mika Lindqvist", 120),
    ("sh020 close-up of the glaze, comp v006", "ceramics-film", "Ines Duarte", 240),
    ("sh030 slow push-in, motion blur", "ceramics-film", "Tom Okafor", 180),
    ("sh030 slow push-in, beauty", "ceramics-film", "Tom Okafor", 180),
    ("Terrazzo look development", "material-library", "Ada Ferreira", 24),
    ("sh040 light change, long take", "ceramics-film", "Ines Duarte", 400),
    ("sh050 orbit, playblast", "ceramics-film", "Tom Okafor", 90),
    ("Autumn campaign still, variations", "autumn-campaign", "Jun Watanabe", 75),
)


def main(arguments: list[str]) -> None:
    """Serve the farm, look at it, and write the pictures."""
    frames = [path.read_bytes() for path in sorted(Path(arguments[0]).glob("*.png"))]
    target = Path(arguments[1] if len(arguments) > 1 else "docs/pictures")
    target.mkdir(parents=True, exist_ok=True)
    farm = SHARED["FakeFarm"]()
    day_of_work(farm, frames)
    config = uvicorn.Config(SHARED["make_app"](farm), port=0, log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(SHARED["CHROMIUM"]), args=SHARED["ARGUMENTS"])
        for scheme in ("dark", "light"):
            take(
                browser.new_page(viewport={"width": 1360, "height": 940}, color_scheme=scheme, locale="en-GB"),
                url,
                target,
                scheme,
            )
        browser.close()
    farm.generation += 1
    server.should_exit = True
    thread.join(5)


def day_of_work(farm: Any, frames: list[bytes]) -> None:
    """Fill the farm: some jobs done, one with failures, the first one half-way."""
    chance = random.Random(7)
    for index, (title, project, person, count) in enumerate(reversed(TITLES)):
        job = farm.add_job(title, frames=count, state="success", project=project, submitted_by=person, state_=None)
        job.pop("state_")
        job |= {"state": "success", "created": SHARED["ago"](600 - 70 * index), "finished": SHARED["ago"](520 - 70 * index)}
        job |= {"cost": f"{count * 0.021:.4f}", "billed_minutes": count // 2, "instance_type": "standard-16"}
        farm.render(job["id"], count, picture=frames[(5 * index) % len(frames)])
    spoil(farm, "job8", {"running": range(70, 78), "ready": range(78, 121), "failed": (31, 32)})
    spoil(farm, "job6", {"ready": range(90, 181), "holding": range(60, 90)})
    spoil(farm, "job3", {"failed": range(200, 231)})
    for job, state in (("job8", "running"), ("job6", "holding"), ("job3", "failed"), ("job9", "running")):
        farm.jobs[job] |= {"state": state, "finished": None}
    show_piece(farm, "job9", frames, chance)


def spoil(farm: Any, job: str, states: dict[str, Any]) -> None:
    for state, numbers in states.items():
        for number in numbers:
            holds = [SHARED["USER_HOLD"]] if state == "holding" else []
            farm.tasks[f"{job}-{number}"] |= {"state": state, "frames_done": [], "holds": holds}
    farm.recount(job)


def show_piece(farm: Any, job: str, frames: list[bytes], chance: random.Random) -> None:
    """Lay out the job of the second picture: two thirds done, eight frames rendering, some trouble."""
    farm.outputs = [o for o in farm.outputs if o["job"] != job]
    farm.jobs[job] |= {"created": SHARED["ago"](23), "cost": "1.8640", "billed_minutes": 88}
    farm.jobs[job]["submission"]["scene"] = "/projects/autumn/shots/sh010/shot.blend"
    spoil(farm, job, {"running": range(61, 69), "ready": range(69, 97), "failed": (23, 24, 41), "preempted": (58,)})
    for number in range(61, 69):
        farm.tasks[f"{job}-{number}"] |= {"progress": round(chance.uniform(0.1, 0.95), 2), "attempts_made": 1}
    for number in (23, 24):
        cause = {"cause": "out-of-memory", "message": "Needed 34.1 GB of memory, the instance has 32."}
        farm.tasks[f"{job}-{number}"] |= {**cause, "attempts_made": 2}
    farm.tasks[f"{job}-41"] |= {
        "cause": "bad-output",
        "message": "shot_0041.exr: layer ViewLayer.Depth is missing.",
        "attempts_made": 1,
    }
    for number in range(1, 61):
        if farm.tasks[f"{job}-{number}"]["state"] == "success":
            output = farm.render(job, number, picture=frames[(number - 1) % len(frames)])
            output |= {"created": SHARED["ago"](21 * (61 - number) / 61), "layers": ["Combined", "Depth", "Normal"]}
    log = b"".join(b"Fra:62 Mem:1882.11M | Remaining:00:%02d.20 | Sample %d/256\n" % (59 - n // 5, n) for n in range(8, 256, 8))
    farm.add_attempt(f"{job}-62", state="preempted", log=b"", cause="preempted", message="The provider took the instance back.")
    farm.add_attempt(f"{job}-62", state="running", log=log, instance="i-7c41e2")
    for n in range(8):
        number, minutes = 61 + n, 9 + 2.3 * n
        work = {"attempt": f"a{n}", "job": job, "number": 9, "title": TITLES[0][0], "step": "beauty", "frames": [number]}
        farm.instances[f"i{n}"] = {
            "id": f"i-{chance.randrange(16**6):06x}", "type": "standard-16", "preemptible": n % 3 == 1, "state": "ready",
            "launched": SHARED["ago"](minutes + 1), "ready": SHARED["ago"](minutes), "ended": None, "minutes": f"{minutes:.2f}",
            "billed_minutes": max(10, round(minutes)), "amount": f"{max(10, minutes) * 0.0212:.4f}", "current": [], "work": [work],
        }  # fmt: skip


def take(page: Page, url: str, target: Path, scheme: str) -> None:
    """Take the list, the job, a frame's panel and the instances; only the dark list and job go under their plain names."""
    page.context.add_cookies([{"name": "conductor_session", "value": SHARED["TOKEN"], "url": url}])
    suffix = "" if scheme == "dark" else "-light"
    for name, route, ready in (
        ("jobs", "#/jobs", ".job-row .thumb img"),
        ("job", "#/jobs/9", "#picture"),
        ("frame", "#/jobs/9?frame=62", "#log"),
        ("instances", "#/instances", ".work"),
    ):
        page.goto(f"{url}/{route}")
        page.reload()
        expect(page.locator(ready).first).to_be_visible()
        expect(page.locator("#line")).to_have_text("live")
        page.wait_for_timeout(900)
        picture = target / f"dashboard-{name}{suffix}.png"
        page.screenshot(path=picture)
        if shutil.which("pngquant"):  # a third of the size; the README loads faster
            subprocess.run(["pngquant", "--force", "--speed", "1", "--output", str(picture), str(picture)], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
