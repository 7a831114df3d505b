"""Separating touching and overlapping nuclei: split too finely, then join what is one nucleus.

The foreground is flooded into many small basins of a landscape made of depth, brightness and
valleys. Neighbouring basins are then joined, best pair first, by the evidence for one nucleus: how
elliptic the union is, how long and how deep the contact, how alike the brightness, how the size
compares with the typical nucleus. All evidence is free of units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.segment.background import Float, Mask, local_mean
from alkfish.segment.evidence import OBJECT_RULE, PAIR_RULE, LinearRule
from alkfish.segment.joining import choose_partners, ellipse_fill, merge_pairs, pair_evidence
from alkfish.segment.kernels import (
    flood_basins,
    mean_rim_slope,
    relative_curvature,
    rename_labels,
    sum_contacts,
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

_TOP_PRIORITY = 4.0
"""Basins are flooded from here down; only bright grains amid large clumps lie higher."""

_MAX_ROUNDS = 60


@dataclass(frozen=True)
class Typical:
    """The typical region of a picture or slide: what others are compared with.

    Attributes
    ----------
    signal : float
        Mean signal of the region that holds the median pixel, in counts over the background.
    rim_slope : float
        The same of the mean slope along the outline, in counts per working pixel.
    """

    signal: float
    rim_slope: float

    @classmethod
    def from_regions(cls, areas: Array, signals: Array, rim_slopes: Array) -> Typical:
        """Return the medians over all pixels of regions."""
        return cls(_weighted_median(signals, areas), _weighted_median(rim_slopes, areas))


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
    def from_signal(
        cls, signal: Float, mask: Mask, diam_px: float, brightness: float | None = None
    ) -> Layers:
        """Derive depth and valleys from the signal and the foreground.

        `brightness` is the mean signal of the foreground; that of this picture if left out.
        """
        if brightness is None:
            brightness = float(cv2.mean(signal, mask=mask)[0])
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        depth = cv2.GaussianBlur(depth, (0, 0), 1.0)
        return cls(signal, depth, _valleys(signal, mask, diam_px, brightness), mask, diam_px)

    def basins(self) -> tuple[npt.NDArray[np.int32], int]:
        """Return an over-fine division of the foreground."""
        blurred = cv2.GaussianBlur(self.signal, (0, 0), self.diam_px / 20)
        around = local_mean(self.signal, self.mask, int(self.diam_px) | 1)
        height = blurred / np.maximum(around, np.float32(1e-6))
        np.minimum(height, 3.0, out=height)
        height *= np.sqrt(self.depth * np.float32(4 / self.diam_px) + np.float32(0.3))
        height *= cv2.exp(-self.valley)
        labels: npt.NDArray[np.int32]
        labels, count = flood_basins(height, self.mask, 0.006, 0.003, _TOP_PRIORITY)
        return labels, count


def split_foreground(
    layers: Layers, diam_px: float | None = None
) -> tuple[npt.NDArray[np.int32], int]:
    """Label the nuclei of a foreground.

    Parameters
    ----------
    layers : Layers
        The foreground.
    diam_px : float, optional
        Width of nuclei that basins are joined to. If left out, they are joined twice: the second
        time with the typical width that the first time showed.

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
    if diam_px is None:
        diam_px = joined_width(graph.joined_areas(), layers.diam_px)
    owner = replace(graph, diam_px=diam_px).join(PAIR_RULE)
    kept, number = np.unique(owner, return_inverse=True)
    rename_labels(basins, np.concatenate([[0], number + 1]).astype(np.int32))
    return basins, len(kept)


def joined_width(areas: Array, diam_px: float) -> float:
    """Return the typical width of regions joined once, not far from that they were joined to."""
    return min(max(median_width(areas), diam_px / WIDTH_TOLERANCE), diam_px * WIDTH_TOLERANCE)


def keep_nuclei(
    labels: npt.NDArray[np.int32],
    count: int,
    layers: Layers,
    *,
    noise_slope: float,
    typical: Typical | None = None,
) -> npt.NDArray[np.bool_]:
    """Decide which regions are nuclei and not debris, haze, autofluorescence or noise.

    Parameters
    ----------
    noise_slope : float
        Standard deviation of the slope of `layers.signal` that noise alone causes, per pixel.
    typical : Typical, optional
        The typical region; that of this picture if left out.

    Returns
    -------
    ndarray of bool, shape (N,)
        Whether to keep label 1..N.
    """
    slope = mean_rim_slope(labels, count, layers.signal)
    evidence = object_evidence(labels, count, layers, slope, typical)
    keep: npt.NDArray[np.bool_] = OBJECT_RULE.score(evidence) > 0
    keep &= evidence[:, _SHARPNESS] > np.log(MIN_SHARPNESS)
    keep &= slope >= MIN_SLOPE * noise_slope
    return keep


def object_evidence(
    labels: npt.NDArray[np.int32],
    count: int,
    layers: Layers,
    rim_slope: Array,
    typical: Typical | None = None,
) -> Array:
    """Return the features `OBJECT_RULE` weighs, shape (N, number of features).

    `rim_slope` is that of `mean_rim_slope`.
    """
    sums, peaks = sum_regions(labels, count, layers.signal, layers.depth, layers.valley)
    slope = np.maximum(rim_slope, 1e-9)
    area = sums[:, 0]
    mean = np.maximum(sums[:, 6] / area, 1e-9)
    usual = Typical.from_regions(area, mean, slope) if typical is None else typical
    fill, elongation = ellipse_fill(sums).T
    size = np.log(area / _typical_area(layers.diam_px))
    contrast = np.log(mean / usual.signal)
    return np.stack(
        [
            size,
            np.minimum(size + 1, 0) ** 2,
            contrast,
            np.minimum(contrast, 0) ** 2,
            np.log(fill) * 10,
            np.log(elongation),
            np.log(slope / usual.rim_slope),
            np.log(np.maximum(peaks[:, 0], 0.1) * 2 / layers.diam_px),
            np.log(slope * layers.diam_px / mean),
        ],
        axis=1,
    )


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
        pairs, contacts = sum_contacts(labels, count, layers.signal, layers.depth, layers.valley)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return cls(sums, peaks, pairs[order], contacts[order], layers.diam_px)

    def joined_areas(self) -> Array:
        """Return the areas of the regions that would be left after joining; 0 for those joined."""
        copy = replace(
            self, sums=self.sums.copy(), peaks=self.peaks.copy(), pairs=self.pairs.copy(),
            contacts=self.contacts.copy(),
        )  # fmt: skip
        copy.join(PAIR_RULE)
        return copy.sums[:, 0]

    def join(self, rule: LinearRule) -> npt.NDArray[np.int64]:
        """Join regions until no pair scores above 0; return the row each region went to."""
        owner = np.arange(len(self.sums))
        score = np.full(len(self.pairs), np.nan)
        for _ in range(_MAX_ROUNDS):
            stale = np.flatnonzero(np.isnan(score))
            score[stale] = rule.score(self.evidence(stale))
            target = self.mutual_best(score, 0.0)
            if target is None:
                break
            score = self.apply(target, score)
            owner = target[owner]
        return owner

    def mutual_best(self, score: Array, floor: float) -> npt.NDArray[np.int64] | None:
        """Return where each region goes if all pairs that are each other's best are joined."""
        target = np.arange(len(self.sums))
        joined = choose_partners(self.pairs, score, target, floor)
        return target if joined > 0 else None

    def apply(self, target: npt.NDArray[np.int64], score: Array) -> Array:
        """Join every region with its target; return the scores left, NaN for pairs that changed."""
        gone = np.flatnonzero(target != np.arange(len(target)))
        to = target[gone]
        np.add.at(self.sums, to, self.sums[gone])
        np.maximum.at(self.peaks, to, self.peaks[gone])
        self.sums[gone] = 0.0
        left = merge_pairs(target, self.pairs, self.contacts, score)
        self.pairs, self.contacts = self.pairs[:left], self.contacts[:left]
        return score[:left]

    def evidence(self, rows: npt.NDArray[np.int64] | None = None) -> Array:
        """Return the features `PAIR_RULE` weighs, for all pairs or some rows of them."""
        wanted = np.arange(len(self.pairs)) if rows is None else rows
        area = _typical_area(self.diam_px)
        return pair_evidence(wanted, self.pairs, self.contacts, self.sums, self.peaks, area)


def _valleys(signal: Float, mask: Mask, diam_px: float, brightness: float) -> Float:
    sigma = max(1.0, diam_px / 10)
    smooth = cv2.GaussianBlur(signal, (0, 0), sigma)
    floor = max(0.05 * brightness, 1e-9)
    # Mirrored, as a border that looked free of valleys would draw basins to itself.
    padded: Float = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    valley: Float = relative_curvature(padded, mask, floor, 4 * sigma**2)
    return valley


def _typical_area(diam_px: float) -> float:
    return float(np.pi / 4 * diam_px**2)


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
