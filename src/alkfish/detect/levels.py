"""Levels of a channel that belong to its camera and slide: measured once, on all pictures shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.detect.response import Image, local_noise

QUANTISATION = 0.29
"""Noise of rounding to whole counts: the least that an integer picture can have."""

_GROUND_STRIDE = 16
_FULL_PIXELS = 4


@dataclass(frozen=True)
class Levels:
    """Counts that mean something special in a channel, and its usual noise.

    Attributes
    ----------
    saturation : float
        Count at which the camera is full; infinity if the channel never is.
    lowest : float
        Lowest count: where a patch of pixels is constant at it or below, it is fill.
    ground : float
        Median of the pixels above the lowest count: what fill is replaced by.
    least_noise : float
        The least noise that the channel can have anywhere.
    noise : float
        Median pixel noise.
    """

    saturation: float
    lowest: float
    ground: float
    least_noise: float
    noise: float


def measure_levels(
    planes: Sequence[npt.NDArray[Any]], noises: Sequence[Image] | None = None
) -> Levels:
    """Return the levels of one channel from pictures of it.

    Parameters
    ----------
    planes : sequence of ndarray of shape (H, W)
        One or more pictures in raw counts, of one dtype.
    noises : sequence of ndarray of float32, optional
        Their `local_noise`, if it is known already.
    """
    if noises is None:
        noises = [local_noise(np.array(plane, np.float32, order="C")) for plane in planes]
    highest = max(float(plane.max()) for plane in planes)
    lowest = min(float(np.float32(plane.min())) for plane in planes)
    coarse = np.concatenate([p[::_GROUND_STRIDE, ::_GROUND_STRIDE].ravel() for p in planes])
    above = coarse[coarse > lowest]
    whole = planes[0].dtype.kind in "ui"
    least = QUANTISATION if whole else 1e-6 * (highest - lowest or 1.0)
    spread = np.concatenate([noise.ravel() for noise in noises])
    return Levels(
        saturation=_saturation(planes, highest),
        lowest=lowest,
        ground=float(np.median(above)) if len(above) else lowest,
        least_noise=least,
        noise=max(float(np.median(spread)), least),
    )


def median_count(plane: npt.NDArray[Any]) -> float:
    """Return the median of a picture; counts of up to 16 bits are counted, not sorted."""
    if plane.dtype.kind != "u" or plane.dtype.itemsize > 2 or plane.size == 0:
        return float(np.median(plane))
    reached = np.cumsum(np.bincount(plane.ravel()))
    middle = np.searchsorted(reached, [(plane.size - 1) // 2, plane.size // 2], side="right")
    return float(middle.mean())


def saturation_level(image: npt.NDArray[Any]) -> float:
    """Return the count at which the camera is full; infinity if the picture does not reach it.

    The top of the dtype, or a 10-, 12- or 14-bit camera's top if the picture's maximum is exactly
    that and reached by several pixels.
    """
    return _saturation([image], float(image.max(initial=0)))


def _saturation(planes: Sequence[npt.NDArray[Any]], highest: float) -> float:
    dtype = planes[0].dtype
    if dtype.kind not in "ui":
        return math.inf
    full = {int(np.iinfo(dtype).max)} | {2**bits - 1 for bits in (10, 12, 14)}
    if int(highest) not in full:
        return math.inf
    reached = sum(int((plane == int(highest)).sum()) for plane in planes) >= _FULL_PIXELS
    return highest if reached else math.inf
