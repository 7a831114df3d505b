"""Smoothing in depth and the maximum of smoothed planes."""

import numpy as np
import pytest

from alkfish.detect.projection import planes_with_content, project_maximum, smoothed_planes


@pytest.fixture(scope="module")
def stack():
    return np.random.default_rng(2).integers(0, 4000, (7, 12, 9)).astype(np.uint16)


def test_identical_planes_are_their_own_projection(stack):
    same = np.repeat(stack[:1], 6, axis=0)
    np.testing.assert_allclose(project_maximum(same, z_step_um=0.4), stack[0], rtol=1e-6)


def test_projection_does_not_know_up_from_down(stack):
    flipped = project_maximum(stack[::-1], z_step_um=0.4)
    np.testing.assert_allclose(flipped, project_maximum(stack, z_step_um=0.4), rtol=1e-5)


def test_wide_steps_are_not_smoothed(stack):
    np.testing.assert_array_equal(project_maximum(stack, z_step_um=1.0), stack.max(axis=0))


def test_smoothing_lowers_noise_and_keeps_the_mean():
    noise = np.random.default_rng(5).normal(100, 10, (9, 64, 64)).astype(np.float32)
    middle = list(smoothed_planes(noise, z_step_um=0.4))[4]
    assert middle.std() < 7.0
    assert middle.mean() == pytest.approx(100, abs=0.5)


def test_constant_planes_have_no_content(stack):
    padded = np.concatenate([np.full_like(stack[:2], 7), stack, np.zeros_like(stack[:1])])
    np.testing.assert_array_equal(planes_with_content(padded), np.arange(2, 9))
    np.testing.assert_array_equal(planes_with_content(np.zeros((3, 4, 4), np.uint8)), [0])
