"""Probe profiles."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from alkfish.errors import ProbeError
from alkfish.io.probes import (
    DEFAULT_PROBE,
    list_probes,
    load_probe,
    probe_from_mapping,
    probe_to_mapping,
    probe_to_toml,
    require_confirmed,
    unsourced_figures,
)
from alkfish.model.probe import Colour, ProbeEnd, SeparationMeasure

ROS1 = """
name = "my-ros1"
title = "ROS1 break-apart, green 3' end"
gene = "ROS1"
confirmed = true
[colours]
three_prime = "green"
five_prime = "red"
[separation]
measure = "gap_diameters"
limit = 1
[case_rule]
positive_percent = 15
min_nuclei = 50
borderline_percent = [10, 30]
read_size = 50
equivocal_counts = [5, 15]
[sources]
colours = "data sheet"
separation = "atlas"
positive_percent = "atlas"
min_nuclei = "atlas"
borderline_percent = "atlas"
read_size = "atlas"
equivocal_counts = "atlas"
"""


def changed(**changes: object) -> dict:
    """The default profile as a mapping, with dotted keys (a__b) replaced or removed (None)."""
    data = probe_to_mapping(load_probe())
    for name, value in changes.items():
        *tables, key = name.split("__")
        inner = data
        for table in tables:
            inner = inner[table]
        if value is None:
            del inner[key]
        else:
            inner[key] = value
    return data


def test_default_is_the_kit_of_the_rule() -> None:
    probe = load_probe()
    assert probe.name == DEFAULT_PROBE == "vysis-alk"
    assert probe.confirmed
    assert probe.end_of(Colour.RED) is ProbeEnd.THREE_PRIME
    assert probe.separation.measure is SeparationMeasure.GAP_DIAMETERS
    assert probe.separation.limit == 2.0
    assert probe.case_rule.positive_percent == 15
    assert probe.case_rule.min_nuclei == 50
    assert probe.case_rule.equivocal_counts == (5, 25)
    assert set(probe.sources) == {
        "colours", "separation", "positive_percent", "min_nuclei", "borderline_percent",
        "read_size", "equivocal_counts",
    }  # fmt: skip


def test_shipped_profiles() -> None:
    probes = list_probes()
    assert [probe.name for probe in probes] == ["vysis-alk", "generic-break-apart"]
    assert [probe.confirmed for probe in probes] == [True, False]


@pytest.mark.parametrize("name", [probe.name for probe in list_probes()])
def test_shipped_files_are_what_show_prints(name: str) -> None:
    text = (resources.files("alkfish") / "probes" / f"{name}.toml").read_text("utf-8")
    assert probe_to_toml(load_probe(name)) == text


def test_toml_round_trip_of_awkward_texts(tmp_path: Path) -> None:
    probe = probe_from_mapping(
        changed(title='a "quoted" \\ µ \x7f\n\ttext', sources__colours="# not a comment = 1")
    )
    (tmp_path / "p.toml").write_text(probe_to_toml(probe), "utf-8")
    assert load_probe(tmp_path / "p.toml") == probe


def test_colour_swapped_kit_needs_only_a_file(tmp_path: Path) -> None:
    (tmp_path / "ros1.toml").write_text(ROS1)
    probe = require_confirmed(load_probe(tmp_path / "ros1.toml"))
    assert probe.end_of(Colour.GREEN) is ProbeEnd.THREE_PRIME
    assert probe.end_of(Colour.RED) is ProbeEnd.FIVE_PRIME
    assert probe.separation.limit == 1.0
    assert tomllib.loads(probe_to_toml(probe))["gene"] == "ROS1"


def test_template_is_refused_until_confirmed() -> None:
    with pytest.raises(ProbeError, match=r"alkfish probe show generic-break-apart > my\.toml"):
        require_confirmed(load_probe("generic-break-apart"))


def test_confirmed_copy_of_the_template(tmp_path: Path) -> None:
    text = probe_to_toml(load_probe("generic-break-apart"))
    confirmed = text.replace("confirmed = false", "confirmed = true")
    (tmp_path / "my.toml").write_text(confirmed)
    probe = require_confirmed(load_probe(str(tmp_path / "my.toml")))
    assert set(unsourced_figures(probe)) == set(probe.sources)
    (tmp_path / "my.toml").write_text(confirmed.replace("fill in: ", "checked against "))
    assert unsourced_figures(load_probe(tmp_path / "my.toml")) == ()


def test_unsourced_figures() -> None:
    assert unsourced_figures(load_probe()) == ()
    assert unsourced_figures(probe_from_mapping(changed(sources__colours=None))) == ("colours",)
    assert len(unsourced_figures(probe_from_mapping(changed(sources=None)))) == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"separation__limits": 2}, "unknown key separation.limits"),
        ({"name": None}, "name is missing"),
        ({"separation": None}, "separation is missing"),
        ({"colours": "red"}, "colours: "),
        ({"name": "My Kit"}, "name: .*found 'My Kit'"),
        ({"title": ""}, "title: "),
        ({"confirmed": "yes"}, "confirmed: .*found 'yes'"),
        ({"colours__three_prime": "green"}, "both ends are 'green'"),
        ({"colours__three_prime": "orange"}, "colours.three_prime: .*found 'orange'"),
        ({"separation__measure": "gap"}, "separation.measure: .*found 'gap'"),
        ({"separation__limit": 0}, "separation.limit: .*greater than 0"),
        ({"separation__limit": 21.0}, "separation.limit: .*less than or equal to 20"),
        ({"separation__limit": float("nan")}, "separation.limit: "),
        ({"separation__limit": True}, "separation.limit: "),
        ({"case_rule__positive_percent": 0}, "positive_percent: "),
        ({"case_rule__positive_percent": 15.0}, "positive_percent: .*found 15.0"),
        ({"case_rule__positive_percent": 30}, "does not hold positive_percent 30"),
        ({"case_rule__min_nuclei": 0}, "min_nuclei: "),
        ({"case_rule__borderline_percent": [20, 10]}, "borderline_percent: 20 is above 10"),
        ({"case_rule__borderline_percent": [10]}, "borderline_percent: .*at least 2"),
        ({"case_rule__borderline_percent": [10, 101]}, "borderline_percent.1: "),
        ({"case_rule__equivocal_counts": [25, 5]}, "equivocal_counts: 25 is above 5"),
        ({"case_rule__equivocal_counts": [5, 51]}, "equivocal_counts: 51 is above read_size 50"),
        ({"case_rule__equivocal_counts": [9, 25]}, "with 8 of 50 would end as negative"),
        ({"case_rule__equivocal_counts": [5, 6]}, "with 7 of 50 would end as positive"),
        ({"sources": []}, "sources: "),
        ({"sources__colors": "x"}, "sources: unknown key colors"),
        ({"sources__colours": 7}, "sources.colours: "),
    ],
)
def test_impossible_settings(changes: dict, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        probe_from_mapping(changed(**changes))


@pytest.mark.parametrize("counts", [[8, 25], [5, 7], [0, 50], [8, 8]])
def test_possible_equivocal_counts(counts: list[int]) -> None:
    # 7 of 50 is 14 %: reader 1 may end as negative there, 8 of 50 is 16 % and may end positive.
    rule = probe_from_mapping(changed(case_rule__equivocal_counts=counts)).case_rule
    assert list(rule.equivocal_counts) == counts


def test_all_problems_at_once() -> None:
    data = changed(name="A B", separation__limit=-1, colours__five_prime="red", extra=1)
    with pytest.raises(ProbeError, match="not valid") as caught:
        probe_from_mapping(data, where="kit.toml")
    text = str(caught.value)
    assert text.startswith("kit.toml: ")
    for part in ("name:", "separation.limit:", "both ends are 'red'", "unknown key extra"):
        assert part in text


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ProbeError, match=r"vysis-allk[\s\S]*vysis-alk, generic-break-apart"):
        load_probe("vysis-allk")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="cannot be read"):
        load_probe(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe\x00"])
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.toml").write_bytes(content)
    with pytest.raises(ProbeError, match=r"p\.toml"):
        load_probe(tmp_path / "p.toml")


def test_the_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "probes.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (tmp_path / "p.toml").write_text(example, "utf-8")
    probe = require_confirmed(load_probe(tmp_path / "p.toml"))
    assert (probe.name, probe.three_prime_colour) == ("my-ros1", Colour.GREEN)


def with_controls(negative: int, positive: int) -> dict:
    """The default profile with declared limits of controls."""
    limits = {"negative_below_percent": negative, "positive_from_percent": positive}
    return changed() | {"controls": limits}


def test_limits_of_controls_may_be_declared_and_are_written_only_then() -> None:
    assert "controls" not in probe_to_mapping(load_probe())
    probe = probe_from_mapping(with_controls(5, 60))
    assert (probe.control_limits.negative_below_percent, probe.control_limits) == (
        5,
        probe.controls,
    )
    assert probe_to_mapping(probe)["controls"] == with_controls(5, 60)["controls"]
    assert probe_from_mapping(tomllib.loads(probe_to_toml(probe))) == probe
    assert "controls" in unsourced_figures(probe)


def test_without_declared_limits_the_borderline_range_counts() -> None:
    limits = load_probe().control_limits
    assert (limits.negative_below_percent, limits.positive_from_percent) == (10, 20)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ((16, 20), "negative_below_percent: 16 is above"),
        ((10, 14), "positive_from_percent: 14 is below"),
        ((-1, 20), "greater than or equal to 0"),
    ],
)
def test_impossible_limits_of_controls_are_refused(limits: tuple, words: str) -> None:
    with pytest.raises(ProbeError, match=words):
        probe_from_mapping(with_controls(*limits))
