"""Local maxima and hot pixels."""

import numpy as np
import pytest

from alkfish.detect.kernels import local_maxima, remove_hot_pixels
from alkfish.detect.search import fill_mask


def maxima(response, limit=0.0):
    padded = np.pad(np.asarray(response, np.float32), 1, constant_values=-1e30)
    y, x, _ = local_maxima(padded, np.full(np.shape(response), limit, np.float32))
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
    padded = np.pad(np.eye(3, dtype=np.float32)[1:2] * 6, 1, constant_values=-1e30)
    assert local_maxima(padded, np.full((1, 3), 2, np.float32))[2].tolist() == [3.0]


def test_limit_is_exclusive():
    assert maxima([[0, 1, 0]], limit=1.0) == []


@pytest.mark.parametrize("place", [(20, 24), (0, 0), (40, 40), (0, 17), (22, 0)])
def test_hot_pixel_is_replaced_by_its_neighbours(draw, place):
    image = draw((41, 41), [(20.2, 20.1, 300.0, 2.5)], noise=2.0)
    clean = image.copy()
    image[place] += 2000
    assert remove_hot_pixels(image, 12.0) == 1
    assert image[place] == pytest.approx(clean[place], abs=90)
    image[place] = clean[place]
    np.testing.assert_array_equal(image, clean)


@pytest.mark.parametrize("sigma", [0.75, 1.0, 2.5])
def test_true_spots_are_not_hot(draw, sigma):
    image = draw((41, 41), [(20.0, 20.0, 3000.0, sigma), (0.0, 9.0, 3000.0, sigma)], noise=2.0)
    assert remove_hot_pixels(image, 12.0) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_tiny_pictures_have_no_hot_pixels_to_compare(shape):
    image = np.full(shape, 7, np.float32)
    assert remove_hot_pixels(image, 1.0) == 0


def test_fill_is_the_constant_margin_only(draw):
    image = draw((60, 60), [(30, 30, 300.0, 2.5)], noise=3.0)
    image[:, :12] = 0
    image[:10] = 0
    expected = np.zeros((60, 60), bool)
    expected[:, :12] = expected[:10] = True
    np.testing.assert_array_equal(fill_mask(image), expected)


def test_a_camera_picture_has_no_fill(draw):
    assert not fill_mask(draw((60, 60), noise=3.0)).any()
    assert not fill_mask(np.full((60, 60), 5, np.float32)).any()
