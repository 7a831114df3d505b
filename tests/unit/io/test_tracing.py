"""Outlines along the edges of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from alkfish.io._tracing import is_simple, trace_outline


def area_of(ring):
    x, y = np.concatenate([ring, ring[:1]]).T.astype(float)
    return (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(np.int32, (7, 8), elements=st.integers(0, 1)))
def test_one_part_without_holes_is_traced_and_nothing_else(mask):
    ring = trace_outline(mask * 5, 5, 0, 0, *mask.shape)
    _, n_parts = ndimage.label(mask)
    _, n_outside = ndimage.label(np.pad(1 - mask, 1, constant_values=1), np.ones((3, 3)))
    if n_parts != 1 or n_outside != 1:
        assert len(ring) == 0
        return
    assert area_of(ring) == mask.sum()
    steps = np.abs(np.diff(np.concatenate([ring, ring[:1]]), axis=0))
    assert ((steps == 0).sum(axis=1) == 1).all()


def test_a_label_cut_by_the_window_is_not_traced():
    labels = np.zeros((9, 9), np.int32)
    labels[3:6, 3:6] = 2
    assert len(trace_outline(labels, 2, 2, 2, 7, 7)) == 4
    for box in ((3, 2, 7, 7), (2, 3, 7, 7), (2, 2, 6, 7), (2, 2, 7, 6)):
        assert len(trace_outline(labels, 2, *box)) == 0
    assert len(trace_outline(labels[3:6, 3:6].copy(), 2, 0, 0, 3, 3)) == 4


@pytest.mark.parametrize(
    ("ring", "simple"),
    [
        ([(0, 0), (4, 0), (4, 4), (0, 4)], True),
        ([(0, 0), (4, 4), (4, 0), (0, 4)], False),  # crosses itself
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], False),  # touches an edge
        ([(0, 0), (4, 0), (2, 0), (2, 4)], False),  # folds back
        ([(0, 0), (4, 0), (4, 4), (4, 0), (0, 4)], False),  # a point twice
        ([(0, 0), (4, 0)], False),
    ],
)
def test_what_is_a_polygon(ring, simple):
    assert is_simple(np.array(ring, np.int32)) is simple
