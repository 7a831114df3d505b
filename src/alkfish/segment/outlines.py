"""Outlines at half the height of each nucleus, whatever its neighbours."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel
from alkfish.segment.background import Float

HALF_HEIGHT = 0.5
"""Outlines lie where the signal has this share of the nucleus' mean."""

GROWTH_HEIGHT = 0.55
GROWTH_STEPS = 4
"""Labels grow over pixels above this share of their mean, by at most so many working pixels."""

MIN_SUPPORT = 3
"""Neighbours of the same label, of eight, without which a label does not grow: keeps out horns."""

_PULL = np.float32(0.35)


def outline_margin(labels: npt.NDArray[np.int32], signal: Float, means: Float) -> Float:
    """Return a picture that crosses 0 where the outlines run, finer than its pixels.

    The labels say where about, the signal's crossing of half the height says where exactly.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        1..N.
    signal : ndarray of float32, shape (H, W)
        Brightness over the background.
    means : ndarray of float64, shape (N + 1,)
        Mean signal of each label; 0 for the background.
    """
    inside = (labels > 0).view(np.uint8)
    weight: Float = cv2.boxFilter(inside, cv2.CV_32F, (3, 3))
    total: Float = cv2.boxFilter(np.take(means.astype(np.float32), labels), -1, (3, 3))
    margin: Float = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.8)
    # Signal over the mean of the labels around; where there are none, far outside.
    np.maximum(total, np.float32(1e-6), out=total)
    weight *= signal
    weight /= total
    weight -= np.float32(HALF_HEIGHT)
    np.clip(weight, -_PULL, _PULL, out=weight)
    margin += weight
    margin -= np.float32(0.5)
    return margin


def grow_to_half_height(
    labels: npt.NDArray[np.int32],
    signal: npt.NDArray[Any],
    count: int,
) -> npt.NDArray[np.float64]:
    """Grow labels, in place, over background that is part of the nucleus by its own height.

    The threshold of the neighbourhood cuts a dim nucleus beside a bright one too tightly.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        Changed in place.
    signal : ndarray of float32, shape (H, W)
        Brightness over the background.
    count : int
        Largest label.

    Returns
    -------
    ndarray of float64, shape (count + 1,)
        Mean signal of label 1..N before the growth in row 1..N; 0 in row 0.
    """
    means, areas = np.zeros(count + 1), np.zeros(count + 1)
    _sum_signal(labels, signal, means, areas)
    means /= np.maximum(areas, 1.0)
    floor = GROWTH_HEIGHT * float(means[1:].min(initial=np.inf))
    _grow(labels, signal, means, floor, np.empty(labels.size, np.int32))
    return means


@kernel
def _sum_signal(labels: Any, signal: Any, sums: Any, areas: Any) -> None:
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if labels[y, x] > 0:
                sums[labels[y, x]] += signal[y, x]
                areas[labels[y, x]] += 1


@kernel
def _grow(labels: Any, signal: Any, means: Any, floor: Any, places: Any) -> None:
    """Grow step by step; what is given within a step is negative until its end."""
    width = labels.shape[1]
    begin, end = np.int64(0), _claim_all(labels, signal, means, floor, places)
    for step in range(GROWTH_STEPS):
        for k in range(begin, end):
            labels[places[k] // width, places[k] % width] *= -1
        if step < GROWTH_STEPS - 1:
            begin, end = end, _claim_around(labels, signal, means, places, begin, end)


@inner_kernel
def _claim_all(labels: Any, signal: Any, means: Any, floor: Any, places: Any) -> Any:
    """Give background to labels and list it; return how much it is."""
    height, width = labels.shape
    n = 0
    for y in range(height):
        for x in range(width):
            if labels[y, x] == 0 and signal[y, x] > floor:
                best = _claimant(labels, signal, means, y, x)
                if best > 0:
                    labels[y, x] = -best
                    places[n] = y * width + x
                    n += 1
    return n


@inner_kernel
def _claim_around(labels: Any, signal: Any, means: Any, places: Any, begin: Any, end: Any) -> Any:
    """Do the same beside what was given last, as nothing has changed elsewhere."""
    height, width = labels.shape
    n = end
    for k in range(begin, end):
        y, x = places[k] // width, places[k] % width
        for v in range(y - 1, y + 2):
            for u in range(x - 1, x + 2):
                if 0 <= v < height and 0 <= u < width and labels[v, u] == 0:
                    best = _claimant(labels, signal, means, v, u)
                    if best > 0:
                        labels[v, u] = -best
                        places[n] = v * width + u
                        n += 1
    return n


@inner_kernel
def _count_around(labels: Any, y: Any, x: Any, label: Any) -> Any:
    """Count the eight neighbours that have a label."""
    height, width = labels.shape
    count = 0
    for v in range(y - 1, y + 2):
        for u in range(x - 1, x + 2):
            if 0 <= v < height and 0 <= u < width:
                count += labels[v, u] == label
    return count


@inner_kernel
def _claimant(labels: Any, signal: Any, means: Any, y: Any, x: Any) -> Any:
    """Return the brightest label beside a pixel whose share it exceeds, or 0."""
    height, width = labels.shape
    best = 0
    for k in range(4):
        v, u = y + (k % 2) * (k - 2), x + ((k + 1) % 2) * (k - 1)
        if 0 <= v < height and 0 <= u < width:
            there = labels[v, u]
            if there > 0 and GROWTH_HEIGHT * means[there] < signal[y, x] < means[there]:
                brighter = best == 0 or means[there] > means[best]
                if brighter and _count_around(labels, y, x, there) >= MIN_SUPPORT:
                    best = there
    return best
