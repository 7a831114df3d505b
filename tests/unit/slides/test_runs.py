"""Runs of labels by blocks of the slide."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.segment.runs import list_runs
from alkfish.slides.runs import BLOCK_PX, pack_runs, paint_runs, split_runs, unpack_runs


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3000), st.integers(0, 3000))
def test_labels_come_back_wherever_they_lie(seed, top, left):
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 4, (6, 7)), np.ones((3, 350), int)).astype(np.int32)
    runs = list_runs(labels) + np.array([0, top, left, left], np.int32)
    painted = np.zeros((BLOCK_PX, 2500), np.int32)
    numbers = np.arange(4, dtype=np.int32) * 10
    blocks = dict(split_runs(runs))
    for (row, column), found in blocks.items():
        assert ((found[:, 1:] >= 0) & (found[:, 1:] < BLOCK_PX)).all()
        again = unpack_runs(pack_runs(found))
        assert np.array_equal(again, found)
        paint_runs(painted, again, numbers, row * BLOCK_PX - top, column * BLOCK_PX - left)
    assert np.array_equal(painted[:18, :2450], 10 * labels)
    assert not painted[18:].any()
    assert not painted[:, 2450:].any()


def test_nothing():
    assert list(split_runs(np.empty((0, 4), np.int32))) == []
    assert unpack_runs(pack_runs(np.empty((0, 4), np.int32))).shape == (0, 4)


def test_a_long_run_is_cut_at_each_block():
    runs = np.array([[7, 1030, 1000, 3100]], np.int32)
    assert {place: found.tolist() for place, found in split_runs(runs)} == {
        (1, 0): [[7, 6, 1000, 1023]],
        (1, 1): [[7, 6, 0, 1023]],
        (1, 2): [[7, 6, 0, 1023]],
        (1, 3): [[7, 6, 0, 28]],
    }
