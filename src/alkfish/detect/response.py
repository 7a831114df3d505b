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

BLOCK_PX = 64
"""Noise and texture are local within blocks of this side, counted from the picture's corner."""

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
    return np.asarray(cv2.subtract(centre, surround, dst=centre), np.float32)


def band_pass_kernels(sigma_px: float) -> tuple[Image, Image]:
    """Return the smoothing kernels of `band_pass` along one axis, of equal length."""
    surround = _gauss(sigma_px * SURROUND)
    centre = _gauss(sigma_px)
    return np.pad(centre, (len(surround) - len(centre)) // 2), surround


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
    line = _gauss(sigma)
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, line, line, borderType=border), np.float32)


def _gauss(sigma: float) -> Image:
    size = 2 * math.ceil(3.0 * sigma) + 1
    return np.asarray(cv2.getGaussianKernel(size, sigma, cv2.CV_32F), np.float32).ravel()


def local_noise(image: Image, *, block_px: int = BLOCK_PX) -> Image:
    """Return the standard deviation of pixel noise on a grid of blocks.

    Taken from the mixed second difference of neighbouring pixels, which ignores backgrounds,
    gradients and anything as smooth as a spot.

    Returns
    -------
    ndarray of float32, shape `grid_shape`
        One value per block; read it with `sample_grid`.
    """
    grid = grid_shape(image.shape, block_px)
    return np.asarray(_block_spread(image, block_px, *grid, True), np.float32)


def local_spread(
    response: Image, *, block_px: int = BLOCK_PX, grid: tuple[int, int] | None = None
) -> Image:
    """Return the robust spread (scaled median absolute value) of a response on a grid of blocks.

    In textured surroundings it exceeds what pixel noise alone would give: texture is noise to a
    spot detector. `grid` is the number of blocks if that of the response's shape will not do.
    """
    grid = grid or grid_shape(response.shape, block_px)
    return np.asarray(_block_spread(response, block_px, *grid, False), np.float32)


def sample_grid(
    grid: Image, shape: tuple[int, int], y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return values of a grid of `BLOCK_PX` at pixel positions, bilinear between block centres.

    Positions outside a picture of `shape` take the value at its rim.
    """
    rows, cols = grid.shape
    at_y = np.clip((np.clip(y, 0, shape[0] - 1) + 0.5) / BLOCK_PX - 0.5, 0, rows - 1)
    at_x = np.clip((np.clip(x, 0, shape[1] - 1) + 0.5) / BLOCK_PX - 0.5, 0, cols - 1)
    y0, x0 = np.floor(at_y).astype(np.intp), np.floor(at_x).astype(np.intp)
    y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, cols - 1)
    fy, fx = at_y - y0, at_x - x0
    top = grid[y0, x0] * (1 - fx) + grid[y0, x1] * fx
    bottom = grid[y1, x0] * (1 - fx) + grid[y1, x1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float64)


def grid_shape(shape: tuple[int, ...], block_px: int = BLOCK_PX) -> tuple[int, int]:
    """Return how many blocks cover a picture.

    Whole blocks are counted from its corner, so that pictures cut at multiples of `block_px` have
    the same blocks; the last ones take what is left, from half a block to one and a half.
    """
    half = block_px // 2
    return max(1, (shape[0] + half) // block_px), max(1, (shape[1] + half) // block_px)


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
def _block_spread(image: Any, block: Any, rows: Any, cols: Any, mixed: Any) -> Any:
    """Median absolute value per block, of the picture or of its mixed second difference."""
    height, width = image.shape
    out = np.empty((rows, cols))
    step = max(2, block // _SAMPLES_ALONG)
    values = np.empty((2 * block + 1) * (2 * block + 1) // step + 1, np.float32)
    for i in range(rows):
        top, bottom = i * block, height if i == rows - 1 else (i + 1) * block
        for j in range(cols):
            left, right = j * block, width if j == cols - 1 else (j + 1) * block
            n = 0
            for r in range(top, bottom - 1, step):
                for c in range(left + (r - top) // step % step, right - 1, step):
                    value = image[r, c]
                    if mixed:
                        value = (
                            value - image[r + 1, c] - image[r, c + 1] + image[r + 1, c + 1]
                        ) / 2
                    values[n] = abs(value)
                    n += 1
            out[i, j] = MAD_TO_SIGMA * _median(values, n) if n else 0.0
    return out
