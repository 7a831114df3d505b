"""The built-in nucleus segmenter: no training on the user's pictures, no download."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.config import SegmentConfig
from alkfish.errors import InputError
from alkfish.segment.background import Float, foreground_mask
from alkfish.segment.declump import (
    WIDTH_TOLERANCE,
    Layers,
    Typical,
    keep_nuclei,
    split_foreground,
)
from alkfish.segment.kernels import rename_labels
from alkfish.segment.levels import DapiLevels
from alkfish.segment.outlines import grow_to_half_height, outline_margin
from alkfish.segment.resample import block_means
from alkfish.segment.scale import SMALLEST_DIAM_PX, estimate_diameter, median_width
from alkfish.segment.working import WORK_DIAM_PX, WorkPicture, grid_px

SCOUT_DIAM_PX = 15.0
"""Width nuclei are brought to in a first, coarse pass that only finds out how wide they are."""

SCOUT_PIXELS = 1_000_000
"""Larger pictures are reduced to about so many pixels to find out how wide nuclei are."""

PRIOR_RANGE = (0.5, 1.5)
"""How far the estimated width may lie from that expected at a known pixel size, as a share."""


def segment_nuclei(
    dapi: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: SegmentConfig | None = None,
    levels: DapiLevels | None = None,
    origin_px: tuple[int, int] = (0, 0),
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
    levels : DapiLevels, optional
        For a part of a slide: what was measured for the whole of it. Nothing is then estimated
        from this picture.
    origin_px : tuple of int
        Row and column of the picture's first pixel in the slide, used with `levels` only.

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
    if levels is not None:
        return _segment_part(dapi, levels, origin_px)
    if min(dapi.shape, default=0) < 2 or _is_flat(dapi):
        return np.zeros(dapi.shape, np.int32)
    settings = SegmentConfig() if config is None else config
    work, (labels, _, margin), _ = fit_width(dapi, pixel_size_um, settings)
    return work.restore(labels, margin)


def _is_flat(dapi: npt.NDArray[Any]) -> bool:
    """Return whether all pixels are equal; in most pictures the first row tells."""
    first = dapi[0, 0]
    return bool((dapi[0] == first).all() and (dapi == first).all())


Segmented = tuple[npt.NDArray[np.int32], int, Float]
"""Labels, their number, and the signed margin whose zero line is the outline."""


def fit_width(
    dapi: npt.NDArray[Any], pixel_size_um: float | None, settings: SegmentConfig
) -> tuple[WorkPicture, Segmented, npt.NDArray[np.float64]]:
    """Segment a picture at the resolution that suits its own nuclei.

    Returns the picture at that resolution, what was found, and the areas of the nuclei in pixels
    of `dapi`.
    """
    diam_px, low, high = assumed_width(dapi, pixel_size_um, settings)
    first = SCOUT_DIAM_PX if pixel_size_um is None else WORK_DIAM_PX
    for work_diam_px in (first, WORK_DIAM_PX):
        work = WorkPicture.from_raw(dapi, diam_px, work_diam_px)
        found = _segment_work(work)
        areas = np.bincount(found[0].ravel(), minlength=found[1] + 1)[1:] / work.scale**2
        if found[1] == 0:
            break
        assumed, diam_px = diam_px, min(max(median_width(areas), low), high)
        fits = max(assumed, diam_px) <= WIDTH_TOLERANCE * min(assumed, diam_px)
        if fits and work_diam_px == WORK_DIAM_PX:
            break
    return work, found, areas


def assumed_width(
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


def _segment_part(
    dapi: npt.NDArray[Any], levels: DapiLevels, origin_px: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Segment a part of a slide on the grids of the slide.

    What lies before their first line is left out, and labels at the line are drawn out over it.
    """
    top, left = (-start % grid_px(levels.diam_px) for start in origin_px)
    inner = dapi[top:, left:]
    if min(inner.shape) < 2 or levels.cut == math.inf:
        return np.zeros(dapi.shape, np.int32)
    work = WorkPicture.from_raw(inner, levels.diam_px, noise=levels.noise)
    labels, _, margin = _segment_work(work, levels)
    full = work.restore(labels, margin)
    if top == 0 and left == 0:
        return full
    drawn_out: Any = cv2.copyMakeBorder(full, top, 0, left, 0, cv2.BORDER_REPLICATE)
    return np.asarray(drawn_out, np.int32)


def _segment_work(work: WorkPicture, levels: DapiLevels | None = None) -> Segmented:
    """Segment the picture at working resolution."""
    signal = work.signal()
    if levels is None:
        mask, _ = work.clear_foreground(signal)
        brightness = width = typical = None
    else:
        mask = foreground_mask(signal, work.diam_px, levels.cut)
        brightness, width = levels.brightness, levels.joined_diam_px * work.scale
        typical = Typical(levels.nucleus_signal, levels.rim_slope)
    layers = Layers.from_signal(signal, mask, work.diam_px, brightness)
    labels, count = split_foreground(layers, width) if mask.any() else (mask.astype(np.int32), 0)
    if count == 0:
        return labels, 0, signal
    slope = work.noise_slope()
    keep = keep_nuclei(labels, count, layers, noise_slope=slope, typical=typical)
    count = int(keep.sum())
    rename_labels(labels, np.concatenate([[0], np.cumsum(keep) * keep]).astype(np.int32))
    means = grow_to_half_height(labels, signal, count)
    return labels, count, outline_margin(labels, signal, means)
