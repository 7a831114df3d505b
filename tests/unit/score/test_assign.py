"""Assignment of spots to nuclei, inside, beside and far from outlines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.score.assign import assign_spots


@pytest.fixture(scope="module")
def labels():
    """Two nuclei 8 px apart in a row, and a third in the corner."""
    picture = np.zeros((40, 60), np.int32)
    picture[10:20, 10:20] = 1
    picture[10:20, 28:38] = 2
    picture[35:, 50:] = 7
    return picture


CASES = {
    "inside": (15.0, 15.0, 0.0, 1),
    "inside, last pixel": (19.4, 19.4, 0.0, 1),
    "just outside, no tolerance": (15.0, 19.6, 0.0, 0),
    "one pixel outside": (15.0, 20.0, 1.0, 1),
    "at the tolerance": (15.0, 23.0, 4.0, 1),
    "just beyond the tolerance": (15.0, 23.0, 3.9, 0),
    "diagonal beyond the tolerance": (22.0, 22.0, 4.2, 0),
    "diagonal within the tolerance": (22.0, 22.0, 4.3, 1),
    "between two, nearer to the second": (15.0, 24.0, 6.0, 2),
    "far away": (30.0, 30.0, 4.0, 0),
    "beyond the picture's edge": (39.4, 59.4, 0.0, 7),
    "beyond the picture, clipped to its last pixel": (41.0, 61.0, 0.0, 7),
    "before the picture's first pixel": (-0.4, -0.4, 5.0, 0),
}


@pytest.mark.parametrize(("y", "x", "tolerance", "label"), CASES.values(), ids=CASES)
def test_named_places(labels, y, x, tolerance, label):
    found = assign_spots(np.array([y]), np.array([x]), labels, max_outside_px=tolerance)
    assert found.tolist() == [label]
    assert found.dtype == np.int32


def test_no_spots_give_an_empty_array(labels):
    found = assign_spots(np.empty(0), np.empty(0), labels, max_outside_px=4.0)
    assert found.shape == (0,)
    assert found.dtype == np.int32


def test_no_nuclei_give_zeros():
    empty = np.zeros((8, 8), np.int32)
    found = assign_spots(np.array([3.0, 7.0]), np.array([3.0, 0.0]), empty, max_outside_px=20.0)
    assert found.tolist() == [0, 0]


def test_picture_of_one_pixel():
    one = np.ones((1, 1), np.int32)
    assert assign_spots(np.array([0.0]), np.array([0.0]), one, max_outside_px=4.0).tolist() == [1]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), tolerance=st.floats(0, 6))
def test_agrees_with_a_search_over_all_pixels(seed, tolerance):
    rng = np.random.default_rng(seed)
    picture = np.where(rng.random((12, 15)) < 0.05, rng.integers(1, 5, (12, 15)), 0)
    y, x = rng.uniform(-0.4, 11.4, 20), rng.uniform(-0.4, 14.4, 20)
    found = assign_spots(y, x, picture.astype(np.int32), max_outside_px=tolerance)
    rows, cols = np.nonzero(picture)
    for spot_y, spot_x, label in zip(np.rint(y), np.rint(x), found, strict=True):
        distance = np.hypot(rows - spot_y, cols - spot_x)
        if distance.min(initial=np.inf) > tolerance:
            assert label == 0
        else:
            # Several labels may be equally near: any of them is right.
            near = np.isclose(distance, distance.min())
            assert label in picture[rows[near], cols[near]]
