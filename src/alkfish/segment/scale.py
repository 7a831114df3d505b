"""How wide nuclei are in a picture, in pixels."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.segment.background import Float, Mask, root_otsu_mask, subtract_haze
from alkfish.segment.kernels import flood_basins

SMALLEST_DIAM_PX = 6.0
"""Narrower nuclei cannot be told from noise."""

HAZE_SIDE_SHARE = 0.25
"""Structures wider than this share of the shorter side may be haze, not nuclei."""

SHARPER = 1.3
"""How much steeper the outlines must be before the picture without haze is believed."""

_MIN_PIECE_PX = 12


def estimate_diameter(picture: Float) -> float:
    """Estimate the typical width of nuclei, in pixels, from the picture alone.

    The foreground by Otsu's threshold is split at its necks; the width of the piece that holds the
    median foreground pixel is returned. This is done with and without haze (structures wider than a
    quarter of the picture); whichever has the steeper outlines is believed.

    Parameters
    ----------
    picture : ndarray of float32, shape (H, W)
        Intensities; any gain and offset.

    Returns
    -------
    float
        Diameter of the circle of the same area, at least `SMALLEST_DIAM_PX`.
    """
    slope = _slope(cv2.GaussianBlur(picture, (0, 0), 1.0))
    plain = root_otsu_mask(picture)
    clear = root_otsu_mask(subtract_haze(picture, min(picture.shape) * HAZE_SIDE_SHARE))
    haze_free = _rim_mean(slope, clear) > SHARPER * _rim_mean(slope, plain)
    return max(_typical_width(clear if haze_free else plain), SMALLEST_DIAM_PX)


def median_width(areas: npt.NDArray[Any]) -> float:
    """Return the diameter of the object that holds the median pixel; 0 without objects."""
    ordered = np.sort(areas)
    if ordered.size == 0:
        return 0.0
    total = np.cumsum(ordered)
    middle = ordered[np.searchsorted(total, total[-1] / 2)]
    return 2.0 * math.sqrt(float(middle) / math.pi)


def _typical_width(mask: Mask) -> float:
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    depth = cv2.GaussianBlur(depth, (0, 0), 0.7)
    labels, count = flood_basins(depth, mask, 0.3, 0.15, float(depth.max()))
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    # Necks that are left make the median piece about 15 % too wide.
    return median_width(areas[areas > _MIN_PIECE_PX]) / 1.15


def _slope(picture: Float) -> Float:
    along_x = cv2.Sobel(picture, cv2.CV_32F, 1, 0)
    along_y = cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    slope: Float = cv2.magnitude(along_x, along_y)
    return slope


def _rim_mean(slope: Float, mask: Mask) -> float:
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rim = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, cross)
    return float(cv2.mean(slope, mask=rim)[0])
