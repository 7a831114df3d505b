"""Control slides: limits of the probe, by integers; and what a failure means for the others."""

import pytest

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.controls import check_control, check_controls, control_caution
from alkfish.batch.outcomes import Failed, Waiting
from alkfish.errors import ImageError


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


@pytest.mark.parametrize(
    ("control_lot", "lot", "concerned"),
    [("", "", True), ("L1", "", True), ("", "L1", True), ("L1", "L1", True), ("L1", "L2", False)],
)
def test_a_failed_control_speaks_for_its_probe_and_lot(done, control_lot, lot, concerned):
    checks = check_controls([done("N", 50, 100, control="negative", lot=control_lot)])
    assert bool(control_caution(BatchCase("a", (), lot=lot), checks)) is concerned
    assert control_caution(BatchCase("a", (), lot=lot, probe="other"), checks) == ""


@pytest.mark.parametrize("probe", ["kit.toml", "/abs/kit.toml", "kits\\Kit.toml", "kit"])
def test_a_probe_is_the_same_however_its_file_is_addressed(done, probe):
    checks = check_controls([done("N", 50, 100, control="negative", probe="lab/kit.toml")])
    assert control_caution(BatchCase("a", (), probe=probe), checks)


def test_passed_controls_say_nothing_and_controls_get_no_caution(done):
    good = check_controls([done("N", 0, 100, control="negative")])
    assert control_caution(BatchCase("a", ()), good) == ""
    bad = check_controls([done("N", 50, 100, control="negative")])
    assert control_caution(BatchCase("P", (), Control.POSITIVE), bad) == ""
