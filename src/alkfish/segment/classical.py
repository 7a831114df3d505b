"""The built-in nucleus segmenter: no training on the user's pictures, no download."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.config import SegmentConfig
from alkfish.errors import InputError
from alkfish.segment.background import (
    HAZE_WIDTH,
    Float,
    Mask,
    foreground_mask,
    noise_level,
    smoothed_noise,
    subtract_haze,
)
from alkfish.segment.declump import WIDTH_TOLERANCE, Layers, keep_nuclei, split_foreground
from alkfish.segment.outlines import grow_to_half_height, outline_margin
from alkfish.segment.resample import block_means, enlarge_labels
from alkfish.segment.scale import SMALLEST_DIAM_PX, estimate_diameter, median_width

WORK_DIAM_PX = 22.0
"""Nuclei are brought to about this width: finer adds cost, coarser loses necks."""

SCOUT_DIAM_PX = 15.0
"""The same for a first, coarse pass that only finds out how wide nuclei are."""

SCOUT_PIXELS = 1_000_000
"""Larger pictures are reduced to about so many pixels to find out how wide nuclei are."""

MAX_ENLARGE = 3.0
"""Pictures of small nuclei are enlarged at most so much."""

PRIOR_RANGE = (0.5, 1.5)
"""How far the estimated width may lie from that expected at a known pixel size, as a share."""

MIN_CONTRAST = 8.0
"""Smallest contrast of the typical object, in standard deviations of the smoothed noise."""

MIN_SEPARATION = 4.5
"""Smallest contrast of the foreground, in standard deviations of the background with its structure.

Otsu's two halves of pure noise lie less than 4 apart; pictures of nuclei more than 6.
"""

SURE_SEPARATION = 7.0
"""A contrast beyond that of any noise; what lies between is looked at once more, at half size."""


def segment_nuclei(
    dapi: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: SegmentConfig | None = None,
) -> npt.NDArray[np.int32]:
    """Label the nuclei of a DAPI picture.

    Haze is removed, the foreground is found by a global and a local threshold, split into small
    basins, and those that make one nucleus are joined (see `alkfish.segment.declump`). All of it
    happens at a resolution at which nuclei are some 22 px wide; outlines are drawn at full
    resolution.

    Parameters
    ----------
    dapi : ndarray of uint8, uint16 or float32, shape (H, W)
        Raw counts. Gain and offset do not matter.
    pixel_size_um : float or None
        Width of a pixel in um, which bounds the size of nuclei; None estimates the size from the
        picture alone.
    config : SegmentConfig, optional
        Settings; the defaults if left out.

    Returns
    -------
    ndarray of int32, shape (H, W)
        0 is background, nuclei are 1..N. All 0 if none stands out from the noise.

    Raises
    ------
    InputError
        If the picture is not 2-D.
    """
    if dapi.ndim != 2:
        raise InputError(
            "the DAPI picture must be 2-D", found=f"shape {dapi.shape}", allowed="(height, width)"
        )
    if min(dapi.shape, default=0) < 2 or dapi.min() == dapi.max():
        return np.zeros(dapi.shape, np.int32)
    settings = SegmentConfig() if config is None else config
    diam_px, low, high = _assumed_width(dapi, pixel_size_um, settings)
    first = SCOUT_DIAM_PX if pixel_size_um is None else WORK_DIAM_PX
    for work_diam_px in (first, WORK_DIAM_PX):
        work = _WorkPicture.from_raw(dapi, diam_px, work_diam_px)
        found, count, margin = _segment_work(work)
        if count == 0:
            return np.zeros(dapi.shape, np.int32)
        width = median_width(np.bincount(found.ravel(), minlength=count + 1)[1:]) / work.scale
        assumed, diam_px = diam_px, min(max(width, low), high)
        fits = max(assumed, diam_px) <= WIDTH_TOLERANCE * min(assumed, diam_px)
        if fits and work_diam_px == WORK_DIAM_PX:
            break
    return work.restore(found, margin)


@dataclass(frozen=True, eq=False)
class _WorkPicture:
    """The picture at working resolution."""

    pixels: Float
    shape: tuple[int, int]
    scale: float
    diam_px: float
    noise: float

    @classmethod
    def from_raw(cls, dapi: npt.NDArray[Any], diam_px: float, work_diam_px: float) -> _WorkPicture:
        height, width = dapi.shape
        if diam_px < work_diam_px:
            scale = min(work_diam_px / diam_px, MAX_ENLARGE)
            raw = dapi.astype(np.float32)
            pixels = cv2.resize(raw, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            return cls(pixels, (height, width), scale, diam_px * scale, noise_level(raw))
        reduce = max(1, round(diam_px / work_diam_px))
        pixels = block_means(dapi, reduce)
        noise = noise_level(pixels)
        return cls(pixels, (height, width), 1 / reduce, diam_px / reduce, noise)

    def halved(self) -> _WorkPicture:
        """Return the picture at half the resolution."""
        pixels = block_means(self.pixels, 2)
        noise = noise_level(pixels)
        return _WorkPicture(pixels, self.shape, self.scale / 2, self.diam_px / 2, noise)

    @property
    def sigma_px(self) -> float:
        """Width (sigma) of the Gaussian the picture is smoothed with."""
        return max(0.7, self.diam_px / 30)

    def smoothed_noise(self) -> float:
        """Return the noise left after the smoothing."""
        return smoothed_noise(self.noise, self.sigma_px / max(self.scale, 1.0))

    def restore(self, labels: npt.NDArray[np.int32], margin: Float) -> npt.NDArray[np.int32]:
        height, width = self.shape
        if self.scale >= 1:
            size = (width, height)
            return np.ascontiguousarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST))
        full: npt.NDArray[np.int32]
        full = enlarge_labels(labels, margin, round(1 / self.scale), height, width)
        return full


def _assumed_width(
    dapi: npt.NDArray[Any], pixel_size_um: float | None, settings: SegmentConfig
) -> tuple[float, float, float]:
    """Return the first guess of the nucleus width, and the bounds it may move in."""
    if pixel_size_um is None:
        return _estimated_width(dapi), SMALLEST_DIAM_PX, math.inf
    expected = max(settings.nucleus_diam_um / pixel_size_um, SMALLEST_DIAM_PX)
    low, high = PRIOR_RANGE
    return expected, max(low * expected, SMALLEST_DIAM_PX), high * expected


def _estimated_width(dapi: npt.NDArray[Any]) -> float:
    """Return the width of nuclei from the picture alone; a large picture is reduced first."""
    reduce = max(1, round(math.sqrt(dapi.size / SCOUT_PIXELS)))
    if reduce > 1:
        diam_px = estimate_diameter(block_means(dapi, reduce))
        if diam_px >= SCOUT_DIAM_PX:
            return diam_px * reduce
    return estimate_diameter(dapi.astype(np.float32))


def _segment_work(work: _WorkPicture) -> tuple[npt.NDArray[np.int32], int, Float]:
    """Return labels, their number, and the signed margin whose zero line is the outline."""
    signal, mask, noise = _find_foreground(work)
    blank = np.zeros(mask.shape, np.int32), 0, signal
    if not _stands_out(signal, mask, noise, MIN_SEPARATION):
        return blank
    # Noise correlated over some pixels gives itself away when it is averaged further.
    in_doubt = not _stands_out(signal, mask, noise, SURE_SEPARATION)
    if in_doubt and not _stands_out(*_find_foreground(work.halved()), MIN_SEPARATION):
        return blank
    layers = Layers.from_signal(signal, mask, work.diam_px)
    labels, count = split_foreground(layers)
    if count == 0:
        return blank
    keep = keep_nuclei(labels, count, layers, noise_slope=noise / (math.sqrt(2) * work.sigma_px))
    number = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)]).astype(np.int32)
    labels = number[labels]
    means = grow_to_half_height(labels, signal, int(keep.sum()))
    return labels, int(keep.sum()), outline_margin(labels, signal, means)


def _find_foreground(work: _WorkPicture) -> tuple[Float, Mask, float]:
    """Return the signal over the background, the foreground, and the noise of the signal."""
    smooth = cv2.GaussianBlur(work.pixels, (0, 0), work.sigma_px)
    signal = subtract_haze(smooth, HAZE_WIDTH * work.diam_px)
    mask = foreground_mask(signal, work.diam_px)
    return signal, mask, work.smoothed_noise()


def _stands_out(signal: Float, mask: Mask, noise: float, separation: float) -> bool:
    """Whether the foreground is more than the upper half of noise, independent or correlated."""
    inside = float(cv2.mean(signal, mask=mask)[0])
    mean, spread = cv2.meanStdDev(signal, mask=1 - mask)
    contrast = inside - float(mean[0, 0])
    return inside >= MIN_CONTRAST * noise and contrast >= separation * float(spread[0, 0])
