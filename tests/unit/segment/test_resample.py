"""Changes of resolution: what must survive them."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.segment.resample import block_means, enlarge_labels


def test_block_means_average_the_pixels_a_cut_block_has():
    picture = np.arange(35, dtype=np.uint16).reshape(5, 7)
    means = block_means(picture, 3)
    expected = [
        [picture[i : i + 3, j : j + 3].mean() for j in range(0, 7, 3)] for i in range(0, 5, 3)
    ]
    assert means.dtype == np.float32
    np.testing.assert_allclose(means, expected)


@pytest.mark.parametrize("reduce", [2, 3, 5])
def test_filled_picture_stays_filled_to_the_border(reduce):
    labels = np.full((6, 9), 4, np.int32)
    margin = np.full(labels.shape, 0.5, np.float32)
    full = enlarge_labels(labels, margin, reduce, (6 * reduce - 1, 9 * reduce))
    assert full.shape == (6 * reduce - 1, 9 * reduce)
    assert (full == 4).all()


@pytest.mark.parametrize("reduce", [2, 3, 4, 5])
def test_straight_lines_stay_where_they_are(reduce):
    labels = np.zeros((12, 12), np.int32)
    labels[:, 2:6] = 1
    labels[:, 6:10] = 2
    margin = np.where(labels > 0, 0.5, -0.5).astype(np.float32)
    full = enlarge_labels(labels, margin, reduce, (12 * reduce, 12 * reduce))
    row = full[6 * reduce]
    assert (full == row).all()
    # Where a pixel's centre lies on the line itself, one side takes it.
    areas = np.bincount(row, minlength=3)[1:]
    np.testing.assert_allclose(areas, 4 * reduce, atol=1)
    assert (np.diff(row[row > 0]) >= 0).all()


def test_line_between_labels_is_smooth_and_keeps_areas():
    rows, columns = np.mgrid[:40, :40]
    labels = np.where(columns > 0.5 * rows + 9.7, 2, 1).astype(np.int32)
    margin = np.full(labels.shape, 0.5, np.float32)
    full = enlarge_labels(labels, margin, 5, (200, 200))
    y, x = np.mgrid[:200, :200]
    ideal = np.where((x + 0.5) / 5 - 0.5 > 0.5 * ((y + 0.5) / 5 - 0.5) + 9.7, 2, 1)
    blocky = labels[y // 5, x // 5]
    assert (full != ideal).sum() < 0.7 * (blocky != ideal).sum()
    assert abs((full == 1).sum() - 25 * (labels == 1).sum()) < 0.005 * full.size
