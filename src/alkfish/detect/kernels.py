"""Loops over pixels: local maxima of a response, what spots add to it, and hot pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel
from alkfish.detect.fitting import MODEL_WIDTHS

Kernel = npt.NDArray[Any]
"""An array handed to a kernel; its shape and dtype stand in the kernel's docstring."""


_HOT_SHARE = 0.35


@inner_kernel
def _any_above(row: Kernel, limit: Any) -> Any:
    """Return whether a row exceeds a limit anywhere; counting is what compilers do fast."""
    n = np.int32(0)
    for i in range(row.size):
        n += np.int32(row[i] > limit)
    return n > 0


@inner_kernel
def _is_top(response: Kernel, r: Any, c: Any) -> Any:
    """Return whether a pixel exceeds all its neighbours; of equal ones the first is the top."""
    height, width = response.shape
    for i in range(max(r - 1, 0), min(r + 2, height)):
        for j in range(max(c - 1, 0), min(c + 2, width)):
            later = i > r or (i == r and j > c)
            if response[i, j] > response[r, c] or (later and response[i, j] == response[r, c]):
                return False
    return True


@kernel
def local_maxima(response: Kernel, limit: Kernel, block: Any) -> Any:
    """Return rows, columns and heights, in limits, of pixels above the limit and all neighbours.

    Parameters
    ----------
    response : ndarray of float32, shape (H, W)
        Picture.
    limit : ndarray of float32, shape (rows, cols)
        What a maximum must exceed, on a grid of blocks; bilinear between their centres.
    block : int
        Side of a block in pixels.
    """
    height, width = response.shape
    rows, cols = limit.shape
    found = np.empty((((height + 1) // 2) * ((width + 1) // 2), 3), np.float64)
    half = block // 2
    n = 0
    for r in range(height):
        at = min(max((r + 0.5) / block - 0.5, 0.0), rows - 1.0)
        i = int(at)
        down, k = at - i, min(i + 1, rows - 1)
        for step in range(-1, cols):
            left, right = max(0, step * block + half), min(width, (step + 1) * block + half)
            if step == cols - 1:
                right = width
            j, m = max(step, 0), min(step + 1, cols - 1)
            before = limit[i, j] * (1.0 - down) + limit[k, j] * down
            after = limit[i, m] * (1.0 - down) + limit[k, m] * down
            lower = np.float32(min(before, after))
            if left >= right or not _any_above(response[r, left:right], lower):
                continue
            for c in range(left, right):
                v = response[r, c]
                if v <= lower:
                    continue
                share = min(max((c + 0.5) / block - 0.5 - j, 0.0), 1.0)
                least = before * (1.0 - share) + after * share
                if v > least and _is_top(response, r, c):
                    found[n, 0], found[n, 1], found[n, 2] = r, c, v / least
                    n += 1
    return found[:n, 0].copy(), found[:n, 1].copy(), found[:n, 2].copy()


@inner_kernel
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


@inner_kernel
def _any_sharp(before: Kernel, row: Kernel, after: Kernel, rise: Any) -> Any:
    """Return whether a row rises above its neighbours on both sides by more than `rise`."""
    n = np.int32(0)
    for i in range(row.size):
        n += np.int32((row[i] - before[i] > rise) & (row[i] - after[i] > rise))
    return n > 0


@kernel
def remove_hot_pixels(image: Kernel, rise: Kernel, block: Any) -> Any:
    """Replace pixels that stand alone by the mean of their neighbours, in place.

    A hot pixel rises by more than `rise` above all its neighbours, which differ among themselves by
    less than a third of that: no lens draws so narrow a point. Return how many there were.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Picture; changed.
    rise : ndarray of float32, shape (rows, cols)
        In counts, for each block of the picture.
    block : int
        Side of a block in pixels.
    """
    height, width = image.shape
    rows, cols = rise.shape
    found = 0
    for r in range(height):
        line = rise[min(r // block, rows - 1)]
        found += _mend(image, r, 0, line[0])
        for left in range(0, width - 1, block):
            start, stop = max(left, 1), min(left + block, width - 1)
            least = line[min(left // block, cols - 1)]
            before, after = image[r, start - 1 : stop - 1], image[r, start + 1 : stop + 1]
            if _any_sharp(before, image[r, start:stop], after, least):
                for c in range(start, stop):
                    found += _mend(image, r, c, least)
        if width > 1:
            found += _mend(image, r, width - 1, line[cols - 1])
    return found


@inner_kernel
def _smooth_profile(place: Any, width: Any, reach: Any, bin_px: Any, kernel: Any, out: Any) -> Any:
    """Fill `out` with a spot's binned profile along one axis, smoothed; return its first index."""
    out.fill(0.0)
    half = len(kernel) // 2
    first = max(0, int(place) - reach)
    origin = first // bin_px - half
    inv2 = 1.0 / (2.0 * width * width)
    for i in range(first, int(place) + reach + 2):
        value = math.exp(-((i - place) ** 2) * inv2) / bin_px
        k = i // bin_px - half - origin
        for t in range(len(kernel)):
            out[k + t] += value * kernel[t]
    return origin


@kernel
def subtract_responses(
    response: Kernel, spots: Kernel, reach: Any, bin_px: Any, centre: Kernel, surround: Kernel
) -> Any:
    """Subtract from a band-pass response what spots contribute to it, in place.

    The band-pass is linear and separable, so this equals filtering the picture without the spots.

    Parameters
    ----------
    response : ndarray of float32, shape (H // bin_px, W // bin_px)
        Difference of smoothing with `centre` and with `surround`; changed.
    spots : ndarray of float64, shape (N, 4)
        Amplitude, y, x, width in pixels of the full-size picture.
    reach : int
        Profiles are cut there, in pixels, those of broad spots further out, as in the picture.
    bin_px : int
        Pixels of the picture along one pixel of the response.
    centre, surround : ndarray of float32
        Smoothing kernels of equal, odd length.
    """
    height, width = response.shape
    for k in range(len(spots)):
        amplitude, y, x, sigma = spots[k]
        cut = max(reach, math.ceil(MODEL_WIDTHS * sigma))
        n = (2 * cut + 2) // bin_px + 2 + len(centre)
        cy, cx, sy, sx = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
        top = _smooth_profile(y, sigma, cut, bin_px, centre, cy)
        left = _smooth_profile(x, sigma, cut, bin_px, centre, cx)
        _smooth_profile(y, sigma, cut, bin_px, surround, sy)
        _smooth_profile(x, sigma, cut, bin_px, surround, sx)
        for r in range(max(top, 0), min(top + n, height)):
            c, s = amplitude * cy[r - top], amplitude * sy[r - top]
            for col in range(max(left, 0), min(left + n, width)):
                response[r, col] -= c * cx[col - left] - s * sx[col - left]


@kernel
def clear_windows(image: Kernel, places: Kernel, reach: Any) -> None:
    """Set the pixels of `image` within `reach` px of places, along both axes, to zero.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Changed.
    places : ndarray of float64, shape (N, 2)
        y, x in pixels.
    reach : int
        Half of the side of a window.
    """
    height, width = image.shape
    for k in range(len(places)):
        y, x = int(np.rint(places[k, 0])), int(np.rint(places[k, 1]))
        left, right = max(0, x - reach), min(width, x + reach + 1)
        for r in range(max(0, y - reach), min(height, y + reach + 1)):
            for c in range(left, right):
                image[r, c] = 0.0
