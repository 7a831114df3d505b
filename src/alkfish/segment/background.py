"""From raw counts to signal over background, and to the foreground mask."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

# OpenCV's type hints lose the dtype: float32 pictures and uint8 masks of 0 and 1.
Float = npt.NDArray[Any]
Mask = npt.NDArray[Any]

HAZE_WIDTH = 4.0
"""Structures wider than this many nuclei are background."""

WINDOW_WIDTH = 1.2
"""Side of the window of the local threshold, in nucleus widths."""

LOCAL_SHARE = 0.5
"""A pixel belongs to the foreground above this share of the mean foreground around it."""


_NOISE_SAMPLES = 20_000


def subtract_haze(picture: Float, width_px: float) -> Float:
    """Return the picture without structures wider than `width_px` (a white top-hat).

    The background is the opening of a reduced copy, smoothed. Values are never negative.
    """
    reduce = max(1, int(width_px / 16))
    height, width = picture.shape
    size = (max(1, width // reduce), max(1, height // reduce))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    side = int(width_px / reduce) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # Opening by hand: OpenCV's built-in border value only fits one of its two halves.
    low = cv2.erode(small, disc, borderType=cv2.BORDER_REPLICATE)
    low = cv2.dilate(low, disc, borderType=cv2.BORDER_REPLICATE)
    low = cv2.GaussianBlur(low, (0, 0), side / 4)
    background = cv2.resize(low, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.subtract(picture, background, dst=background)
    lifted: Float = np.maximum(background, 0.0, out=background)
    return lifted


def root_otsu_mask(picture: Float) -> Mask:
    """Return the foreground by Otsu's threshold on the square root, which keeps dim nuclei."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    floor = float(np.percentile(smooth, 2))
    return _otsu(np.maximum(smooth - np.float32(floor), 0.0))


def foreground_mask(signal: Float, diam_px: float) -> Mask:
    """Return the foreground of a picture without background.

    Otsu's threshold on the square root of the signal, then a second cut at half of the mean
    foreground of the neighbourhood, so that a dim nucleus and a bright one are both outlined at
    half of their own height. Holes are filled, and specks narrower than 3 px removed.

    Parameters
    ----------
    signal : ndarray of float32, shape (H, W)
        Smoothed intensities over the background, 0 or more.
    diam_px : float
        Typical nucleus width.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        1 inside.
    """
    mask = _otsu(signal)
    side = int(WINDOW_WIDTH * diam_px) | 1
    level = local_mean(signal, mask, side)
    level *= LOCAL_SHARE
    mask &= (signal > level).view(np.uint8)
    outer, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(mask, outer, -1, 1, cv2.FILLED)
    cross = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    opened: Mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cross)
    return opened


def local_mean(signal: Float, mask: Mask, side: int) -> Float:
    """Return the mean of `signal` inside `mask` over a square window; 0 where there is none."""
    weight = cv2.boxFilter(mask, cv2.CV_32F, (side, side))
    total: Float = cv2.boxFilter(signal * mask, -1, (side, side))
    mean: Float = np.divide(total, np.maximum(weight, np.float32(1e-6)), out=total)
    return mean


def noise_level(picture: Float) -> float:
    """Estimate the pixel noise (standard deviation) from 2x2 checkerboard differences.

    The median ignores edges and structure. 0 for pictures smaller than 2x2.
    """
    if min(picture.shape) < 2:
        return 0.0
    step = max(1, round(math.sqrt(picture.size / _NOISE_SAMPLES)))
    height, width = picture.shape
    upper, lower = picture[: height - 1 : step], picture[1::step]
    diagonal = upper[:, : width - 1 : step] - upper[:, 1::step]
    diagonal -= lower[:, : width - 1 : step] - lower[:, 1::step]
    return float(np.median(np.abs(diagonal))) / (2.0 * 0.6745)


def smoothed_noise(noise: float, sigma_px: float) -> float:
    """Return what is left of white noise after a Gaussian of `sigma_px`."""
    return noise / max(1.0, 2.0 * math.sqrt(math.pi) * sigma_px)


def _otsu(signal: Float) -> Mask:
    root = np.sqrt(signal)
    top = float(root.max())
    if top <= 0.0:
        return np.zeros(signal.shape, np.uint8)
    root *= 255.0 / top
    _, mask = cv2.threshold(root.astype(np.uint8), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    binary: Mask = mask
    return binary
