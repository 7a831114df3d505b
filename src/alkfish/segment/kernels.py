"""Compiled loops over pixels: flooding with union-find and the transfer to full resolution."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

N_LEVELS = 1024
"""Number of flooding levels; the priority is rounded to them."""

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _find(parent: Any, item: Any) -> Any:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@_jit
def flood_basins(
    priority: npt.NDArray[Any],
    mask: npt.NDArray[Any],
    abs_depth: float,
    rel_depth: float,
) -> tuple[npt.NDArray[np.int32], int]:
    """Split a mask into the basins of its priority's peaks.

    Pixels are flooded from the highest priority down. Where two basins meet, the one with the lower
    peak is absorbed unless its peak rises above the meeting point by at least
    ``max(abs_depth, rel_depth * peak)``: the peaks' dynamics and the watershed in one pass.

    Parameters
    ----------
    priority : ndarray of float32, shape (H, W)
        Height of the landscape, 0 or more.
    mask : ndarray of bool or uint8, shape (H, W)
        Pixels to label.
    abs_depth, rel_depth : float
        Smallest depth of the valley in front of a peak of its own, in units of `priority` and as a
        share of the peak. Raising either joins more peaks.

    Returns
    -------
    labels : ndarray of int32, shape (H, W)
        1..N in the order of the rows; 0 outside the mask.
    count : int
        N.
    """
    height, width = mask.shape
    labels = np.zeros((height, width), np.int32)
    flat = priority.ravel()
    inside = mask.ravel()
    top = 0.0
    n_inside = 0
    for i in range(flat.size):
        if inside[i]:
            n_inside += 1
            top = max(top, flat[i])
    if n_inside == 0:
        return labels, 0
    step = (N_LEVELS - 1) / top if top > 0 else 0.0
    start = np.zeros(N_LEVELS + 1, np.int64)
    for i in range(flat.size):
        if inside[i]:
            start[N_LEVELS - int(flat[i] * step)] += 1
    for level in range(N_LEVELS):
        start[level + 1] += start[level]
    order = np.empty(n_inside, np.int32)
    for i in range(flat.size):
        if inside[i]:
            level = N_LEVELS - 1 - int(flat[i] * step)
            order[start[level]] = i
            start[level] += 1
    basin = np.full(flat.size, -1, np.int32)
    parent = np.empty(n_inside, np.int32)
    peak = np.empty(n_inside, np.float32)
    n_basins = 0
    for k in range(n_inside):
        i = order[k]
        y, x = i // width, i % width
        here = flat[i]
        best = -1
        best_value = -1.0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                v, u = y + dy, x + dx
                if (dy == 0 and dx == 0) or v < 0 or u < 0 or v >= height or u >= width:
                    continue
                j = v * width + u
                if basin[j] < 0:
                    continue
                root = _find(parent, basin[j])
                if best < 0:
                    best, best_value = root, flat[j]
                elif root != best:
                    low, high = (root, best) if peak[root] < peak[best] else (best, root)
                    if peak[low] - here < max(abs_depth, rel_depth * peak[low]):
                        parent[low] = high
                        best, best_value = high, max(best_value, flat[j])
                    elif flat[j] > best_value:
                        best, best_value = root, flat[j]
                elif flat[j] > best_value:
                    best_value = flat[j]
        if best < 0:
            parent[n_basins] = n_basins
            peak[n_basins] = here
            best = n_basins
            n_basins += 1
        basin[i] = best
    count = _number_basins(labels, basin, parent, n_basins)
    return labels, count


@_jit
def _number_basins(labels: Any, basin: Any, parent: Any, n_basins: Any) -> Any:
    number = np.zeros(n_basins, np.int32)
    count = 0
    flat = labels.ravel()
    for i in range(flat.size):
        if basin[i] >= 0:
            root = _find(parent, basin[i])
            if number[root] == 0:
                count += 1
                number[root] = count
            flat[i] = number[root]
    return count


N_SUMS = 8
"""Sums per region: pixels, y, x, yy, xx, yx, signal, valley."""


@_jit
def sum_regions(
    labels: npt.NDArray[np.int32],
    count: int,
    signal: npt.NDArray[Any],
    depth: npt.NDArray[Any],
    valley: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum what the shape and brightness of regions and of their unions follow from.

    Returns
    -------
    sums : ndarray of float64, shape (N, N_SUMS)
        Pixels, y, x, yy, xx, yx, signal, valley.
    peaks : ndarray of float64, shape (N, 2)
        Largest depth and largest signal.
    """
    sums = np.zeros((count, N_SUMS), np.float64)
    peaks = np.zeros((count, 2), np.float64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            row = labels[y, x] - 1
            if row < 0:
                continue
            sums[row, 0] += 1
            sums[row, 1] += y
            sums[row, 2] += x
            sums[row, 3] += y * y
            sums[row, 4] += x * x
            sums[row, 5] += y * x
            sums[row, 6] += signal[y, x]
            sums[row, 7] += valley[y, x]
            peaks[row, 0] = max(peaks[row, 0], depth[y, x])
            peaks[row, 1] = max(peaks[row, 1], signal[y, x])
    return sums, peaks


@_jit
def list_contacts(
    labels: npt.NDArray[np.int32],
    signal: npt.NDArray[Any],
    depth: npt.NDArray[Any],
    valley: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """List every pair of neighbouring pixels (sharing a side) that belong to two regions.

    Returns
    -------
    pairs : ndarray of int64, shape (M, 2)
        Rows of the two regions (label - 1), the smaller first.
    values : ndarray of float64, shape (M, 4)
        1, the smaller signal, the larger valley and the smaller depth of the two pixels.
    """
    height, width = labels.shape
    total = 0
    for fill in range(2):
        if fill == 1:
            pairs = np.empty((total, 2), np.int64)
            values = np.empty((total, 4), np.float64)
        total = 0
        for y in range(height):
            for x in range(width):
                here = labels[y, x]
                if here == 0:
                    continue
                for side in range(2):
                    v, u = y + side, x + 1 - side
                    if v >= height or u >= width:
                        continue
                    there = labels[v, u]
                    if there == 0 or there == here:
                        continue
                    if fill == 1:
                        pairs[total, 0] = min(here, there) - 1
                        pairs[total, 1] = max(here, there) - 1
                        values[total, 0] = 1.0
                        values[total, 1] = min(signal[y, x], signal[v, u])
                        values[total, 2] = max(valley[y, x], valley[v, u])
                        values[total, 3] = min(depth[y, x], depth[v, u])
                    total += 1
    return pairs, values


@_jit
def mean_rim_slope(
    labels: npt.NDArray[np.int32], count: int, signal: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Return the mean slope of `signal` along the outline of each region, per pixel."""
    sums = np.zeros((count, 2), np.float64)
    height, width = labels.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            here = labels[y, x]
            if here == 0 or (
                labels[y - 1, x] == here
                and labels[y + 1, x] == here
                and labels[y, x - 1] == here
                and labels[y, x + 1] == here
            ):
                continue
            down = signal[y + 1, x] - signal[y - 1, x]
            right = signal[y, x + 1] - signal[y, x - 1]
            sums[here - 1, 0] += 0.5 * np.sqrt(down * down + right * right)
            sums[here - 1, 1] += 1
    return sums[:, 0] / np.maximum(sums[:, 1], 1.0)


@_jit
def enlarge_labels(
    labels: npt.NDArray[np.int32],
    margin: npt.NDArray[Any],
    reduce: int,
    height: int,
    width: int,
) -> npt.NDArray[np.int32]:
    """Draw reduced labels at full resolution, with the outline where `margin` crosses 0.

    The margin is interpolated bilinearly, so outlines are smooth; a pixel inside takes the label
    of the nearest reduced pixel that has one among the four around it.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        Reduced labels.
    margin : ndarray of float32, shape (h, w)
        Positive inside, negative outside.
    reduce : int
        Size of a reduced pixel in pixels.
    height, width : int
        Size of the result.
    """
    out = np.zeros((height, width), np.int32)
    h, w = labels.shape
    for y in range(height):
        v = (y + 0.5) / reduce - 0.5
        v0 = min(max(int(np.floor(v)), 0), h - 1)
        v1 = min(v0 + 1, h - 1)
        fv = min(max(v - v0, 0.0), 1.0)
        for u0 in range(-1, w):
            a = max(u0, 0)
            b = min(u0 + 1, w - 1)
            p, q, r, s = labels[v0, a], labels[v0, b], labels[v1, a], labels[v1, b]
            if p == 0 and q == 0 and r == 0 and s == 0:
                continue
            left = margin[v0, a] * (1 - fv) + margin[v1, a] * fv
            right = margin[v0, b] * (1 - fv) + margin[v1, b] * fv
            first = max(int(np.ceil((u0 + 0.5) * reduce - 0.5)), 0)
            last = min(int(np.ceil((u0 + 1.5) * reduce - 0.5)), width)
            if p == q and p == r and p == s and left > 0 and right > 0:
                for x in range(first, last):
                    out[y, x] = p
                continue
            near_a, far_a = (p, r) if fv < 0.5 else (r, p)
            near_b, far_b = (q, s) if fv < 0.5 else (s, q)
            for x in range(first, last):
                f = (x + 0.5) / reduce - 0.5 - u0
                if left * (1 - f) + right * f <= 0:
                    continue
                if f < 0.5:
                    label = near_a if near_a else (near_b if near_b else far_a)
                    out[y, x] = label if label else far_b
                else:
                    label = near_b if near_b else (near_a if near_a else far_b)
                    out[y, x] = label if label else far_a
    return out
