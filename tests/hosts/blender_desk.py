"""An artist at a Blender with its window: Conductor installed as a classic add-on, mouse and keyboard."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from hosts.blender_farm import Farm
from hosts.screen import Screen

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PANEL = "Submit to Conductor"
#: where Blender 3.4 draws things at 1280 × 800, from the upper left corner of its window's inside
_MENUS = {"Render": (129, 13), "top bar": (294, 13)}
#: of our first entry, from the menu's name
_ENTRY = (20, 24)
_ENTRY_IN_RENDER = 187
#: looks at the threads in one go, and the share of them in which a thread at rest may be found awake: the panel's timers are due
#: forty times a second, and on a machine with much to do each waits for its turn
_LOOKS, AWAKE = 25, 0.75
_INSTALL = """
import bpy, sys
bpy.ops.preferences.addon_install(filepath=sys.argv[-1], overwrite=True)
bpy.ops.preferences.addon_enable(module="conductor")
bpy.context.preferences.view.show_splash = False
bpy.ops.wm.save_userpref()
"""


class BlenderDesk:
    """A Blender with its window, and the panel."""

    def __init__(self, screen: Screen, farm: Farm, folder: Path, *, show: Path, beside: bool) -> None:
        """Take a seat; `show`: of the scene. `beside`: the panel is to be a process of its own, else Conductor has the choice."""
        self.screen = screen
        #: the panel is to be a process of its own
        self.beside = beside
        self.scene = show / "shot.blend"
        self._folder = folder
        self._farm = farm
        self._environment = {
            **farm.environment(),
            **{k: v for k, v in screen.environment().items() if k in ("DISPLAY", "LIBGL_ALWAYS_SOFTWARE")},
            "HOME": str(folder / "home"),
            "BLENDER_USER_CONFIG": str(folder / "config"),
            "BLENDER_USER_SCRIPTS": str(folder / "scripts"),
            **({"CONDUCTOR_PANEL": "process"} if beside else {}),
        }
        (folder / "home").mkdir(parents=True)
        self._log = folder / "blender.log"
        self.process: subprocess.Popen[bytes] | None = None

    def install(self, packed: Path) -> None:
        """Install the zip as an artist does: Preferences > Add-ons > Install, and the tick."""
        script = self._folder / "install.py"
        script.write_text(_INSTALL)
        self.blender("-b", "--factory-startup", "--python", str(script), "--", str(packed))
        assert (self._folder / "scripts" / "addons" / "conductor" / "menu.py").exists()

    def blender(self, *words: str) -> None:
        """Run Blender to its end."""
        done = subprocess.run(
            ["blender", *words], env=self._environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def make_shot(self) -> None:
        """Build the scene that is submitted."""
        self.blender("-b", "--factory-startup", "--python", str(HERE / "blender_shot.py"), "--", str(self.scene))

    def open(self) -> None:
        """Start Blender with the scene, and wait until its window is drawn."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                ["blender", "-p", "0", "0", "1280", "800", str(self.scene)], env=self._environment, stdout=log, stderr=log
            )
        self.screen.wait_for(lambda: self.screen.window("^Blender"), "Blender's window", 120)
        self._settle()

    def choose_submit(self, menu: str = "top bar") -> None:
        """Choose Submit to Conductor in one of the two menus, and wait until the panel is there and has the keyboard for good.

        Again, where Blender was not ready for the mouse yet: only once it has nothing left to do, since a choice that it sees
        late opens the panel as well, perhaps after the first one was closed.
        """
        for _ in range(4):
            self.screen.click(self.screen.window("^Blender"), *self._open_menu(menu))
            self._settle()
            if self.screen.window(PANEL):
                return
            self.screen.keys("Escape")
        raise AssertionError(f"The panel did not open. {self.log()}")

    def show_menu(self, menu: str = "top bar") -> None:
        """Open a menu and point at its entry."""
        self.screen.hover(self.screen.window("^Blender"), *self._open_menu(menu))

    def wait_for_offer(self) -> None:
        """Wait until the agent, which the panel starts, has told what there is to be had, and the panel shows it."""
        self.screen.wait_for(lambda: list(self._farm.home.rglob("agent.json")), "the agent")
        self._settle()

    def panels_process(self) -> list[psutil.Process]:
        """Return the panel's process where it has one of its own."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()  # not those that the panel itself is starting: the agent
        return [child for child in children if "conductor_plugins.panel_process" in child.cmdline()]

    def fill_in(self, frames: str, machine: str) -> None:
        """Go through the panel by keyboard: a range of frames, and a machine by the first letters of its name."""
        self.screen.activate(self.panel())
        self.screen.keys("alt+2", "alt+c", "ctrl+a")
        self.screen.type(frames)
        self.screen.keys("alt+3", "alt+t")
        self.screen.type(machine)

    def click_submit(self) -> None:
        """Press the button at the panel's lower right."""
        width, height = self.screen.size(self.panel())
        self.screen.click(self.panel(), width - 50, height - 24)

    def panel(self) -> str:
        """Return the number of the panel's window, "" where it is not open."""
        return self.screen.window(PANEL)

    def log(self) -> str:
        """Return what Blender has printed."""
        return self._log.read_text(errors="replace")[-3000:]

    def quit(self) -> int:
        """Close Blender as it stands, and return its exit code: unsaved changes are not asked about, as `kill` does not."""
        assert self.process is not None
        self.screen.activate(self.screen.window("^Blender"))
        self.screen.keys("ctrl+q")
        self._settle()
        if self.process.poll() is None:
            self.screen.keys("Return")
        return self.process.wait(60)

    def close(self) -> None:
        """End whatever still runs."""
        if self.process is not None and self.process.poll() is None:
            for process in (*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)):
                process.kill()
            self.process.wait(20)

    def _open_menu(self, menu: str) -> tuple[int, int]:
        """Open a menu; return where its entry is."""
        blender = self.screen.window("^Blender")
        self.screen.activate(blender)
        x, y = _MENUS[menu]
        self.screen.click(blender, x, y)
        time.sleep(1.0)
        return x + _ENTRY[0], y + (_ENTRY[1] if menu == "top bar" else _ENTRY_IN_RENDER)

    def _settle(self) -> None:
        """Wait until Blender, the panel and what they started have nothing left to do, or have ended.

        Their processor time stands still then, but for a timer, and none of their threads waits for a processor: on a machine
        with much to do, a program that gets none looks idle by its time alone.
        """
        assert self.process is not None
        last, quiet = -1.0, 0
        with contextlib.suppress(psutil.NoSuchProcess):
            blender = psutil.Process(self.process.pid)
            for _ in range(240):
                if self.process.poll() is not None:
                    return
                programs = [blender, *blender.children()]
                awake = share_awake(programs, 0.5)
                now = sum(_processor_time(program) for program in programs)
                quiet = quiet + 1 if last >= 0 and now - last < 0.08 and awake < AWAKE else 0
                if quiet == 3:
                    return
                last = now


def share_awake(programs: Sequence[psutil.Process], seconds: float) -> float:
    """Return in what share of looks the busiest thread of some programs ran, or waited for a processor or a disk."""
    awake: collections.Counter[Path] = collections.Counter()
    for _ in range(_LOOKS):
        time.sleep(seconds / _LOOKS)
        awake.update(thread for program in programs for thread in _threads_awake(program.pid))
    return max(awake.values(), default=0) / _LOOKS


def _threads_awake(process: int) -> Iterator[Path]:
    """Yield each thread that has something to do (R) or waits for a disk (D), and does not sleep (proc_pid_stat(5))."""
    for thread in Path(f"/proc/{process}").glob("task/*"):
        with contextlib.suppress(OSError):  # it has ended
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] in "RD":
                yield thread


def _processor_time(program: psutil.Process) -> float:
    try:
        return float(sum(program.cpu_times()[:2]))
    except psutil.NoSuchProcess:  # it ended since: what it did is no more to be counted
        return 0.0


def lacking() -> str:
    """Say what is not installed, "" for nothing."""
    if shutil.which("blender") is None:
        return "there is no blender on the PATH"
    if sys.platform != "linux" or not os.path.exists("/proc"):
        return "only Linux has an X server without a monitor"
    from hosts.screen import lacking as programs

    package = programs()
    return f"{package} is not installed" if package else ""
