"""Measurements of labelled nuclei, without any loop over objects in Python."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.model.nuclei import NucleusTable

EDGE_REACH_UM = 0.4
"""Half the width over which a sharp outline must rise from background to nucleus."""

N_PROFILE = 9
"""Samples of the outline's profile: at -4..4 reaches along the normal."""

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


def measure_nuclei(
    labels: npt.NDArray[np.int32], dapi: npt.NDArray[Any], *, pixel_size_um: float | None
) -> NucleusTable:
    """Measure every nucleus of a label image.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        0 is background; ids need not be consecutive.
    dapi : ndarray of uint8, uint16 or float32, shape (H, W)
        Raw counts.
    pixel_size_um : float or None
        Width of a pixel; None counts in pixels, as if a pixel were 1 um wide, and looks for
        outlines as sharp as one pixel allows.

    Returns
    -------
    NucleusTable
        One row per id, in order of the ids; flags are 0. Empty without nuclei.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if labels.shape != dapi.shape:
        raise InputError(
            "labels and picture must have the same shape",
            found=f"labels {labels.shape}, picture {dapi.shape}",
        )
    count = int(labels.max(initial=0))
    if count == 0:
        return NucleusTable.empty()
    runs = _list_runs(labels)
    sums, boxes = _sum_pixels(runs, dapi, count, _ceiling(dapi))
    present = np.flatnonzero(sums[:, 0]) + 1
    starts = _row_starts(boxes)
    solidity = _solidities(runs, boxes, starts, sums[:, 0])
    reach = 1.0 if pixel_size_um is None else max(EDGE_REACH_UM / pixel_size_um, 1.0)
    profile = _edge_profiles(runs, labels, dapi, count, reach)
    rows = present - 1
    area = sums[rows, 0]
    mean = sums[rows, 3] / area
    background, focus = _outline_figures(profile[rows], mean)
    unit = 1.0 if pixel_size_um is None else pixel_size_um
    return NucleusTable(
        nucleus_id=present.astype(np.int32),
        y_px=sums[rows, 1] / area,
        x_px=sums[rows, 2] / area,
        area_um2=area * unit * unit,
        solidity=solidity[rows],
        dapi_mean=np.maximum(mean - background, 0.0),
        focus=focus,
        saturated=sums[rows, 4] / area,
        flags=np.zeros(len(rows), np.int32),
    )


def _ceiling(dapi: npt.NDArray[Any]) -> float:
    """Return the value at which the camera clips; infinity for floating point.

    12- and 14-bit cameras store their range in 16 bits, so a peak exactly at 4095 or 16383 counts
    as the top of the range.
    """
    if dapi.dtype.kind == "f":
        return math.inf
    peak = int(dapi.max(initial=0))
    tops = [bits for bits in (8, 10, 12, 14, 16) if peak == (1 << bits) - 1]
    if dapi.dtype == np.uint8:
        return 255.0
    return float(peak) if tops and tops[0] > 8 else float(np.iinfo(dapi.dtype).max)


def _row_starts(boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    heights = np.maximum(boxes[:, 1] - boxes[:, 0] + 1, 0).astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(heights)])


def _outline_figures(
    profile: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the local background and the focus score from the mean outline profiles.

    The focus score is the largest share of the contrast that any stretch of two reaches climbs:
    about 1 for a step, 0.4 for an edge blurred with a standard deviation of two reaches.
    """
    background = profile[:, -1]
    contrast = np.maximum(profile.max(axis=1), mean) - profile.min(axis=1)
    climb = (profile[:, :-2] - profile[:, 2:]).max(axis=1)
    return background, np.clip(climb / np.maximum(contrast, 1e-9), 0.0, 1.0)


@_jit
def _list_runs(labels: Any) -> Any:
    """Return label, y, first and last x of every stretch of equal labels in a row."""
    height, width = labels.shape
    total = 0
    for y in range(height):
        before = 0
        for x in range(width):
            here = labels[y, x]
            total += (here != before) & (here > 0)
            before = here
    runs = np.empty((total, 4), np.int32)
    n = -1
    for y in range(height):
        before = 0
        for x in range(width):
            here = labels[y, x]
            if here != before:
                if before > 0:
                    runs[n, 3] = x - 1
                if here > 0:
                    n += 1
                    runs[n, 0] = here
                    runs[n, 1] = y
                    runs[n, 2] = x
                before = here
        if before > 0:
            runs[n, 3] = width - 1
    return runs


@_jit
def _sum_pixels(runs: Any, dapi: Any, count: Any, ceiling: Any) -> Any:
    """Sum per id: pixels, y, x, counts, saturated pixels; and the first and last row."""
    sums = np.zeros((count, 5), np.float64)
    boxes = np.empty((count, 2), np.int32)
    boxes[:, 0] = 2**30
    boxes[:, 1] = -1
    for k in range(len(runs)):
        row, y, start, last = runs[k, 0] - 1, runs[k, 1], runs[k, 2], runs[k, 3]
        total = 0.0
        clipped = 0
        for x in range(start, last + 1):
            value = dapi[y, x]
            total += value
            clipped += value >= ceiling
        n = last + 1 - start
        sums[row, 0] += n
        sums[row, 1] += n * y
        sums[row, 2] += n * (start + last) * 0.5
        sums[row, 3] += total
        sums[row, 4] += clipped
        boxes[row, 0] = min(boxes[row, 0], y)
        boxes[row, 1] = max(boxes[row, 1], y)
    return sums, boxes


@_jit
def _solidities(runs: Any, boxes: Any, starts: Any, areas: Any) -> Any:
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


@_jit
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


@_jit
def _edge_profiles(runs: Any, labels: Any, dapi: Any, count: Any, reach: Any) -> Any:
    """Return the mean profile of each outline along its normal, from inside to outside.

    Only stretches of the outline that face background are sampled; nuclei without any are sampled
    all round. Samples lie a reach apart, the middle one on the outline. Outlines so near to
    the border that a sample would fall outside the picture are left out; 0 if nothing remains.
    """
    sums = np.zeros((2, count, N_PROFILE), np.float64)
    hits = np.zeros((2, count), np.int64)
    height, width = labels.shape
    far = N_PROFILE // 2
    margin = int(reach * far) + 3
    for k in range(len(runs)):
        label, y, start, last = runs[k]
        if y < margin or y >= height - margin:
            continue
        for x in range(max(start, margin), min(last + 1, width - margin)):
            if x != start and x != last and labels[y - 1, x] == label and labels[y + 1, x] == label:
                continue
            ny, nx = _outward(labels, y, x, label)
            norm = math.sqrt(ny * ny + nx * nx)
            if norm == 0.0:
                continue
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
    result = np.zeros((count, N_PROFILE), np.float64)
    for row in range(count):
        kind = 1 if hits[1, row] > 0 else 0
        for step in range(N_PROFILE):
            result[row, step] = sums[kind, row, step] / max(hits[kind, row], 1)
    return result


@_jit
def _outward(labels: Any, y: Any, x: Any, label: Any) -> Any:
    """Return the outward normal from the 5x5 neighbourhood, not normalised."""
    ny, nx = 0.0, 0.0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if labels[y + dy, x + dx] == label:
                ny -= dy
                nx -= dx
    return ny, nx
