"""Which nucleus a spot lies in."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def assign_spots(
    y_px: npt.NDArray[np.float64],
    x_px: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int32],
    *,
    max_outside_px: float,
) -> npt.NDArray[np.int32]:
    """Return the label under each spot, or the nearest label within a tolerance.

    Signals at the rim of a nucleus may be fitted just outside its outline; the nearest labelled
    pixel within `max_outside_px` claims them.

    Parameters
    ----------
    y_px, x_px : ndarray of float64, shape (N,)
        Spot positions; pixel centres at integers.
    labels : ndarray of int32, shape (H, W)
        Nuclei.
    max_outside_px : float
        Tolerance; 0 assigns only spots inside an outline.

    Returns
    -------
    ndarray of int32, shape (N,)
        Label per spot, 0 for none. Empty for no spots.
    """
    height, width = labels.shape
    row = np.clip(np.rint(y_px).astype(np.intp), 0, height - 1)
    col = np.clip(np.rint(x_px).astype(np.intp), 0, width - 1)
    found = labels[row, col].astype(np.int32)
    for dy, dx in _ring_offsets(max_outside_px):
        missing = np.flatnonzero(found == 0)
        if missing.size == 0:
            break
        r, c = row[missing] + dy, col[missing] + dx
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        found[missing[inside]] = labels[r[inside], c[inside]]
    return found


def _ring_offsets(radius: float) -> list[tuple[int, int]]:
    """Return pixel offsets within `radius`, nearest first, without the centre."""
    reach = math.floor(radius)
    around = range(-reach, reach + 1)
    offsets = [(dy, dx) for dy in around for dx in around if 0 < dy * dy + dx * dx <= radius**2]
    return sorted(offsets, key=lambda o: (o[0] ** 2 + o[1] ** 2, o))
