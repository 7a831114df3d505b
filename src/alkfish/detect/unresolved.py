"""Bright structures in nuclei that the found spots do not explain: smears, clusters, debris.

Nuclei with stringy, diffuse or confluent signals are not scored (ATLAS2 p43; clinical-rules 1.2).
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from alkfish.detect.fitting import AMPLITUDE, N_PARAMETERS, WIDTH, Y, X, subtract_spots
from alkfish.detect.spots import FWHM, ChannelSpots

STRIDE = 2
BRIGHT_SHARE = 1.2
BRIGHT_NOISE = 8.0
_BINS = 64


def unresolved_spots(
    plane: npt.NDArray[Any],
    channel: ChannelSpots,
    labels: npt.NDArray[np.int32],
    *,
    pixel_size_um: float,
) -> npt.NDArray[np.float64]:
    """Return the unexplained bright area of each nucleus, in areas of a usual spot.

    A pixel is bright if, with all spots taken away, it rises above the lower quartile of its
    nucleus by half the amplitude of a usual spot and by eight times the noise.

    Parameters
    ----------
    plane : ndarray of shape (H, W)
        Probe channel in raw counts.
    channel : ChannelSpots
        Its spots.
    labels : ndarray of int32, shape (H, W)
        Nuclei.
    pixel_size_um : float
        Pixel size.

    Returns
    -------
    ndarray of float64, shape (labels.max() + 1,)
        Indexed by nucleus id; zeros if the channel has no spots.
    """
    top_id = int(labels.max(initial=0))
    if channel.usual_amplitude <= 0:
        return np.zeros(top_id + 1)
    residual = plane.astype(np.float32)
    spots = np.zeros((len(channel.table), N_PARAMETERS))
    spots[:, Y], spots[:, X] = channel.table.y_px, channel.table.x_px
    spots[:, AMPLITUDE] = channel.table.amplitude
    spots[:, WIDTH] = channel.table.diameter_um / pixel_size_um / FWHM
    subtract_spots(residual, spots, math.ceil(4 * channel.model.width_px))
    rise = max(BRIGHT_SHARE * channel.usual_amplitude, BRIGHT_NOISE * channel.noise)
    area_px = _bright_area(residual, labels, top_id, np.float32(rise))
    spot_area_px = math.pi / 4 * (channel.model.width_px * FWHM) ** 2
    return np.asarray(area_px / spot_area_px)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _bright_area(image, labels, top_id, rise):  # type: ignore[no-untyped-def]
    """Return per label the area of pixels that rise above the label's lower quartile."""
    height, width = labels.shape
    low = np.full(top_id + 1, np.inf, np.float32)
    high = np.full(top_id + 1, -np.inf, np.float32)
    for r in range(0, height, STRIDE):
        for c in range(0, width, STRIDE):
            k = labels[r, c]
            if k:
                low[k] = min(low[k], image[r, c])
                high[k] = max(high[k], image[r, c])
    counts = np.zeros((top_id + 1, _BINS), np.int32)
    for r in range(0, height, STRIDE):
        for c in range(0, width, STRIDE):
            k = labels[r, c]
            if k:
                position = (image[r, c] - low[k]) / (high[k] - low[k] + 1e-6)
                counts[k, min(int(position * _BINS), _BINS - 1)] += 1
    limit = np.empty(top_id + 1, np.float32)
    for k in range(top_id + 1):
        quarter, seen, b = counts[k].sum() / 4, 0, 0
        while b < _BINS and seen <= quarter:
            seen += counts[k, b]
            b += 1
        limit[k] = low[k] + b / _BINS * (high[k] - low[k]) + rise
    area = np.zeros(top_id + 1)
    for r in range(0, height, STRIDE):
        for c in range(0, width, STRIDE):
            k = labels[r, c]
            if k and image[r, c] > limit[k]:
                area[k] += STRIDE * STRIDE
    return area
