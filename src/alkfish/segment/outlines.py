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
    """
    inside = (labels > 0).astype(np.float32)
    weight: Float = cv2.boxFilter(inside, -1, (3, 3))
    total: Float = cv2.boxFilter(np.take(means.astype(np.float32), labels), -1, (3, 3))
    margin: Float = cv2.GaussianBlur(inside, (0, 0), 0.8)
    # Signal over the mean of the labels around; where there are none, far outside.
    relative = signal * weight / np.maximum(total, np.float32(1e-6))
    margin += np.clip(relative - np.float32(HALF_HEIGHT), -_PULL, _PULL) - np.float32(0.5)
    return margin


@kernel
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
        Mean signal of label 1..N before the growth in row 1..N.
    """
    height, width = labels.shape
    means = np.zeros(count + 1)
    areas = np.zeros(count + 1)
    for y in range(height):
        for x in range(width):
            means[labels[y, x]] += signal[y, x]
            areas[labels[y, x]] += 1
    means /= np.maximum(areas, 1.0)
    places, names = np.empty(labels.size, np.int32), np.empty(labels.size, np.int32)
    for _ in range(GROWTH_STEPS):
        n = _find_growth(labels, signal, means, places, names)
        if n == 0:
            break
        flat = labels.ravel()
        for k in range(n):
            flat[places[k]] = names[k]
    return means


@inner_kernel
def _count_around(labels: Any, y: Any, x: Any, label: Any) -> Any:
    """Count the eight neighbours that have a label."""
    count = 0
    for v in range(max(y - 1, 0), min(y + 2, labels.shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, labels.shape[1])):
            count += labels[v, u] == label
    return count


@inner_kernel
def _find_growth(labels: Any, signal: Any, means: Any, places: Any, names: Any) -> Any:
    """List background pixels beside a label whose share they exceed; the brightest label wins."""
    height, width = labels.shape
    floor = GROWTH_HEIGHT * means[1:].min() if len(means) > 1 else np.inf
    n = 0
    for y in range(height):
        for x in range(width):
            if labels[y, x] != 0 or signal[y, x] <= floor:
                continue
            best = 0
            for k in range(4):
                v, u = y + (k % 2) * (k - 2), x + ((k + 1) % 2) * (k - 1)
                if 0 <= v < height and 0 <= u < width:
                    there = labels[v, u]
                    if there > 0 and GROWTH_HEIGHT * means[there] < signal[y, x] < means[there]:
                        brighter = best == 0 or means[there] > means[best]
                        if brighter and _count_around(labels, y, x, there) >= MIN_SUPPORT:
                            best = there
            if best > 0:
                places[n], names[n] = y * width + x, best
                n += 1
    return n
