"""What the job list promises, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from web.conftest import FakeFarm, Served

Open = Callable[..., Page]


def test_wrong_token_says_what_to_check(served: Served, page: Page) -> None:
    """A wrong token keeps the form, and says what is wrong and what to check."""
    page.goto(served.url)
    page.get_by_label("Your token").fill("cdr_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong, expired or revoked")
    expect(page.get_by_label("Your token")).to_be_focused()


def test_right_token_shows_the_list(served: Served, page: Page) -> None:
    """The right token leads to the jobs, newest first, with state, progress, cost, submitter and age."""
    served.farm.add_job("First")
    served.farm.add_job("Second", state="success", frames=3)
    page.goto(served.url)
    page.get_by_label("Your token").fill("  cdr_right\n")
    page.keyboard.press("Enter")
    rows = page.locator(".job-row")
    expect(rows.locator(".title")).to_have_text(["Second", "First"])
    expect(rows.first).to_contain_text("3 / 3")
    expect(rows.first).to_contain_text("€1.25")
    expect(rows.first).to_contain_text("#2 · film · Ada")
    expect(rows.first).to_contain_text("1 h ago")
    assert "cdr_right" not in str(page.evaluate("() => document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"))


def test_a_token_in_the_address_is_not_taken(served: Served, page: Page) -> None:
    """Secrets do not belong in addresses: a link with a token fills nothing in."""
    page.goto(f"{served.url}/#/signin?token=cdr_right")
    expect(page.get_by_label("Your token")).to_have_value("")


def test_sign_out_ends_it(dashboard: Open) -> None:
    """Signed out, the list is gone, also after loading the page again."""
    page = dashboard()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    page.reload()
    expect(page.get_by_label("Your token")).to_be_visible()


def test_list_is_live(dashboard: Open, farm: FakeFarm) -> None:
    """A new job appears by itself, and a job changes its row when it changes."""
    farm.add_job("Old")
    page = dashboard()
    job = farm.add_job("New", frames=4)
    farm.tell("job", job, job["id"])
    rows = page.locator(".job-row")
    expect(rows.locator(".title")).to_have_text(["New", "Old"])
    farm.change("job2-1", state="success", frames_done=[1])
    farm.change("job2-2", state="failed")
    expect(rows.first).to_contain_text("1 / 4")
    expect(rows.first).to_contain_text("1 failed")


def test_titles_are_inert(dashboard: Open, farm: FakeFarm) -> None:
    """What users type is text: no markup, no script, in the list, the job page, the dialog and the messages."""
    nasty = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
    job = farm.add_job(nasty, project=nasty, submitted_by=nasty)
    farm.change("job1-1", state="failed", cause="crashed", message=nasty)
    page = dashboard()
    expect(page.locator(".job-row .title")).to_have_text(nasty)
    page.locator(".job-row .title").click()
    expect(page.locator("#title")).to_have_text(nasty)
    expect(page.locator("#failures")).to_contain_text(nasty)
    page.get_by_role("button", name="Kill").click()
    expect(page.get_by_role("dialog")).to_contain_text(nasty)
    page.get_by_role("button", name="Leave it").click()
    assert page.locator('img[src="x"]').count() == 0
    assert page.evaluate("() => window.hit") is None
    assert job["title"] == nasty


def test_filters(dashboard: Open, farm: FakeFarm) -> None:
    """Text and state narrow the list; both are kept in the address, so that a filtered list can be sent on."""
    farm.add_job("Lighthouse")
    farm.add_job("Harbour", state="failed")
    farm.jobs["job2"]["state"] = "failed"
    page = dashboard()
    titles = page.locator(".job-row .title")
    page.get_by_label("Filter by text").fill("light ada")
    expect(titles).to_have_text(["Lighthouse"])
    page.get_by_label("Filter by text").fill("")
    page.get_by_label("Filter by state").select_option("failed")
    expect(titles).to_have_text(["Harbour"])
    assert page.url.endswith("#/jobs?state=failed")
    page.reload()
    expect(titles).to_have_text(["Harbour"])
    page.get_by_label("Filter by text").fill("nothing like it")
    expect(page.locator("#foot")).to_have_text("No job fits the filter.")


def test_metadata_filters(dashboard: Open, farm: FakeFarm) -> None:
    """`key=value` and Enter asks the service for jobs with that metadata; it is kept in the address, and can be taken away."""
    farm.add_job("Fog", metadata={"shot": "010", "unit": "fx"})
    farm.add_job("Light", metadata={"shot": "010", "unit": "light & sky"})
    farm.add_job("Other", metadata={"shot": "020"})
    page = dashboard()
    titles = page.locator(".job-row .title")
    words = page.get_by_label("Filter by text")
    words.fill("shot=010")
    words.press("Enter")
    expect(titles).to_have_text(["Light", "Fog"])
    expect(words).to_have_value("")
    words.fill("unit=light & sky")
    words.press("Enter")
    expect(titles).to_have_text(["Light"])
    page.reload()
    expect(titles).to_have_text(["Light"])
    farm.tell("job", {**farm.jobs["job3"], "title": "Other, later"}, "job3")
    page.get_by_role("button", name="Do not filter by unit=light & sky").focus()
    page.keyboard.press("Enter")
    expect(titles).to_have_text(["Light", "Fog"])
    expect(words).to_be_focused()
    words.fill("sky")
    expect(titles).to_have_text(["Light"])


def test_scouts_are_released_from_the_list(dashboard: Open, farm: FakeFarm) -> None:
    """A row says how far the scouts are; `l` lets the others go, where there is something to let go."""
    farm.add_job("Scouted", frames=5)
    farm.send_scouts("job1", 1)
    page = dashboard()
    row = page.locator(".job-row")
    expect(row).to_contain_text("scouts 0 / 1, 4 held")
    farm.change("job1-1", state="success", frames_done=[1])
    expect(row).to_contain_text("scouts 1 / 1, 4 held")
    expect(row.get_by_role("button", name="Resume")).to_be_disabled()
    row.focus()
    page.keyboard.press("l")
    expect(page.locator("#toasts")).to_contain_text("4 tasks released.")
    expect(row.get_by_role("button", name="Release")).to_be_disabled()
    expect(row).not_to_contain_text("scouts")


def test_many_jobs_come_by_pages(dashboard: Open, farm: FakeFarm) -> None:
    """Of a thousand jobs the first hundred are loaded; scrolling brings more, and a search finds the oldest."""
    for number in range(1000):
        farm.add_job(f"Shot {number + 1:04}", frames=1)
    page = dashboard()
    rows = page.locator(".job-row")
    expect(rows.first).to_contain_text("Shot 1000")
    assert rows.count() < 400
    page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    expect(rows.nth(150)).to_be_attached()
    assert rows.count() < 1000
    page.get_by_label("Filter by text").fill("shot 0001")
    expect(rows.locator(".title")).to_have_text(["Shot 0001"])


@pytest.mark.parametrize(("button", "state"), [("Hold", "holding"), ("Kill", "killed")])
def test_buttons_reach_the_service(dashboard: Open, farm: FakeFarm, button: str, state: str) -> None:
    """The buttons of a row act on its job, kill after a question, and the row shows the outcome."""
    farm.add_job("Shot", frames=2)
    page = dashboard()
    page.locator(".job-row").get_by_role("button", name=button).click()
    if button == "Kill":
        page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    expect(page.locator(".job-row .chip")).to_contain_text(state)
    expect(page.locator("#toasts")).to_contain_text("2 tasks")
    assert (button.lower(), "job1") in [(name, call.get("job")) for name, call in farm.calls]


def test_kill_can_be_left(dashboard: Open, farm: FakeFarm) -> None:
    """Escape at the question kills nothing."""
    farm.add_job()
    page = dashboard()
    page.locator(".job-row").get_by_role("button", name="Kill").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "kill" not in [name for name, _ in farm.calls]


def test_refusal_is_explained(dashboard: Open, farm: FakeFarm) -> None:
    """When the service refuses, the page says why and which moves are allowed."""
    farm.add_job(frames=1)
    page = dashboard()
    farm.tasks["job1-1"]["state"] = "success"
    page.locator(".job-row").get_by_role("button", name="Hold").click()
    expect(page.locator(".toast p")).to_have_text(["Nothing here can hold now.", "Wait. Allowed now: kill."])


def test_keys(dashboard: Open, farm: FakeFarm) -> None:
    """The list works without a mouse: arrows move, letters act, Enter opens, slash filters."""
    farm.add_job("Older", frames=1)
    farm.add_job("Newer", frames=1)
    page = dashboard()
    expect(page.locator(".job-row")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".job-row").nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".job-row").nth(1)).to_be_focused()
    page.keyboard.press("h")
    expect(page.locator(".job-row").nth(1).locator(".chip")).to_contain_text("holding")
    page.keyboard.press("/")
    expect(page.get_by_label("Filter by text")).to_be_focused()
    page.keyboard.press("Tab")
    page.locator(".job-row").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("Older")


def test_interruption_is_shown_and_mends_itself(dashboard: Open, farm: FakeFarm) -> None:
    """While the service is away the page says so; when it is back the page catches up, by itself."""
    farm.add_job("Shot", frames=2)
    page = dashboard()
    farm.down = True
    farm.generation += 1
    expect(page.locator("#line")).to_have_text("offline, reconnecting")
    farm.change("job1-1", state="success", frames_done=[1])
    farm.down = False
    expect(page.locator("#line")).to_have_text("live", timeout=15000)
    expect(page.locator(".job-row")).to_contain_text("1 / 2")


def test_cut_line_resumes_where_it_was(dashboard: Open, farm: FakeFarm) -> None:
    """A stream that is cut is taken up after the last event seen."""
    farm.add_job("Shot", frames=2)
    page = dashboard()
    farm.change("job1-1", state="success", frames_done=[1])
    expect(page.locator(".job-row")).to_contain_text("1 / 2")
    seen = len(farm.events)
    farm.generation += 1
    farm.change("job1-2", state="success", frames_done=[2])
    expect(page.locator(".job-row")).to_contain_text("2 / 2", timeout=15000)
    assert farm.streams[-1] == (str(seen), "")


def test_lost_network_is_shown_and_mends_itself(dashboard: Open, farm: FakeFarm) -> None:
    """When this machine's network goes and comes, the page says so and catches up."""
    farm.add_job("Shot", frames=2)
    page = dashboard()
    expect(page.locator("#line")).to_have_text("live")
    page.context.set_offline(True)
    expect(page.locator("#line")).to_have_text("offline, reconnecting")
    farm.change("job1-1", state="success", frames_done=[1])
    page.context.set_offline(False)
    expect(page.locator("#line")).to_have_text("live", timeout=15000)
    expect(page.locator(".job-row")).to_contain_text("1 / 2")


def test_failed_list_is_asked_for_again(dashboard: Open, farm: FakeFarm) -> None:
    """A list that the service could not give is explained and asked for again, by itself."""
    farm.add_job("Shot")
    farm.stumbles = 1
    page = dashboard()
    expect(page.locator("#toasts")).to_contain_text("Too busy just now.")
    expect(page.locator(".job-row")).to_have_count(1)


def test_ended_session_asks_to_sign_in(dashboard: Open, farm: FakeFarm) -> None:
    """When the session has ended the page asks to sign in, and says why."""
    page = dashboard()
    page.context.clear_cookies()
    farm.generation += 1
    expect(page.get_by_role("alert")).to_contain_text("session has ended", timeout=15000)


def test_instances(dashboard: Open, farm: FakeFarm) -> None:
    """The instances page shows type, state, minutes, bill and what is rendered, live."""
    instance = {
        "id": "i-1", "type": "standard-8", "preemptible": True, "state": "launching", "launched": "2026-01-01T00:00:00Z",
        "ready": None, "ended": None, "minutes": "3.25", "billed_minutes": 10, "amount": "0.0834", "current": [], "work": [],
    }  # fmt: skip
    farm.instances["i-1"] = instance
    page = dashboard("#/instances")
    row = page.locator("#instances tr")
    expect(row).to_contain_text(re.compile(r"i-1.*standard-8.*preemptible.*launching.*3\.\d.*10.*€0\.08"))
    work = [{"attempt": "a", "job": "job1", "number": 7, "title": "Shot", "step": "beauty", "frames": [12]}]
    farm.tell("instance", {**instance, "state": "ready", "work": work, "current": ["a"]})
    expect(row).to_contain_text("#7 Shot, frame 12")
    farm.tell("instance", {**instance, "state": "ended"})
    expect(row).to_have_count(0)
