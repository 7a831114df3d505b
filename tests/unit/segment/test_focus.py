"""The extended-focus projection."""

import cv2
import numpy as np
import pytest

from alkfish.segment import project_focus


@pytest.fixture(scope="module")
def stack():
    """Two textured discs, one sharp in plane 2, the other in plane 7, with noise."""
    rng = np.random.default_rng(4)
    y, x = np.ogrid[:200, :320]
    texture = cv2.GaussianBlur(rng.standard_normal((200, 320)).astype(np.float32), (0, 0), 4)
    texture = 1 + 0.4 * texture / texture.std()
    planes = np.full((10, 200, 320), 200.0, np.float32)
    for centre, best in ((80, 2), (240, 7)):
        disc = np.where(np.hypot(y - 100, x - centre) < 55, 1000 * texture, 0).astype(np.float32)
        for k in range(10):
            planes[k] += cv2.GaussianBlur(disc, (0, 0), float(np.hypot(2, 1.8 * (k - best))))
    planes += rng.normal(0, 10, planes.shape)
    return np.rint(planes).clip(0, 65535).astype(np.uint16)


def test_each_place_comes_from_where_it_is_sharp(stack):
    found = project_focus(stack, pixel_size_um=0.1).astype(float)
    mean = stack.mean(axis=0)
    for columns, best in ((slice(25, 135), 2), (slice(185, 295), 7)):
        where = (slice(45, 155), columns)
        error = np.abs(found[where] - stack[best][where]).mean()
        assert error < 0.6 * np.abs(mean[where] - stack[best][where]).mean()


def test_projection_does_not_know_up_from_down(stack):
    flipped = project_focus(stack[::-1].copy(), pixel_size_um=0.1).astype(int)
    assert np.abs(flipped - project_focus(stack, pixel_size_um=0.1)).max() <= 1


def test_identical_planes_are_their_own_projection(stack):
    same = np.repeat(stack[2:3], 5, axis=0)
    found = project_focus(same, pixel_size_um=0.1)
    assert found.dtype == stack.dtype
    np.testing.assert_array_equal(found, stack[2])


def test_constant_stack_stays_constant():
    assert (project_focus(np.full((3, 20, 20), 7, np.uint16), pixel_size_um=0.1) == 7).all()


def test_noise_is_averaged_where_nothing_is_sharp():
    noise = np.random.default_rng(6).normal(500, 20, (12, 128, 128)).astype(np.float32)
    found = project_focus(noise, pixel_size_um=0.1)
    assert found.dtype == np.float32
    assert found.std() < 10
    assert found.mean() == pytest.approx(500, abs=1)
