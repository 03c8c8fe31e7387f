"""Where a client's path lies on the instance: in the stage, and as the software sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, PathRule, common_roots, stage_path
from conductor_core.sequences import output_folder
from conductor_core.submission import Step

#: the sandbox's own folder: hosts' scripts, home, and the files of Windows clients
OWN_FOLDER = "/conductor"
WINDOWS_FILES = OWN_FOLDER + "/files"

#: a folder that a task may not have for itself, since the sandbox needs it
_NOT_WRITABLE = ("/", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/run", "/var")
_NEVER_WITHIN = ("/proc", "/dev", "/sys", OWN_FOLDER)


@dataclass(frozen=True, slots=True)
class Places:
    """Say where the software finds a client's path.

    `seen_root` is `/` where the sandbox shows a posix client's own paths, the folder of the drives for a Windows client,
    and the stage itself where paths are rewritten.
    """

    flavour: Flavour
    seen_root: str

    def staged(self, text: str) -> str:
        """Return the place of a client path in the stage, relative; raises PathError for what is not absolute."""
        return stage_path(ClientPath.parse(text, self.flavour))

    def seen(self, path: ClientPath) -> str:
        """Return the absolute path at which the software finds `path`."""
        staged = stage_path(path)
        return self.seen_root.rstrip("/") + "/" + ("" if staged == "." else staged)

    def rules(self, files: Iterable[ClientPath], folders: Iterable[ClientPath]) -> tuple[PathRule, ...]:
        """Return the rules by which the software must rewrite paths; none where it sees the client's own."""
        if self.seen_root == "/":
            return ()
        roots = common_roots([*files, *(folder.join("any") for folder in folders)])
        return tuple(PathRule(root, ClientPath.parse(self.seen(root), Flavour.POSIX)) for root in roots)


def output_folders(step: Step, flavour: Flavour) -> tuple[ClientPath, ...]:
    """Return the folders that a step may write, outermost only: the folder of each output, above any frame token.

    Raises:
        PathError: an output is not absolute, or would give the task a folder that it may not have.
    """
    folders = sorted({output_folder(ClientPath.parse(output.path, flavour)) for output in step.outputs})
    result: list[ClientPath] = []
    for folder in folders:
        if result and folder.is_within(result[-1]):
            continue
        if flavour is Flavour.POSIX and not _may_be_written(folder.text):
            raise PathError(folder.text, "cannot be an output folder on an instance", "Render into a folder of the project.")
        result.append(folder)
    return tuple(result)


def _may_be_written(folder: str) -> bool:
    inside = any(folder == top or folder.startswith(top + "/") for top in _NEVER_WITHIN)
    return folder not in _NOT_WRITABLE and not inside
