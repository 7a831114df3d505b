"""Bright structures that the spots do not explain: smears count, spots and haze do not."""

import numpy as np
import pytest

from alkfish.detect import detect_channel, unresolved_spots

SIGMA = 2.5
SHAPE = (200, 300)


@pytest.fixture(scope="module")
def labels():
    """Three nuclei in a row, the third with a number of its own."""
    picture = np.zeros(SHAPE, np.int32)
    for number, left in ((1, 5), (2, 105), (7, 205)):
        picture[10:190, left : left + 90] = number
    return picture


@pytest.fixture(scope="module")
def spots(snr_height):
    height = snr_height(60, SIGMA)
    return [(40 + 40 * k, x, height, SIGMA) for k in range(4) for x in (30, 70, 130, 170, 230, 270)]


def found_in(image, labels):
    channel = detect_channel(image, pixel_size_um=0.1)
    return unresolved_spots(image, channel, labels, pixel_size_um=0.1), channel


def test_spots_are_explained(draw, labels, spots):
    found, channel = found_in(draw(SHAPE, spots), labels)
    assert len(channel.table) == len(spots)
    assert found.shape == (8,)
    assert found.max() < 0.3


def test_smear_is_not_explained(draw, labels, spots):
    image = draw(SHAPE, spots)
    image[90:112, 105:190] += 4 * spots[0][2]
    found, _ = found_in(image, labels)
    assert found[2] > 10
    assert found[[1, 7]].max() < 0.3


def test_bright_nucleus_is_not_a_smear(draw, labels, spots):
    image = draw(SHAPE, spots)
    image[labels == 2] += 3 * spots[0][2]
    assert found_in(image, labels)[0].max() < 0.5


def test_smear_outside_nuclei_does_not_count(draw, labels, spots):
    image = draw(SHAPE, spots)
    image[:8] += 4 * spots[0][2]
    assert found_in(image, labels)[0].max() < 0.3


def test_channel_without_spots_says_nothing(draw, labels):
    assert found_in(draw(SHAPE), labels)[0].tolist() == [0.0] * 8


def test_field_without_nuclei(draw, spots):
    assert found_in(draw(SHAPE, spots), np.zeros(SHAPE, np.int32))[0].tolist() == [0.0]
