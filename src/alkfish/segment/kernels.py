"""Compiled loops over pixels: flooding with union-find, sums of regions and contacts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

Floats = npt.NDArray[np.float64]

N_LEVELS = 1024
"""Number of flooding levels; the priority is rounded to them."""


@inner_kernel
def _find(parent: Any, item: Any) -> Any:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def flood_basins(
    priority: npt.NDArray[Any],
    mask: npt.NDArray[Any],
    abs_depth: float,
    rel_depth: float,
    top: float,
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
    top : float
        Priority of the highest level of flooding; what is higher is flooded with it.

    Returns
    -------
    labels : ndarray of int32, shape (H, W)
        1..N in the order of the rows; 0 outside the mask.
    count : int
        N.
    """
    height, width = mask.shape
    pixels, row = mask.view(np.uint8), width + 2
    landscape = np.zeros((height + 2) * row, np.float32)  # with a border of one pixel, flattened
    order = np.empty(np.count_nonzero(pixels), np.int32)
    step = np.float32((N_LEVELS - 1) / max(top, 1e-9))
    _sort_pixels(priority, pixels, step, np.zeros(N_LEVELS + 1, np.int32), landscape, order)
    basin = np.full(landscape.size, -1, np.int32)
    parent, peak = np.empty(order.size, np.int32), np.empty(order.size, np.float32)
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1], np.int64)
    n_basins = _flood(order, around, landscape, basin, parent, peak, abs_depth, rel_depth)
    labels = np.zeros(mask.shape, np.int32)
    return labels, _number_basins(labels, basin, parent, np.zeros(n_basins, np.int32))


@kernel
def _flood(
    order: Any, around: Any, landscape: Any, basin: Any, parent: Any, peak: Any, abs_depth: Any,
    rel_depth: Any,
) -> Any:  # fmt: skip
    """Give each pixel a basin, in order; return how many there are, absorbed ones counted."""
    row = around[6]
    n_basins = 0
    for k in range(order.size):
        i = order[k]
        best, several = _flooded_around(i, row, basin)
        if several:
            best = _joined_basin(i, around, landscape, basin, parent, peak, abs_depth, rel_depth)
        elif best < 0:
            parent[n_basins] = n_basins
            peak[n_basins] = landscape[i]
            best = n_basins
            n_basins += 1
        basin[i] = best
    return n_basins


@kernel
def _sort_pixels(
    priority: Any, mask: Any, step: Any, start: Any, landscape: Any, order: Any
) -> None:
    """Fill in the landscape, and the positions in it of the mask's pixels by falling level."""
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                landscape[(y + 1) * (width + 2) + x + 1] = priority[y, x]
                start[N_LEVELS - _level(priority[y, x] * step)] += 1
    for level in range(N_LEVELS):
        start[level + 1] += start[level]
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                level = N_LEVELS - 1 - _level(priority[y, x] * step)
                order[start[level]] = (y + 1) * (width + 2) + x + 1
                start[level] += 1


@inner_kernel
def _level(height: Any) -> Any:
    return int(height) if height < N_LEVELS - 1 else N_LEVELS - 1


@inner_kernel
def _flooded_around(i: Any, row: Any, basin: Any) -> Any:
    """Return a number of the flooded neighbours of `i`, -1: none; and whether they have several."""
    highest, lowest = np.int32(-1), np.int32(2**31 - 1)
    for j in (-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1):
        here = basin[i + j]
        highest = here if here > highest else highest
        here &= np.int32(2**31 - 1)  # -1 becomes the largest
        lowest = here if here < lowest else lowest
    return highest, lowest < highest


@inner_kernel
def _joined_basin(
    i: Any, around: Any, landscape: Any, basin: Any, parent: Any, peak: Any, abs_depth: Any,
    rel_depth: Any,
) -> Any:  # fmt: skip
    """Return the basin of the highest flooded neighbour of `i`, joining shallow ones."""
    best = -1
    best_value = np.float32(-1.0)
    for k in range(8):
        j = i + around[k]
        if basin[j] < 0:
            continue
        value = landscape[j]
        root = _find(parent, basin[j])
        if best < 0:
            best, best_value = root, value
        elif root != best:
            low, high = (root, best) if peak[root] < peak[best] else (best, root)
            depth = rel_depth * peak[low]
            if peak[low] - landscape[i] < (depth if depth > abs_depth else abs_depth):
                parent[low] = high
                best = high
            elif value > best_value:
                best = root
        best_value = value if value > best_value else best_value
    return best


@kernel
def _number_basins(labels: Any, basin: Any, parent: Any, number: Any) -> Any:
    """Fill in labels in the order of the rows; return how many there are."""
    count = 0
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            here = basin[(y + 1) * (width + 2) + x + 1]
            if here >= 0:
                root = _find(parent, here)
                if number[root] == 0:
                    count += 1
                    number[root] = count
                labels[y, x] = number[root]
    return count


N_SUMS = 8
"""Sums per region: pixels, y, x, yy, xx, yx, signal, valley."""


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
    _sum_regions(labels, signal, depth, valley, sums, peaks)
    return sums, peaks


@kernel
def _sum_regions(labels: Any, signal: Any, depth: Any, valley: Any, sums: Any, peaks: Any) -> None:
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
            if depth[y, x] > peaks[row, 0]:
                peaks[row, 0] = depth[y, x]
            if signal[y, x] > peaks[row, 1]:
                peaks[row, 1] = signal[y, x]


def sum_contacts(
    labels: npt.NDArray[np.int32],
    count: int,
    signal: npt.NDArray[Any],
    depth: npt.NDArray[Any],
    valley: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Sum what is seen where two regions touch: wherever pixels that share a side are of both.

    Returns
    -------
    pairs : ndarray of int64, shape (E, 2)
        Rows of the two regions, the smaller first; in the order they are met.
    contacts : ndarray of float64, shape (E, 4)
        Sides, sum of the smaller signal of their two pixels, sum of the larger valley, and the
        largest of the smaller depths.
    """
    most = min(2 * labels.size, count * (count - 1) // 2)
    pairs, contacts = np.empty((most, 2), np.int64), np.empty((most, 4), np.float64)
    newest = np.full(count, -1, np.int64)  # last pair that begins with a region
    earlier = np.empty(most, np.int64)  # the pair before it
    found = _sum_contacts(labels, signal, depth, valley, newest, earlier, pairs, contacts)
    return pairs[:found].copy(), contacts[:found].copy()


@kernel
def _sum_contacts(
    labels: Any, signal: Any, depth: Any, valley: Any, newest: Any, earlier: Any, pairs: Any,
    contacts: Any,
) -> Any:  # fmt: skip
    """Fill in the pairs and what is seen between them; return how many there are."""
    found = 0
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            here = labels[y, x]
            if here == 0:
                continue
            for k in range(2):
                v, u = y + k, x + 1 - k
                there = labels[v, u] if v < height and u < width else np.int32(0)
                if there == 0 or there == here:
                    continue
                first, second = (here, there) if here < there else (there, here)
                first, second = first - 1, second - 1
                slot = newest[first]
                while slot >= 0 and pairs[slot, 1] != second:
                    slot = earlier[slot]
                if slot < 0:
                    slot = found
                    pairs[slot, 0], pairs[slot, 1] = first, second
                    for column in range(4):
                        contacts[slot, column] = 0.0
                    earlier[slot], newest[first] = newest[first], slot
                    found += 1
                contacts[slot, 0] += 1.0
                near, far = signal[y, x], signal[v, u]
                contacts[slot, 1] += far if far < near else near
                near, far = valley[y, x], valley[v, u]
                contacts[slot, 2] += far if far > near else near
                near, far = depth[y, x], depth[v, u]
                near = far if far < near else near
                if near > contacts[slot, 3]:
                    contacts[slot, 3] = near
    return found


@kernel
def rename_labels(labels: npt.NDArray[np.int32], names: npt.NDArray[np.int32]) -> None:
    """Replace every label by `names[label]`, in place."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            labels[y, x] = names[labels[y, x]]


def mean_rim_slope(
    labels: npt.NDArray[np.int32], count: int, signal: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Return the mean slope of `signal` along the outline of each region, per pixel."""
    sums = np.zeros((count, 2), np.float64)
    _sum_rim_slopes(labels, signal, sums)
    slope: Floats = sums[:, 0] / np.maximum(sums[:, 1], 1.0)
    return slope


@kernel
def _sum_rim_slopes(labels: Any, signal: Any, sums: Any) -> None:
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
            sums[here - 1, 0] += 0.5 * math.sqrt(down * down + right * right)
            sums[here - 1, 1] += 1


def relative_curvature(
    smooth: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8], floor: float, factor: float
) -> npt.NDArray[np.float32]:
    """Return the upward curvature across the steepest direction, relative to the brightness.

    Parameters
    ----------
    smooth : ndarray of float32, shape (H + 2, W + 2)
        Brightness, with a border of one pixel.
    mask : ndarray of uint8, shape (H, W)
        Where to compute; 0 elsewhere.
    floor : float
        Smallest brightness to divide by.
    factor : float
        Scale of the result, which is cut at 0 and 4.
    """
    out = np.zeros(mask.shape, np.float32)
    _relative_curvature(smooth, mask, floor, factor, out)
    return out


@kernel
def _relative_curvature(smooth: Any, mask: Any, floor: Any, factor: Any, out: Any) -> None:
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            if mask[y, x] == 0:
                continue
            a, b, c = smooth[y, x], smooth[y, x + 1], smooth[y, x + 2]
            d, e, f = smooth[y + 1, x], smooth[y + 1, x + 1], smooth[y + 1, x + 2]
            g, h, i = smooth[y + 2, x], smooth[y + 2, x + 1], smooth[y + 2, x + 2]
            yy = (a + g + c + i - 2 * (d + f)) * 0.25 + (b + h - 2 * e) * 0.5
            xx = (a + c + g + i - 2 * (b + h)) * 0.25 + (d + f - 2 * e) * 0.5
            xy = (a + i - c - g) * 0.25
            half = (yy - xx) * 0.5
            curvature = (yy + xx) * 0.5 + math.sqrt(half * half + xy * xy)
            share = factor * curvature / (e if e > floor else floor)
            share = share if share > 0.0 else 0.0
            out[y, x] = share if share < 4.0 else 4.0
