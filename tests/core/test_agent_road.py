"""The agent from submission to frames at home, against a service in memory."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import NewOutput
from conductor_core.agent.run import JOURNAL_FILE
from conductor_core.api.settings import AgentSettings
from conductor_core.digest import digest_of
from conductor_core.submission import Exclusion, Output, Step, Submission
from conductor_core.transfer.file_state import CTIME
from conductor_core.transfer.opening import open_to_read
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def test_what_is_excluded_stays_at_home(desk: Desk, eventually: Eventually) -> None:
    """Neither by its own name nor in a folder that goes along, and the job knows why."""
    submission = replace(desk.submission(), excluded=(Exclusion(str(desk.project / "wood.png"), "as it was"),))
    client = desk.start()
    named = [str(desk.project), str(desk.project / "wood.png")]
    assert submitted(client, client.submit(submission, named), eventually)["state"] == "submitted"
    sent = {os.path.basename(entry["path"]) for entry in desk.fake.manifests["job-1"]["entries"]}
    assert sent == {"shot.blend", "copy.png", "empty.txt"}
    assert desk.fake.jobs["job-1"]["submission"]["excluded"] == [{"path": named[1], "reason": "as it was"}]


def test_from_submission_to_frames_at_home(desk: Desk, eventually: Eventually) -> None:
    """A submission becomes a job with every file in the store, and its outputs come to the artist's folder as published."""
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    done = submitted(client, identity, eventually)
    assert (done["state"], done["number"], done["files"]) == ("submitted", 1, 4)
    assert done["bytes_sent"] == done["bytes_to_send"] == len(b"scene") + 4000
    assert {e["path"] for e in desk.fake.manifests["job-1"]["entries"]} == set(desk.files())
    first, second = desk.home / "shot_0001.exr", desk.home / "shot_0002.exr"
    desk.fake.publish("job-1", str(first), b"pixels 1")
    eventually(first.exists)
    assert client.downloads()[0]["complete"] is False
    desk.fake.publish("job-1", str(second), b"pixels 2")
    desk.fake.set_state("job-1", "success")
    eventually(lambda: client.downloads()[0]["complete"])
    assert [first.read_bytes(), second.read_bytes()] == [b"pixels 1", b"pixels 2"]
    assert stat.S_IMODE(first.stat().st_mode) == 0o640
    assert client.downloads()[0]["done"] == 2
    assert sorted(p.name for p in desk.home.iterdir()) == ["shot_0001.exr", "shot_0002.exr"]


def test_the_second_time_nothing_is_sent(desk: Desk, eventually: Eventually) -> None:
    """The same files again send not one byte, and are not read again either."""
    client = desk.start()
    submitted(client, client.submit(desk.submission("s1"), desk.files()), eventually)
    again = submitted(client, client.submit(desk.submission("s2"), desk.files()), eventually)
    assert (again["number"], again["bytes_sent"], again["objects_present"]) == (2, 0, 3)


@pytest.fixture
def other_drive(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on another file system than the artist's, where this machine has one; to us a copy is the same."""
    shared = Path("/dev/shm")
    apart = shared.is_dir() and os.access(shared, os.W_OK) and shared.stat().st_dev != tmp_path.stat().st_dev
    with tempfile.TemporaryDirectory(prefix="conductor-drive-", dir=shared if apart else tmp_path) as name:
        yield Path(name)


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
@pytest.mark.usefixtures("an_hour_on")
@pytest.mark.parametrize("ctime", [True, False], ids=["heeded", "not heeded"])
def test_a_file_that_was_given_its_former_time_again_is_sent(
    desk: Desk, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, ctime: bool
) -> None:
    """As `touch -r` does, and some tools that write into assets: the farm renders what is in the file, not what was.

    Not where the user says that his ctimes tell nothing: then nothing tells it.
    """
    monkeypatch.setattr(CTIME, "counts", CTIME.counts)  # of this whole process
    desk.settings = AgentSettings(ctime=ctime)
    client, path = desk.start(), desk.project / "wood.png"
    assert submitted(client, client.submit(desk.submission("s1"), desk.files()), eventually)["state"] == "submitted"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    done = submitted(client, client.submit(desk.submission("s2"), desk.files()), eventually)
    sent = {e["path"]: e["digest"] for e in desk.fake.manifests[f"job-{done['number']}"]["entries"] if e["kind"] == "file"}
    assert (sent[str(path)] == digest_of(path.read_bytes())) is ctime
    assert (digest_of(path.read_bytes()) in desk.fake.objects) is ctime


@pytest.mark.usefixtures("an_hour_on")
def test_a_folder_on_another_drive_is_read_once_and_not_sent(
    desk: Desk, other_drive: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that was moved there has new inodes and paths: each file is hashed once, and the store has them all."""
    textures = desk.project / "tex"
    for n in range(100):
        path = textures / f"{n % 7}" / f"{n:03}.tex"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d " % n * (n + 1))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    (textures / "large.tex").write_bytes(b"large" * 200_000)
    os.utime(textures / "large.tex", (1_700_000_000, 1_700_000_000))
    client = desk.start()
    first = submitted(client, client.submit(desk.submission("s1"), [str(desk.project)]), eventually)
    assert (first["files"], first["bytes_sent"] > 1_000_000) == (105, True)
    shutil.copytree(desk.project, other_drive / "project")
    shutil.rmtree(desk.project)
    moved = sorted(str(p) for p in (other_drive / "project").rglob("*") if p.is_file())
    stored, reads = dict(desk.fake.objects), Counter[str]()

    def counted(path: str) -> int:
        reads[path] += 1
        return open_to_read(path)

    for module in ("hashing", "packing", "checked_file", "parts", "differences"):
        monkeypatch.setattr(f"conductor_core.transfer.{module}.open_to_read", counted)
    for identity in ("s2", "s3"):  # and once only: the second time nothing is read at all
        again = desk.submission(identity, scene=str(other_drive / "project" / "shot.blend"))
        done = submitted(client, client.submit(again, [str(other_drive / "project")]), eventually)
        assert (done["state"], done["files"], done["bytes_sent"], done["bytes_to_send"]) == ("submitted", 105, 0, 0)
        manifest = desk.fake.manifests[f"job-{done['number']}"]
        assert sorted(e["path"] for e in manifest["entries"] if e["kind"] == "file") == moved
    assert reads == dict.fromkeys(moved, 1)
    assert desk.fake.objects == stored


def test_a_restart_goes_on(desk: Desk, eventually: Eventually) -> None:
    """What an agent did not finish, the next one finishes: submission, then downloads, without being asked again."""
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" else None
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    eventually(lambda: client.submission(identity)["error"])
    assert client.submission(identity)["error"]["waiting"] is True
    desk.stop()
    desk.fake.fault = lambda *_: None
    client = desk.start()
    assert submitted(client, identity, eventually)["state"] == "submitted"
    assert len(desk.fake.jobs) == 1
    desk.stop()
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    desk.fake.set_state("job-1", "success")
    client = desk.start()
    eventually(lambda: client.downloads()[0]["complete"])
    assert (desk.home / "shot_0001.exr").read_bytes() == b"pixels"


def test_a_service_that_was_away_is_waited_for(desk: Desk, eventually: Eventually) -> None:
    """While the service is down the submission waits and says for what; when it is back all goes on by itself."""
    away = [True]
    desk.fake.fault = lambda *_: "drop" if away else None
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    error = eventually(lambda: client.submission(identity)["error"])
    assert error["kind"] == "ServiceUnreachable"
    assert "cannot be reached" in error["message"]
    away.clear()
    assert submitted(client, identity, eventually)["state"] == "submitted"


def test_a_new_login_is_taken_up(desk: Desk, eventually: Eventually) -> None:
    """A token that is refused makes the submission wait; a new login lets it go on."""
    desk.log_in("cdr_wrong")
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    assert eventually(lambda: client.submission(identity)["error"])["kind"] == "Unauthorized"
    desk.log_in("cdr_secret-of-the-tests")
    assert submitted(client, identity, eventually)["state"] == "submitted"


def test_an_object_that_the_store_lost_is_sent_again(desk: Desk, eventually: Eventually) -> None:
    """When the commit finds objects missing, those are sent again and the commit is made."""
    lost = [1]

    def lose(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/manifest") and lost:
            lost.clear()
            desk.fake.objects.popitem()

    desk.fake.fault = lose
    client = desk.start()
    assert submitted(client, client.submit(desk.submission(), desk.files()), eventually)["state"] == "submitted"
    assert len(desk.fake.objects) == 3


def test_a_store_that_keeps_losing_objects_fails_the_submission(desk: Desk, eventually: Eventually) -> None:
    """A store that never has everything is given up on by name, not asked for ever."""

    def lose(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/manifest"):
            desk.fake.objects.clear()

    desk.fake.fault = lose
    client = desk.start()
    done = submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    assert "keeps losing" in done["error"]["message"]


@pytest.mark.parametrize("edit", ["changed", "gone"])
def test_a_file_edited_before_its_upload_fails_by_name(desk: Desk, eventually: Eventually, edit: str) -> None:
    """A file that is not what was hashed any more fails the submission by name, and the job it made is killed."""

    def tamper(method: str, path: str) -> None:
        wood = desk.project / "wood.png"
        if path.endswith("/missing") and wood.exists():
            (desk.project / "copy.png").unlink()
            if edit == "gone":
                wood.unlink()
            else:
                wood.write_bytes(b"WOOD" * 1000)

    desk.fake.fault = tamper
    client = desk.start()
    done = submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    assert done["state"] == "failed"
    assert done["error"]["kind"] in ("FileChanged", "FileVanished")
    assert ".png" in done["error"]["message"]
    eventually(lambda: desk.fake.jobs["job-1"]["state"] == "killed")


def test_a_missing_file_fails_before_there_is_a_job(desk: Desk, eventually: Eventually) -> None:
    """A file that vanished between scan and hashing is named, and no job is made."""
    client = desk.start()
    done = submitted(client, client.submit(desk.submission(), [*desk.files(), str(desk.project / "no.png")]), eventually)
    assert done["error"]["kind"] == "FileVanished"
    assert desk.fake.jobs == {}


def test_a_refused_submission_fails_with_the_services_words(desk: Desk, eventually: Eventually) -> None:
    """What the service refuses is told in its words and not tried again."""
    client = desk.start()
    done = submitted(client, client.submit(desk.submission(instance_type="unknown"), desk.files()), eventually)
    assert "not in the catalogue" in done["error"]["message"]


def test_cancel_stops_the_upload_and_kills_the_job(desk: Desk, eventually: Eventually) -> None:
    """A cancelled submission ends, and so does the job it had made."""
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" else None
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    eventually(lambda: client.submission(identity)["error"])
    assert client.cancel(identity)["state"] == "failed"
    eventually(lambda: desk.fake.jobs["job-1"]["state"] == "killed")
    eventually(lambda: client.status()["transfers"] == [])


def test_newer_work_is_never_overwritten(desk: Desk, eventually: Eventually) -> None:
    """A frame whose place holds newer work is put beside it, and told of."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.home.mkdir()
    frame.write_bytes(b"painted over by hand")
    desk.fake.publish("job-1", str(frame), b"pixels")
    beside = desk.home / "shot_0001.conductor-1.exr"
    eventually(beside.exists)
    eventually(lambda: client.downloads()[0]["kept_beside"] == [str(beside)])
    assert (frame.read_bytes(), beside.read_bytes()) == (b"painted over by hand", b"pixels")


def test_a_broken_download_goes_on_from_where_it_was(desk: Desk, eventually: Eventually) -> None:
    """A connection that breaks in a file is taken up by Range; what came is not fetched again."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    desk.fake.cuts = [1000, 1000]
    frame = desk.home / "shot_0001.exr"
    desk.fake.publish("job-1", str(frame), os.urandom(3000))
    eventually(frame.exists)
    ranges = [h["Range"] for h in desk.fake.headers if "Range" in h]
    assert ranges == ["bytes=1000-", "bytes=2000-"]


def test_a_place_outside_of_the_output_folders_is_refused(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """No service can make the agent write where the artist did not ask for it."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    desk.fake.publish("job-1", str(tmp_path / "config" / "credentials.json"), b"evil")
    desk.fake.publish("job-1", f"{desk.home}/../stolen", b"evil")
    desk.fake.publish("job-1", "C:\\evil", b"evil")
    eventually(lambda: client.downloads()[0]["failed"] == 3)
    assert len(client.downloads()[0]["errors"]) == 3
    assert not (tmp_path / "stolen").exists()


def test_a_folder_with_the_frame_in_its_name_comes_home(desk: Desk, eventually: Eventually) -> None:
    """Where the scene asks for a folder for each frame, the frame comes home into it, and nothing goes above those folders."""
    client = desk.start()
    step = Step("main", "1-2", outputs=(Output(str(desk.home / "####" / "shot_####.exr")),))
    submitted(client, client.submit(desk.submission(steps=(step,)), desk.files()), eventually)
    desk.fake.publish("job-1", str(desk.home.parent / "shot_0001.exr"), b"evil")
    desk.fake.publish("job-1", str(desk.home / "0001" / "shot_0001.exr"), b"pixels")
    eventually((desk.home / "0001" / "shot_0001.exr").exists)
    eventually(lambda: client.downloads()[0]["failed"] == 1)
    assert not (desk.home.parent / "shot_0001.exr").exists()


def test_a_file_with_wrong_bytes_is_given_up_on_and_asked_for_again(desk: Desk, eventually: Eventually) -> None:
    """Bytes that do not hash to their name never become the file; after some attempts it is told, and asking again tries again."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.publish("job-1", str(frame), b"pixels")
    digest = next(reversed(desk.fake.objects))
    desk.fake.objects[digest] = b"PIXELS"
    eventually(lambda: client.downloads()[0]["failed"] == 1, 30)
    assert not frame.exists()
    assert list(desk.home.iterdir()) == []
    desk.fake.objects[digest] = b"pixels"
    client.follow("1")
    eventually(frame.exists)


@pytest.mark.parametrize(
    ("film", "what", "choice"), [(False, "frame 1", "--frames 1"), (True, "the file", "--step main")], ids=["a frame", "a film"]
)
def test_a_file_that_the_store_lost_is_named(desk: Desk, eventually: Eventually, film: bool, what: str, choice: str) -> None:
    """It is given up on at once, with its frame or step and what brings it back; nothing of it is left in the folder."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.fault = lambda _, path: (
        None if "/objects/" not in path else desk.fake.objects.pop(path.rsplit("/", 1)[1], None) and None
    )
    desk.fake.publish("job-1", str(frame), b"pixels", film=film)
    eventually(lambda: client.downloads()[0]["failed"] == 1)
    lost = f"is lost: the store no longer has the bytes of {what}. Render it again, and it comes home: conductor retry 1 {choice}"
    assert client.downloads()[0]["errors"] == [f"{frame}: {lost}"]
    assert list(desk.home.iterdir()) == []


def test_a_retried_frame_comes_home_again(desk: Desk, eventually: Eventually) -> None:
    """A later version of a frame replaces the earlier one, also after the job had ended."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.publish("job-1", str(frame), b"first")
    desk.fake.set_state("job-1", "failed")
    eventually(lambda: client.downloads()[0]["complete"])
    desk.fake.publish("job-1", str(frame), b"second", mtime_ns=1_700_000_001_000_000_000)
    eventually(lambda: frame.read_bytes() == b"second")


def test_files_are_never_asked_of_no_project(desk: Desk, eventually: Eventually) -> None:
    """A file is fetched as soon as it is known of: by then it is known whose it is, so that no answer means that it is lost."""
    asked: list[str] = []
    desk.fake.fault = lambda method, path: asked.append(path)
    client = desk.start()
    journal, add = desk.agent._journal, desk.agent._journal.add_outputs  # type: ignore[union-attr]

    def add_and_dawdle(row: Any, outputs: Any, **more: Any) -> None:
        add(row, outputs, **more)
        time.sleep(1.0)

    journal.add_outputs = add_and_dawdle  # type: ignore[method-assign]
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    client.follow("job-1")
    eventually((desk.home / "shot_0001.exr").exists)
    assert not [path for path in asked if "/projects//" in path]


def test_half_of_an_earlier_version_does_not_stay(desk: Desk, eventually: Eventually) -> None:
    """A frame that is rendered again while it is on its way: the half of the former one goes, the later one comes."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.cuts = [1000] * 50
    first = os.urandom(100_000)
    desk.fake.publish("job-1", str(frame), first)
    eventually(lambda: list(desk.home.glob(".*.conductor-part")))
    desk.stop()
    assert list(desk.home.glob(".*.conductor-part"))
    desk.fake.cuts = []
    del desk.fake.objects[digest_of(first)]
    desk.fake.publish("job-1", str(frame), b"second", mtime_ns=1_700_000_001_000_000_000)
    desk.fake.set_state("job-1", "success")
    client = desk.start()
    eventually(lambda: frame.exists() and client.downloads()[0]["complete"])
    assert frame.read_bytes() == b"second"
    assert [p.name for p in desk.home.iterdir()] == ["shot_0001.exr"]


def test_a_service_that_goes_away_while_it_is_followed(desk: Desk, eventually: Eventually) -> None:
    """A question that is not answered is told and asked again; what came meanwhile comes home."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    desk.fake.fault = lambda _, path: "drop" if path.endswith("/outputs") else None
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    eventually(lambda: client.downloads()[0]["errors"])
    desk.fake.fault = lambda *_: None
    eventually((desk.home / "shot_0001.exr").exists)
    eventually(lambda: client.downloads()[0]["errors"] == [])


def test_an_answer_that_makes_no_sense_does_not_stop_the_agent(desk: Desk, eventually: Eventually) -> None:
    """A service that answers nonsense is asked again, for submissions and for outputs."""
    nonsense = (200, {"Content-Type": "application/json"}, b'{"outputs": 3, "missing": 3}')
    desk.fake.fault = lambda _, path: nonsense if path.endswith(("/missing", "/outputs")) else None
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    eventually(lambda: sum(path.endswith("/missing") for _, path in desk.fake.requests) > 1)
    desk.fake.fault = lambda _, path: nonsense if "/outputs" in path else None
    assert submitted(client, identity, eventually)["state"] == "submitted"
    eventually(lambda: sum("/outputs" in path for _, path in desk.fake.requests) > 1)
    desk.fake.fault = lambda *_: None
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    eventually((desk.home / "shot_0001.exr").exists)


def test_no_download_when_not_wanted(desk: Desk, eventually: Eventually) -> None:
    """A submission without download is not followed."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    assert client.downloads() == []


def test_a_job_of_another_machine_can_be_followed(desk: Desk, eventually: Eventually) -> None:
    """Asked to follow a job by number, the agent finds it and brings home what there is."""
    desk.fake.jobs["job-1"] = {
        "id": "job-1", "number": 1, "state": "success", "submission": json.loads(_json(desk.submission())),
    }  # fmt: skip
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    client = desk.start()
    client.follow(1)
    eventually(lambda: client.downloads()[0]["complete"])
    assert (desk.home / "shot_0001.exr").exists()


def test_a_job_that_is_gone_ends_its_download(desk: Desk, eventually: Eventually) -> None:
    """A followed job that the service does not know any more is told and does not keep the agent busy."""
    client = desk.start()
    client.follow("no-such-job")
    eventually(lambda: client.downloads()[0]["complete"])
    assert "no job" in client.downloads()[0]["errors"][0]


def test_the_agent_ends_when_it_is_idle(desk: Desk, eventually: Eventually) -> None:
    """Asked to end when idle, it ends, and its channel file is gone."""
    client = desk.start()
    assert (desk.folders.state / "agent.json").exists() or eventually((desk.folders.state / "agent.json").exists)
    client.quit()
    desk.thread.join(20)
    assert not desk.thread.is_alive()
    assert not (desk.folders.state / "agent.json").exists()
    desk.agent = None


@pytest.mark.skipif(os.name != "posix", reason="modes are posix")
def test_what_the_agent_keeps_is_private(desk: Desk, eventually: Eventually) -> None:
    """Journal, cache, channel and credentials can be read by this user alone."""
    client = desk.start()
    client.status()
    eventually((desk.folders.state / "agent.json").exists)
    for folder in (desk.folders.state, desk.folders.cache, desk.folders.config):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in folder.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def _json(submission: Submission) -> str:
    from conductor_core.documents import to_json

    return json.dumps(to_json(submission))


def test_a_service_that_never_answers_does_not_keep_the_agent(desk: Desk, eventually: Eventually) -> None:
    """Asked to end while a call hangs, the agent waits for a grace and ends; the next one finishes what was begun."""
    answer = threading.Event()
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" and answer.wait(60) else None
    desk.grace = 0.3
    client = desk.start()
    identity = client.submit(desk.submission(), desk.files())
    eventually(lambda: any(method == "PUT" for method, _ in desk.fake.requests))
    desk.stop()
    answer.set()
    desk.fake.fault = lambda *_: None
    assert submitted(desk.start(), identity, eventually)["state"] == "submitted"


def test_the_journal_knows_the_output_folders(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """For what this machine submitted, the service's word on where outputs belong does not count."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    desk.fake.jobs["job-1"]["submission"]["steps"][0]["outputs"][0]["path"] = str(tmp_path / "stolen" / "f_####.exr")
    desk.fake.publish("job-1", str(tmp_path / "stolen" / "f_0001.exr"), b"evil")
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"pixels")
    eventually((desk.home / "shot_0001.exr").exists)
    eventually(lambda: client.downloads()[0]["failed"] == 1)
    assert not (tmp_path / "stolen").exists()


def test_a_service_that_is_away_does_not_starve_another(desk: Desk, eventually: Eventually) -> None:
    """However many files wait for one service, those of another come home."""
    away = "http://127.0.0.1:9"
    journal = Journal(desk.folders.state / JOURNAL_FILE)
    journal.add_download(away, "j")
    waiting = [NewOutput(str(desk.home / f"a_{n}.exr"), -n, f"sha256:{n:064}", 1) for n in range(1, 601)]
    journal.add_outputs(journal.downloads()[0], waiting)
    journal.close()
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.publish("job-1", str(frame), b"pixels")
    eventually(frame.exists)
