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

BLUR_SHARE = 8.0
"""The background is smoothed with a Gaussian whose sigma is the haze width divided by this."""

WINDOW_WIDTH = 1.2
"""Side of the window of the local threshold, in nucleus widths."""

LOCAL_SHARE = 0.5
"""A pixel belongs to the foreground above this share of the mean foreground around it."""


_NOISE_SAMPLES = 20_000


def subtract_haze(picture: Float, width_px: float) -> Float:
    """Return the picture without structures wider than `width_px` (a white top-hat).

    The background is the opening of a reduced copy, smoothed. Values are never negative.
    """
    reduce = haze_step(width_px)
    height, width = picture.shape
    below, right = -height % reduce, -width % reduce
    padded = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = (padded.shape[1] // reduce, padded.shape[0] // reduce)
    small = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    side = int(width_px / reduce) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # Opening by hand: OpenCV's built-in border value only fits one of its two halves.
    low = cv2.erode(small, disc, borderType=cv2.BORDER_REPLICATE)
    low = cv2.dilate(low, disc, borderType=cv2.BORDER_REPLICATE)
    low = cv2.GaussianBlur(low, (0, 0), side / BLUR_SHARE)
    background = cv2.resize(low, None, fx=reduce, fy=reduce, interpolation=cv2.INTER_LINEAR)
    lifted: Float = cv2.subtract(picture, background[:height, :width])
    np.maximum(lifted, 0.0, out=lifted)
    return lifted


def haze_reach(width_px: float) -> float:
    """Return how far from a place the picture still changes the haze found there, in pixels."""
    reduce = haze_step(width_px)
    side = int(width_px / reduce) | 1
    return reduce * (side + 4 * side / BLUR_SHARE + 6)


def haze_step(width_px: float) -> int:
    """Return the reduction at which structures wider than `width_px` are looked for.

    A power of two: interpolation weights are then exact, wherever in a slide the picture lies.
    """
    return 1 << max(0, int(math.log2(max(width_px, 16.0) / 16)))


def root_otsu_mask(picture: Float) -> Mask:
    """Return the foreground by Otsu's threshold on the square root, which keeps dim nuclei."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    lifted = np.maximum(smooth - np.float32(np.percentile(smooth, 2)), 0.0)
    return _above(lifted, root_otsu_cut(lifted))


def root_otsu_cut(signal: Float) -> float:
    """Return the intensity that Otsu's threshold on the square root cuts at; infinity if all 0."""
    root: Float = cv2.sqrt(signal)
    top = float(root.max())
    if top <= 0.0:
        return math.inf
    root *= 255.0 / top
    found, _ = cv2.threshold(root.astype(np.uint8), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(((found + 1) * top / 255.0) ** 2)


def foreground_mask(signal: Float, diam_px: float, cut: float) -> Mask:
    """Return the foreground of a picture without background.

    A global threshold, then a second cut at half of the mean foreground of the neighbourhood, so
    that a dim nucleus and a bright one are both outlined at half of their own height. Holes no
    larger than a nucleus are filled, and specks narrower than 3 px removed.

    Parameters
    ----------
    signal : ndarray of float32, shape (H, W)
        Smoothed intensities over the background, 0 or more.
    diam_px : float
        Typical nucleus width.
    cut : float
        The global threshold, as by `root_otsu_cut`.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        1 inside.
    """
    mask = _above(signal, cut)
    level = local_mean(signal, mask, int(WINDOW_WIDTH * diam_px) | 1)
    level *= LOCAL_SHARE
    mask &= (signal > level).view(np.uint8)
    _fill_holes(mask, math.pi / 4 * diam_px**2)
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


def _above(signal: Float, cut: float) -> Mask:
    mask: Mask = (signal >= np.float32(cut)).view(np.uint8)
    return mask


def _fill_holes(mask: Mask, largest_px: float) -> None:
    """Fill the holes of a mask, in place, that have at most `largest_px` pixels or so."""
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return
    inner = [contours[k] for k in np.flatnonzero(tree[0, :, 3] >= 0).tolist()]
    holes = [outline for outline in inner if cv2.contourArea(outline) <= largest_px]
    cv2.drawContours(mask, holes, -1, 1, cv2.FILLED)
