"""The whole way through the API: submit, upload, commit, lease, render, publish, fetch, pay."""

from __future__ import annotations

from typing import Any


def test_a_job_goes_from_submission_to_paid_outputs(studio: Any) -> None:
    """A submitted job with its manifest committed is rendered by a runner, its outputs can be fetched, and it costs."""
    job = studio.submit()
    assert (job["state"], job["uploading"], job["number"]) == ("uploading", True, 1)
    job = studio.commit(job)
    assert (job["state"], job["uploading"], job["tasks"]["ready"]) == ("pending", False, 3)

    runner = studio.runner()
    for frame in (1, 2, 3):
        assignment = runner.take()
        assert assignment["task"]["frames"] == [frame]
        assert studio.state(job) == "running"
        runner.render(assignment)
    assert runner.next().status_code == 204

    done = studio.get("/jobs/1")
    assert (done["state"], done["frames"]["success"], done["billed_minutes"] > 0) == ("success", 3, True)
    outputs = studio.get("/jobs/1/outputs")["outputs"]
    assert [o["path"] for o in outputs] == [f"/job/out/f.000{n}.png" for n in (1, 2, 3)]
    assert done["last_output"] is None
    preview = f"/attempts/{outputs[-1]['attempt']}/outputs/{outputs[-1]['id']}/preview"
    fence = assignment["attempt"]["fence"]
    assert runner.ask("PUT", preview, params={"fence": fence}, content=b"\x89PNG\r\n\x1a\n").status_code == 200
    assert studio.get("/jobs/1")["last_output"] == outputs[-1]["id"]
    body = studio.ask("GET", f"/projects/default/objects/{outputs[0]['digest']}").content
    assert body == b"picture of frame 1"
    assert studio.get("/cost")["total"] == studio.get("/cost?job=1")["total"] or studio.get("/cost")["unattributed"] != "0.0000"
