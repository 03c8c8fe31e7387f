from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from conductor_core.digest import Digest, digest_of, hex_of, parse_digest
from conductor_core.documents import canonical_bytes, from_bytes, from_json, to_json
from conductor_core.errors import InvalidDocument
from hypothesis import given
from hypothesis import strategies as st


class Colour(str, enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    number: int
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.number == 13:
            raise ValueError("must not be 13")


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    colour: Colour
    inner: Inner
    many: tuple[Inner, ...] = ()
    perhaps: Inner | None = None
    plain: str | int | float | bool | None = None
    scale: float = 1.0
    flag: bool = False
    digest: Digest | None = None
    table: Mapping[str, int] = field(default_factory=dict)
    counts: dict[str, tuple[int, ...]] = field(default_factory=dict)


MINIMAL: dict[str, Any] = {"name": "n", "colour": "red", "inner": {"number": 1}}


def test_defaults_fill_what_is_not_said() -> None:
    """A short document is a whole value."""
    assert from_json(Outer, MINIMAL) == Outer("n", Colour.RED, Inner(1))


@pytest.mark.parametrize("plain", ["text", 1, 1.5, True, False, None, ""], ids=repr)
def test_a_plain_value_keeps_its_type(plain: object) -> None:
    """1 stays an int, 1.5 a float, true a bool: what a host's parameter says is what its render script gets."""
    built = from_json(Outer, {**MINIMAL, "plain": plain}).plain
    assert built == plain
    assert type(built) is type(plain)


def test_a_whole_number_is_good_for_a_float() -> None:
    """JSON writers drop `.0`."""
    assert from_json(Outer, {**MINIMAL, "scale": 2}).scale == 2.0


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"name": "n", "colour": "red"}, "inner", "is missing"),
    "missing inside": ({**MINIMAL, "inner": {}}, "inner.number", "is missing"),
    "unknown": ({**MINIMAL, "extra": 1}, "extra", "is not known"),
    "unknown inside": ({**MINIMAL, "inner": {"number": 1, "x": 1}}, "inner.x", "is not known"),
    "unknown in a list": ({**MINIMAL, "many": [{"number": 1}, {"number": 1, "x": 1}]}, "many[1].x", "is not known"),
    "not an object": ({**MINIMAL, "inner": []}, "inner", "must be an object"),
    "not a list": ({**MINIMAL, "many": {}}, "many", "must be a list"),
    "text is not a list": ({**MINIMAL, "many": "ab"}, "many", "must be a list"),
    "not text": ({**MINIMAL, "name": 1}, "name", "must be str"),
    "not a number": ({**MINIMAL, "inner": {"number": "1"}}, "inner.number", "must be int"),
    "a fraction": ({**MINIMAL, "inner": {"number": 1.0}}, "inner.number", "must be int"),
    "a bool is no number": ({**MINIMAL, "inner": {"number": True}}, "inner.number", "must be int"),
    "a number is no bool": ({**MINIMAL, "flag": 1}, "flag", "must be bool"),
    "a bool is no float": ({**MINIMAL, "scale": True}, "scale", "must be float"),
    "null is no text": ({**MINIMAL, "name": None}, "name", "must be str"),
    "beyond 64 bits": ({**MINIMAL, "inner": {"number": 2**63}}, "inner.number", "64 bits"),
    "not finite": ({**MINIMAL, "scale": math.nan}, "scale", "finite"),
    "a huge whole number for a float": ({**MINIMAL, "scale": 10**400}, "scale", "finite"),
    "not a choice": ({**MINIMAL, "inner": {"number": 1, "kind": "c"}}, "inner.kind", "must be one of a, b"),
    "no choice at all": ({**MINIMAL, "inner": {"number": 1, "kind": ["a"]}}, "inner.kind", "must be one of a, b"),
    "not of the enum": ({**MINIMAL, "colour": "green"}, "colour", "must be one of red, blue"),
    "inside what may be null": ({**MINIMAL, "perhaps": {"number": "1"}}, "perhaps.number", "must be int"),
    "none of the union": ({**MINIMAL, "plain": []}, "plain", "must be str or int or float or bool or null"),
    "in a mapping": ({**MINIMAL, "table": {"x": "1"}}, "table.x", "must be int"),
    "no mapping": ({**MINIMAL, "table": [1]}, "table", "must be an object"),
    "in a list in a mapping": ({**MINIMAL, "counts": {"x": [1, "2"]}}, "counts.x[1]", "must be int"),
    "the type's own check": ({**MINIMAL, "inner": {"number": 13}}, "inner", "must not be 13"),
}


@pytest.mark.parametrize(("data", "place", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_named_by_its_field(data: dict[str, Any], place: str, reason: str) -> None:
    """The error says which field of which document, and why."""
    with pytest.raises(InvalidDocument) as caught:
        from_json(Outer, data, document="the form")
    assert (caught.value.document, caught.value.field) == ("the form", place)
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"the form: field {place!r} ")


NOT_JSON = {
    "nothing": b"",
    "cut off": b'{"name": "n", ',
    "not UTF-8": b'{"name": "\xff"}',
    "nested without end": b"[" * 100_000,
    "another shape": b"[]",
    "a number": b"1",
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    """Whatever comes over the line is a value or an InvalidDocument."""
    with pytest.raises(InvalidDocument, match="Outer: field '\\(whole\\)'"):
        from_bytes(Outer, data)


texts = st.text(max_size=5)
inners = st.builds(Inner, st.integers(-(2**63), 2**63 - 1).filter(lambda n: n != 13), st.sampled_from(["a", "b"]))
outers = st.builds(
    Outer,
    texts,
    st.sampled_from(Colour),
    inners,
    many=st.lists(inners, max_size=3).map(tuple),
    perhaps=st.none() | inners,
    plain=st.none() | texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    scale=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    table=st.dictionaries(texts, st.integers(0, 9), max_size=3),
    counts=st.dictionaries(texts, st.lists(st.integers(0, 9), max_size=3).map(tuple), max_size=3),
)


@given(outers)
def test_a_value_survives_json(value: Outer) -> None:
    """Out and in again is the same value, by objects and by bytes, and its bytes are always the same bytes."""
    assert from_json(Outer, json.loads(json.dumps(to_json(value)))) == value
    data = canonical_bytes(value)
    again = from_bytes(Outer, data)
    assert again == value
    assert canonical_bytes(again) == data


def test_canonical_bytes_do_not_depend_on_the_order_of_keys() -> None:
    """Equal documents have one digest."""
    assert canonical_bytes({"b": 1, "a": [1, "é"]}) == canonical_bytes({"a": [1, "é"], "b": 1}) == b'{"a":[1,"\\u00e9"],"b":1}'


def test_what_json_cannot_say_is_not_written() -> None:
    """NaN is not JSON, whatever Python's writer thinks."""
    with pytest.raises(ValueError, match="JSON"):
        canonical_bytes(Outer("n", Colour.RED, Inner(1), scale=math.inf))


def test_text_that_is_not_unicode_survives() -> None:
    """A file name that is not UTF-8 is a lone surrogate in Python, and still one after the round trip."""
    value = Outer("a\udcff", Colour.RED, Inner(1))
    assert from_bytes(Outer, canonical_bytes(value)) == value


@dataclass(frozen=True, slots=True)
class Free:
    values: Mapping[str, Any]


def test_a_free_field_takes_what_json_has() -> None:
    """Where a document leaves open what a field holds, everything that JSON can say comes through as it is."""
    said = {"list": [1, {"deep": None}], "number": 1.5, "text": "a", "yes": True}
    assert from_json(Free, {"values": said}).values == said


def test_a_digest_has_one_form() -> None:
    """sha256 and 64 small hex digits, which the parser takes and the maker makes."""
    digest = digest_of(b"abc")
    assert digest == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert parse_digest(digest) == digest
    assert hex_of(digest) == digest[7:]


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", "md5:" + "0" * 64, "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha256:" + "0" * 64 + "\n", "0" * 64],
    ids=["empty", "no digits", "other function", "capitals", "short", "line break", "no prefix"],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """A name that is not one of ours names nothing (and never becomes part of a path)."""
    with pytest.raises(ValueError, match="is not a digest"):
        parse_digest(text)
