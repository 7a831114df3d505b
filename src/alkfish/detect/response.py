"""Band-pass response of a picture and the local noise that it is judged against."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.compiled import fast_kernel, inner_fast_kernel

Image = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SURROUND = 1.6
"""Width of the surround in widths of the centre: the classical approximation of the Laplacian."""

MAD_TO_SIGMA = 1.4826

_SAMPLES_ALONG = 10
"""Pixels sampled along each side of a block: a median of 100 values is known to 10 %."""


def band_pass(image: Image, sigma_px: float) -> Image:
    """Return a difference of Gaussians: zero on flat and tilted ground, a peak on a spot.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Picture.
    sigma_px : float
        Width of the spots looked for (standard deviation).
    """
    centre = _blur(image, sigma_px)
    surround = _blur(image, sigma_px * SURROUND)
    np.subtract(centre, surround, out=centre)
    return centre


def response_norm(sigma_px: float) -> float:
    """Return the standard deviation of the `band_pass` response to white noise of unit width."""
    s, t = sigma_px, sigma_px * SURROUND
    variance = 1 / (4 * math.pi * s * s) + 1 / (4 * math.pi * t * t)
    variance -= 2 / (2 * math.pi * (s * s + t * t))
    return math.sqrt(variance)


def response_peak(sigma_px: float, spot_px: float) -> float:
    """Return the `band_pass` response at the centre of a spot of height 1 and width `spot_px`."""
    s2, w2 = sigma_px**2, spot_px**2
    return w2 / (w2 + s2) - w2 / (w2 + s2 * SURROUND**2)


def _blur(image: Image, sigma: float) -> Image:
    size = 2 * math.ceil(3.0 * sigma) + 1
    blurred = cv2.GaussianBlur(image, (size, size), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def local_noise(image: Image, *, block_px: int) -> Image:
    """Return the standard deviation of pixel noise on a grid of blocks.

    Taken from the mixed second difference of neighbouring pixels, which ignores backgrounds,
    gradients and anything as smooth as a spot.

    Returns
    -------
    ndarray of float32, shape (ceil-ish H / block, W / block)
        One value per block; enlarge with `sample_grid`.
    """
    return np.asarray(_block_spread(image, block_px, True), np.float32)


def local_spread(response: Image, *, block_px: int) -> Image:
    """Return the robust spread (scaled median absolute value) of a response on a grid of blocks.

    In textured surroundings it exceeds what pixel noise alone would give: texture is noise to a
    spot detector.
    """
    return np.asarray(_block_spread(response, block_px, False), np.float32)


def sample_grid(
    grid: Image, shape: tuple[int, int], y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return values of a block grid at pixel positions, bilinear between block centres."""
    rows, cols = grid.shape
    at_y = np.clip((y + 0.5) * rows / shape[0] - 0.5, 0, rows - 1)
    at_x = np.clip((x + 0.5) * cols / shape[1] - 0.5, 0, cols - 1)
    y0, x0 = np.floor(at_y).astype(np.intp), np.floor(at_x).astype(np.intp)
    y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, cols - 1)
    fy, fx = at_y - y0, at_x - x0
    top = grid[y0, x0] * (1 - fx) + grid[y0, x1] * fx
    bottom = grid[y1, x0] * (1 - fx) + grid[y1, x1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float64)


def grid_shape(shape: tuple[int, int], block_px: int) -> tuple[int, int]:
    """Return how many blocks of about `block_px` cover a picture."""
    return max(1, round(shape[0] / block_px)), max(1, round(shape[1] / block_px))


@inner_fast_kernel
def _median(values: Any, n: Any) -> Any:
    """Return the upper median of the first `n` values by quickselect; reorders them."""
    target, low, high = n // 2, 0, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if target <= j:
            high = j
        elif target >= i:
            low = i
        else:
            break
    return values[target]


@fast_kernel
def _block_spread(image: Any, block: Any, mixed: Any) -> Any:
    """Median absolute value per block, of the picture or of its mixed second difference."""
    height, width = image.shape
    rows, cols = max(1, round(height / block)), max(1, round(width / block))
    out = np.empty((rows, cols))
    step = max(2, block // _SAMPLES_ALONG)
    values = np.empty((height // rows + 2) * (width // cols + 2), np.float32)
    for i in range(rows):
        top, bottom = i * height // rows, (i + 1) * height // rows
        for j in range(cols):
            left, right = j * width // cols, (j + 1) * width // cols
            n = 0
            for r in range(top, bottom - 1, step):
                for c in range(left + r % step, right - 1, step):
                    value = image[r, c]
                    if mixed:
                        value = (
                            value - image[r + 1, c] - image[r, c + 1] + image[r + 1, c + 1]
                        ) / 2
                    values[n] = abs(value)
                    n += 1
            out[i, j] = MAD_TO_SIGMA * _median(values, n) if n else 0.0
    return out
