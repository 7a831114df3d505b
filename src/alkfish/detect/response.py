"""Band-pass response of a picture and the local noise that it is judged against."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.compiled import inner_kernel, kernel

Image = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SURROUND = 1.6
"""Width of the surround in widths of the centre: the classical approximation of the Laplacian."""

MAD_TO_SIGMA = 1.4826

BLOCK_PX = 64
"""Noise and texture are local within blocks of this side, counted from the picture's corner."""

_SAMPLES_ALONG = 10
"""Pixels sampled along each side of a block: a median of 100 values is known to 10 %."""


def band_pass(image: Image, sigma_px: float, *, out: Image | None = None) -> Image:
    """Return a difference of Gaussians: zero on flat and tilted ground, a peak on a spot.

    The wider one is the narrower one smoothed again.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        Picture.
    sigma_px : float
        Width of the spots looked for (standard deviation).
    out : ndarray of float32, shape (2, H, W), optional
        Room for the result and a step on the way.
    """
    room = np.empty((2, *image.shape), np.float32) if out is None else out
    centre = _blur(image, _gauss(sigma_px), room[0])
    surround = _blur(centre, _gauss(_again(sigma_px)), room[1])
    return np.asarray(cv2.subtract(centre, surround, dst=centre), np.float32)


def band_pass_kernels(sigma_px: float) -> tuple[Image, Image]:
    """Return the smoothing kernels of `band_pass` along one axis, of equal length."""
    centre = _gauss(sigma_px)
    surround = np.convolve(centre, _gauss(_again(sigma_px)))
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


def _again(sigma: float) -> float:
    """Return the smoothing that makes the surround of the centre."""
    return sigma * math.sqrt(SURROUND**2 - 1)


def _blur(image: Image, line: Image, out: Image) -> Image:
    border = cv2.BORDER_REFLECT_101
    found = cv2.sepFilter2D(image, cv2.CV_32F, line, line, dst=out, borderType=border)
    return np.asarray(found, np.float32)


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


@inner_kernel
def _median(values: Any) -> Any:
    """Return the upper median of non-negative values.

    Such numbers have the order of their bits read as integers, so that it is enough to count:
    the answer is halved in on, and counting is what compilers do fast.
    """
    bits = values.view(np.int32)
    target = len(bits) // 2
    low, high = np.int32(0), np.int32(0)
    for i in range(len(bits)):
        high = max(high, bits[i])
    while low < high:
        middle = low + (high - low) // np.int32(2)
        n = np.int32(0)
        for i in range(len(bits)):
            n += np.int32(bits[i] <= middle)
        if n > target:
            high = middle
        else:
            low = np.int32(middle + 1)
    return np.array([low], np.int32).view(np.float32)[0]


@kernel
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
            out[i, j] = MAD_TO_SIGMA * _median(values[:n]) if n else 0.0
    return out
