"""What somebody asks to have brought home: a job, or all that a project or the account publishes; read and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conductor_core.agent.journal_rows import Following
from conductor_core.errors import InvalidDocument
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.transfer.places import check_names


@dataclass(frozen=True, slots=True)
class Wish:
    """What to follow."""

    #: id or number of a job, or the key of a project that is followed
    job: str
    project: str = ""
    #: None: as before, where it was followed before
    following: Following | None = None


def read_wish(request: Mapping[str, Any]) -> Wish:
    """Return what a request asks for.

    Raises:
        InvalidDocument: naming the field that makes no sense.
        PathError: a folder is not absolute, or the pattern of names cannot be filled in.
    """
    job = str(request.get("job") or "")
    said = any(request.get(name) is not None for name in ("to", "name"))
    to, name = _places(str(request.get("to") or ""), str(request.get("name") or ""))
    share = _text(request, "share")
    if job:
        # only what was said: who asks again without a word on places wants those of before
        return Wish(job, following=Following(to=to, name=name, share=share) if said or share else None)
    if request.get("project") is None:
        raise InvalidDocument("request", "job", "is missing")
    under = request.get("under") or []
    if not isinstance(under, list) or not all(isinstance(folder, str) for folder in under):
        raise InvalidDocument("request", "under", "must be a list of folders")
    if not under and not to:
        raise InvalidDocument("request", "to", "or under must say where files may be written")
    if not to:
        under = [ClientPath.parse(folder, local_flavour()).text for folder in under]
    lasting = request.get("watch") is True
    following = Following("project", to, name, under=tuple(sorted(set(under))), share=share, lasting=lasting)
    project = _text(request, "project")
    return Wish(_key(project, following), project, following)


def _places(to: str, name: str) -> tuple[str, str]:
    if name:
        check_names(name)
    return (ClientPath.parse(to, local_flavour()).text if to else ""), name


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name) or ""
    if not isinstance(value, str) or len(value) > 100:
        raise InvalidDocument("request", name, "must be a text of 100 characters at most")
    return value


def _key(project: str, following: Following) -> str:
    """Return the same for the same wish: asked twice, it is followed once."""
    about = json.dumps([project, following.to, following.name, following.under])
    return f"project-{hashlib.sha256(about.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"
