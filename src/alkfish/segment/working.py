"""The picture at working resolution, its signal and its foreground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.segment.background import (
    HAZE_WIDTH,
    Float,
    Mask,
    foreground_mask,
    haze_step,
    noise_level,
    root_otsu_cut,
    smoothed_noise,
    subtract_haze,
)
from alkfish.segment.resample import block_means, enlarge_labels

WORK_DIAM_PX = 22.0
"""Nuclei are brought to about this width: finer adds cost, coarser loses necks."""

MAX_ENLARGE = 3.0
"""Pictures of small nuclei are enlarged at most so much."""

ENLARGE_STEP = 1 / 8
"""Enlargements are multiples of it, so that the grids of all parts of a slide coincide."""

MIN_CONTRAST = 8.0
"""Smallest contrast of the typical object, in standard deviations of the smoothed noise."""

MIN_SEPARATION = 4.5
"""Smallest contrast of the foreground, in standard deviations of the background with its structure.

Otsu's two halves of pure noise lie less than 4 apart; pictures of nuclei more than 6.
"""

SURE_SEPARATION = 7.0
"""A contrast beyond that of any noise; what lies between is looked at once more, at half size."""


@dataclass(frozen=True, eq=False)
class WorkPicture:
    """The picture at working resolution.

    Attributes
    ----------
    pixels : ndarray of float32, shape (h, w)
        Counts.
    shape : tuple of int
        Height and width of the picture itself.
    scale : float
        Pixels here per pixel there.
    diam_px : float
        Typical nucleus width, here.
    noise : float
        Pixel noise of what `pixels` was made from.
    """

    pixels: Float
    shape: tuple[int, int]
    scale: float
    diam_px: float
    noise: float

    @classmethod
    def from_raw(
        cls,
        dapi: npt.NDArray[Any],
        diam_px: float,
        work_diam_px: float = WORK_DIAM_PX,
        noise: float | None = None,
    ) -> WorkPicture:
        """Bring nuclei of `diam_px` to about `work_diam_px`; the noise is estimated if left out."""
        height, width = dapi.shape
        scale = work_scale(diam_px, work_diam_px)
        if scale > 1:
            raw = dapi.astype(np.float32)
            pixels = cv2.resize(raw, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        else:
            raw = pixels = block_means(dapi, round(1 / scale))
        known = noise_level(raw) if noise is None else noise
        return cls(pixels, (height, width), scale, diam_px * scale, known)

    def halved(self) -> WorkPicture:
        """Return the picture at half the resolution."""
        pixels = block_means(self.pixels, 2)
        noise = noise_level(pixels)
        return WorkPicture(pixels, self.shape, self.scale / 2, self.diam_px / 2, noise)

    @property
    def sigma_px(self) -> float:
        """Width (sigma) of the Gaussian the picture is smoothed with."""
        return max(0.7, self.diam_px / 30)

    def smoothed_noise(self) -> float:
        """Return the noise left after the smoothing."""
        return smoothed_noise(self.noise, self.sigma_px / max(self.scale, 1.0))

    def noise_slope(self) -> float:
        """Return the standard deviation of the slope of smoothed noise along one axis."""
        return self.smoothed_noise() / (math.sqrt(2) * self.sigma_px)

    def signal(self) -> Float:
        """Return the smoothed intensities over the background."""
        smooth = cv2.GaussianBlur(self.pixels, (0, 0), self.sigma_px)
        return subtract_haze(smooth, HAZE_WIDTH * self.diam_px)

    def clear_foreground(self, signal: Float) -> tuple[Mask, float]:
        """Return the foreground and the threshold behind it: empty and infinity for mere noise."""
        mask, cut = self._foreground(signal)
        nothing = np.zeros_like(mask), math.inf
        if not self._stands_out(signal, mask, MIN_SEPARATION):
            return nothing
        if not self._stands_out(signal, mask, SURE_SEPARATION):
            # Noise correlated over some pixels gives itself away when it is averaged further.
            coarse = self.halved()
            coarse_signal = coarse.signal()
            coarse_mask, _ = coarse._foreground(coarse_signal)
            if not coarse._stands_out(coarse_signal, coarse_mask, MIN_SEPARATION):
                return nothing
        return mask, cut

    def restore(self, labels: npt.NDArray[np.int32], margin: Float) -> npt.NDArray[np.int32]:
        """Return labels at full resolution, with the outline where `margin` crosses 0."""
        height, width = self.shape
        if self.scale >= 1:
            size = (width, height)
            return np.ascontiguousarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST))
        return enlarge_labels(labels, margin, round(1 / self.scale), self.shape)

    def _foreground(self, signal: Float) -> tuple[Mask, float]:
        cut = root_otsu_cut(signal)
        return foreground_mask(signal, self.diam_px, cut), cut

    def _stands_out(self, signal: Float, mask: Mask, separation: float) -> bool:
        """Whether the foreground is more than the upper half of noise, correlated or not."""
        inside = float(cv2.mean(signal, mask=mask)[0])
        mean, spread = cv2.meanStdDev(signal, mask=1 - mask)
        contrast = inside - float(mean[0, 0])
        enough = contrast >= separation * float(spread[0, 0])
        return inside >= MIN_CONTRAST * self.smoothed_noise() and enough


def work_scale(diam_px: float, work_diam_px: float = WORK_DIAM_PX) -> float:
    """Return the working resolution for nuclei of a width: above 1 enlarges, 1 / n reduces."""
    if diam_px < work_diam_px:
        scale = min(work_diam_px / diam_px, MAX_ENLARGE)
        return max(1.0, round(scale / ENLARGE_STEP) * ENLARGE_STEP)
    return 1 / max(1, round(diam_px / work_diam_px))


def grid_px(diam_px: float) -> int:
    """Return the period, in pixels of the slide, of all grids that the picture is reduced on."""
    scale = work_scale(diam_px)
    step = haze_step(HAZE_WIDTH * diam_px * scale)
    return step * (round(1 / scale) if scale <= 1 else round(1 / ENLARGE_STEP))
