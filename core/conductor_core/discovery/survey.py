"""What every reader is given: the file, the frames of the job, the project, the variables."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from conductor_core.discovery.limits import Limits
from conductor_core.sequences import DirectoryListing


@dataclass(frozen=True, slots=True)
class Survey:
    """One file under one scan. Readers of files that others point to get one of their own (`Usage.under`)."""

    #: the file that is read: absolute, of this machine; where it lies decides what its relative paths mean
    file: str
    #: frames of the job, in its order; None: nobody said, so the scene's own range counts
    frames: tuple[int, ...] | None = None
    #: the project's folder as somebody said it (`--project-root`, `MAYA_PROJECT`, `$JOB`); "": found by the reader's rules
    project_root: str = ""
    #: environment of the scan: this process's and what `--env` adds
    variables: Mapping[str, str] = field(default_factory=dict)
    #: more folders in which relative names are looked for, as who points to this file has set them
    search: tuple[str, ...] = ()
    #: what else the file that points here says of this one, in words that its format knows (`usd.rate`)
    given: tuple[tuple[str, str], ...] = ()
    #: the scene that was asked about, where this file is read because of it; "": this is the one
    scene: str = ""
    #: what the file that points here wants of this one, where both are of one format and it does not want all of it: a value
    #: of that format's own (which datablocks of a library are linked)
    errand: Hashable = None
    #: a snapshot of `file`: what is read in its place, as if it lay there; "": the file itself
    snapshot: str = ""
    #: the frames are scout frames, rendered while files of other frames are lacking: a reader that cannot tell which frames one
    #: looks at names all files, or says of `file` that it is not understood (`Unresolved`)
    for_scouts: bool = False
    listing: DirectoryListing = field(default_factory=DirectoryListing)
    limits: Limits = field(default_factory=Limits)

    @property
    def folder(self) -> str:
        """The folder of the file."""
        return os.path.dirname(self.file)

    @property
    def content(self) -> str:
        """The file whose bytes are read."""
        return self.snapshot or self.file

    def of(self, file: str) -> Survey:
        """Return the same for a file that this one points to."""
        return replace(self, file=file, scene=self.scene or self.file, snapshot="")
