"""Compiled loops over the runs of a label image: sums, hulls and outline profiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

N_PROFILE = 9
"""Samples of the outline's profile: at -4..4 reaches along the normal."""


@kernel
def list_runs(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return label, y, first and last x of every stretch of equal labels in a row, shape (M, 4)."""
    starts = _stretch_starts(labels)
    flat, width = labels.ravel(), labels.shape[1]
    runs = np.empty((len(starts) - 1, 4), np.int32)
    n, y = 0, 0
    for k in range(len(starts) - 1):
        while starts[k] >= (y + 1) * width:
            y += 1
        here = flat[starts[k]]
        runs[n, 0] = here
        runs[n, 1] = y
        runs[n, 2] = starts[k] - y * width
        runs[n, 3] = starts[k + 1] - 1 - y * width
        n += here > 0  # a stretch of background is written over
    return runs[:n]


@inner_kernel
def _stretch_starts(labels: Any) -> Any:
    """Return the flat positions where stretches begin, and at last the number of pixels.

    Eight marks are looked at in one go, as most pixels are like the one before.
    """
    height, width = labels.shape
    marks = np.zeros((width + 7) // 8 * 8, np.uint8)
    marks[:1] = 1
    eights = marks.view(np.uint64)
    starts = np.empty(labels.size + 8, np.int64)
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
    return starts[: n + 1]


@inner_kernel
def _mark_changes(row: Any, marks: Any) -> None:
    """Mark with 1 each pixel, after the first, that differs from the one before."""
    before, here, changed = row[:-1], row[1:], marks[1:]
    for x in range(len(here)):
        changed[x] = before[x] != here[x]


@kernel
def sum_pixels(
    runs: npt.NDArray[np.int32], dapi: npt.NDArray[Any], count: int, ceiling: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Sum per id: pixels, y, x, counts, saturated pixels; and the first and last row."""
    sums = np.zeros((count, 5), np.float64)
    boxes = np.empty((count, 2), np.int32)
    boxes[:, 0] = 2**30
    boxes[:, 1] = -1
    for k in range(len(runs)):
        row, y, start, last = runs[k, 0] - 1, runs[k, 1], runs[k, 2], runs[k, 3]
        total, clipped = _sum_stretch(dapi[y, start : last + 1], ceiling)
        n = last + 1 - start
        sums[row, 0] += n
        sums[row, 1] += n * y
        sums[row, 2] += n * (start + last) * 0.5
        sums[row, 3] += total
        sums[row, 4] += clipped
        boxes[row, 0] = min(boxes[row, 0], y)
        boxes[row, 1] = max(boxes[row, 1], y)
    return sums, boxes


@inner_kernel
def _sum_stretch(line: Any, ceiling: Any) -> Any:
    total = line[0] * 0  # integers of integer pictures: exact, and faster than floats
    clipped = 0
    top = line[0]
    for x in range(len(line)):
        total += line[x]
        top = max(top, line[x])
    if top >= ceiling:
        for x in range(len(line)):
            clipped += line[x] >= ceiling
    return total, clipped


@kernel
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
    for k in range(len(runs)):
        row = runs[k, 0] - 1
        slot = starts[row] + runs[k, 1] - boxes[row, 0]
        left[slot] = min(left[slot], runs[k, 2])
        right[slot] = max(right[slot], runs[k, 3])
    result = np.ones(count, np.float64)
    for row in range(count):
        if areas[row] > 0:
            lo, hi = starts[row], starts[row + 1]
            hull = _half_hull(right[lo:hi], 1.0) - _half_hull(left[lo:hi], -1.0)
            result[row] = min(1.0, areas[row] / max(hull, 1.0))
    return result


@inner_kernel
def _half_hull(extent: Any, side: Any) -> Any:
    """Return the area between the y axis and one side of the hull of the row extents."""
    n = len(extent)
    ys = np.empty(3 * n, np.float64)
    xs = np.empty(3 * n, np.float64)
    size = 0
    for k in range(n):
        if extent[k] < 0 or extent[k] == 2**30:
            continue
        for part in range(3):
            y = k + 0.5 * (part - 1)
            x = extent[k] + (0.5 * side if part == 1 else 0.0)
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


@kernel
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
    height, width = labels.shape
    margin = int(reach * (N_PROFILE // 2)) + 3
    every = max(1, int(1.5 * reach + 0.5))
    anchors = np.full((count, 2), -1, np.int32)  # rays start on a grid of each nucleus' own
    for k in range(len(runs)):
        label, y, start, last = runs[k]
        anchor = anchors[label - 1]
        if anchor[0] < 0:
            anchor[0], anchor[1] = y, start
        if y < margin or y >= height - margin:
            continue
        if (y - anchor[0]) % every == 0:
            for x in (start, last):
                if margin <= x < width - margin:
                    _add_ray(sums, hits, labels, dapi, (y, x), reach)
        begin = max(start + 1, margin)
        begin += (anchor[1] - begin) % every
        for x in range(begin, min(last, width - margin), every):
            if labels[y - 1, x] != label or labels[y + 1, x] != label:
                _add_ray(sums, hits, labels, dapi, (y, x), reach)
    result = np.zeros((count, N_PROFILE), np.float64)
    for row in range(count):
        free = 1 if hits[1, row] > 0 else 0
        result[row] = sums[free, row] / max(hits[free, row], 1)
    return result


@inner_kernel
def _add_ray(sums: Any, hits: Any, labels: Any, dapi: Any, place: Any, reach: Any) -> None:
    """Add the profile at one pixel of an outline to those that are free or those that are not."""
    y, x = place
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
            same = int(labels[y + dy, x + dx] == label)
            ny -= dy * same
            nx -= dx * same
    return ny, nx


@kernel
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
    return sides
