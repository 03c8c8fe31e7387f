from __future__ import annotations

import pytest
from conductor_core.environment import EnvironmentVariable, Policy, check_variable, merge_environment
from conductor_core.errors import EnvironmentConflict, InvalidDocument
from hypothesis import given
from hypothesis import strategies as st


def var(name: str, value: str, policy: Policy = "exclusive", source: str = "job") -> EnvironmentVariable:
    return EnvironmentVariable(name, value, policy, source)


MERGED: dict[str, tuple[list[list[EnvironmentVariable]], dict[str, str]]] = {
    "nothing": ([], {}),
    "one": ([[var("A", "1")]], {"A": "1"}),
    "append": ([[var("P", "/a", "append")], [var("P", "/b", "append")]], {"P": "/a:/b"}),
    "prepend": ([[var("P", "/a", "prepend")], [var("P", "/b", "prepend")]], {"P": "/b:/a"}),
    "both": (
        [[var("P", "/pkg", "append")], [var("P", "/first", "prepend"), var("P", "/last", "append")]],
        {"P": "/first:/pkg:/last"},
    ),
    "in one layer": ([[var("P", "/a", "append"), var("P", "/b", "append")]], {"P": "/a:/b"}),
    "appended again": ([[var("P", "/a", "append"), var("P", "/b", "append")], [var("P", "/a", "append")]], {"P": "/a:/b"}),
    "prepended again": ([[var("P", "/a", "append"), var("P", "/b", "append")], [var("P", "/b", "prepend")]], {"P": "/b:/a"}),
    "an empty value makes no empty element": ([[var("P", "", "append")], [var("P", "/a", "append")]], {"P": "/a"}),
    "only empty values": ([[var("P", "", "append")]], {"P": ""}),
    "exclusive twice, equal": ([[var("A", "1", source="a")], [var("A", "1", source="b")]], {"A": "1"}),
    "exclusive and append, equal": ([[var("A", "1")], [var("A", "1", "append")]], {"A": "1"}),
    "exclusive, empty": ([[var("A", "")]], {"A": ""}),
    "names tell case apart": ([[var("a", "1"), var("A", "2")]], {"a": "1", "A": "2"}),
    "the order of first mention": ([[var("B", "1"), var("A", "2")]], {"B": "1", "A": "2"}),
    "a line break is a value": ([[var("A", "1\n2")]], {"A": "1\n2"}),
}


@pytest.mark.parametrize(("layers", "merged"), MERGED.values(), ids=MERGED.keys())
def test_layers_come_to_one_environment(layers: list[list[EnvironmentVariable]], merged: dict[str, str]) -> None:
    """Each policy joins what the layers before it say, and exclusive is the whole value."""
    result = merge_environment(layers, separator=":")
    assert result == merged
    assert list(result) == list(merged)


def test_values_are_joined_by_the_instances_separator() -> None:
    """A Windows client's job on a Linux instance gets Linux search paths, and the other way round."""
    layers = [[var("P", "/a", "append"), var("P", "/b", "append")]]
    assert merge_environment(layers, separator=";") == {"P": "/a;/b"}


CONFLICTS = {
    "two values": (var("OCIO", "/a", source="scene"), var("OCIO", "/b", source="studio preset")),
    "exclusive, then append": (var("OCIO", "/a", source="scene"), var("OCIO", "/b", "append", "studio preset")),
    "append, then exclusive": (var("OCIO", "/b", "append", "scene"), var("OCIO", "/a", source="studio preset")),
    "exclusive and prepend": (var("OCIO", "/a", source="scene"), var("OCIO", "/b", "prepend", "studio preset")),
    "one source against itself": (var("OCIO", "/a", source="scene"), var("OCIO", "/b", source="scene")),
    "against the empty value": (var("OCIO", "/a", source="scene"), var("OCIO", "", source="studio preset")),
}


@pytest.mark.parametrize(("one", "other"), CONFLICTS.values(), ids=CONFLICTS.keys())
@pytest.mark.parametrize("layers", [1, 2])
def test_a_conflict_is_an_error_that_names_both_sources(
    one: EnvironmentVariable, other: EnvironmentVariable, layers: int
) -> None:
    """Nobody's exclusive value is dropped in silence, in one layer or in two."""
    with pytest.raises(EnvironmentConflict) as caught:
        merge_environment([[one], [other]] if layers == 2 else [[one, other]], separator=":")
    assert set(caught.value.sources) == {one.source, other.source}
    assert caught.value.name == "OCIO"
    for said in ("OCIO", one.source, other.source, repr(one.value), repr(other.value)):
        assert said in str(caught.value)


def test_a_source_without_a_name_is_called_so() -> None:
    """The sentence stays readable when nobody said who wants a variable."""
    with pytest.raises(EnvironmentConflict, match="an unnamed source and scene disagree"):
        merge_environment([[var("A", "1", source=""), var("A", "2", source="scene")]], separator=":")


BAD = {
    "empty name": var("", "1"),
    "equals sign": var("A=B", "1"),
    "digit first": var("1A", "1"),
    "blank": var("A B", "1"),
    "blank at the end": var("A ", "1"),
    "line break at the end": var("A\n", "1"),
    "NUL": var("A\0", "1"),
    "other scripts": var("Ä", "1"),
    "shell": var("A;rm", "1"),
    "NUL in the value": var("A", "1\0"),
}


@pytest.mark.parametrize("variable", BAD.values(), ids=BAD.keys())
def test_what_no_system_takes_is_refused(variable: EnvironmentVariable) -> None:
    """A name that a shell or the kernel would misread does not get as far as an instance."""
    with pytest.raises(InvalidDocument):
        merge_environment([[variable]], separator=":")


def test_the_field_of_a_bad_variable_can_be_named() -> None:
    """A submission says which entry is wrong."""
    with pytest.raises(InvalidDocument) as caught:
        check_variable(var("1A", ""), document="Submission", field="environment[3]")
    assert (caught.value.document, caught.value.field) == ("Submission", "environment[3]")


joining = st.builds(
    EnvironmentVariable,
    st.sampled_from(["P", "Q"]),
    st.sampled_from(["/a", "/b", "/c", ""]),
    st.sampled_from(["append", "prepend"]),
)


@given(st.lists(st.lists(joining, max_size=4), max_size=4))
def test_joining_loses_and_invents_nothing(layers: list[list[EnvironmentVariable]]) -> None:
    """Every value that was appended or prepended stands in the result once, and the same layers again change nothing."""
    merged = merge_environment(layers, separator=":")
    for name, text in merged.items():
        values = {v.value for layer in layers for v in layer if v.name == name and v.value}
        elements = text.split(":") if text else []
        assert sorted(elements) == sorted(values)
    assert merge_environment([*layers, *layers], separator=":") == merged
