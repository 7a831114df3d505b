"""Chromatic shift from the slide's own pairs: found when there, refused when thin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.score.shift import (
    MAX_SHIFT_UM,
    MIN_PAIRS,
    REACH_UM,
    estimate_shift,
    mutual_offsets_um,
)


def native_pairs(rng, n, shift):
    """Return offsets of native pairs: any direction, 0.33 +/- 0.24 um, plus the shift."""
    length, angle = rng.gamma(1.81, 0.182, n), rng.uniform(0, 2 * np.pi, n)
    return np.stack([length * np.sin(angle), length * np.cos(angle)], axis=1) + shift


@pytest.mark.parametrize("shift", [(0.25, -0.1), (0.0, 0.4), (-0.3, 0.3)])
def test_known_shift_is_found(shift):
    for seed in range(5):
        found = estimate_shift(native_pairs(np.random.default_rng(seed), 300, shift))
        assert found.applied
        assert found.n_pairs == 300
        assert abs(found.y_um - shift[0]) < 4 * found.error_um
        assert abs(found.x_um - shift[1]) < 4 * found.error_um


def test_stray_pairs_do_not_move_the_estimate():
    rng = np.random.default_rng(4)
    strays = rng.uniform(-1.2, 1.2, (60, 2))
    found = estimate_shift(np.concatenate([native_pairs(rng, 240, (0.25, 0.0)), strays]))
    assert found.applied
    assert found.y_um == pytest.approx(0.25, abs=0.06)


def test_no_shift_is_seldom_claimed_and_then_small():
    found = [estimate_shift(native_pairs(np.random.default_rng(s), 200, (0, 0))) for s in range(40)]
    assert sum(f.applied for f in found) <= 10
    assert max(np.hypot(f.y_um, f.x_um) for f in found) < 0.1


def test_too_few_pairs_are_refused():
    rng = np.random.default_rng(0)
    offsets = 0.4 + rng.normal(0, 0.02, (MIN_PAIRS, 2))
    assert estimate_shift(offsets).applied
    found = estimate_shift(offsets[1:])
    assert not found.applied
    assert (found.y_um, found.x_um) == (0.0, 0.0)
    assert found.reason == f"only {MIN_PAIRS - 1} clear pairs; {MIN_PAIRS} are needed"


def test_no_pairs_at_all():
    found = estimate_shift(np.empty((0, 2)))
    assert not found.applied
    assert found.n_pairs == 0


def test_shift_beyond_optics_is_refused():
    rng = np.random.default_rng(1)
    offsets = rng.normal(0, 0.01, (100, 2))
    assert estimate_shift(offsets + [MAX_SHIFT_UM - 0.05, 0]).applied
    found = estimate_shift(offsets + [MAX_SHIFT_UM + 0.05, 0])
    assert not found.applied
    assert "more than an optical shift can be" in found.reason


def test_shift_within_its_error_is_refused():
    angle = np.linspace(0, 2 * np.pi, 41)[:-1]
    ring = 0.3 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    found = estimate_shift(ring + [0.005, 0.0])
    assert not found.applied
    assert "within its error" in found.reason


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_swapping_the_channels_turns_the_shift_round(seed):
    offsets = native_pairs(np.random.default_rng(seed), 60, (0.2, 0.1))
    there, back = estimate_shift(offsets), estimate_shift(-offsets)
    assert there.applied == back.applied
    assert (there.y_um, there.x_um) == pytest.approx((-back.y_um, -back.x_um), abs=1e-12)


def test_only_mutual_neighbours_within_reach_count():
    three = np.array([[0.0, 0.0], [0.0, 0.9], [10.0, 10.0]])
    five = np.array([[0.0, 0.3], [10.0, 10.0 + REACH_UM + 0.01]])
    np.testing.assert_allclose(mutual_offsets_um(three, five), [[0.0, 0.3]])
    np.testing.assert_allclose(mutual_offsets_um(five, three), [[0.0, -0.3]])


def test_offsets_without_spots_are_empty():
    some, none = np.zeros((3, 2)), np.empty((0, 2))
    for three, five in ((some, none), (none, some), (none, none)):
        assert mutual_offsets_um(three, five).shape == (0, 2)


def test_constant_displacement_beyond_optics_is_a_wrong_registration():
    rng = np.random.default_rng(2)
    displaced = estimate_shift(rng.normal(0, 0.1, (100, 2)) + [1.9, 0.3])
    assert displaced.misaligned
    assert not displaced.applied
    scattered = estimate_shift(rng.normal(0, 1.5, (30, 2)) + [0.9, 0.0])
    assert not scattered.misaligned


def test_shift_in_depth_is_judged_by_itself():
    rng = np.random.default_rng(12)
    offsets = rng.normal(0, 0.1, (60, 3)) + [0.0, 0.0, 0.25]
    found = estimate_shift(offsets)
    assert found.applied
    assert found.z_um == pytest.approx(0.25, abs=0.06)
    assert "in depth" in found.reason


@pytest.mark.parametrize("depth", [0.0, 1.5])
def test_depths_without_a_plausible_shift_are_left_alone(depth):
    offsets = np.random.default_rng(3).normal(0, 0.1, (60, 3)) + [0.0, 0.0, depth]
    offsets[:, 2] -= np.median(offsets[:, 2]) - depth
    assert estimate_shift(offsets).z_um == 0.0


def test_lateral_shift_does_not_depend_on_depths():
    offsets = np.random.default_rng(5).normal(0.2, 0.1, (60, 2))
    flat = estimate_shift(offsets)
    assert estimate_shift(np.column_stack([offsets, np.zeros(60)])) == flat
