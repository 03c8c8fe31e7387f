"""The quick ways with a manifest say what the general ways say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conductor_core.documents import canonical_bytes, from_bytes
from conductor_core.errors import InvalidDocument
from conductor_core.manifest import Entry, Manifest, _check_closely, check_manifest, read_manifest
from conductor_core.paths import Flavour
from hypothesis import given
from hypothesis import strategies as st

_NAMES = st.sampled_from(["a", "b", "é", "\udc80", "", ".", "..", "a/b", "a.b", "..a", "a b", "\0", "/", "a\nb", '"', "\\"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join) | st.lists(_NAMES, max_size=4).map(lambda n: "/" + "/".join(n))
_DIGESTS = st.sampled_from(["", "sha256:" + "0" * 64, "sha256:" + "1" * 64, "sha256:" + "0" * 63])
_ENTRIES = st.builds(
    Entry,
    path=_PATHS,
    kind=st.sampled_from(["file", "directory", "symlink"]),
    digest=_DIGESTS,
    size=st.integers(-1, 2),
    mode=st.sampled_from([0, 0o644, 0o10000, -1]),
    mtime_ns=st.integers(-(2**63), 2**63 - 1),
    target=st.sampled_from(["", "x", "\0"]),
)
_GOOD = st.builds(Entry, path=_PATHS, digest=st.just("sha256:" + "0" * 64))
_MANIFESTS = st.builds(Manifest, st.sampled_from(Flavour), st.lists(_ENTRIES | _GOOD, max_size=5).map(tuple))
_SORTED = st.lists(_GOOD, max_size=6, unique_by=lambda e: e.path).map(lambda e: tuple(sorted(e, key=lambda x: x.path)))


def _said(check: Any, *what: Any) -> Any:
    try:
        return check(*what)
    except InvalidDocument as exc:
        return str(exc)


@given(_MANIFESTS | st.builds(Manifest, st.just(Flavour.POSIX), _SORTED))
def test_checked_alike(manifest: Manifest) -> None:
    """What the closer look refuses is refused in the same words, and nothing else is."""
    assert _said(check_manifest, manifest) == _said(_check_closely, manifest)


@given(_MANIFESTS)
def test_written_and_read_alike(manifest: Manifest) -> None:
    """The bytes are the canonical ones, and come back as what they were."""
    assert manifest.to_bytes() == canonical_bytes(manifest)
    assert read_manifest(manifest.to_bytes()) == manifest


_ROW = json.loads(Manifest(Flavour.POSIX, (Entry("/a"),)).to_bytes())["entries"][0]


@pytest.mark.parametrize(
    "data",
    [
        {"entries": [_ROW], "flavour": []},
        {"entries": [_ROW], "flavour": "mars"},
        {"entries": [{**_ROW, "size": True}], "flavour": "posix"},
        {"entries": [{**_ROW, "size": 2**63}], "flavour": "posix"},
        {"entries": [{**_ROW, "kind": "door"}], "flavour": "posix"},
        {"entries": [{**_ROW, "path": None}], "flavour": "posix"},
        {"entries": [{**_ROW, "more": 1}], "flavour": "posix"},
        {"entries": ["abcdefg", 7], "flavour": "posix"},
        {"entries": [{"path": "/a"}], "flavour": "posix"},
        {"entries": 3, "flavour": "posix"},
        {"entries": []},
        [],
    ],
    ids=str,
)
def test_odd_documents_are_read_alike(data: Any) -> None:
    """What is not in full, or not right, is taken or refused as any document is."""
    text = json.dumps(data).encode()
    assert _said(read_manifest, text) == _said(from_bytes, Manifest, text)
