"""One sharp picture of a focus stack: the extended-focus projection."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

DETAIL_UM = 0.4
"""Width (sigma) of details whose contrast tells focus: coarser than noise, finer than nuclei."""

AROUND_UM = 2.0
"""Width (sigma) of the surroundings over which the contrast is taken."""

WORK_PX_UM = 0.2
"""Focus is judged at about this pixel size."""

POWER = 1.0
"""How strongly sharper planes are preferred (exponent of the local variance)."""

EVEN = 0.02
"""Weight that every plane has: where nothing is sharp, all count alike."""


def project_focus(stack: npt.NDArray[Any], *, pixel_size_um: float) -> npt.NDArray[Any]:
    """Return the mean over the planes of a stack, each weighted by how sharp it is, place by place.

    Where a plane shows more contrast of fine detail than others it counts more; where no plane
    does, all count alike, so that noise chooses nothing.

    Parameters
    ----------
    stack : ndarray of shape (Z, H, W)
        Planes in raw counts.
    pixel_size_um : float
        Width of a pixel.

    Returns
    -------
    ndarray of shape (H, W)
        In counts, of the dtype of the stack (rounded if that is an integer).
    """
    reduce = max(1, round(WORK_PX_UM / pixel_size_um))
    sharpness = _sharpness(stack, pixel_size_um, reduce)
    height, width = stack.shape[1:]
    total = np.zeros((height, width), np.float32)
    weights = np.zeros((height, width), np.float32)
    for plane, sharp in zip(stack, sharpness, strict=True):
        weight = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_LINEAR)
        total += weight * plane
        weights += weight
    total /= weights
    if stack.dtype.kind in "ui":
        return np.asarray(np.rint(total).astype(stack.dtype))
    return total


def _sharpness(
    stack: npt.NDArray[Any], pixel_size_um: float, reduce: int
) -> npt.NDArray[np.float32]:
    """Return the weight of each plane at each place, at reduced resolution."""
    height, width = stack.shape[1:]
    size = (max(1, width // reduce), max(1, height // reduce))
    fine, around = (s / (pixel_size_um * reduce) for s in (DETAIL_UM, AROUND_UM))
    weights = np.empty((len(stack), size[1], size[0]), np.float32)
    for number, plane in enumerate(stack):
        small = cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        detail = _blur(small, fine) - _blur(small, 2 * fine)
        weights[number] = _blur(detail * detail, around)
    floor = np.median(weights, axis=(1, 2))
    weights -= floor[:, None, None]
    np.maximum(weights, 0.0, out=weights)
    best = weights.max(axis=0) + np.float32(max(float(np.median(floor)), 1e-6))
    weights /= best
    return np.asarray(weights**POWER + np.float32(EVEN), np.float32)


def _blur(picture: npt.NDArray[Any], sigma: float) -> npt.NDArray[Any]:
    size = 2 * math.ceil(3 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(picture, (size, size), max(sigma, 0.3)))
