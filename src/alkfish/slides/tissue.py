"""Where on a slide there is tissue, and where on it to measure what belongs to the whole slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.model.window import Window
from alkfish.slides.grid import ALIGN_PX

if TYPE_CHECKING:
    from alkfish.io.images import FieldSource

OVERVIEW_UM = 2.0
"""Coarsest pixel worth reading: nuclei still stand out from glass."""

OVERVIEW_PIXELS = 4096**2
"""The overview is read whole, so it must not be larger."""

MARGIN_UM = 50.0
"""Tissue is taken this much wider than it looks."""

NOISE_STEPS = 6.0
"""Tissue is brighter than the glass by so many standard deviations of the overview's noise."""

BRIGHT_SHARE = 0.05
"""Tissue reaches this share of the bright end of the overview."""

CLEAR_SHARE = 0.2
"""What reaches this share of the bright end is tissue, if the overview shows any structure."""

SAMPLE_PX = 1024
"""Side of a sample window."""

SAMPLE_WINDOWS = 8
"""Windows on which noise, spots and optics of a slide are measured, spread evenly over it."""

SAMPLE_TISSUE = 0.5
"""Windows with less tissue than this share of the fullest one are not sampled."""


@dataclass(frozen=True, eq=False)
class TissueMap:
    """Tissue on a coarse grid.

    Attributes
    ----------
    mask : ndarray of bool, shape (h, w)
        True on tissue and within a margin round it.
    downsample : tuple of float
        Slide pixels per pixel of the mask, in y and x.
    found : bool
        False if the slide has no small level to look at: then all of it counts as tissue.
    """

    mask: npt.NDArray[np.bool_]
    downsample: tuple[float, float]
    found: bool = True

    def share(self, window: Window) -> float:
        """Return the share of a window that is tissue."""
        _, _, part = self._part(window)
        return float(part.mean()) if part.size else 0.0

    def box(self, window: Window) -> Window:
        """Return the smallest part of a window that holds all of its tissue.

        Its edges lie at multiples of `ALIGN_PX` or on those of the window. Without tissue it has no
        area.
        """
        top, left, part = self._part(window)
        rows, columns = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
        if len(rows) == 0:
            return Window(window.top, window.left, 0, 0)
        step_y, step_x = self.downsample
        y = _aligned((top + rows[0]) * step_y, (top + rows[-1] + 1) * step_y)
        x = _aligned((left + columns[0]) * step_x, (left + columns[-1] + 1) * step_x)
        return Window(y[0], x[0], y[1] - y[0], x[1] - x[0]).common(window)

    def _part(self, window: Window) -> tuple[int, int, npt.NDArray[np.bool_]]:
        """Return first row, first column and the mask of a window."""
        step_y, step_x = self.downsample
        top, left = int(window.top / step_y), int(window.left / step_x)
        bottom = max(top + 1, int(np.ceil(window.bottom / step_y)))
        right = max(left + 1, int(np.ceil(window.right / step_x)))
        return top, left, self.mask[top:bottom, left:right]


def find_tissue(source: FieldSource) -> TissueMap:
    """Find the tissue of a slide on a small level of its pyramid.

    The DAPI channel decides. A slide without a level small enough counts as tissue everywhere.

    Parameters
    ----------
    source : FieldSource
        The slide.
    """
    level = _overview_level(source)
    if level < 0:
        whole = float(source.shape[0]), float(source.shape[1])
        return TissueMap(np.ones((1, 1), np.bool_), whole, found=False)
    height, width = source.levels[level].shape
    dapi = source.load_dapi(level=level)
    downsample = source.shape[0] / height, source.shape[1] / width
    margin = MARGIN_UM / (source.pixel_size_um * max(downsample))
    return TissueMap(tissue_mask(dapi, margin_px=max(1, round(margin))), downsample)


def tissue_mask(dapi: npt.NDArray[Any], *, margin_px: int) -> npt.NDArray[np.bool_]:
    """Return the tissue of an overview picture, generously.

    Parameters
    ----------
    dapi : ndarray, shape (H, W)
        Averaged DAPI counts.
    margin_px : int
        By how many pixels tissue is widened.

    Returns
    -------
    ndarray of bool, shape (H, W)
        All False if nothing stands out from the noise.
    """
    picture = dapi.astype(np.float32)
    smooth = cv2.blur(picture, (3, 3))
    low, high = (float(value) for value in np.percentile(smooth, (1.0, 99.5)))
    least = max(NOISE_STEPS * _pixel_noise(picture), BRIGHT_SHARE * (high - low))
    # In a slide full of nuclei noise is over-estimated; what is clearly bright stays tissue.
    limit = low + min(least, CLEAR_SHARE * (high - low)) if high - low > 2 * least else low + least
    mask = (smooth > limit).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin_px + 1, 2 * margin_px + 1))
    wide: npt.NDArray[np.bool_] = cv2.dilate(mask, disc).astype(np.bool_)
    return wide


def sample_windows(
    tissue: TissueMap, shape: tuple[int, int], *, count: int = SAMPLE_WINDOWS
) -> Sequence[Window]:
    """Return windows of a slide that are full of tissue, spread evenly in reading order.

    Parameters
    ----------
    tissue : TissueMap
        Where tissue is.
    shape : tuple of int
        Height and width of the slide.
    count : int
        How many at most.

    Returns
    -------
    sequence of Window
        Empty if there is no tissue.
    """
    side_y, side_x = (min(SAMPLE_PX, length) for length in shape)
    windows = [
        Window(top, left, side_y, side_x)
        for top in range(0, shape[0] - side_y + 1, side_y)
        for left in range(0, shape[1] - side_x + 1, side_x)
    ]
    shares = np.array([tissue.share(window) for window in windows])
    full = np.flatnonzero((shares > 0) & (shares >= SAMPLE_TISSUE * shares.max(initial=0.0)))
    picked = np.unique(np.linspace(0, len(full) - 1, min(count, len(full))).round().astype(int))
    return [windows[full[number]] for number in picked]


def _pixel_noise(picture: npt.NDArray[np.float32]) -> float:
    """Return the standard deviation of the pixel noise, from 2x2 checkerboard differences."""
    if min(picture.shape) < 2:
        return 0.0
    rows = picture[:-1] - picture[1:]
    return float(np.median(np.abs(rows[:, :-1] - rows[:, 1:]))) / (2 * 0.6745)


def _aligned(first: float, last: float) -> tuple[int, int]:
    return ALIGN_PX * int(first // ALIGN_PX), ALIGN_PX * int(np.ceil(last / ALIGN_PX))


def _overview_level(source: FieldSource) -> int:
    """Return the number of the level to look for tissue on; -1 if none is small enough."""
    small = [
        number
        for number, level in enumerate(source.levels)
        if level.shape[0] * level.shape[1] <= OVERVIEW_PIXELS
    ]
    fine = [
        number
        for number in small
        if source.pixel_size_um * source.levels[number].downsample <= OVERVIEW_UM
    ]
    return max(fine) if fine else min(small, default=-1)
