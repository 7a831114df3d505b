"""Probe profiles: colours mean ends by the profile alone."""

import pytest

from alkfish.model.probe import (
    CaseRule,
    Colour,
    ProbeEnd,
    ProbeProfile,
    SeparationMeasure,
    SeparationRule,
)


def profile(three_prime, five_prime):
    return ProbeProfile("x", "X", "ALK", three_prime, five_prime, confirmed=True)


@pytest.mark.parametrize(
    ("three_prime", "five_prime"), [(Colour.RED, Colour.GREEN), (Colour.GREEN, Colour.RED)]
)
def test_the_profile_says_which_end_a_colour_labels(three_prime, five_prime):
    probe = profile(three_prime, five_prime)
    assert probe.end_of(three_prime) is ProbeEnd.THREE_PRIME
    assert probe.end_of(five_prime) is ProbeEnd.FIVE_PRIME


def test_ends_colours_and_measures_are_frozen():
    assert [end.value for end in ProbeEnd] == ["3p", "5p"]
    assert [colour.value for colour in Colour] == ["red", "green"]
    assert [measure.value for measure in SeparationMeasure] == [
        "gap_diameters",
        "centre_diameters",
        "centre_um",
    ]


def test_defaults_are_the_rule_of_the_kit():
    """ATLAS2 pp 45-48: gap of 2 diameters, 15 %, 50 nuclei per reader, 5 to 25 equivocal."""
    assert SeparationRule() == SeparationRule(SeparationMeasure.GAP_DIAMETERS, 2.0)
    rule = CaseRule()
    assert (rule.positive_percent, rule.min_nuclei, rule.read_size) == (15, 50, 50)
    assert rule.borderline_percent == (10, 20)
    assert rule.equivocal_counts == (5, 25)
