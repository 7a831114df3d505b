"""Control slides: limits of the probe, by integers; and what a failure means for the others."""

from dataclasses import replace

import pytest

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.controls import check_control, check_controls
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.outcomes import Failed, Waiting
from alkfish.errors import ImageError
from alkfish.model.probe import LabBackground


@pytest.mark.parametrize(
    ("control", "positive", "counted", "limits", "passed"),
    [
        ("negative", 9, 100, None, True),
        ("negative", 10, 100, None, False),
        ("negative", 10, 101, None, True),
        ("negative", 16, 100, None, False),
        ("negative", 0, 49, None, False),
        ("negative", 0, 0, None, False),
        ("positive", 20, 100, None, True),
        ("positive", 19, 100, None, False),
        ("positive", 50, 100, (5, 60), False),
        ("positive", 60, 100, (5, 60), True),
        ("negative", 4, 100, (5, 60), True),
        ("negative", 5, 100, (5, 60), False),
        ("positive", 49, 49, None, False),
    ],
)
def test_limits(done, control, positive, counted, limits, passed):
    check = check_control(done("c", positive, counted, control=control, limits=limits))
    assert check.passed is passed
    assert ("declared by the profile" in check.text) == (limits is not None)


def test_a_control_without_a_result_has_failed_and_one_not_reached_is_not_judged():
    case = BatchCase("c", (), Control.NEGATIVE)
    failed = Failed.of(case, ImageError("damaged"))
    assert [check.passed for check in check_controls([failed, Waiting(case)])] == [False]


def test_patients_are_not_checked(done):
    assert check_controls([done("a", 50, 100)]) == ()


def with_own_cutoff(done, percent, borderline, *, kit_percent=15, kit=(10, 20)):
    """Give an outcome the profile of a laboratory with a cut-off of its own."""
    probe = done.figures.probe
    rule = replace(probe.case_rule, positive_percent=percent, borderline_percent=borderline)
    measured = LabBackground(
        method="mean-3sd", confidence=0.95, limit_percent=percent - 0.5, positive_percent=2.0,
        split_percent=1.0, isolated_3p_percent=1.0, isolated_5p_percent=1.0, n_specimens=20,
        n_nuclei=2000, specimens=(), based_on="kit, version 1", config_fingerprint="c" * 64,
        software="x", created="", kit_percent=kit_percent, kit_borderline_percent=kit,
    )  # fmt: skip
    probe = replace(probe, case_rule=rule, background=measured)
    return replace(done, figures=replace(done.figures, probe=probe))


@pytest.mark.parametrize(
    ("control", "positive", "passed"),
    [
        ("negative", 9, True),
        ("negative", 10, False),
        ("positive", 20, True),
        ("positive", 19, False),
    ],
)
def test_an_own_cutoff_does_not_move_the_limits_of_controls(done, control, positive, passed):
    """Limits stay 10 and 20 %, though the borderline range of cases became 5 to 30 %."""
    one = with_own_cutoff(done("c", positive, 100, control=control), 25, (5, 30))
    check = check_control(one)
    assert check.passed is passed
    assert "by the kit's case rule" in check.text


def test_limits_of_the_profile_hold_with_an_own_cutoff_too(done):
    one = done("c", 5, 100, control="negative", limits=(5, 60))
    check = check_control(with_own_cutoff(one, 25, (5, 30)))
    assert not check.passed
    assert "below 5 % (declared by the profile)" in check.text


def test_where_the_kits_range_was_not_written_down_that_of_the_rule_is_used(done):
    one = done("c", 7, 100, control="negative")
    check = check_control(with_own_cutoff(one, 25, (5, 30), kit_percent=0, kit=(0, 0)))
    assert not check.passed


def failed_controls_of(case, *outcomes):
    note = BatchKnowledge.of(outcomes).note(case)
    return [item.text for item in note.cautions if item.code == "control_failed"]


@pytest.mark.parametrize(
    ("control_lot", "lot", "concerned"),
    [("", "", True), ("L1", "", True), ("", "L1", True), ("L1", "L1", True), ("L1", "L2", False)],
)
def test_a_failed_control_speaks_for_its_probe_and_lot(done, control_lot, lot, concerned):
    control = done("N", 50, 100, control="negative", lot=control_lot)
    assert bool(failed_controls_of(BatchCase("a", (), lot=lot), control)) is concerned
    assert failed_controls_of(BatchCase("a", (), lot=lot, probe="other"), control) == []


@pytest.mark.parametrize("probe", ["kit.toml", "/abs/kit.toml", "kits\\Kit.toml", "kit"])
def test_a_probe_is_the_same_however_its_file_is_addressed(done, probe):
    control = done("N", 50, 100, control="negative", probe="lab/kit.toml")
    assert failed_controls_of(BatchCase("a", (), probe=probe), control)


def test_passed_controls_say_nothing_and_controls_get_no_caution(done):
    good, bad = (done("N", n, 100, control="negative") for n in (0, 50))
    assert failed_controls_of(BatchCase("a", ()), good) == []
    assert failed_controls_of(BatchCase("P", (), Control.POSITIVE), bad) == []
    assert failed_controls_of(BatchCase("a", ()), bad)
