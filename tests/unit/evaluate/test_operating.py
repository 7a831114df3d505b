import numpy as np
import pytest

from alkfish.errors import InputError, OutputError
from alkfish.evaluate.operating import (
    DEFAULT_LIMITS,
    OperatingCase,
    draw_operating_curves,
    operating_curve,
    read_patterns,
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
        patterns = read_patterns(case, SeparationRule(), 1.0)
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


def test_too_few_nuclei_are_no_case_error(cases):
    curve = operating_curve(cases, measure=GAP, limits=[2.0], case_rule=CaseRule(min_nuclei=10_000))
    assert curve.points[0].case_sensitivity.total == 0
    assert curve.points[0].case_specificity.total == 0


def test_cases_are_called_by_the_rule(cases):
    rule = CaseRule(min_nuclei=5)
    point = operating_curve(cases, measure=GAP, limits=[0.3], case_rule=rule).points[0]
    assert (point.case_sensitivity.hits, point.case_sensitivity.total) == (1, 1)
    assert point.case_specificity.total == 1


def test_no_cases():
    point = operating_curve([], measure=GAP, limits=[2.0]).points[0]
    assert point.sensitivity.total == 0


def test_reference_must_cover_the_nuclei(cases):
    case = cases[0]
    with pytest.raises(InputError, match="one reference value per nucleus"):
        OperatingCase(case.nuclei, case.spots, np.zeros(1, bool), True, 0.2)


def test_curves_are_drawn_and_told(cases, tmp_path):
    pytest.importorskip("matplotlib")
    curve = operating_curve(cases, measure=GAP, limits=[1.0, 2.0])
    assert [point["limit"] for point in curve.to_dict()["points"]] == [1.0, 2.0]
    path = tmp_path / "curve.png"
    draw_operating_curves([curve, curve], path, title="simulated")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match="cannot be written"):
        draw_operating_curves([curve], tmp_path / "nowhere" / "curve.png")


def test_nothing_to_draw(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match="no operating curve"):
        draw_operating_curves([], tmp_path / "curve.png")
