"""Where files of what is followed may lie, and where each of them is to lie: no service may write where nobody asked it to."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, NewOutput, OutputRow
from conductor_core.agent.twins import Twins, is_one_file
from conductor_core.api.answers import OutputFile
from conductor_core.api.client import ServiceClient
from conductor_core.documents import from_json
from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, is_name, local_flavour
from conductor_core.sequences import output_folder
from conductor_core.submission import Submission
from conductor_core.transfer.places import Published, place_of

_OUTSIDE = "lies outside of the output folders that the job was submitted with"


class OutputFolders:
    """Know the folders of each followed job.

    What this machine submitted is known from the journal. A job of elsewhere, followed by its number, is known from
    the service alone: there the artist trusts it with the folders that it says the job was submitted with. Where a folder was
    named to bring files to, they lie in that one, whatever the service says.
    """

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        *,
        one_file: Callable[[str, str], bool] = is_one_file,
    ) -> None:
        """`one_file` tells of two places whether the disk there takes them for one."""
        self._journal = journal
        self._twins = Twins(journal)
        self._one_file = one_file
        self._connect = connect
        self._folders: dict[tuple[str, str], tuple[ClientPath, ...]] = {}

    def check(self, row: OutputRow, followed: DownloadRow) -> None:
        """Refuse a place outside of the folders.

        Raises:
            PathError: naming the path.
        """
        self._check(row.path, row.service, row.job, followed)

    def checker(self, service: str, job: str, followed: DownloadRow) -> Callable[[str], None]:
        """Return `check` for the paths of one load: what is right in a folder is asked once of it, and not of each of its files."""
        right: set[str] = set()
        flavour = local_flavour()

        def check(path: str) -> None:
            name = path.rpartition(os.sep)[2]
            folder = path[: len(path) - len(name)]  # with its separator: a path that has none is in no folder
            if folder not in right or not is_name(name, flavour):
                self._check(path, service, job, followed)
                right.add(folder)

        return check

    def _check(self, text: str, service: str, job: str, followed: DownloadRow) -> None:
        following = followed.following
        try:
            path = ClientPath.parse(text, local_flavour())
        except PathError:
            other = "Windows" if os.name == "posix" else "Linux or macOS"
            raise PathError(
                text,
                f"belongs to {other}",
                f"Download this job on the machine it was submitted from, or to a folder of this one: "
                f"conductor download {followed.number or 'JOB'} --to FOLDER.",
            ) from None
        if following.to or following.kind == "project":
            named = (following.to,) if following.to else following.under
            folders = tuple(_local(folder) for folder in named)
            reason = "lies outside of the folder that files were to be brought to"
        else:
            local = local_flavour()
            folders = tuple(f for f in self._folders_of(service, job) if f.flavour is local)
            reason = _OUTSIDE
        if path.text != text or not any(path.is_within(folder) and path != folder for folder in folders):
            raise PathError(text, reason)

    def placed(self, row: DownloadRow, outputs: Sequence[OutputFile]) -> list[NewOutput]:
        """Return where files are to lie; each that can lie nowhere, or where another does, says why."""
        found: dict[str, NewOutput] = {}
        wanted = [one for one in outputs if self._is_wanted(row, one)]
        new = [self._placed(row, one) for one in wanted]
        there = {} if self._as_published(row) else self._journal.seqs_at(row, [one.path for one in new])
        for one in new:
            before = found[one.path].published if one.path in found else there.get(one.path, (0, one.published))[1]
            if not one.error and before and before != one.published:
                one = _nowhere(
                    one, f"{one.published} would lie where {before} lies: {one.path}. Put {{step}} or {{path}} into --name."
                )
            found[one.path] = one  # a later version replaces the earlier
        placed = list(found.values())
        twins = self._twins.among(row, [one for one in placed if not one.error])
        return [self._apart(row, one, twins[one.path]) if one.path in twins else one for one in placed]

    def forget(self, service: str, job: str) -> None:
        """Drop the many places that are kept in mind of something of which no more is to come."""
        self._twins.forget(service, job)

    def _apart(self, row: DownloadRow, output: NewOutput, twin: str) -> NewOutput:
        """Return an output as told to lie nowhere, where this machine's disk would put it into the place of its twin."""
        try:
            for place in (output.path, twin):
                self._check(place, row.service, row.job, row)
        except PathError:
            return output  # said when its turn comes
        if not self._one_file(twin, output.path):
            return output
        return _nowhere(
            output,
            f"{output.published} would lie where {twin} lies: the disk there takes both names for one file. Give one of them another "
            f"name, or bring them to a disk that tells them apart: conductor download {output.number or row.number or 'JOB'} --to FOLDER.",
        )

    @staticmethod
    def _as_published(row: DownloadRow) -> bool:
        return not (row.following.to or row.following.name)

    def _is_wanted(self, row: DownloadRow, output: OutputFile) -> bool:
        if row.following.kind == "job" or not row.following.under:
            return True
        return any(_is_within(output.path, folder) for folder in row.following.under)

    def _placed(self, row: DownloadRow, output: OutputFile) -> NewOutput:
        number, project = output.number or row.number, output.project or row.project
        new = NewOutput(
            output.path,
            output.seq,
            output.digest,
            output.size,
            output.mode,
            output.mtime_ns,
            published=output.path,
            step=output.step,
            frame=output.frame,
            origin=output.job,
            number=number,
            project=project,
            output=output.id,
        )
        if self._as_published(row):
            return new
        try:
            flavour = _flavour(output.path)
            published = Published(ClientPath.parse(output.path, flavour), output.step, output.frame, number, project)
            path = place_of(published, self._roots(row), to=row.following.to, name=row.following.name)
        except PathError as exc:
            return _nowhere(new, str(exc))
        return replace(new, path=path)

    def _roots(self, row: DownloadRow) -> tuple[ClientPath, ...]:
        if row.following.kind == "job":
            return self._folders_of(row.service, row.job)
        if row.following.to:
            return ()
        return tuple(ClientPath.parse(folder, local_flavour()) for folder in row.following.under)

    def _folders_of(self, service: str, job: str) -> tuple[ClientPath, ...]:
        key = (service, job)
        if key not in self._folders:
            request = self._journal.request_of_job(service, job)
            submission = (
                self._connect(service).job(job).submission if request is None else from_json(Submission, request["submission"])
            )
            self._folders[key] = _output_folders(submission)
        return self._folders[key]


@functools.lru_cache(maxsize=64)
def _local(folder: str) -> ClientPath:
    """Return a folder of this machine; asked for each of thousands of files."""
    return ClientPath.parse(folder, local_flavour())


def _nowhere(output: NewOutput, reason: str) -> NewOutput:
    """Return an output that is told as failed, under the place where it was published."""
    return replace(output, path=output.published, error=reason)


def _flavour(path: str) -> Flavour:
    return Flavour.POSIX if path.startswith("/") else Flavour.WINDOWS


def _is_within(path: str, folder: str) -> bool:
    flavour = _flavour(folder)
    try:
        return ClientPath.parse(path, flavour).is_within(ClientPath.parse(folder, flavour))
    except PathError:
        return False


def _output_folders(submission: Submission | None) -> tuple[ClientPath, ...]:
    if submission is None:
        return ()
    paths = {output.path for step in submission.steps for output in step.outputs}
    return tuple(output_folder(ClientPath.parse(path, submission.flavour)) for path in sorted(paths))
