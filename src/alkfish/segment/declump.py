"""Separating touching and overlapping nuclei: split too finely, then join what is one nucleus.

The foreground is flooded into many small basins of a landscape made of depth, brightness and
valleys. Neighbouring basins are then joined, best pair first, by the evidence for one nucleus: how
elliptic the union is, how long and how deep the contact, how alike the brightness, how the size
compares with the typical nucleus. All evidence is free of units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.segment.background import Float, Mask, local_mean
from alkfish.segment.evidence import OBJECT_RULE, PAIR_RULE, LinearRule
from alkfish.segment.kernels import (
    flood_basins,
    list_contacts,
    mean_rim_slope,
    relative_curvature,
    sum_regions,
)
from alkfish.segment.scale import median_width

Array = npt.NDArray[np.float64]

WIDTH_TOLERANCE = 1.2
"""Basins are found for a typical width that may be wrong by this factor."""

MIN_SHARPNESS = 1.8
"""Haze rises to its height over more than a nucleus width divided by this."""

MIN_SLOPE = 2.5
"""Smallest mean slope of an outline, in standard deviations of the slope of noise along one axis.

Noise alone has a mean slope of 1.25 of them (Rayleigh): twice that leaves dim, sharp nuclei in."""

_SHARPNESS = 8
"""Column of the slope relative to width and brightness in `object_evidence`."""

_MAX_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Layers:
    """Pictures at working resolution that basins are made and judged from.

    Attributes
    ----------
    signal : ndarray of float32, shape (h, w)
        Smoothed intensity over the background.
    depth : ndarray of float32
        Distance to the background, smoothed.
    valley : ndarray of float32
        Upward curvature across the steepest direction relative to the brightness, 0 to 4.
    mask : ndarray of uint8
        Foreground.
    diam_px : float
        Typical nucleus width.
    """

    signal: Float
    depth: Float
    valley: Float
    mask: Mask
    diam_px: float

    @classmethod
    def from_signal(cls, signal: Float, mask: Mask, diam_px: float) -> Layers:
        """Derive depth and valleys from the signal and the foreground."""
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        depth = cv2.GaussianBlur(depth, (0, 0), 1.0)
        return cls(signal, depth, _valleys(signal, mask, diam_px), mask, diam_px)

    def basins(self) -> tuple[npt.NDArray[np.int32], int]:
        """Return an over-fine division of the foreground."""
        blurred = cv2.GaussianBlur(self.signal, (0, 0), self.diam_px / 20)
        around = local_mean(self.signal, self.mask, int(self.diam_px) | 1)
        height = blurred / np.maximum(around, np.float32(1e-6))
        np.minimum(height, 3.0, out=height)
        height *= np.sqrt(self.depth * np.float32(4 / self.diam_px) + np.float32(0.3))
        height *= cv2.exp(-self.valley)
        labels: npt.NDArray[np.int32]
        labels, count = flood_basins(height, self.mask, 0.006, 0.003)
        return labels, count


def split_foreground(layers: Layers) -> tuple[npt.NDArray[np.int32], int]:
    """Label the nuclei of a foreground.

    Basins are joined twice: the second time with the typical width that the first time showed.

    Returns
    -------
    labels : ndarray of int32, shape (h, w)
        1..N.
    count : int
        N.
    """
    basins, count = layers.basins()
    if count == 0:
        return basins, 0
    graph = RegionGraph.from_labels(basins, count, layers)
    first = replace(graph, sums=graph.sums.copy(), peaks=graph.peaks.copy())
    first.join(PAIR_RULE)
    width = median_width(first.sums[:, 0])
    low, high = layers.diam_px / WIDTH_TOLERANCE, layers.diam_px * WIDTH_TOLERANCE
    owner = replace(graph, diam_px=min(max(width, low), high)).join(PAIR_RULE)
    kept, number = np.unique(owner, return_inverse=True)
    lookup = np.concatenate([[0], number + 1]).astype(np.int32)
    return lookup[basins], len(kept)


def keep_nuclei(
    labels: npt.NDArray[np.int32], count: int, layers: Layers, *, noise_slope: float
) -> npt.NDArray[np.bool_]:
    """Decide which regions are nuclei and not debris, haze, autofluorescence or noise.

    Parameters
    ----------
    noise_slope : float
        Standard deviation of the slope of `layers.signal` that noise alone causes, per pixel.

    Returns
    -------
    ndarray of bool, shape (N,)
        Whether to keep label 1..N.
    """
    slope = mean_rim_slope(labels, count, layers.signal)
    evidence = object_evidence(labels, count, layers, slope)
    keep: npt.NDArray[np.bool_] = OBJECT_RULE.score(evidence) > 0
    keep &= evidence[:, _SHARPNESS] > np.log(MIN_SHARPNESS)
    keep &= slope >= MIN_SLOPE * noise_slope
    return keep


def object_evidence(
    labels: npt.NDArray[np.int32], count: int, layers: Layers, rim_slope: Array
) -> Array:
    """Return the features `OBJECT_RULE` weighs, shape (N, number of features).

    `rim_slope` is that of `mean_rim_slope`.
    """
    sums, peaks = sum_regions(labels, count, layers.signal, layers.depth, layers.valley)
    slope = np.maximum(rim_slope, 1e-9)
    area = sums[:, 0]
    mean = np.maximum(sums[:, 6] / area, 1e-9)
    fill, elongation = ellipse_fill(sums)
    size = np.log(area / _typical_area(layers.diam_px))
    contrast = np.log(mean / _weighted_median(mean, area))
    return np.stack(
        [
            size,
            np.minimum(size + 1, 0) ** 2,
            contrast,
            np.minimum(contrast, 0) ** 2,
            np.log(fill) * 10,
            np.log(elongation),
            np.log(slope / _weighted_median(slope, area)),
            np.log(np.maximum(peaks[:, 0], 0.1) * 2 / layers.diam_px),
            np.log(slope * layers.diam_px / mean),
        ],
        axis=1,
    )


def ellipse_fill(sums: Array) -> tuple[Array, Array]:
    """Return area over area of the ellipse of the same moments, and the ratio of its axes.

    The first is 1 for an ellipse and falls with every bay, neck and hole.
    """
    area = np.maximum(sums[:, 0], 1e-9)
    y, x = sums[:, 1] / area, sums[:, 2] / area
    var_y = np.maximum(sums[:, 3] / area - y * y, 0) + 1 / 12
    var_x = np.maximum(sums[:, 4] / area - x * x, 0) + 1 / 12
    cov = sums[:, 5] / area - y * x
    det = np.maximum(var_y * var_x - cov * cov, 1e-9)
    half = (var_y + var_x) / 2
    spread = np.sqrt(np.maximum(half * half - det, 0))
    ratio = np.sqrt((half + spread) / np.maximum(half - spread, 1e-3))
    return area / (4 * np.pi * np.sqrt(det)), ratio


@dataclass(eq=False)
class RegionGraph:
    """Regions and their contacts; joining two adds up their sums, no pixel is touched again.

    Attributes
    ----------
    sums, peaks : ndarray of float64, shapes (N, 8) and (N, 2)
        As returned by `sum_regions`.
    pairs : ndarray of int64, shape (E, 2)
        Rows of regions in contact.
    contacts : ndarray of float64, shape (E, 4)
        Length of the contact, summed signal, summed valley, and largest depth on it.
    diam_px : float
        Typical nucleus width.
    """

    sums: Array
    peaks: Array
    pairs: npt.NDArray[np.int64]
    contacts: Array
    diam_px: float

    @classmethod
    def from_labels(cls, labels: npt.NDArray[np.int32], count: int, layers: Layers) -> RegionGraph:
        """Gather regions and contacts of a label image."""
        sums, peaks = sum_regions(labels, count, layers.signal, layers.depth, layers.valley)
        pairs, values = list_contacts(labels, layers.signal, layers.depth, layers.valley)
        pairs, contacts = _gather(pairs, values, count)
        return cls(sums, peaks, pairs, contacts, layers.diam_px)

    def join(self, rule: LinearRule) -> npt.NDArray[np.int64]:
        """Join regions until no pair scores above 0; return the row each region went to."""
        owner = np.arange(len(self.sums))
        for _ in range(_MAX_ROUNDS):
            score = rule.score(self.evidence())
            target = self.mutual_best(score, 0.0)
            if target is None:
                break
            self.apply(target)
            owner = target[owner]
        return owner

    def mutual_best(self, score: Array, floor: float) -> npt.NDArray[np.int64] | None:
        """Return where each region goes if all pairs that are each other's best are joined."""
        best = np.full(len(self.sums), -np.inf)
        np.maximum.at(best, self.pairs[:, 0], score)
        np.maximum.at(best, self.pairs[:, 1], score)
        first, second = self.pairs[:, 0], self.pairs[:, 1]
        chosen = (score > floor) & (score >= best[first]) & (score >= best[second])
        if not chosen.any():
            return None
        # Equal scores can leave one region in two pairs: the later pair waits for its next round.
        target = np.arange(len(self.sums))
        rows = np.flatnonzero(chosen)
        _, head = np.unique(first[rows], return_index=True)
        rows = rows[head]
        _, head = np.unique(second[rows], return_index=True)
        rows = rows[head]
        rows = rows[~np.isin(second[rows], first[rows])]
        if rows.size == 0:
            rows = np.flatnonzero(chosen)[:1]
        target[second[rows]] = first[rows]
        return target

    def apply(self, target: npt.NDArray[np.int64]) -> None:
        """Join every region with its target."""
        gone = np.flatnonzero(target != np.arange(len(target)))
        to = target[gone]
        np.add.at(self.sums, to, self.sums[gone])
        np.maximum.at(self.peaks, to, self.peaks[gone])
        self.sums[gone] = 0.0
        pairs = np.sort(target[self.pairs], axis=1)
        apart = pairs[:, 0] != pairs[:, 1]
        self.pairs, self.contacts = _gather(pairs[apart], self.contacts[apart], len(target))

    def evidence(self) -> Array:
        """Return the features `PAIR_RULE` weighs, shape (E, number of features)."""
        first, second = self.pairs[:, 0], self.pairs[:, 1]
        one, two = self.sums[first], self.sums[second]
        area_1, area_2 = one[:, 0], two[:, 0]
        area = area_1 + area_2
        smaller = np.minimum(area_1, area_2)
        fill = 10 * np.log(ellipse_fill(self.sums)[0])
        union, elongation = ellipse_fill(one + two)
        parts = (area_1 * fill[first] + area_2 * fill[second]) / area
        mean_1 = np.maximum(one[:, 6] / area_1, 1e-9)
        mean_2 = np.maximum(two[:, 6] / area_2, 1e-9)
        length = self.contacts[:, 0]
        contact = length / np.sqrt(smaller * (4 / np.pi))
        bright = self.contacts[:, 1] / length
        valley = self.contacts[:, 2] / length
        size = np.log(area / _typical_area(self.diam_px))
        size_smaller = np.log(smaller / _typical_area(self.diam_px))
        gain = 10 * np.log(union) - parts
        unlike = np.abs(np.log(mean_1 / mean_2))
        peaks = np.maximum(np.minimum(self.peaks[first], self.peaks[second]), 1e-9)
        return np.stack(
            [
                gain,
                parts,
                np.minimum(fill[first], fill[second]),
                contact,
                bright / np.minimum(mean_1, mean_2),
                bright / peaks[:, 1],
                self.contacts[:, 3] / peaks[:, 0],
                size,
                size_smaller,
                unlike,
                np.log(elongation),
                valley,
                (one[:, 7] + two[:, 7]) / area,
                length / np.sqrt(area * (4 / np.pi)),
                size**2,
                size_smaller**2,
                np.maximum(size, 0) ** 2,
                valley * contact,
                unlike * size_smaller,
                gain * size,
            ],
            axis=1,
        )


def _valleys(signal: Float, mask: Mask, diam_px: float) -> Float:
    sigma = max(1.0, diam_px / 10)
    smooth = cv2.GaussianBlur(signal, (0, 0), sigma)
    typical = float(cv2.mean(signal, mask=mask)[0])
    floor = max(0.05 * typical, 1e-9)
    # Mirrored, as a border that looked free of valleys would draw basins to itself.
    padded: Float = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    valley: Float = relative_curvature(padded, mask, floor, 4 * sigma**2)
    return valley


def _gather(
    pairs: npt.NDArray[np.int64], values: Array, count: int
) -> tuple[npt.NDArray[np.int64], Array]:
    """Add up the values of equal pairs; of the last column, keep the largest."""
    if len(pairs) == 0:
        return np.empty((0, 2), np.int64), np.empty((0, 4), np.float64)
    key = pairs[:, 0] * count + pairs[:, 1]
    order = np.argsort(key, kind="stable")
    key = key[order]
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    total = np.add.reduceat(values[order], start, axis=0)
    total[:, 3] = np.maximum.reduceat(values[order, 3], start)
    return pairs[order][start], total


def _typical_area(diam_px: float) -> float:
    return float(np.pi / 4 * diam_px**2)


def _weighted_median(values: Array, weights: Array) -> Any:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return values[order][np.searchsorted(total, total[-1] / 2)]
