"""What the job page promises, in a real browser."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect
from web.conftest import ago, summary

if TYPE_CHECKING:
    from web.conftest import FakeFarm

Open = Callable[..., Page]


def cell(page: Page, frame: int) -> Locator:
    return page.locator(f'.cell[data-frame="{frame}"]')


def test_head_tells_the_facts(dashboard: Open, farm: FakeFarm) -> None:
    """The head says which job it is, how far, at what cost, with which software on what."""
    farm.add_job("Lighthouse", frames=4)
    farm.change("job1-1", state="success", frames_done=[1])
    page = dashboard("#/jobs/1")
    expect(page.locator("#title")).to_have_text("Lighthouse")
    expect(page.locator(".facts")).to_contain_text("#1 · film · by Ada · blender 4.5.15 · standard-8 · priority 50")
    expect(page.locator(".figures")).to_contain_text("25 %")
    expect(page.locator(".figures")).to_contain_text("1 of 4 frames")
    expect(page.locator(".figures")).to_contain_text("€1.25")
    assert page.title() == "#1 Lighthouse · Conductor"


def test_unknown_job(dashboard: Open, farm: FakeFarm, console: list[str]) -> None:
    """A job that is not there, or not this account's, is one sentence and a way back."""
    page = dashboard()
    page.evaluate("() => { location.hash = '#/jobs/99'; }")
    expect(page.locator("main")).to_contain_text("No such job")
    page.get_by_role("link", name="All jobs").click()
    expect(page.locator("h1")).to_have_text("Jobs")
    assert [e for e in console if "404" not in e] == []
    console.clear()


def test_cell_is_live(dashboard: Open, farm: FakeFarm) -> None:
    """A frame's cell follows its task: waiting, rendering with its progress, done; the counts follow too."""
    farm.add_job(frames=6)
    page = dashboard("#/jobs/1")
    expect(cell(page, 3)).to_have_attribute("data-state", "ready")
    farm.change("job1-3", state="running", progress=0.42)
    expect(cell(page, 3)).to_have_attribute("aria-label", "Frame 3, running")
    expect(cell(page, 3)).to_have_css("--fraction", "0.420")
    farm.change("job1-3", state="success", progress=1.0, frames_done=[3])
    expect(cell(page, 3)).to_have_attribute("aria-label", "Frame 3, success")
    expect(page.locator(".legend").get_by_role("button", name="success")).to_contain_text("1 success")


def test_late_event_changes_nothing(dashboard: Open, farm: FakeFarm) -> None:
    """An event of an older version than the one shown is ignored."""
    farm.add_job(frames=2)
    page = dashboard("#/jobs/1")
    farm.change("job1-1", state="success", frames_done=[1])
    expect(cell(page, 1)).to_have_attribute("data-state", "success")
    farm.tell("task", {**farm.tasks["job1-1"], "state": "running", "version": 1}, "job1")
    farm.change("job1-2", state="success", frames_done=[2])
    expect(cell(page, 2)).to_have_attribute("data-state", "success")
    expect(cell(page, 1)).to_have_attribute("data-state", "success")


def test_chunk_shows_each_frame(dashboard: Open, farm: FakeFarm) -> None:
    """In a task of several frames each frame has its own cell: done, rendering, and waiting behind it."""
    farm.add_job(frames=1)
    farm.tasks["job1-1"] |= {"frames": [1, 2, 3, 4], "frames_done": [1], "state": "running", "progress": 0.375}
    farm.recount("job1")
    page = dashboard("#/jobs/1")
    assert [cell(page, n).get_attribute("data-state") for n in (1, 2, 3, 4)] == ["success", "running", "ready", "ready"]
    expect(cell(page, 2)).to_have_css("--fraction", "0.500")


def test_states_differ_without_colour(dashboard: Open, farm: FakeFarm) -> None:
    """Each state has a sign of its own, for eyes that do not tell the colours apart, and the legend explains it."""
    farm.add_job(frames=9)
    states = ["success", "running", "failed", "preempted", "holding", "killed", "skipped", "ready", "pending"]
    for frame, state in enumerate(states, 1):
        farm.tasks[f"job1-{frame}"]["state"] = state
    farm.recount("job1")
    page = dashboard("#/jobs/1")
    signs = [cell(page, n).evaluate("(node) => getComputedStyle(node, '::after').content") for n in range(1, 10)]
    assert len(set(signs)) == 9
    shown = page.locator(".legend li:visible .swatch").all_inner_texts()
    assert [s.strip('"') for s in signs] == shown


def test_frame_opens_with_attempts_and_log(dashboard: Open, farm: FakeFarm) -> None:
    """A click on a frame shows its attempts with cause and message, its log, and the log goes on while it grows."""
    farm.add_job(frames=3)
    farm.add_attempt("job1-2", state="failed", log=b"first try\n", cause="out-of-memory", message="Needed 12 GB.", exit_code=137)
    running = farm.add_attempt("job1-2", state="running", log="Frä 1\n".encode())
    farm.change("job1-2", state="running", attempts_made=2)
    page = dashboard("#/jobs/1")
    cell(page, 2).click()
    panel = page.locator("#frame-panel")
    expect(panel.locator("h2")).to_have_text("Frame 2")
    expect(panel.locator("#attempts")).to_contain_text("out of memory: Needed 12 GB.")
    expect(panel.locator("#attempts")).to_contain_text("exit code 137")
    expect(panel.locator("#log")).to_have_text("Frä 1\n")
    farm.logs[running] += "Sample 12/32 ü\n".encode()
    expect(panel.locator("#log")).to_contain_text("Sample 12/32 ü")
    panel.get_by_role("button", name="Attempt 1").click()
    expect(panel.locator("#log")).to_have_text("first try\n")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(cell(page, 2)).to_be_focused()


def test_long_log_starts_at_its_end(dashboard: Open, farm: FakeFarm) -> None:
    """Of a log of megabytes the tail is shown at once, from a whole line on; earlier parts on demand."""
    farm.add_job(frames=1)
    text = b"".join(b"line %06d\n" % n for n in range(300_000))
    farm.add_attempt("job1-1", state="success", log=text)
    farm.change("job1-1", state="success", frames_done=[1], attempts_made=1)
    page = dashboard("#/jobs/1?frame=1")
    log = page.locator("#log")
    expect(log).to_contain_text("line 299999")
    shown = log.text_content() or ""
    assert shown.startswith("line ")
    assert len(shown) < 70_000
    page.get_by_role("button", name="Show earlier lines").click()
    expect(log).to_contain_text(f"line {299_999 - len(shown) // 12 - 100}")


def test_pictures_arrive(dashboard: Open, farm: FakeFarm) -> None:
    """The last rendered picture is shown large as it arrives; a frame's own picture when the frame is chosen."""
    farm.add_job(frames=3)
    page = dashboard("#/jobs/1")
    expect(page.locator(".stage")).to_contain_text("first picture appears here")
    first = farm.render("job1", 1)
    expect(page.locator("#picture")).to_have_attribute("data-output", first["id"])
    second = farm.render("job1", 2, (20, 90, 160))
    expect(page.locator("#picture")).to_have_attribute("data-output", second["id"])
    expect(page.locator(".caption")).to_have_text("Frame 2 · 960 × 540")
    cell(page, 1).click()
    expect(page.locator("#frame-picture")).to_have_attribute("data-output", first["id"])
    assert page.locator("#frame-picture").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 96


def test_unmade_preview_is_no_picture(dashboard: Open, farm: FakeFarm) -> None:
    """An output whose preview is not made yet is not asked for; it appears with the event that says it is made."""
    farm.add_job(frames=2)
    page = dashboard("#/jobs/1")
    output = farm.render("job1", 1)
    expect(page.locator("#picture")).to_be_visible()
    later = {**output, "seq": 2, "id": "later", "frame": 2, "preview": False}
    farm.pictures["later"] = farm.pictures[output["id"]]
    farm.tell("output", later, "job1")
    farm.tell("output", {**later, "preview": True}, "job1")
    expect(page.locator("#picture")).to_have_attribute("data-output", "later")


def test_flipbook(dashboard: Open, farm: FakeFarm) -> None:
    """Play runs through the rendered frames in order and round again; latest goes back to the newest."""
    farm.add_job(frames=4)
    for frame in (3, 1, 2):
        farm.render("job1", frame, (60 * frame, 90, 30))
    page = dashboard("#/jobs/1")
    expect(page.locator("#picture")).to_have_attribute("data-output", "out3")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    seen: set[str | None] = set()
    deadline = time.monotonic() + 5
    while len(seen) < 3 and time.monotonic() < deadline:
        seen.add(page.locator("#picture").get_attribute("data-output"))
    assert seen == {"out1", "out2", "out3"}
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Latest").click()
    expect(page.locator("#picture")).to_have_attribute("data-output", "out3")


def test_failures_by_cause(dashboard: Open, farm: FakeFarm) -> None:
    """Failures are grouped by cause with their frames and messages; a group is retried by one button."""
    farm.add_job(frames=6)
    page = dashboard("#/jobs/1")
    for frame in (2, 4, 5):
        farm.change(f"job1-{frame}", state="failed", cause="missing-file", message="wood.exr is not there")
    farm.change("job1-6", state="failed", cause="crashed", message="signal 11")
    groups = page.locator("#failures details")
    expect(groups).to_have_count(2)
    expect(groups.first).to_contain_text("missing file")
    expect(groups.first).to_contain_text("wood.exr is not there")
    expect(groups.first.locator(".frame-link")).to_have_text(["2", "4", "5"])
    groups.first.get_by_role("button", name="Retry these").click()
    expect(groups).to_have_count(1)
    expect(cell(page, 4)).to_have_attribute("data-state", "ready")
    assert farm.calls[-1] == ("retry", {"job": "job1", "tasks": ["job1-2", "job1-4", "job1-5"], "reason": ""})


@pytest.mark.parametrize(("button", "state"), [("Hold", "holding"), ("Kill", "killed")])
def test_buttons_reach_the_service(dashboard: Open, farm: FakeFarm, button: str, state: str) -> None:
    """Hold and kill act on the whole job from its head, and on one frame from its panel."""
    farm.add_job(frames=3)
    page = dashboard("#/jobs/1")
    cell(page, 2).click()
    page.locator("#frame-panel").get_by_role("button", name=button).click()
    if button == "Kill":
        page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    expect(cell(page, 2)).to_have_attribute("data-state", state)
    expect(cell(page, 1)).to_have_attribute("data-state", "ready")
    page.keyboard.press("Escape")
    page.locator(".job-head").get_by_role("button", name=button).click()
    if button == "Kill":
        page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    expect(cell(page, 1)).to_have_attribute("data-state", state)


def test_scouts_are_looked_at_and_released(dashboard: Open, farm: FakeFarm) -> None:
    """The page says how far the scouts are and which frames they are; Release is there for as long as something waits."""
    farm.add_job(frames=9)
    farm.send_scouts("job1", 1, 5, 9)
    page = dashboard("#/jobs/1")
    said, release = page.locator(".job-head .scouts"), page.locator(".job-head").get_by_role("button", name="Release")
    expect(said).to_have_text("Scout frames: 0 of 3 tasks ended. 6 more tasks wait for them and your release.")
    expect(cell(page, 5)).to_have_attribute("aria-label", "Frame 5, scout, ready")
    for frame in (1, 5, 9):
        farm.change(f"job1-{frame}", state="success", frames_done=[frame])
    expect(said).to_have_text("Scout frames: 3 of 3 tasks ended. Look at them, then release the rest: 6 more tasks wait.")
    expect(page.locator(".job-head").get_by_role("button", name="Resume")).to_be_disabled()
    cell(page, 2).click()
    expect(page.locator("#frame-panel .holds")).to_contain_text("the scout frames come first")
    page.locator("#frame-panel").get_by_role("button", name="Release").click()
    expect(cell(page, 2)).to_have_attribute("data-state", "ready")
    page.keyboard.press("Escape")
    release.click()
    expect(page.locator("#toasts")).to_contain_text("5 tasks released.")
    expect(release).to_be_hidden()
    expect(said).to_be_hidden()


def test_metadata_leads_to_jobs_with_the_same(dashboard: Open, farm: FakeFarm) -> None:
    """The page shows the job's metadata as they were written; each leads to the list of those that have it too."""
    nasty = "<b>010</b> & more"
    farm.add_job("One", metadata={"shot": nasty, "a=b": "c"})
    farm.add_job("Two", metadata={"shot": nasty})
    farm.add_job("Three", metadata={})
    page = dashboard("#/jobs/1")
    expect(page.locator(".job-head .metadata li")).to_have_text([f"shot {nasty}", "a=b c"])
    page.get_by_role("link", name=nasty).click()
    expect(page.locator(".job-row .title")).to_have_text(["Two", "One"])


def test_grid_by_keys(dashboard: Open, farm: FakeFarm) -> None:
    """The grid is one tab stop: arrows move through frames and rows, Enter opens, and with an open panel they follow."""
    farm.add_job(frames=100)
    page = dashboard("#/jobs/1")
    cell(page, 1).focus()
    page.keyboard.press("ArrowRight")
    expect(cell(page, 2)).to_be_focused()
    page.keyboard.press("ArrowDown")
    below = int(page.locator(".cell:focus").get_attribute("data-frame") or 0)
    assert below > 10
    page.keyboard.press("ArrowUp")
    expect(cell(page, 2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#frame-panel h2")).to_have_text("Frame 2")
    cell(page, 2).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#frame-panel h2")).to_have_text("Frame 3")
    page.keyboard.press("End")
    expect(cell(page, 100)).to_be_focused()
    assert page.locator('.cell[tabindex="0"]').count() == 1


def test_five_thousand_frames(dashboard: Open, farm: FakeFarm) -> None:
    """A job of 5,000 frames is shown; while events pour in without a pause the page still does what it is asked."""
    farm.add_job(frames=5000)
    page = dashboard("#/jobs/1")
    expect(page.locator(".cell")).to_have_count(5000)
    enough = threading.Event()

    def pour() -> None:
        for frame in itertools.cycle(range(1, 2001)):
            task = farm.tasks[f"job1-{frame}"]
            task |= {"state": "success", "frames_done": [frame], "version": task["version"] + 1}
            farm.tell("task", task, "job1")
            time.sleep(0.0005)
            if enough.is_set() and frame == 2000:
                return

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        expect(cell(page, 1)).to_have_attribute("data-state", "success")
        cell(page, 4000).click()
        expect(page.locator("#frame-panel h2")).to_have_text("Frame 4000")
    finally:
        enough.set()
        pouring.join()
    expect(cell(page, 2000)).to_have_attribute("data-state", "success", timeout=15000)


def test_legend_filters(dashboard: Open, farm: FakeFarm) -> None:
    """A click in the legend dims all other states; the same again shows all."""
    farm.add_job(frames=4)
    farm.change("job1-3", state="failed", cause="crashed")
    page = dashboard("#/jobs/1")
    page.locator(".legend").get_by_role("button", name="failed").click()
    expect(cell(page, 1)).to_have_css("opacity", "0.12")
    expect(cell(page, 3)).to_have_css("opacity", "1")
    page.locator(".legend").get_by_role("button", name="failed").click()
    expect(cell(page, 1)).to_have_css("opacity", "1")


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_is_cut_off(dashboard: Open, page: Page, farm: FakeFarm, width: int) -> None:
    """On a phone, a tablet and a desktop no page scrolls sideways."""
    farm.add_job("A rather long title of a shot that somebody wrote in full " * 2, frames=30)
    page.set_viewport_size({"width": width, "height": 800})
    dashboard("#/jobs")
    for route, heading in (("#/jobs", "Jobs"), ("#/jobs/1", "A rather"), ("#/instances", "Instances")):
        page.evaluate("(hash) => { location.hash = hash; }", route)
        expect(page.locator("h1")).to_contain_text(heading)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, route
    expect(page.locator("#line")).to_have_text("live")
    page.context.set_offline(True)
    expect(page.locator("#line")).to_have_text("offline, reconnecting")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width, "offline"


def test_what_a_job_does_without_is_told_with_its_reason(dashboard: Open, farm: FakeFarm) -> None:
    """What the artist left at home says why, as it was written; a job that has everything says nothing."""
    nasty = "<b>old</b> plates"
    job = farm.add_job("Without")
    job["submission"].update(excluded=[{"path": "/job/plates", "reason": nasty}], allowed_missing=["/job/gone.exr"])
    farm.add_job("With")
    page = dashboard("#/jobs/1")
    page.get_by_text("Rendered without: 1 left out, 1 missing").click()
    expect(page.locator(".without li")).to_have_text([f"/job/plates {nasty}", "/job/gone.exr not there when it was submitted"])
    page = dashboard("#/jobs/2")
    expect(page.locator("#title")).to_have_text("With")
    expect(page.locator(".without")).to_be_hidden()


def test_a_job_without_a_licence_says_so(dashboard: Open, farm: FakeFarm) -> None:
    """Page and list say how many tasks wait for a licence and when the next try is; when one is found they say so no more."""
    farm.add_job(frames=3)
    wait = {"waiting": 3, "tries": 2, "since": ago(5), "next_try": ago(0), "trying": False, "message": "no licence for Arnold"}
    farm.jobs["job1"] |= {"licence": wait}
    page = dashboard("#/jobs/1")
    said = page.locator(".job-head .licence")
    expect(said).to_contain_text("No licence: 3 tasks wait for one, without an instance. Asked 2 times, next try at ")
    expect(said).to_have_attribute("title", "no licence for Arnold")
    page.goto(page.url.partition("#")[0] + "#/")
    expect(page.locator(".job-row .licence")).to_have_text("no licence: 3 waiting")
    farm.jobs["job1"] |= {"licence": None}
    farm.tell("job", summary(farm.jobs["job1"]), "job1")
    expect(page.locator(".job-row .licence")).to_have_text("")
