"""Levels of a channel: the median that is counted is the one that is sorted for."""

import numpy as np
import pytest

from alkfish.detect import median_count


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (7, 9), (30, 40)])
@pytest.mark.parametrize("top", [2, 200])
def test_median_of_counts_is_the_median(dtype, shape, top):
    plane = np.random.default_rng(top).integers(0, top, shape).astype(dtype)
    assert median_count(plane) == np.median(plane)
    assert median_count(plane[::2, ::2]) == np.median(plane[::2, ::2])


def test_median_lies_halfway_between_two_counts_far_apart():
    assert median_count(np.array([[0, 65535]], np.uint16)) == 32767.5
