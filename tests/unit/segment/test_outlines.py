"""Growth of tightly cut nuclei, and outlines between pixels."""

from __future__ import annotations

import numpy as np

from alkfish.segment.outlines import grow_to_half_height, outline_margin


def dim_square():
    signal = np.zeros((20, 20), np.float32)
    signal[5:15, 5:15] = 80.0
    signal[7:13, 7:13] = 100.0
    labels = np.zeros((20, 20), np.int32)
    labels[7:13, 7:13] = 1
    return labels, signal


def test_grows_to_the_pixels_above_half_height_only():
    labels, signal = dim_square()
    means = grow_to_half_height(labels, signal, 1)
    assert means[1] == 100.0
    grown = labels > 0
    assert not grown[signal == 0].any()
    assert grown.sum() >= 0.88 * (signal > 0).sum()  # all but the corners of the square


def test_does_not_grow_into_the_halo_of_a_brighter_neighbour():
    labels, signal = dim_square()
    signal[5:15, 5:15] = np.maximum(signal[5:15, 5:15], 100.0)
    signal[5:15, 13:] = 150.0
    grow_to_half_height(labels, signal, 1)
    assert not labels[:, 13:].any()


def test_full_outlines_stay():
    labels, signal = dim_square()
    labels[5:15, 5:15] = 1
    before = labels.copy()
    grow_to_half_height(labels, signal, 1)
    np.testing.assert_array_equal(labels, before)


def test_no_label_does_not_grow():
    labels = np.zeros((6, 6), np.int32)
    grow_to_half_height(labels, np.ones((6, 6), np.float32), 0)
    assert not labels.any()


def test_margin_is_positive_inside_even_where_a_nucleus_has_a_dark_spot():
    labels, signal = dim_square()
    labels[5:15, 5:15] = 1
    signal[10, 10] = 0.0
    margin = outline_margin(labels, signal, np.array([0.0, 90.0]))
    assert margin.dtype == np.float32
    assert (margin[6:14, 6:14] > 0).all()
    assert (margin[labels == 0] < 0).all()
    assert (margin[:3] < -0.4).all()
