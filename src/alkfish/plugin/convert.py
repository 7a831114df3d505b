"""A result as data of layers: plain arrays from tables, nothing of napari or Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.probe import ProbeEnd
from alkfish.model.result import CaseResult
from alkfish.plugin.colours import look_of
from alkfish.report.marks import RING_UM
from alkfish.report.pictures import CROP_UM, UNKNOWN_PIXEL_UM

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

LETTERED = 48
"""Most nuclei around the current one that carry the letter of their pattern."""

LONE_BORDER, PAIRED_BORDER = 0.14, 0.07
"""Width of the mark around an unpaired and a paired signal, as a share of its size."""


@dataclass(frozen=True)
class SpotMarks:
    """Marks of the signals of one probe end in one field.

    Attributes
    ----------
    rows : ndarray of int, shape (N,)
        Rows in the result's table of spots.
    places : ndarray of float64, shape (N, 2)
        Row and column in pixels.
    sizes : ndarray of float64, shape (N,)
        Diameter of the mark in pixels.
    borders : ndarray of float64, shape (N,)
        Width of its line as a share of the size: unpaired signals stand out.
    """

    rows: Rows
    places: Floats
    sizes: Floats
    borders: Floats


NO_MARKS = SpotMarks(np.empty(0, np.intp), np.empty((0, 2)), np.empty(0), np.empty(0))
"""What is marked where nothing may be seen."""


def pixel_size(result: CaseResult, fov: str) -> float:
    """Return the pixel size of a field in micrometres, a plausible one if it is not known."""
    return float(result.pixel_size_um.get(fov, UNKNOWN_PIXEL_UM))


def spot_marks(result: CaseResult, fov: str, end: ProbeEnd) -> SpotMarks:
    """Return the marks of the signals of a probe end that lie in nuclei of a field."""
    spots = result.spots
    rows = np.flatnonzero((spots.fov == fov) & (spots.end == end.value) & (spots.nucleus_id > 0))
    size = pixel_size(result, fov)
    lone = ~np.isin(spots.signal_id[rows], _paired_signals(result, fov))
    return SpotMarks(
        rows,
        np.stack([spots.y_px[rows], spots.x_px[rows]], axis=1),
        2 * np.maximum(RING_UM, 0.9 * spots.diameter_um[rows]) / size,
        np.where(lone, LONE_BORDER, PAIRED_BORDER),
    )


def best_plane(result: CaseResult, fov: str, n_planes: int, z_step_um: float) -> int:
    """Return the plane of a focus stack in which most signals of a field lie; else the middle."""
    spots = result.spots
    depths = spots.z_um[(spots.fov == fov) & (spots.nucleus_id > 0)]
    if not len(depths) or z_step_um <= 0:
        return n_planes // 2
    return min(max(round(float(np.median(depths)) / z_step_um), 0), n_planes - 1)


def pair_lines(result: CaseResult, fov: str) -> Floats:
    """Return the lines between the 3' and 5' spots of fused signals of a field.

    Returns
    -------
    ndarray of float64, shape (M, 2, 2)
        Start at the 3' spot and way to the 5' spot: row and column in pixels.
    """
    spots = result.spots
    rows = np.flatnonzero((spots.fov == fov) & (spots.signal_id > 0))
    is_three = spots.end[rows] == ProbeEnd.THREE_PRIME.value
    three, five = rows[is_three], rows[~is_three]
    by_signal = {int(spots.signal_id[k]): k for k in three.tolist()}
    pairs = [
        (by_signal[signal], k)
        for k, signal in zip(five.tolist(), spots.signal_id[five].tolist(), strict=True)
        if signal in by_signal
    ]
    if not pairs:
        return np.empty((0, 2, 2))
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    start = np.stack([spots.y_px[first], spots.x_px[first]], axis=1)
    stop = np.stack([spots.y_px[second], spots.x_px[second]], axis=1)
    return np.stack([start, stop - start], axis=1)


def _paired_signals(result: CaseResult, fov: str) -> npt.NDArray[np.int32]:
    """Return the signals of a field that hold spots of both ends."""
    spots = result.spots
    own = (spots.fov == fov) & (spots.signal_id > 0)
    three = own & (spots.end == ProbeEnd.THREE_PRIME.value)
    return np.intersect1d(spots.signal_id[three], spots.signal_id[own & ~three])


def near_rows(result: CaseResult, row: int) -> Rows:
    """Return the rows of the nuclei nearest to one, itself first; at most `LETTERED`."""
    nuclei = result.nuclei
    own = np.flatnonzero(nuclei.fov == nuclei.fov[row])
    away = np.hypot(nuclei.y_px[own] - nuclei.y_px[row], nuclei.x_px[own] - nuclei.x_px[row])
    n = min(LETTERED, len(own))
    near = np.flatnonzero(away <= np.partition(away, n - 1)[n - 1])
    nearest: Rows = own[near[np.argsort(away[near], kind="stable")[:n]]]
    return nearest


def letter_places(result: CaseResult, rows: Rows) -> Floats:
    """Return where the letters of nuclei stand: above the upper edge of the outline."""
    nuclei = result.nuclei
    size = np.array([pixel_size(result, str(fov)) for fov in nuclei.fov[rows]])
    radius = np.sqrt(np.maximum(nuclei.area_um2[rows], 1.0) / np.pi) / size
    above = np.maximum(nuclei.y_px[rows] - 1.15 * radius, 0.0)  # inside: no layer grows the scene
    return np.stack([above, nuclei.x_px[rows]], axis=1)


def letters(patterns: npt.NDArray[np.object_]) -> npt.NDArray[np.str_]:
    """Return the letter of each pattern."""
    return np.array([look_of(str(pattern)).letter for pattern in patterns], str)


def frame_size(result: CaseResult, fov: str) -> float:
    """Return the side of the frame around the current nucleus in pixels."""
    return CROP_UM / pixel_size(result, fov)


def channel_contrast(
    pixels: npt.NDArray[np.generic], amplitudes: Floats, backgrounds: Floats
) -> tuple[float, float]:
    """Return which counts are drawn black and white.

    Parameters
    ----------
    pixels : ndarray
        A part of the channel.
    amplitudes, backgrounds : ndarray of float64
        Of the spots of its end; a usual signal is bright, not white. Empty for DAPI.
    """
    values = np.asarray(pixels, np.float32)
    low, high = (float(q) for q in np.percentile(values, (20.0, 99.8)))
    if len(amplitudes):
        low = float(np.median(backgrounds))
        high = low + 1.3 * float(np.median(amplitudes))
    return low, max(high, low + 1.0)
