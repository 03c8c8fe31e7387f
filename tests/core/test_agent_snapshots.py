"""What was submitted is a snapshot of the scene: nothing that happens to the scene's own file afterwards changes it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conductor_core.agent.snapshots import ORPHANED, Snapshots
from conductor_core.agent_client import AgentClient, connect
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.digest import digest_of
from conductor_core.errors import AgentError, InvalidDocument
from conductor_core.submission import Submission
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.user_folders import UserFolders, user_folders
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]
posix = pytest.mark.skipif(os.name != "posix", reason="links and modes are posix")
#: the scene in the host, with changes that are not saved
UNSAVED = b"scene with changes"


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _snapshot(client: AgentClient, submission: Submission, data: bytes = UNSAVED) -> dict[str, str]:
    """Write the scene as a host would, and return what is handed over for it."""
    file = Path(client.snapshot_file(submission.id, submission.scene))
    file.write_bytes(data)
    os.utime(file, (1_700_000_500, 1_700_000_500))
    return {submission.scene: str(file)}


def _entry(desk: Desk, path: str, job: str = "job-1") -> dict[str, Any]:
    return next(e for e in desk.fake.manifests[job]["entries"] if e["path"] == path)


def _left(desk: Desk) -> list[str]:
    # not by a pattern: on Python 3.10 it fails where a folder goes while it is looked for
    return [name for _, _, files in os.walk(desk.folders.state / "snapshots") for name in files]


def test_the_snapshot_is_sent_in_the_place_of_the_scene(desk: Desk, eventually: Eventually) -> None:
    """The manifest has the scene's own path and mode with the snapshot's bytes and time, and the snapshot is gone then."""
    client, submission = desk.start(), desk.submission()
    scene = Path(submission.scene)
    scene.chmod(0o640)
    snapshots = _snapshot(client, submission)
    assert submitted(client, client.submit(submission, desk.files(), snapshots=snapshots), eventually)["state"] == "submitted"
    entry = _entry(desk, submission.scene)
    assert (entry["digest"], entry["size"]) == (digest_of(UNSAVED), len(UNSAVED))
    assert entry["mtime_ns"] == 1_700_000_500 * 10**9
    if os.name == "posix":
        assert entry["mode"] == 0o640
    assert desk.fake.objects[entry["digest"]] == UNSAVED
    assert scene.read_bytes() == b"scene"
    assert digest_of(b"scene") not in desk.fake.objects
    eventually(lambda: not _left(desk))
    assert {e["path"] for e in desk.fake.manifests["job-1"]["entries"]} == set(desk.files())


@pytest.mark.parametrize("listed", [True, False], ids=["among the files", "not among the files"])
def test_the_scenes_own_file_may_be_gone(desk: Desk, eventually: Eventually, listed: bool) -> None:
    """A scene whose file was deleted, or was never named as a file, is submitted all the same."""
    client, submission = desk.start(), desk.submission()
    snapshots, files = _snapshot(client, submission), desk.files()
    Path(submission.scene).unlink()
    files = files if listed else [f for f in files if f != submission.scene]
    assert submitted(client, client.submit(submission, files, snapshots=snapshots), eventually)["state"] == "submitted"
    assert _entry(desk, submission.scene)["digest"] == digest_of(UNSAVED)


def test_a_folder_that_holds_the_scene(desk: Desk, eventually: Eventually) -> None:
    """Named by its folder alone, the scene is the snapshot too, once."""
    client, submission = desk.start(), desk.submission()
    identity = client.submit(submission, [str(desk.project)], snapshots=_snapshot(client, submission))
    assert submitted(client, identity, eventually)["files"] == 4
    assert _entry(desk, submission.scene)["digest"] == digest_of(UNSAVED)


@posix
def test_a_scene_that_is_reached_by_links(desk: Desk, eventually: Eventually) -> None:
    """A linked folder that is sent as a link has the snapshot at the place it leads to; a linked scene becomes the snapshot."""
    link = desk.project.parent / "shows"
    link.symlink_to("project")
    client, submission = desk.start(), desk.submission(scene=str(link / "shot.blend"))
    identity = client.submit(submission, [str(link), submission.scene], snapshots=_snapshot(client, submission))
    assert submitted(client, identity, eventually)["state"] == "submitted"
    assert _entry(desk, str(link))["target"] == "project"
    assert _entry(desk, str(desk.project / "shot.blend"))["digest"] == digest_of(UNSAVED)
    latest = desk.project / "latest.blend"
    latest.symlink_to("shot.blend")
    submission = desk.submission("s2", scene=str(latest))
    identity = client.submit(submission, [str(latest)], snapshots=_snapshot(client, submission))
    assert submitted(client, identity, eventually)["state"] == "submitted"
    assert _entry(desk, str(latest), "job-2")["kind"] == "file"


def test_saving_during_the_upload_changes_nothing(desk: Desk, eventually: Eventually) -> None:
    """The artist saves, and saves again, while the files go out: what was submitted is what arrives."""
    client, submission = desk.start(), desk.submission()

    def save(method: str, path: str) -> None:
        Path(submission.scene).write_bytes(os.urandom(100))

    desk.fake.fault = save
    identity = client.submit(submission, desk.files(), snapshots=_snapshot(client, submission))
    assert submitted(client, identity, eventually)["state"] == "submitted"
    assert desk.fake.objects[_entry(desk, submission.scene)["digest"]] == UNSAVED


@pytest.mark.usefixtures("an_hour_on")
def test_the_hash_cache_learns_nothing_wrong(desk: Desk, eventually: Eventually) -> None:
    """After a snapshot was sent, the scene's own file is still known by its own bytes alone."""
    client, submission = desk.start(), desk.submission()
    submitted(client, client.submit(submission, desk.files(), snapshots=_snapshot(client, submission)), eventually)
    assert submitted(client, client.submit(desk.submission("s2"), desk.files()), eventually)["state"] == "submitted"
    assert _entry(desk, submission.scene, "job-2")["digest"] == digest_of(b"scene")
    desk.stop()
    cache = HashCache(desk.folders.cache / "hashes.sqlite")
    found = cache.digests({submission.scene: FileState.of(os.stat(submission.scene))})
    cache.close()
    assert found == {submission.scene: digest_of(b"scene")}


@pytest.mark.parametrize("how", ["cancelled", "refused"])
def test_a_submission_that_ends_otherwise_leaves_no_snapshot(desk: Desk, eventually: Eventually, how: str) -> None:
    """Cancelled in the middle of its upload, or refused by the service, it leaves nothing on the artist's disk."""
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" else None
    submission = desk.submission(**{} if how == "cancelled" else {"instance_type": "unknown"})
    client = desk.start()
    identity = client.submit(submission, desk.files(), snapshots=_snapshot(client, submission))
    if how == "cancelled":
        eventually(lambda: client.submission(identity)["error"])
        assert _left(desk) == ["shot.blend"]
        client.cancel(identity)
    assert submitted(client, identity, eventually)["state"] == "failed"
    eventually(lambda: not _left(desk))


def test_handed_over_twice_it_is_one_submission(desk: Desk, eventually: Eventually) -> None:
    """A panel that did not hear the answer asks again, even when the snapshot is gone by then."""
    client, submission = desk.start(), desk.submission()
    snapshots = _snapshot(client, submission)
    submitted(client, client.submit(submission, desk.files(), snapshots=snapshots), eventually)
    eventually(lambda: not _left(desk))
    assert client.submit(submission, desk.files(), snapshots=snapshots) == submission.id
    assert len(desk.fake.jobs) == 1


def test_a_lost_snapshot_is_told_by_name(desk: Desk, eventually: Eventually) -> None:
    """Somebody who clears the agent's folder during the upload gets a sentence that names the scene, and no other bytes."""
    client, submission = desk.start(), desk.submission()
    snapshots = _snapshot(client, submission)
    desk.fake.fault = lambda _, path: Path(snapshots[submission.scene]).unlink(missing_ok=True)
    done = submitted(client, client.submit(submission, desk.files(), snapshots=snapshots), eventually)
    assert done["error"]["message"].startswith(f"{submission.scene}: cannot be sent: its snapshot")
    assert done["error"]["next"] == "Submit it again."


HOSTILE = {
    "an id that climbs": ("..", "/p/shot.blend"),
    "an id with a separator": ("a/b", "/p/shot.blend"),
    "no id": ("", "/p/shot.blend"),
    "a folder": ("s1", "/p/"),
    "above": ("s1", "/p/.."),
    "relative": ("s1", "shot.blend"),
    "nothing": ("s1", ""),
    "nul": ("s1", "/p/a\0b"),
}


@pytest.mark.parametrize(("identity", "scene"), HOSTILE.values(), ids=HOSTILE.keys())
def test_no_snapshot_lies_elsewhere(tmp_path: Path, identity: str, scene: str) -> None:
    """Neither the id nor the scene's name leads out of the folder of snapshots."""
    with pytest.raises(InvalidDocument):
        Snapshots(tmp_path).place(identity, scene)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_elsewhere_is_no_snapshot(desk: Desk, tmp_path: Path) -> None:
    """The agent sends and removes only what lies where it told the host to write, and only what is there."""
    client, submission = desk.start(), desk.submission()
    told = client.snapshot_file(submission.id, submission.scene)
    other = client.snapshot_file("s2", submission.scene)
    for file in (str(tmp_path / "config" / "credentials.json"), other, told):
        with pytest.raises(AgentError, match="snapshots"):
            client.submit(submission, desk.files(), snapshots={submission.scene: file})
    Path(told).write_bytes(UNSAVED)
    with pytest.raises(AgentError, match="each file once"):
        client.submit(submission, desk.files(), snapshots={submission.scene: told, "/other/shot.blend": told})
    assert client.submissions() == []


@pytest.mark.parametrize("said", [["a"], {"/job/shot.blend": ["a"]}, {"/job/shot.blend": None}, "text"], ids=str)
def test_what_names_no_files_is_refused_in_a_sentence(tmp_path: Path, said: object) -> None:
    """A program that says it wrongly hears what is wrong, and not that the agent has a fault."""
    with pytest.raises(InvalidDocument, match="snapshots"):
        Snapshots(tmp_path / "snapshots").taken("s1", said)


@posix
def test_snapshots_are_private(desk: Desk) -> None:
    """Nobody else can look into the folder in which they lie."""
    file = Path(desk.start().snapshot_file("s1", "/p/shot.blend"))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]


def test_what_nobody_came_for_is_swept(tmp_path: Path) -> None:
    """A panel that was killed between snapshot and submission leaves one, which goes after a day; one that is needed stays."""
    now = time.time()
    snapshots = Snapshots(tmp_path, clock=lambda: now)
    needed = {"uploads": True, "sent": False}
    files = {name: Path(snapshots.place(name, "/p/shot.blend")) for name in ("uploads", "sent", "young", "old")}
    for name, file in files.items():
        file.write_bytes(b"scene")
        age = ORPHANED + 1 if name != "young" else 60
        os.utime(file.parent, (now - age, now - age))
    snapshots.sweep(needed.get)
    assert [name for name, file in files.items() if file.exists()] == ["uploads", "young"]
    Snapshots(tmp_path / "never made").sweep(needed.get)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UserFolders]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    yield user_folders()
    try:
        agent = connect(start=False)
        process = psutil.Process(agent.status()["pid"])
        agent.quit(now=True)
        process.wait(10)
    except (AgentError, psutil.NoSuchProcess):
        pass


INSTANTS = {
    "asked for the job": ("POST", "/jobs", False),
    "the job is made": ("POST", "/jobs", True),
    "asked what is missing": ("POST", "/missing", False),
    "an object is sent": ("PUT", "/objects/", False),
    "an object is there": ("PUT", "/objects/", True),
    "the manifest is sent": ("PUT", "/manifest", False),
    "the manifest is there": ("PUT", "/manifest", True),
}


@pytest.mark.parametrize(("verb", "what", "handled"), INSTANTS.values(), ids=INSTANTS.keys())
def test_killed_at_any_instant_the_snapshot_arrives(
    folders: UserFolders, tmp_path: Path, fake_service: Any, eventually: Eventually, verb: str, what: str, handled: bool
) -> None:
    """Killed while it hashes, asks, sends or commits, the next agent sends the snapshot, though the scene was saved meanwhile."""
    desk = Desk(tmp_path, fake_service)
    submission, client = desk.submission(), connect()
    process = psutil.Process(client.status()["pid"])
    snapshots = _snapshot(client, submission)
    killed: list[int] = []

    def kill(method: str, path: str) -> Any:
        if not killed and method == verb and what in path:
            killed.append(process.pid)
            process.kill()
            Path(submission.scene).write_bytes(b"saved again")
            return None if handled else "drop"
        return None

    fake_service.fault = kill
    client.submit(submission, desk.files(), snapshots=snapshots)
    eventually(lambda: killed)
    process.wait(10)
    client = connect()
    assert submitted(client, submission.id, eventually)["state"] == "submitted"
    assert fake_service.objects[_entry(desk, submission.scene)["digest"]] == UNSAVED
    assert len(fake_service.jobs) == 1
    eventually(lambda: not _left(desk))


def test_killed_as_soon_as_it_was_handed_over(
    folders: UserFolders, tmp_path: Path, fake_service: Any, eventually: Eventually
) -> None:
    """Killed before or while it hashes, the next agent hashes the snapshot, not the scene that was saved meanwhile."""
    desk = Desk(tmp_path, fake_service)
    submission, client = desk.submission(), connect()
    process = psutil.Process(client.status()["pid"])
    client.submit(submission, desk.files(), snapshots=_snapshot(client, submission))
    process.kill()
    process.wait(10)
    Path(submission.scene).write_bytes(b"saved again")
    client = connect()
    assert submitted(client, submission.id, eventually)["state"] == "submitted"
    assert _entry(desk, submission.scene)["digest"] == digest_of(UNSAVED)


def test_killed_before_it_was_handed_over(
    folders: UserFolders, tmp_path: Path, fake_service: Any, eventually: Eventually
) -> None:
    """Killed between snapshot and submission, the next agent still takes the snapshot from where the former told to write it."""
    desk = Desk(tmp_path, fake_service)
    submission, client = desk.submission(), connect()
    snapshots = _snapshot(client, submission)
    process = psutil.Process(client.status()["pid"])
    process.kill()
    process.wait(10)
    client = connect()
    submitted(client, client.submit(submission, desk.files(), snapshots=snapshots), eventually)
    assert _entry(desk, submission.scene)["digest"] == digest_of(UNSAVED)


def test_without_snapshots_nothing_is_different(desk: Desk, eventually: Eventually) -> None:
    """A submission as the command line makes it has the file as it lies on disk, and needs no folder of snapshots."""
    write_profile(desk.folders.config, Profile((Login(Address(desk.fake.url), desk.fake.token),)))
    client = desk.start()
    assert submitted(client, client.submit(desk.submission(), desk.files()), eventually)["state"] == "submitted"
    assert not (desk.folders.state / "snapshots").exists()
