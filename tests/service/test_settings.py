"""Settings and catalogue: defaults that work, files that are checked, versions that resolve."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.errors import SettingsError
from conductor_core.submission import Software
from conductor_core.versions import version_key
from conductor_service.catalogue import Catalogue, Package, load_catalogue
from conductor_service.errors import Invalid
from conductor_service.settings import Settings, load_settings


def test_defaults_need_no_file() -> None:
    """Without a file the service listens on loopback only, with the limits that the documentation names."""
    settings = load_settings(None)
    assert (settings.host, settings.port, settings.account_instance_limit) == ("127.0.0.1", 8088, 100)
    assert settings == Settings()


def test_a_file_and_the_command_line(tmp_path: Path) -> None:
    """What the command line says comes before the file; paths in the file are relative to it."""
    file = tmp_path / "settings.yaml"
    file.write_text("data: store\nport: 9000\nfleet: {max_instances: 7}\ncatalogue: [extra.yaml]\nidle_seconds: 5\n")
    settings = load_settings(file, overrides={"port": 0, "host": None})
    assert (settings.port, settings.host, settings.fleet.max_instances, settings.idle_seconds) == (0, "127.0.0.1", 7, 5)
    assert (settings.data, settings.catalogue) == (str(tmp_path / "store"), (str(tmp_path / "extra.yaml"),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 1", "prot is not known"),
        ("port: eighty", "port must be int"),
        ("port: 70000", "port 70000"),
        ("fleet: {max_instances: 0}", "max_instances must be more than 0"),
        ("fleet: {kind: cloud}", "fleet.kind"),
        ("lease_seconds: 5", "twice heartbeat_seconds"),
        ("idle_seconds: -1", "idle_seconds is negative"),
        ("tls_key: key.pem", "tls_certificate"),
        ("- a list", "must be a mapping"),
        ("a: [", "is not YAML"),
        ("instance_types: [{name: x, price_per_hour: cheap}]", "cheap"),
        ("instance_types: [{name: x, price_per_hour: '-1'}]", "not a price"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file, the field, and what is wrong with it."""
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be read is an error, not the defaults."""
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """A settings file with nothing in it changes nothing but where paths start."""
    (tmp_path / "s.yaml").write_text("# nothing yet\n")
    assert load_settings(tmp_path / "s.yaml").port == 8088


def test_a_studios_catalogue_lies_over_ours(tmp_path: Path) -> None:
    """Entries of the same name are replaced, others added; numbers that YAML makes of prices and versions do no harm."""
    file = tmp_path / "c.yaml"
    file.write_text(
        "currency: USD\n"
        "instance_types: [{name: small, price_per_hour: 0.30}, {name: giant, price_per_hour: 7}]\n"
        "software: [{name: blender, version: 4.5, launch: blender-binary, executable: blender}]\n"
    )
    inline = Package("nuke", "15.1", "command")
    catalogue = load_catalogue([file], software=[inline])
    assert catalogue.currency == "USD"
    assert catalogue.instance_type("small").price_per_hour == "0.3"
    assert catalogue.instance_type("giant").price_per_hour == "7"
    assert [(p.name, p.version) for p in catalogue.packages] == [("blender", "4.5"), ("command", "1.0"), ("nuke", "15.1")]


@pytest.mark.parametrize(
    ("written", "usual", "preemptible"),
    [("price_per_hour: 1.20", "1.2", "1.2"), ("price_per_hour: 1.20, preemptible_price_per_hour: 0.30", "1.2", "0.3")],
    ids=["one price", "two"],
)
def test_a_machine_has_a_price_of_its_own_where_it_may_be_taken_away(
    tmp_path: Path, written: str, usual: str, preemptible: str
) -> None:
    """Without one it costs the same."""
    file = tmp_path / "c.yaml"
    file.write_text(f"instance_types: [{{name: giant, {written}}}]")
    giant = load_catalogue([file]).instance_type("giant")
    assert (giant.price(preemptible=False), giant.price(preemptible=True)) == (usual, preemptible)


@pytest.mark.parametrize("field", ["price_per_hour", "preemptible_price_per_hour"])
def test_a_price_that_is_none_is_named(tmp_path: Path, field: str) -> None:
    """The field that does not fit is said."""
    file = tmp_path / "c.yaml"
    prices = {"price_per_hour": "1", field: "-1"}
    file.write_text(f"instance_types: [{{name: giant, {', '.join(f'{k}: {v}' for k, v in prices.items())}}}]")
    with pytest.raises(SettingsError, match=f"{field} '-1' is not a price"):
        load_catalogue([file])


def test_a_wrong_catalogue_is_named(tmp_path: Path) -> None:
    """An entry that does not fit is said with file and place."""
    file = tmp_path / "c.yaml"
    file.write_text("software: [{name: blender}]")
    with pytest.raises(SettingsError, match=r"software\[0\]"):
        load_catalogue([file])


VERSIONS = ("4.2.3", "4.2.23", "4.5.15", "4.10.1", "5.0.1")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("4.2.3", "4.2.3"),
        ("4.2", "4.2.23"),
        ("4", "4.10.1"),
        ("", "5.0.1"),
        ("4.2.9", "4.2.23"),
        ("4.1", None),
        ("4.20", None),
        ("5.0.1.2", "5.0.1"),
        ("six", None),
    ],
)
def test_versions_resolve(asked: str, found: str | None) -> None:
    """Exact, else the highest with this beginning (by numbers, not letters), else the highest patch of its minor."""
    catalogue = Catalogue({}, tuple(Package("blender", v, "bpy-module") for v in VERSIONS))
    if found is None:
        with pytest.raises(Invalid, match=r"4\.5\.15"):
            catalogue.resolve(Software("blender", asked))
    else:
        assert catalogue.resolve(Software("blender", asked)).version == found


def test_versions_sort_as_people_count() -> None:
    """10 comes after 9, and a beta before its release's patches."""
    assert sorted(["4.10", "4.9", "4.9-beta", "4.9.1"], key=version_key) == ["4.9", "4.9-beta", "4.9.1", "4.10"]
