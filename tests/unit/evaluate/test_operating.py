from dataclasses import replace

import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.evaluate.operating import (
    DEFAULT_LIMITS,
    OperatingCase,
    operating_curve,
    operating_curves,
    read_patterns,
    separation_used,
)
from alkfish.model.probe import CaseRule, SeparationMeasure, SeparationRule
from alkfish.synthetic import PatternMix, simulate_case

GAP = SeparationMeasure.GAP_DIAMETERS


def simulated(seed, *, positive, separation="published"):
    case = simulate_case(
        "easy", seed=seed, n_fields=2, shape=(700, 700), pixel_size_um=0.2,
        positive_fraction=0.7 if positive else 0.0, separation=separation,
        mix=PatternMix(1.0, 0.0, 0.0),
    )  # fmt: skip
    return OperatingCase(
        case.nuclei, case.spots, case.biology.rearranged, positive, 0.2, case.fields[0].shift_um
    )


@pytest.fixture(scope="module")
def cases():
    return [simulated(1, positive=True), simulated(2, positive=False)]


def test_the_rule_itself_reads_the_truth(cases):
    for case in cases:
        patterns = read_patterns(case, SeparationRule())
        assert np.array_equal(patterns, case.nuclei.pattern)


@pytest.mark.parametrize("measure", list(SeparationMeasure))
def test_wider_limits_lose_sensitivity_and_gain_specificity(cases, measure):
    curve = operating_curve(cases, measure=measure)
    assert len(curve.points) == len(DEFAULT_LIMITS[measure])
    sensitivity = [point.sensitivity.value for point in curve.points]
    specificity = [point.specificity.value for point in curve.points]
    assert (np.diff(sensitivity) <= 1e-12).all()
    assert (np.diff(specificity) >= -1e-12).all()
    assert sensitivity[0] > sensitivity[-1] + 0.3
    assert specificity[-1] > 0.9


def test_counts_are_the_scorable_nuclei(cases):
    point = operating_curve(cases, measure=GAP, limits=[2.0]).points[0]
    scorable = sum(int(case.nuclei.scorable.sum()) for case in cases)
    assert point.sensitivity.total + point.specificity.total == scorable


def with_rule(cases, **figures):
    return [replace(case, case_rule=CaseRule(**figures)) for case in cases]


def test_too_few_nuclei_are_no_case_error(cases):
    curve = operating_curve(with_rule(cases, min_nuclei=10_000), measure=GAP, limits=[2.0])
    assert curve.points[0].case_sensitivity.total == 0
    assert curve.points[0].case_specificity.total == 0


def test_cases_are_called_by_their_rule(cases):
    point = operating_curve(with_rule(cases, min_nuclei=5), measure=GAP, limits=[0.3]).points[0]
    assert (point.case_sensitivity.hits, point.case_sensitivity.total) == (1, 1)
    assert point.case_specificity.total == 1
    strict = with_rule(cases, min_nuclei=5, positive_percent=100)
    assert operating_curve(strict, measure=GAP, limits=[0.3]).points[0].case_sensitivity.hits == 0


def test_a_curve_for_each_measure_holds_the_limit_used(cases):
    rule = SeparationRule(SeparationMeasure.CENTRE_UM, 1.23)
    curves = operating_curves([replace(case, separation=rule) for case in cases])
    assert [curve.measure for curve in curves] == list(SeparationMeasure)
    assert 1.23 in [point.limit for point in curves[2].points]
    assert 2.0 in [point.limit for point in curves[0].points]


def test_one_rule_is_used_by_all_cases(cases):
    assert separation_used(cases) == SeparationRule()
    assert separation_used([]) == SeparationRule()
    other = replace(cases[0], separation=SeparationRule(GAP, 1.5))
    with pytest.raises(InputError, match=r"different separation rules\n.*gap_diameters 1.5"):
        separation_used([*cases, other])


def test_fields_do_not_meet(cases):
    """The same nucleus numbers and places in another field change nothing."""
    case = cases[0]
    twice = OperatingCase(
        type(case.nuclei).concatenate([case.nuclei, renamed(case.nuclei)]),
        type(case.spots).concatenate([case.spots, renamed(case.spots)]),
        np.concatenate([case.rearranged, case.rearranged]), True, 0.2, case.shift_um,
    )  # fmt: skip
    patterns = read_patterns(twice, SeparationRule())
    assert np.array_equal(patterns, np.tile(case.nuclei.pattern, 2))


def renamed(table):
    return replace(table, fov=np.array([f"other_{name}" for name in table.fov], object))


def test_no_cases():
    point = operating_curve([], measure=GAP, limits=[2.0]).points[0]
    assert point.sensitivity.total == 0


def test_reference_must_cover_the_nuclei(cases):
    case = cases[0]
    with pytest.raises(InputError, match="one reference value per nucleus"):
        OperatingCase(case.nuclei, case.spots, np.zeros(1, bool), True, 0.2)


def test_curve_as_plain_values(cases):
    curve = operating_curve(cases, measure=GAP, limits=[1.0, 2.0])
    assert [point["limit"] for point in curve.to_dict()["points"]] == [1.0, 2.0]
