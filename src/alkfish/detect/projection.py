"""Planes of a probe channel's stack: smoothed along the optical axis, and their maximum.

Planes are taken one after the other; no copy of the whole stack is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.detect.response import Image

AXIAL_SMOOTHING_UM = 0.4
"""Standard deviation of the smoothing along the axis.

A spot of 0.6 um is about 1.1 um long in a wide-field stack of high aperture: neighbouring planes
show the same spot with other noise.
"""

_REACH = 2.0


def smoothed_planes(
    stack: npt.NDArray[Any], *, z_step_um: float, rows: slice = slice(None)
) -> Iterator[Image]:
    """Yield each plane averaged with its neighbours in depth, as float32.

    Parameters
    ----------
    stack : ndarray of shape (Z, H, W)
        Planes in raw counts.
    z_step_um : float
        Their distance; planes further apart than the smoothing stay as they are.
    rows : slice
        Rows of the pictures to take.
    """
    weights = _weights(z_step_um)
    reach = len(weights) - 1
    kept: dict[int, Image] = {}
    for k in range(len(stack)):
        near = range(max(0, k - reach), min(len(stack), k + reach + 1))
        kept = {j: kept[j] if j in kept else stack[j, rows].astype(np.float32) for j in near}
        total = sum(weights[abs(j - k)] for j in near)
        mean = kept[k] * np.float32(weights[0] / total)
        for j in near:
            if j != k:
                cv2.scaleAdd(kept[j], weights[abs(j - k)] / total, mean, dst=mean)
        yield mean


def project_maximum(stack: npt.NDArray[Any], *, z_step_um: float) -> Image:
    """Return the maximum of the smoothed planes, float32 of shape (H, W)."""
    planes = smoothed_planes(stack, z_step_um=z_step_um)
    highest = next(planes)
    for plane in planes:
        np.maximum(highest, plane, out=highest)
    return highest


def planes_with_content(stack: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the numbers of the planes that are not one constant: empty planes show nothing.

    At least the first plane is returned.
    """
    full = [k for k, plane in enumerate(stack) if plane.min() != plane.max()]
    return np.array(full or [0], np.intp)


def _weights(z_step_um: float) -> list[float]:
    """Return the weights of a plane, its neighbours, and so on."""
    reach = int(_REACH * AXIAL_SMOOTHING_UM / z_step_um)
    return [
        float(np.exp(-0.5 * (k * z_step_um / AXIAL_SMOOTHING_UM) ** 2)) for k in range(reach + 1)
    ]
