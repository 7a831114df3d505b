"""Compiled joining of regions: evidence of pairs, mutual choice, and the sums of unions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

Array = npt.NDArray[np.float64]

N_PAIR_FEATURES = 20
"""Columns of `pair_evidence`."""


def ellipse_fill(sums: Array) -> Array:
    """Compare regions with ellipses of the same moments.

    Parameters
    ----------
    sums : ndarray of float64, shape (N, 8)
        As returned by `sum_regions`.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Area over that of the ellipse, 1 for an ellipse and less with every bay, neck and hole; and
        the ratio of its axes.
    """
    out = np.empty((len(sums), 2))
    _ellipse_fill(sums, out)
    return out


@kernel
def _ellipse_fill(sums: Any, out: Any) -> None:
    for k in range(len(sums)):
        out[k, 0], out[k, 1] = _ellipse(sums[k, 0], sums[k, 1], sums[k, 2], sums[k, 3], sums[k, 4],
                                        sums[k, 5])  # fmt: skip


@inner_kernel
def _ellipse(area: Any, y: Any, x: Any, yy: Any, xx: Any, yx: Any) -> Any:
    """Return fill and elongation. Sums of whole numbers: exact, so the origin does not matter."""
    square = _at_least(area * area, 1e-9)
    var_y = (area * yy - y * y) / square + 1 / 12
    var_x = (area * xx - x * x) / square + 1 / 12
    cov = (area * yx - y * x) / square
    det = _at_least(var_y * var_x - cov * cov, 1e-9)
    half = (var_y + var_x) / 2
    spread = math.sqrt(_at_least(half * half - det, 0.0))
    ratio = math.sqrt((half + spread) / _at_least(half - spread, 1e-3))
    return _at_least(area, 1e-9) / (4 * math.pi * math.sqrt(det)), ratio


@inner_kernel
def _at_least(value: Any, least: Any) -> Any:
    return value if value > least else least


def pair_evidence(
    rows: npt.NDArray[np.int64],
    pairs: npt.NDArray[np.int64],
    contacts: Array,
    sums: Array,
    peaks: Array,
    typical_area: float,
) -> Array:
    """Return the features `PAIR_RULE` weighs for some pairs of regions.

    Parameters
    ----------
    rows : ndarray of int64, shape (K,)
        Rows of `pairs` to look at.
    pairs, contacts, sums, peaks
        As in `RegionGraph`.
    typical_area : float
        Area of the typical nucleus in pixels.

    Returns
    -------
    ndarray of float64, shape (K, N_PAIR_FEATURES)
    """
    out = np.empty((len(rows), N_PAIR_FEATURES))
    _pair_evidence(rows, pairs, contacts, sums, peaks, typical_area, out)
    return out


@kernel
def _pair_evidence(
    rows: Any, pairs: Any, contacts: Any, sums: Any, peaks: Any, typical_area: Any, out: Any
) -> None:
    for k in range(len(rows)):
        first, second = pairs[rows[k], 0], pairs[rows[k], 1]
        contact = contacts[rows[k]]
        _weigh_shapes(out[k], sums[first], sums[second], contact, typical_area)
        mean_1 = _at_least(sums[first, 6] / sums[first, 0], 1e-9)
        mean_2 = _at_least(sums[second, 6] / sums[second, 0], 1e-9)
        depth = _at_least(_lower(peaks[first, 0], peaks[second, 0]), 1e-9)
        height = _at_least(_lower(peaks[first, 1], peaks[second, 1]), 1e-9)
        bright = contact[1] / contact[0]
        out[k, 4] = bright / _lower(mean_1, mean_2)
        out[k, 5] = bright / height
        out[k, 6] = contact[3] / depth
        out[k, 9] = abs(math.log(mean_1 / mean_2))
        out[k, 11] = contact[2] / contact[0]
        out[k, 12] = (sums[first, 7] + sums[second, 7]) / (sums[first, 0] + sums[second, 0])
        out[k, 17] = out[k, 11] * out[k, 3]
        out[k, 18] = out[k, 9] * out[k, 8]


@inner_kernel
def _lower(one: Any, two: Any) -> Any:
    return one if one < two else two


@inner_kernel
def _weigh_shapes(out: Any, one: Any, two: Any, contact: Any, typical_area: Any) -> None:
    """Fill in the features that follow from the shapes of two regions and of their union."""
    area = one[0] + two[0]
    smaller = _lower(one[0], two[0])
    union, elongation = _ellipse(area, one[1] + two[1], one[2] + two[2], one[3] + two[3],
                                 one[4] + two[4], one[5] + two[5])  # fmt: skip
    fill_1 = 10 * math.log(_ellipse(one[0], one[1], one[2], one[3], one[4], one[5])[0])
    fill_2 = 10 * math.log(_ellipse(two[0], two[1], two[2], two[3], two[4], two[5])[0])
    parts = (one[0] * fill_1 + two[0] * fill_2) / area
    gain = 10 * math.log(union) - parts
    size = math.log(area / typical_area)
    size_smaller = math.log(smaller / typical_area)
    out[0] = gain
    out[1] = parts
    out[2] = _lower(fill_1, fill_2)
    out[3] = contact[0] / math.sqrt(smaller * (4 / math.pi))
    out[7] = size
    out[8] = size_smaller
    out[10] = math.log(elongation)
    out[13] = contact[0] / math.sqrt(area * (4 / math.pi))
    out[14] = size * size
    out[15] = size_smaller * size_smaller
    out[16] = _at_least(size, 0.0) ** 2
    out[19] = gain * size


def choose_partners(
    pairs: npt.NDArray[np.int64], score: Array, target: npt.NDArray[np.int64], floor: float
) -> int:
    """Find the pairs that are each other's best, and write into `target` where regions go.

    Of equal pairs that share a region, the earlier is taken.

    Parameters
    ----------
    pairs : ndarray of int64, shape (E, 2)
        Rows of regions in contact.
    score : ndarray of float64, shape (E,)
        The higher, the sooner they are joined.
    target : ndarray of int64, shape (N,)
        The row itself for each region; changed in place.
    floor : float
        Pairs that do not score more stay apart.

    Returns
    -------
    int
        Number of pairs to be joined.
    """
    best = np.full(len(target), -np.inf)
    return int(_choose(pairs, score, target, floor, best, np.zeros(len(target), np.bool_)))


@kernel
def _choose(pairs: Any, score: Any, target: Any, floor: Any, best: Any, taken: Any) -> Any:
    for k in range(len(pairs)):
        for end in range(2):
            if score[k] > best[pairs[k, end]]:
                best[pairs[k, end]] = score[k]
    count = 0
    for k in range(len(pairs)):
        first, second = pairs[k, 0], pairs[k, 1]
        mutual = score[k] >= best[first] and score[k] >= best[second]
        if mutual and score[k] > floor and not (taken[first] or taken[second]):
            taken[first] = taken[second] = True
            target[second] = first
            count += 1
    return count


def merge_pairs(
    target: npt.NDArray[np.int64], pairs: npt.NDArray[np.int64], contacts: Array, score: Array
) -> int:
    """Name pairs after the regions they went to and add up those that became equal, in place.

    Parameters
    ----------
    target : ndarray of int64, shape (N,)
        Where each region goes.
    pairs, contacts, score : ndarray, shapes (E, 2), (E, 4) and (E,)
        Changed in place: the first rows are what is left, the score of those that changed is NaN.

    Returns
    -------
    int
        Number of rows left.
    """
    changed = np.zeros(len(target), np.bool_)
    newest = np.full(len(target), -1, np.int64)  # last pair that begins with a region
    earlier = np.empty(len(pairs), np.int64)  # the pair before it
    moved = np.flatnonzero(target != np.arange(len(target)))
    changed[moved] = changed[target[moved]] = True
    return int(_merge(target, pairs, contacts, score, changed, newest, earlier))


@kernel
def _merge(
    target: Any, pairs: Any, contacts: Any, score: Any, changed: Any, newest: Any, earlier: Any
) -> Any:
    count = 0
    for k in range(len(pairs)):
        one, two = target[pairs[k, 0]], target[pairs[k, 1]]
        if one == two:
            continue
        first, second = (one, two) if one < two else (two, one)
        slot = newest[first]
        while slot >= 0 and pairs[slot, 1] != second:
            slot = earlier[slot]
        if slot >= 0:
            for column in range(3):
                contacts[slot, column] += contacts[k, column]
            if contacts[k, 3] > contacts[slot, 3]:
                contacts[slot, 3] = contacts[k, 3]
            continue
        earlier[count], newest[first] = newest[first], count
        score[count] = np.nan if changed[first] or changed[second] else score[k]
        pairs[count, 0], pairs[count, 1] = first, second
        for column in range(4):
            contacts[count, column] = contacts[k, column]
        count += 1
    return count
