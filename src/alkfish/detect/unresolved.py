"""Bright structures in nuclei that the found spots do not explain: smears, clusters, debris.

Nuclei with stringy, diffuse or confluent signals are not scored (ATLAS2 p43; clinical-rules 1.2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.compiled import kernel
from alkfish.detect.fitting import FWHM
from alkfish.detect.spots import ChannelSpots

STRIDE = 2
SAMPLE_STRIDE = 4
BRIGHT_SHARE = 1.2
BRIGHT_NOISE = 8.0
_BINS = 64
_STRETCH = 64


def unresolved_spots(
    plane: npt.NDArray[Any],
    channel: ChannelSpots,
    labels: npt.NDArray[np.int32],
    *,
    pixel_size_um: float,
) -> npt.NDArray[np.float64]:
    """Return the unexplained bright area of each nucleus, in areas of a usual spot.

    A pixel is bright if, with all spots taken away, it rises above the lower quartile of its
    nucleus by 1.2 amplitudes of a usual spot and by eight times the noise.

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
    if channel.usual_amplitude <= 0 or top_id == 0:
        return np.zeros(top_id + 1)
    table, width_px = channel.table, channel.model.width_px
    rise = max(BRIGHT_SHARE * channel.usual_amplitude, BRIGHT_NOISE * channel.noise)
    limit = _lower_quartiles(plane, labels, top_id) + rise
    spots = np.stack(
        [table.y_px, table.x_px, table.amplitude, table.diameter_um / pixel_size_um / FWHM], axis=1
    )
    area_px = _bright_area(plane, labels, limit)
    _subtract_explained(plane, labels, limit, spots, math.ceil(3 * width_px), area_px)
    spot_area_px = math.pi / 4 * (width_px * FWHM) ** 2
    return np.asarray(np.maximum(area_px, 0.0) / spot_area_px)


@kernel
def _lower_quartiles(image: Any, labels: Any, top_id: Any) -> Any:
    """Return the lower quartile of the picture under each label, from a coarse sample."""
    height, width = labels.shape
    low, high = np.full(top_id + 1, np.inf), np.full(top_id + 1, -np.inf)
    for r in range(0, height, SAMPLE_STRIDE):
        for c in range(0, width, SAMPLE_STRIDE):
            k = labels[r, c]
            if k:
                low[k] = min(low[k], image[r, c])
                high[k] = max(high[k], image[r, c])
    counts = np.zeros((top_id + 1, _BINS), np.int32)
    for r in range(0, height, SAMPLE_STRIDE):
        for c in range(0, width, SAMPLE_STRIDE):
            k = labels[r, c]
            if k:
                position = (image[r, c] - low[k]) / (high[k] - low[k] + 1e-6)
                counts[k, min(int(position * _BINS), _BINS - 1)] += 1
    quartile = np.full(top_id + 1, np.inf)
    for k in range(1, top_id + 1):
        quarter, seen, b = counts[k].sum() / 4, 0, 0
        if quarter > 0:
            while b < _BINS and seen <= quarter:
                seen += counts[k, b]
                b += 1
            quartile[k] = low[k] + b / _BINS * (high[k] - low[k])
    return quartile


@kernel
def _bright_area(image: Any, labels: Any, limit: Any) -> Any:
    """Return per label the area of pixels above the label's limit.

    Few pixels are above the lowest limit: stretches of a row that have none are passed over.
    """
    area, lowest = np.zeros(len(limit)), np.inf
    for k in range(1, len(limit)):
        lowest = min(lowest, limit[k])
    for r in range(0, labels.shape[0], STRIDE):
        for left in range(0, labels.shape[1], _STRETCH):
            right = min(left + _STRETCH, labels.shape[1])
            n = np.int32(0)
            for c in range(left, right):
                n += np.int32(image[r, c] > lowest)
            if n > 0:
                for c in range(left, right, STRIDE):
                    k = labels[r, c]
                    if k and image[r, c] > limit[k]:
                        area[k] += STRIDE * STRIDE
    return area


@kernel
def _subtract_explained(
    image: Any, labels: Any, limit: Any, spots: Any, reach: Any, area: Any
) -> Any:
    """Take from `area` the bright pixels that are not bright without the spot on them."""
    height, width = labels.shape
    for s in range(len(spots)):
        y, x, amplitude, sigma = spots[s]
        top, left = max(0, int(y) - reach) // STRIDE, max(0, int(x) - reach) // STRIDE
        for r in range(top * STRIDE, min(height, int(y) + reach + 2), STRIDE):
            for c in range(left * STRIDE, min(width, int(x) + reach + 2), STRIDE):
                k = labels[r, c]
                if k and image[r, c] > limit[k]:
                    d2 = (r - y) ** 2 + (c - x) ** 2
                    model = amplitude * math.exp(-d2 / (2 * sigma * sigma))
                    if image[r, c] - model <= limit[k]:
                        area[k] -= STRIDE * STRIDE
