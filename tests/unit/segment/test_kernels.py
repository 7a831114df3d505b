"""Compiled loops against plain ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.segment.kernels import rename_labels, sum_contacts
from alkfish.segment.runs import list_runs


def plain_contacts(labels, signal, depth, valley):
    """Add up contacts in dictionaries, one pair of pixels at a time."""
    sums = {}
    for y, x in np.ndindex(labels.shape):
        for v, u in ((y, x + 1), (y + 1, x)):
            if v == labels.shape[0] or u == labels.shape[1]:
                continue
            one, two = sorted((int(labels[y, x]), int(labels[v, u])))
            if one == 0 or one == two:
                continue
            row = sums.setdefault((one - 1, two - 1), [0, 0.0, 0.0, 0.0])
            row[0] += 1
            row[1] += min(signal[y, x], signal[v, u])
            row[2] += max(valley[y, x], valley[v, u])
            row[3] = max(row[3], min(depth[y, x], depth[v, u]))
    return sums


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_contacts_are_those_of_a_plain_loop(seed, height, width):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, (height, width)).astype(np.int32)
    layers = rng.random((3, height, width), np.float32)
    pairs, contacts = sum_contacts(labels, 5, *layers)
    expected = plain_contacts(labels, *layers)
    assert sorted(map(tuple, pairs.tolist())) == sorted(expected)
    for pair, row in zip(pairs.tolist(), contacts, strict=True):
        np.testing.assert_allclose(row, expected[tuple(pair)], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 40))
def test_runs_draw_the_labels_again(seed, height, width):
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 3, (height, width)), 3, axis=1).astype(np.int32)
    again = np.zeros_like(labels)
    for label, y, first, last in list_runs(labels):
        assert label > 0
        assert first == 0 or labels[y, first - 1] != label
        again[y, first : last + 1] = label
    np.testing.assert_array_equal(again, labels)


def test_names_replace_labels_in_place():
    labels = np.array([[0, 1, 2], [2, 2, 0]], np.int32)
    rename_labels(labels, np.array([0, 7, 0], np.int32))
    assert labels.tolist() == [[0, 7, 0], [0, 0, 0]]
