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
    height, width = labels.shape
    runs = np.empty((4096, 4), np.int32)
    n = 0
    for y in range(height):
        row = labels[y]
        x = 0
        while x < width:
            here, start = row[x], x
            x = _stretch_end(row, x + 1, here)
            if here > 0:
                if n == len(runs):
                    runs = _doubled(runs)
                runs[n, 0], runs[n, 1], runs[n, 2], runs[n, 3] = here, y, start, x - 1
                n += 1
    return runs[:n].copy()


@inner_kernel
def _doubled(runs: Any) -> Any:
    """Return the runs with as many free rows after them."""
    more = np.empty((2 * len(runs), 4), np.int32)
    for k in range(len(runs)):
        for column in range(4):
            more[k, column] = runs[k, column]
    return more


@inner_kernel
def _stretch_end(row: Any, x: Any, here: Any) -> Any:
    """Return where the stretch of `here` that holds pixel `x` - 1 ends; eight pixels at a time."""
    width = len(row)
    while x + 8 <= width:
        differ = (row[x] ^ here) | (row[x + 1] ^ here) | (row[x + 2] ^ here) | (row[x + 3] ^ here)
        differ |= (row[x + 4] ^ here) | (row[x + 5] ^ here)
        differ |= (row[x + 6] ^ here) | (row[x + 7] ^ here)
        if differ:
            break
        x += 8
    while x < width and row[x] == here:
        x += 1
    return x


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
        total, clipped = _sum_stretch(dapi[y], start, last, ceiling)
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
def _sum_stretch(line: Any, start: Any, last: Any, ceiling: Any) -> Any:
    total = line[start] * 0  # integers of integer pictures: exact, and faster than floats
    clipped = 0
    top = line[start]
    for x in range(start, last + 1):
        total += line[x]
        top = max(top, line[x])
    if top >= ceiling:
        for x in range(start, last + 1):
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
    all round. Samples lie a reach apart, the middle one on the outline, and rays start some three
    quarters of a reach apart. Outlines so near to the border that a sample would fall outside the
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
    every = max(1, int(0.75 * reach + 0.5))
    for k in range(len(runs)):
        label, y, start, last = runs[k]
        if y < margin or y >= height - margin:
            continue
        if y % every == 0:
            for x in (start, last):
                if margin <= x < width - margin:
                    _add_ray(sums, hits, labels, dapi, (y, x), reach)
        begin = max(start + 1, margin)
        for x in range(begin + -begin % every, min(last, width - margin), every):
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
    ny, nx = ny / norm * reach, nx / norm * reach
    free = 1
    for step in range(1, far + 1):
        other = labels[int(y + step * ny + 0.5), int(x + step * nx + 0.5)]
        if other != 0 and other != label:
            free = 0
    hits[free, label - 1] += 1
    for step in range(-far, far + 1):
        v, u = int(y + step * ny + 0.5), int(x + step * nx + 0.5)
        sums[free, label - 1, step + far] += dapi[v, u]


@inner_kernel
def _outward(labels: Any, y: Any, x: Any, label: Any) -> Any:
    """Return the outward normal from the 5x5 neighbourhood, not normalised."""
    ny, nx = 0.0, 0.0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if labels[y + dy, x + dx] == label:
                ny -= dy
                nx -= dx
    return ny, nx


@kernel
def count_sides(labels: npt.NDArray[np.int32], step: int, count: int) -> npt.NDArray[np.int64]:
    """Count the sides of each outline, and those that face another label, on every `step`-th pixel.

    Returns
    -------
    ndarray of int64, shape (count + 1, 2)
        All sides, and sides in contact, of label 1..N in row 1..N.
    """
    sides = np.zeros((count + 1, 2), np.int64)
    height, width = labels.shape
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            here = labels[y, x]
            for k in range(2):
                v, u = y + step * k, x + step * (1 - k)
                there = labels[v, u] if v < height and u < width else np.int32(0)
                if here != there:
                    touching = np.int64(here > 0 and there > 0)
                    sides[here, 0] += 1
                    sides[there, 0] += 1
                    sides[here, 1] += touching
                    sides[there, 1] += touching
    return sides
