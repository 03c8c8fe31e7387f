"""A hostile scene on the real farm, and a hostile .blend in real Blender: scripts, drivers and handlers that run by themselves."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conductor_core.submission import Limits, Output
from conductor_service.runner.assignment import Package
from conductor_service.runner.launching import hosts_folder
from conductor_service.runner.limits import ResourceLimits

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

Service = runpy.run_path(str(Path(__file__).with_name("test_with_service.py")))["Service"]


@pytest.fixture
def service(farm: Farm, tmp_path: Path) -> Iterator[Any]:
    """Give a running service whose instances are local processes."""
    found = Service(tmp_path, farm.hosts)
    try:
        found.wait_until_ready()
        yield found
    finally:
        found.close()


#: everything that a task of a local fleet shares a machine with
STEALS = """
import os, socket, urllib.request
def refused(attempt):
    try:
        what = attempt()
    except OSError:
        return
    raise SystemError(f"the sandbox let it through: {{what!r}}")
for path in {paths!r}:
    refused(lambda: os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
    refused(lambda: open(path + "/planted", "w"))
refused(lambda: urllib.request.urlopen({url!r}, timeout=3))
refused(lambda: socket.create_connection(("127.0.0.1", {port}), timeout=3))
assert not [v for v in os.environ.values() if "cdr_" in v or {data!r} in v], os.environ
for top, folders, files in os.walk("/"):
    if top in ("/proc", "/sys", "/usr"):
        folders[:] = []
    assert not {{"owner-token", "conductor.sqlite", "token", "instance.json", "agent.json"}} & set(files), (top, files)
png(path0)
"""


def test_the_service_beside_the_task_is_not_there(service: Any) -> None:
    """Its database, its store, the owner's token, the instance's token, other instances' folders, its port: none can be reached."""
    data = service.data
    # Of the home a task may see the Python that it runs by, and nothing else.
    home = [p for p in Path.home().iterdir() if not Path(sys.base_prefix).is_relative_to(p)]
    paths = [str(p) for p in (data, *sorted(data.iterdir()), data / "instances", *home, "/home")]
    assert len(paths) > len(home) + 4
    port = int(service.url.rpartition(":")[2])
    scene = "path0 = path\n" + STEALS.format(paths=paths, url=f"{service.url}/api/v1/me", port=port, data=str(data))
    number = service.submit(scene, "1")
    job = service.wait(number)
    task = service.ask("GET", f"/jobs/{number}/tasks")["tasks"][0]
    assert job["state"] == "success", task["message"]


NASTY = {
    "progress that is no number": "say(event='progress', frame=frame, fraction=float('nan'), status='x'); time.sleep(1.5)",
    "a status that is no text": "say(event='progress', frame=frame, fraction=0.5, status='\\ud800\\0' * 50); time.sleep(1.5)",
    "a log that is no text": "os.write(2, bytes(range(256)) * 1000)",
    "layers that are no text": "answer.update(layers=['\\ud800', '\\0', 'x' * 100000])",
}


def test_words_that_the_service_can_take(service: Any) -> None:
    """Numbers that are none and texts that no database takes: the job ends, and can be looked at."""
    scene = "import os, time\npng(path)\n" + "\n".join(f"if frame == {n}: {what}" for n, what in enumerate(NASTY.values(), 1))
    number = service.submit(scene, f"1-{len(NASTY)}")
    assert service.wait(number)["state"] == "success"
    failing = "say(event='fail', frame=frame, cause='\\ud800', message='\\ud800\\0' * 3000)\nimport time; time.sleep(600)"
    number = service.submit(failing, "1")
    assert service.wait(number)["state"] == "failed"
    (task,) = service.ask("GET", f"/jobs/{number}/tasks")["tasks"]
    assert (task["cause"], "\0" in task["message"]) == ("internal", False)


HOSTILE_BLEND = r'''
import bpy, os, sys
target, secret, url, report = sys.argv[-4:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.resolution_x = scene.render.resolution_y = 8
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = "/show/render/shot_####.png"
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(camera)
scene.camera = camera
world = bpy.data.worlds.new("grey")
scene.world = world
text = bpy.data.texts.new("evil.py")
text.write(f"""
import bpy, json, os, socket, subprocess, urllib.request
def attempts(who):
    def tried(what, attempt):
        try:
            found[what] = repr(attempt())[:80]
        except OSError:
            found[what] = "refused"
    found = {{}}
    tried("a file of the machine", lambda: open({secret!r}).read())
    tried("the home", lambda: os.listdir("/root") and open("/root/.bashrc").read())
    tried("the network", lambda: urllib.request.urlopen({url!r}, timeout=3).read())
    tried("a program of the machine", lambda: subprocess.run(["cat", {secret!r}], check=True, capture_output=True).stdout if os.path.exists({secret!r}) else open({secret!r}))
    tried("the scene", lambda: open(bpy.data.filepath, "ab"))
    tried("outside of the outputs", lambda: open({secret!r} + ".planted", "w"))
    tried("beside the extension", lambda: open("/conductor/hosts/blender/planted.py", "w"))
    tried("a setting of the kernel", lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)) or "opened")
    with open({report!r} + "/" + who + ".json", "w") as file:
        json.dump(found, file)
    return 1.0
def handler(*_):
    attempts("handler")
bpy.app.handlers.render_pre.append(handler)
bpy.app.driver_namespace["attempts"] = attempts
attempts("text")
""")
text.use_module = True
driver = camera.driver_add("location", 0).driver
driver.type, driver.expression = "SCRIPTED", "attempts('driver')"
bpy.ops.wm.save_as_mainfile(filepath=target)
sys.stdout.flush()
os._exit(0)
'''


class Neighbour(BaseHTTPRequestHandler):
    """A service on the machine's loopback."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"secret")

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def neighbour() -> Iterator[str]:
    """Give the address of a server on this machine that has secrets."""
    with HTTPServer(("127.0.0.1", 0), Neighbour) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def hostile_blend(folder: Path, python: Path, url: str, report: str) -> bytes:
    """Make the scene; what its scripts could reach is written into the folder `report`."""
    secret, blend, script = folder / "secret.txt", folder / "made" / "shot.blend", folder / "make.py"
    secret.write_text("secret")
    blend.parent.mkdir()
    script.write_text(HOSTILE_BLEND)
    command = [str(python), str(script), str(blend), str(secret), url, report]
    subprocess.run(command, check=True, timeout=240, stdin=subprocess.DEVNULL, capture_output=True)
    return blend.read_bytes()


@pytest.mark.parametrize(
    ("isolation", "allowed"),
    [("sandbox", True), ("sandbox", False), ("rewrite", True)],
    ids=["scripts allowed", "scripts not asked for", "without the sandbox"],
)
def test_a_scene_whose_scripts_run_by_themselves(
    request: pytest.FixtureRequest,
    job: MakeJob,
    bpy_python: Callable[[], Path],
    tmp_path: Path,
    neighbour: str,
    monkeypatch: pytest.MonkeyPatch,
    isolation: str,
    allowed: bool,
) -> None:
    """Text, driver and handler of a .blend run only where the step allows it, and reach nothing in the sandbox then.

    Without the sandbox they reach the file and the network: so their refusal means something.
    """
    farm: Farm = request.getfixturevalue("farm" if isolation == "sandbox" else "open_farm")
    report = "/show/render" if isolation == "sandbox" else str(tmp_path)
    python = bpy_python()
    blend = hostile_blend(tmp_path, python, neighbour, report)
    farm.hosts = hosts_folder(os.environ)
    farm.resources = ResourceLimits(free_disk=1 << 20)
    monkeypatch.setattr(farm, "package", lambda _: Package("blender", "4.5", launch="bpy-module", executable=str(python)))
    outputs = (Output("/show/render/shot_####.png", width=8, height=8),)
    told = farm.told(
        job(
            scene_path="/show/shot.blend",
            scene_bytes=blend,
            outputs=outputs,
            parameters={"scripts": allowed},
            last_try=True,
        )
    )
    assert told.verdict is not None
    assert told.verdict.state == "success", (told.verdict, told.log.decode())
    found = {path[13:-5]: json.loads(farm.service.objects[o.digest]) for path, o in told.outputs.items() if path.endswith("json")}
    if not allowed:
        assert found == {}
        return
    if isolation == "rewrite":
        found = {file.stem: json.loads(file.read_text()) for file in tmp_path.glob("*.json")}
        assert {(t["a file of the machine"], t["the network"]) for t in found.values()} == {("'secret'", "b'secret'")}
    assert set(found) == {"text", "driver", "handler"}
    if isolation == "sandbox":
        assert [
            (who, what, answer) for who, tried in found.items() for what, answer in tried.items() if answer != "refused"
        ] == []


GOES_WRONG = r"""
import bpy, os, sys
target = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.resolution_x = scene.render.resolution_y = 8
scene.render.image_settings.file_format = "PNG"
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(camera)
scene.camera = camera
scene.world = bpy.data.worlds.new("grey")
text = bpy.data.texts.new("wrong.py")
text.write('''
import bpy, ctypes, os, time
def goes_wrong(scene, *_):
    if scene.frame_current == 5: ctypes.string_at(0)
    if scene.frame_current == 6: time.sleep(600)
    if scene.frame_current == 7:
        import mmap
        kept = mmap.mmap(-1, 4 << 30)
        while True: kept.write(b"x" * (1 << 20))
    if scene.frame_current == 9: scene.render.resolution_x = 4  # for the frame after it
bpy.app.handlers.render_pre.append(goes_wrong)
''')
text.use_module = True
bpy.ops.wm.save_as_mainfile(filepath=target)
sys.stdout.flush()
os._exit(0)
"""


def test_real_blender_goes_wrong(
    farm: Farm,
    job: MakeJob,
    bpy_python: Callable[[], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require: Callable[[object, str], None],
) -> None:
    """Blender itself crashes on 5, hangs on 6, is out of memory on 7, renders 8 too small: each is named, 4 and 9 are rendered."""
    require("no cgroup" not in farm.way, "this process may make no control groups")
    script, blend, python = tmp_path / "make.py", tmp_path / "shot.blend", bpy_python()
    script.write_text(GOES_WRONG)
    subprocess.run([str(python), str(script), str(blend)], check=True, timeout=240, stdin=subprocess.DEVNULL, capture_output=True)
    farm.hosts = hosts_folder(os.environ)
    farm.resources = ResourceLimits(memory=1 << 30, free_disk=1 << 20)
    monkeypatch.setattr(farm, "package", lambda _: Package("blender", "4.5", launch="bpy-module", executable=str(python)))
    outputs = (Output("/show/render/shot_####.png", width=8, height=8),)
    shared = {
        "scene_path": "/show/shot.blend",
        "scene_bytes": blend.read_bytes(),
        "outputs": outputs,
        "parameters": {"scripts": True},
    }
    attempts = {
        n: farm.add(job(frames=(n,), limits=Limits(silence_seconds=8), last_try=True, **shared)) for n in (4, 5, 6, 7, 9, 8)
    }
    farm.run()
    verdicts = {n: farm.service.verdict(attempt) for n, attempt in attempts.items()}
    assert {n: (v.state, v.cause) for n, v in verdicts.items()} == {
        4: ("success", None),
        5: ("failed", "crashed"),
        6: ("failed", "no-progress"),
        7: ("failed", "out-of-memory"),
        8: ("failed", "bad-output"),
        9: ("success", None),
    }, {n: (v, farm.service.told[attempts[n]].log.decode()) for n, v in verdicts.items()}
    assert "SIGSEGV" in verdicts[5].message
    assert "limit of 1,024 MiB (peak 1,024 MiB)" in verdicts[7].message
    assert "is 4×8 where 8×8 was expected" in verdicts[8].message
