"""Local maxima, responses of spots, and hot pixels."""

import cv2
import numpy as np
import pytest

from alkfish.detect.fitting import AMPLITUDE, N_PARAMETERS, WIDTH, X, Y, subtract_spots
from alkfish.detect.kernels import (
    clear_windows,
    local_maxima,
    remove_hot_pixels,
    subtract_responses,
)
from alkfish.detect.response import band_pass, band_pass_kernels, sample_grid
from alkfish.detect.search import fill_mask


def rise(level):
    return np.full((1, 1), level, np.float32)


def maxima(response, limit=0.0):
    y, x, _ = local_maxima(np.asarray(response, np.float32), np.full((1, 1), limit, np.float32), 64)
    return sorted(zip(y.tolist(), x.tolist(), strict=True))


def test_a_plateau_gives_one_maximum():
    assert maxima([[0, 0, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]]) == [(1, 2)]


def test_the_border_can_hold_a_maximum():
    assert maxima([[3, 0, 0], [0, 0, 0], [0, 0, 2]]) == [(0, 0), (2, 2)]


@pytest.mark.parametrize("shape", [(1, 41), (41, 1), (1, 1), (2, 2), (7, 9)])
def test_as_many_maxima_as_can_be_fit(shape):
    picture = np.zeros(shape, np.float32)
    picture[::2, ::2] = 1
    assert len(maxima(picture)) == picture.sum()


def test_heights_are_in_limits():
    picture = np.eye(3, dtype=np.float32)[1:2] * 6
    assert local_maxima(picture, np.full((1, 1), 2, np.float32), 64)[2].tolist() == [3.0]


def test_limits_run_straight_between_the_centres_of_blocks():
    picture = np.zeros((16, 31), np.float32)
    picture[1:16:2, 1:31:2] = 100.0
    limit = np.array([[1, 2, 5, 3], [4, 8, 6, 7]], np.float32)
    y, x, height = local_maxima(picture, limit, 8)
    found = sample_grid(limit, (128, 256), 8 * y + 3.5, 8 * x + 3.5)
    assert len(y) == 8 * 15
    np.testing.assert_allclose(100.0 / height, found, rtol=1e-5)


@pytest.mark.parametrize("bin_px", [1, 2, 4])
def test_response_without_spots_equals_that_of_a_picture_without_them(draw, bin_px):
    image = draw((128, 160), noise=5.0)
    spots = np.array([[300.0, 40.3, 50.7, 2.1], [80.0, 90.0, 55.5, 3.0], [50.0, 3.0, 80.0, 2.0]])
    full = np.zeros((3, N_PARAMETERS))
    full[:, [AMPLITUDE, Y, X, WIDTH]] = spots
    without = image.copy()
    subtract_spots(without, full, 9)

    def respond(picture):
        size = 160 // bin_px, 128 // bin_px
        return band_pass(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), 1.4)

    found = respond(image)
    subtract_responses(found, spots, 9, bin_px, *band_pass_kernels(1.4))
    inner = slice(16, -8)  # the picture is mirrored at its rim, which a spot there would feel
    np.testing.assert_allclose(found[inner], respond(without)[inner], atol=2e-3)


def test_limit_is_exclusive():
    assert maxima([[0, 1, 0]], limit=1.0) == []


@pytest.mark.parametrize("place", [(20, 24), (0, 0), (40, 40), (0, 17), (22, 0)])
def test_hot_pixel_is_replaced_by_its_neighbours(draw, place):
    image = draw((41, 41), [(20.2, 20.1, 300.0, 2.5)], noise=2.0)
    clean = image.copy()
    image[place] += 2000
    assert remove_hot_pixels(image, rise(12.0), 64) == 1
    assert image[place] == pytest.approx(clean[place], abs=90)
    image[place] = clean[place]
    np.testing.assert_array_equal(image, clean)


@pytest.mark.parametrize("sigma", [0.75, 1.0, 2.5])
def test_true_spots_are_not_hot(draw, sigma):
    image = draw((41, 41), [(20.0, 20.0, 3000.0, sigma), (0.0, 9.0, 3000.0, sigma)], noise=2.0)
    assert remove_hot_pixels(image, rise(12.0), 64) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_tiny_pictures_have_no_hot_pixels_to_compare(shape):
    image = np.full(shape, 7, np.float32)
    assert remove_hot_pixels(image, rise(1.0), 64) == 0


def test_fill_is_the_constant_margin_only(draw):
    image = draw((60, 60), [(30, 30, 300.0, 2.5)], noise=3.0)
    image[:, :12] = 0
    image[:10] = 0
    expected = np.zeros((60, 60), bool)
    expected[:, :12] = expected[:10] = True
    np.testing.assert_array_equal(fill_mask(image, 0.0), expected)


def test_a_camera_picture_has_no_fill(draw):
    image = draw((60, 60), noise=3.0)
    assert not fill_mask(image, float(image.min())).any()
    assert not fill_mask(np.full((60, 60), 5, np.float32), 5.0).any()


@pytest.mark.parametrize("at", [(0, 0), (3, 7), (30, 41), (55, 55)])
def test_a_small_patch_of_fill_is_found_wherever_it_lies(draw, at):
    image = draw((60, 60), noise=3.0)
    image[at[0] : at[0] + 5, at[1] : at[1] + 5] = 0
    expected = image == 0
    np.testing.assert_array_equal(fill_mask(image, 0.0), expected)
    assert expected.sum() == 25


def test_windows_are_cleared_and_nothing_else():
    image = np.ones((20, 30), np.float32)
    clear_windows(image, np.array([[0.2, 0.4], [10.4, 15.6], [19.0, 29.0]]), 2)
    rest = np.ones((20, 30), np.float32)
    rest[:3, :3] = rest[8:13, 14:19] = rest[17:, 27:] = 0.0
    assert np.array_equal(image, rest)
