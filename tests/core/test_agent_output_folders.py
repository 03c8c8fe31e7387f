"""Which places a load may be written to: the same whether each is asked for, or its folder once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import Following
from conductor_core.agent.output_folders import OutputFolders
from conductor_core.api.client import ServiceClient
from conductor_core.errors import PathError


def _nobody(_service: str) -> ServiceClient:
    raise AssertionError("no service is asked")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("f_2.exr", True),
        ("beauty/f_1.exr", True),
        ("", False),
        (".", False),
        ("..", False),
        ("../f_1.exr", False),
        ("../outside/f_1.exr", False),
        ("beauty/../f_1.exr", False),
        ("beauty//f_1.exr", False),
        ("./f_1.exr", False),
        ("f\0.exr", False),
    ],
)
def test_a_load_is_checked_as_each_of_its_files_is(tmp_path: Path, name: str, right: bool) -> None:
    """A folder that was found right once lets nothing else through."""
    journal = Journal(tmp_path / "journal.sqlite")
    out = tmp_path / "out"
    journal.add_download("s", "j", following=Following(to=str(out)))
    check = OutputFolders(journal, _nobody).checker("s", "j", journal.downloads()[0])
    try:
        check(str(out / "f_1.exr"))
        path = f"{out}{os.sep}{name}".replace("/", os.sep)
        if right:
            check(path)
        else:
            with pytest.raises(PathError):
                check(path)
        with pytest.raises(PathError, match="outside of the folder"):
            check(str(tmp_path / "f_1.exr"))
    finally:
        journal.close()


@pytest.mark.skipif(os.name != "posix", reason="a folder that holds everything")
def test_a_path_without_a_folder_is_in_none(tmp_path: Path) -> None:
    """Where everything may be written, a name alone would still be written to wherever the agent was started."""
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add_download("s", "j", following=Following(to="/"))
    check = OutputFolders(journal, _nobody).checker("s", "j", journal.downloads()[0])
    try:
        check("/f_1.exr")
        with pytest.raises(PathError):
            check("f_2.exr")
    finally:
        journal.close()
