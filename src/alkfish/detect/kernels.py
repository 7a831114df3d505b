"""Loops over pixels: local maxima of a response, and hot pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import fast_kernel, inner_fast_kernel

Kernel = npt.NDArray[Any]
"""An array handed to a kernel; its shape and dtype stand in the kernel's docstring."""


_HOT_SHARE = 0.35
_CHUNK = 128
"""Pixels of a row looked at together when searching for steep steps."""


@fast_kernel
def local_maxima(response: Kernel, limit: Kernel) -> Any:
    """Return rows, columns and heights, in limits, of pixels above `limit` and all neighbours.

    Parameters
    ----------
    response : ndarray of float32, shape (H + 2, W + 2)
        With a rim of one pixel.
    limit : ndarray of float32, shape (H, W)
        What a maximum must exceed.
    """
    height, width = limit.shape
    found = np.empty((((height + 1) // 2) * ((width + 1) // 2), 3), np.float64)
    n = 0
    for i in range(height):
        for j in range(width):
            r, c = i + 1, j + 1
            v = response[r, c]
            if (
                v > limit[i, j]
                and v >= response[r, c - 1]
                and v > response[r, c + 1]
                and v >= response[r - 1, c]
                and v > response[r + 1, c]
                and v >= response[r - 1, c - 1]
                and v >= response[r - 1, c + 1]
                and v > response[r + 1, c - 1]
                and v > response[r + 1, c + 1]
            ):
                found[n, 0], found[n, 1], found[n, 2] = i, j, v / limit[i, j]
                n += 1
    return found[:n, 0].copy(), found[:n, 1].copy(), found[:n, 2].copy()


@inner_fast_kernel
def _mend(image: Kernel, r: Any, c: Any, rise: Any) -> Any:
    """Replace one pixel if it is hot; return whether it was."""
    height, width = image.shape
    highest, lowest, total, count = np.float32(-1e30), np.float32(1e30), np.float32(0.0), 0
    for i in range(max(r - 1, 0), min(r + 2, height)):
        for j in range(max(c - 1, 0), min(c + 2, width)):
            if i != r or j != c:
                highest = max(highest, image[i, j])
                lowest = min(lowest, image[i, j])
                total += image[i, j]
                count += 1
    above = image[r, c] - highest
    if count == 0 or above <= rise or highest - lowest >= _HOT_SHARE * above:
        return False
    image[r, c] = total / count
    return True


@inner_fast_kernel
def _steepest(before: Kernel, after: Kernel) -> Any:
    """Return the largest step between two equally long rows, up or down."""
    largest = np.float32(0.0)
    for i in range(before.size):
        largest = max(largest, abs(after[i] - before[i]))
    return largest


@fast_kernel
def remove_hot_pixels(image: Kernel, rise: Any) -> Any:
    """Replace pixels that stand alone by the mean of their neighbours, in place.

    A hot pixel rises by more than `rise` above all its neighbours, which differ among themselves by
    less than a third of that: no lens draws so narrow a point. Return how many there were.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Picture; changed.
    rise : float
        In counts.
    """
    height, width = image.shape
    found = 0
    for r in range(height):
        found += _mend(image, r, 0, rise)
        for left in range(1, width, _CHUNK):
            stop = min(left + _CHUNK, width)
            if _steepest(image[r, left - 1 : stop - 1], image[r, left:stop]) > rise:
                for c in range(left, stop):
                    found += _mend(image, r, c, rise)
    return found
