"""Fits of peaks to axial profiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.detect.depth import (
    USUAL_LENGTH_UM,
    axial_profile,
    find_depths,
    is_long,
    is_sharp,
    learn_length,
)

Z_UM = np.arange(16) * 0.4


def profile(*peaks, length=1.1):
    """Return the profile of peaks (depth, height)."""
    return sum(h * axial_profile(Z_UM - z, length) for z, h in peaks)[None, :]


def depths_of(profiles, error=5.0):
    return find_depths(profiles, np.full(len(profiles), error), Z_UM, length_um=1.1)


def test_length_is_the_width_at_half_maximum():
    assert axial_profile(np.array([0.0]), 1.3)[0] == 1.0
    assert axial_profile(np.array([-0.65, 0.65]), 1.3) == pytest.approx(0.5)


@given(st.floats(0.2, 5.8), st.floats(50, 5000))
def test_one_peak_is_placed(z, height):
    found = depths_of(profile((z, height)))
    assert len(found.place) == 1
    assert found.z_um[0] == pytest.approx(z, abs=0.05)
    assert found.amplitude[0] == pytest.approx(height, rel=0.05)


def test_error_falls_with_height():
    dim, bright = (depths_of(profile((3.0, height))).error_um[0] for height in (30.0, 300.0))
    assert bright < dim < USUAL_LENGTH_UM


def test_two_clear_peaks_are_two_the_higher_first():
    found = depths_of(profile((1.5, 200.0), (4.0, 300.0)))
    np.testing.assert_array_equal(found.place, [0, 0])
    assert found.z_um == pytest.approx([4.0, 1.5], abs=0.15)
    np.testing.assert_array_equal(found.is_second, [False, True])


@pytest.mark.parametrize("peaks", [((2.8, 200.0), (3.2, 200.0)), ((3.0, 300.0), (5.0, 40.0))])
def test_near_or_faint_second_peaks_are_none(peaks):
    assert len(depths_of(profile(*peaks)).place) == 1


def test_a_level_profile_is_not_sharp_and_a_peak_on_it_is():
    noise = np.random.default_rng(1).normal(0, 3.0, (2, 16))
    profiles = np.concatenate([profile((3.0, 0.0)) + 50.0, profile((3.0, 80.0)) + 20.0]) + noise
    depths = depths_of(profiles)
    sharp = is_sharp(profiles, depths, Z_UM, length_um=1.1, min_snr=4.2)
    np.testing.assert_array_equal(sharp, [False, True])


def test_shallow_stacks_judge_nothing():
    profiles = np.full((1, 4), 50.0)
    depths = find_depths(profiles, np.array([5.0]), Z_UM[:4], length_um=1.1)
    assert is_sharp(profiles, depths, Z_UM[:4], length_um=1.1, min_snr=4.2).all()


def test_only_what_is_clearly_longer_than_a_spot_is_long():
    peaks = [
        profile((3.0, 300.0)),
        profile((3.0, 300.0), length=2.0),
        profile((3.0, 15.0), length=2.0),
    ]
    long = is_long(np.concatenate(peaks), np.full(3, 5.0), Z_UM, length_um=1.1)
    np.testing.assert_array_equal(long, [False, True, False])


def test_nothing_is_long_in_a_shallow_stack():
    profiles = profile((0.6, 300.0), length=2.0)[:, :4]
    assert not is_long(profiles, np.array([5.0]), Z_UM[:4], length_um=1.1).any()


@pytest.mark.parametrize("length", [0.9, 1.3, 1.8])
def test_length_is_learned_from_bright_spots(length):
    peaks = np.concatenate([profile((z, 300.0), length=length) for z in np.linspace(1.5, 4.5, 12)])
    assert learn_length(peaks, np.full(12, 5.0), Z_UM) == pytest.approx(length, abs=0.11)


def test_length_is_the_usual_one_without_bright_spots():
    assert learn_length(np.zeros((0, 16)), np.zeros(0), Z_UM) == USUAL_LENGTH_UM
    assert learn_length(np.full((20, 16), 5.0), np.full(20, 5.0), Z_UM) == USUAL_LENGTH_UM
