"""Compiled loops over the runs of a label image: sums, hulls and outline profiles.

Arrays are made in Python and handed to the loops: allocation inside a loop, slices of arrays and
calls of ``min`` and ``max`` are what takes a compiler longest on the first run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

N_PROFILE = 9
"""Samples of the outline's profile: at -4..4 reaches along the normal."""


def list_runs(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return label, y, first and last x of every stretch of equal labels in a row, shape (M, 4)."""
    marks = np.zeros((labels.shape[1] + 7) // 8 * 8, np.uint8)
    marks[:1] = 1
    starts = np.empty(labels.size + 8, np.int64)
    n_starts = _stretch_starts(labels, marks, marks.view(np.uint64), starts)
    runs = np.empty((n_starts, 4), np.int32)
    return runs[: _fill_runs(labels, starts, n_starts, runs)]


@kernel
def _fill_runs(labels: Any, starts: Any, n_starts: Any, runs: Any) -> Any:
    """Fill in the stretches that are not background; return how many there are."""
    width = labels.shape[1]
    n, y = 0, 0
    for k in range(n_starts):
        while starts[k] >= (y + 1) * width:
            y += 1
        first = starts[k] - y * width
        here = labels[y, first]
        runs[n, 0] = here
        runs[n, 1] = y
        runs[n, 2] = first
        runs[n, 3] = starts[k + 1] - 1 - y * width
        n += here > 0  # a stretch of background is written over
    return n


@kernel
def _stretch_starts(labels: Any, marks: Any, eights: Any, starts: Any) -> Any:
    """Fill in the flat positions where stretches begin, and at last the number of pixels.

    Eight marks are looked at in one go, as most pixels are like the one before. Return the number
    of stretches.
    """
    height, width = labels.shape
    n = 0
    for y in range(height):
        _mark_changes(labels[y], marks)
        for k in range(len(eights)):
            if eights[k] == 0:
                continue
            for x in range(8 * k, 8 * k + 8):
                starts[n] = y * width + x
                n += marks[x]
    starts[n] = labels.size
    return n


@inner_kernel
def _mark_changes(row: Any, marks: Any) -> None:
    """Mark with 1 each pixel, after the first, that differs from the one before."""
    for x in range(len(row) - 1):
        marks[x + 1] = row[x] != row[x + 1]


def sum_pixels(
    runs: npt.NDArray[np.int32], dapi: npt.NDArray[Any], count: int, ceiling: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Sum per id: pixels, y, x, counts, saturated pixels; and the first and last row."""
    sums = np.zeros((count, 5), np.float64)
    boxes = np.empty((count, 2), np.int32)
    boxes[:, 0] = 2**30
    boxes[:, 1] = -1
    _sum_pixels(runs, dapi, ceiling, sums, boxes)
    return sums, boxes


@kernel
def _sum_pixels(runs: Any, dapi: Any, ceiling: Any, sums: Any, boxes: Any) -> None:
    for k in range(len(runs)):
        row, y, start, last = runs[k, 0] - 1, runs[k, 1], runs[k, 2], runs[k, 3]
        total, clipped = _sum_stretch(dapi[y, start : last + 1], ceiling)
        n = last + 1 - start
        sums[row, 0] += n
        sums[row, 1] += n * y
        sums[row, 2] += n * (start + last) * 0.5
        sums[row, 3] += total
        sums[row, 4] += clipped
        if y < boxes[row, 0]:
            boxes[row, 0] = y
        if y > boxes[row, 1]:
            boxes[row, 1] = y


@inner_kernel
def _sum_stretch(line: Any, ceiling: Any) -> Any:
    total = line[0] * 0  # integers of integer pictures: exact, and faster than floats
    clipped = 0
    top = line[0]
    for x in range(len(line)):
        total += line[x]
        top = line[x] if line[x] > top else top
    if top >= ceiling:
        for x in range(len(line)):
            clipped += line[x] >= ceiling
    return total, clipped


def solidities(
    runs: npt.NDArray[np.int32],
    boxes: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    areas: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return area over area of the convex hull, pixels being diamonds of unit diagonal."""
    count = len(areas)
    left = np.full(starts[count], 2**30, np.int32)
    right = np.full(starts[count], -1, np.int32)
    hull = np.ones(count, np.float64)
    work = np.empty((2, 3 * int(np.diff(starts).max(initial=0))), np.float64)
    _hull_areas(runs, boxes, starts, left, right, work, hull)
    share: npt.NDArray[np.float64] = np.minimum(1.0, areas / np.maximum(hull, 1.0))
    return np.where(areas > 0, share, 1.0)


@kernel
def _hull_areas(
    runs: Any, boxes: Any, starts: Any, left: Any, right: Any, work: Any, hull: Any
) -> None:
    """Fill in the extents of the rows of each region, and the area of its hull."""
    for k in range(len(runs)):
        row = runs[k, 0] - 1
        slot = starts[row] + runs[k, 1] - boxes[row, 0]
        if runs[k, 2] < left[slot]:
            left[slot] = runs[k, 2]
        if runs[k, 3] > right[slot]:
            right[slot] = runs[k, 3]
    for row in range(len(hull)):
        lo, hi = starts[row], starts[row + 1]
        if hi > lo:
            hull[row] = _half_hull(right, lo, hi, 1.0, work) - _half_hull(left, lo, hi, -1.0, work)


@inner_kernel
def _half_hull(extents: Any, begin: Any, end: Any, side: Any, work: Any) -> Any:
    """Return the area between the y axis and one side of the hull of the row extents."""
    ys, xs = work[0], work[1]
    size = 0
    for k in range(end - begin):
        extent = extents[begin + k]
        if extent < 0 or extent == 2**30:
            continue
        for part in range(3):
            y = k + 0.5 * (part - 1)
            x = extent + (0.5 * side if part == 1 else 0.0)
            while size > 0 and ys[size - 1] == y:
                if side * (x - xs[size - 1]) <= 0:
                    break
                size -= 1
            if size > 0 and ys[size - 1] == y:
                continue
            while (
                size >= 2
                and side
                * (
                    (xs[size - 1] - xs[size - 2]) * (y - ys[size - 2])
                    - (x - xs[size - 2]) * (ys[size - 1] - ys[size - 2])
                )
                <= 0.0
            ):
                size -= 1
            ys[size] = y
            xs[size] = x
            size += 1
    area = 0.0
    for k in range(1, size):
        area += 0.5 * (xs[k] + xs[k - 1]) * (ys[k] - ys[k - 1])
    return area


def edge_profiles(
    runs: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int32],
    dapi: npt.NDArray[Any],
    count: int,
    reach: float,
) -> npt.NDArray[np.float64]:
    """Return the mean profile of each outline along its normal, from inside to outside.

    Only stretches of the outline that face background are sampled; nuclei without any are sampled
    all round. Samples lie a reach apart, the middle one on the outline, and rays start some one and
    a half reaches apart. Outlines so near to the border that a sample would fall outside the
    picture are left out; 0 if nothing remains.

    Returns
    -------
    ndarray of float64, shape (count, N_PROFILE)
        Mean counts.
    """
    sums = np.zeros((2, count, N_PROFILE), np.float64)
    hits = np.zeros((2, count), np.int64)
    anchors = np.full((count, 2), -1, np.int32)
    _add_rays(runs, labels, dapi, reach, anchors, sums, hits)
    free = (hits[1] > 0).astype(np.intp)
    rows = np.arange(count)
    mean: npt.NDArray[np.float64] = sums[free, rows] / np.maximum(hits[free, rows], 1)[:, None]
    return mean


@kernel
def _add_rays(
    runs: Any, labels: Any, dapi: Any, reach: Any, anchors: Any, sums: Any, hits: Any
) -> None:
    """Add the profiles of all outlines; rays start on a grid of each nucleus' own."""
    height, width = labels.shape
    margin = int(reach * (N_PROFILE // 2)) + 3
    every = int(1.5 * reach + 0.5)
    every = every if every > 1 else 1
    for k in range(len(runs)):
        label = runs[k, 0]
        y: Any = np.int64(runs[k, 1])  # one integer type: rays are compiled once
        start: Any = np.int64(runs[k, 2])
        last: Any = np.int64(runs[k, 3])
        if anchors[label - 1, 0] < 0:
            anchors[label - 1, 0], anchors[label - 1, 1] = y, start
        if y < margin or y >= height - margin:
            continue
        if (y - anchors[label - 1, 0]) % every == 0:
            for x in (start, last):
                if margin <= x < width - margin:
                    _add_ray(sums, hits, labels, dapi, y, x, reach)
        first = start + 1 if start + 1 > margin else margin
        begin = first + (anchors[label - 1, 1] - first) % every
        end = last if last < width - margin else width - margin
        for x in range(begin, end, every):
            if labels[y - 1, x] != label or labels[y + 1, x] != label:
                _add_ray(sums, hits, labels, dapi, y, x, reach)


@inner_kernel
def _add_ray(sums: Any, hits: Any, labels: Any, dapi: Any, y: Any, x: Any, reach: Any) -> None:
    """Add the profile at one pixel of an outline to those that are free or those that are not."""
    label = labels[y, x]
    far = N_PROFILE // 2
    ny, nx = _outward(labels, y, x, label)
    norm = math.sqrt(ny * ny + nx * nx)
    if norm == 0.0:
        return
    dy, dx = ny / norm * reach, nx / norm * reach
    free = 1
    for step in range(1, far + 1):
        other = labels[int(y + step * dy + 0.5), int(x + step * dx + 0.5)]
        if other != 0 and other != label:
            free = 0
    hits[free, label - 1] += 1
    for step in range(-far, far + 1):
        v, u = int(y + step * dy + 0.5), int(x + step * dx + 0.5)
        sums[free, label - 1, step + far] += dapi[v, u]


@inner_kernel
def _outward(labels: Any, y: Any, x: Any, label: Any) -> Any:
    """Return the outward normal from the 5x5 neighbourhood, not normalised."""
    ny, nx = 0, 0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if labels[y + dy, x + dx] == label:
                ny -= dy
                nx -= dx
    return ny, nx


def count_sides(labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.int64]:
    """Count the sides of each outline, and those that face another label.

    Parameters
    ----------
    labels : ndarray of int32, shape (h + 1, w + 1)
        Labels, best a sample of them, with a row and a column of background at the far edges.
    count : int
        Largest label.

    Returns
    -------
    ndarray of int64, shape (count + 1, 2)
        All sides, and sides in contact, of label 1..N in row 1..N.
    """
    sides = np.zeros((count + 1, 2), np.int64)
    _count_sides(labels, sides)
    return sides


@kernel
def _count_sides(labels: Any, sides: Any) -> None:
    for y in range(labels.shape[0] - 1):
        for x in range(labels.shape[1] - 1):
            here, right, below = labels[y, x], labels[y, x + 1], labels[y + 1, x]
            if here == right and here == below:
                continue
            for there in (right, below):
                if here != there:
                    touching = np.int64(here > 0 and there > 0)
                    sides[here, 0] += 1
                    sides[there, 0] += 1
                    sides[here, 1] += touching
                    sides[there, 1] += touching
