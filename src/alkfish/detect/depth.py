"""Where spots lie in depth: fits of one or two peaks to amplitudes along the optical axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

USUAL_LENGTH_UM = 1.1
"""Axial full width at half maximum of a spot of 0.6 um at an aperture near 1.3."""

LENGTH_RANGE_UM = (0.7, 2.5)
STEPS_PER_PLANE = 4
MIN_BRIGHT = 8
BRIGHT_SNR = 12.0
SECOND_GAIN = 36.0
"""A second peak must explain so much more, in squared noise units."""

SECOND_SHARE = 0.25
SECOND_DISTANCE = 1.0
"""Two peaks on one place are told apart from this distance, in axial lengths."""

FLOOR_UM = 0.05
"""Error of a depth that does not shrink with SNR: aberrations and focus steps (chosen)."""

MIN_CONTRAST = 0.5
"""A spot falls off in depth by at least this share of its height; haze and texture do not."""

MIN_PLANES = 5
MIN_RANGE = 2.0
"""Stacks of fewer planes, or of a smaller range in axial lengths, cannot show a fall in depth."""

LONGER = (1.25, 1.5, 1.8, 2.2)
"""Trial lengths, in axial lengths of a usual spot, of things larger than a spot."""

LONGER_GAIN = 9.0
"""A longer profile must explain so much more, in squared noise units."""

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Depths:
    """Peaks along the axis, one row each.

    Attributes
    ----------
    place : ndarray of intp, shape (P,)
        Row of the place that the peak belongs to; every place has at least one.
    z_um : ndarray of float64, shape (P,)
        Depth from the first plane.
    error_um : ndarray of float64, shape (P,)
        Its standard error.
    amplitude : ndarray of float64, shape (P,)
        Height of the peak in counts.
    is_second : ndarray of bool, shape (P,)
        Whether it is the lower of two peaks of one place.
    """

    place: npt.NDArray[np.intp]
    z_um: Floats
    error_um: Floats
    amplitude: Floats
    is_second: npt.NDArray[np.bool_]

    def take(self, rows: npt.NDArray[np.bool_]) -> Depths:
        """Return the selected peaks."""
        return Depths(
            self.place[rows], self.z_um[rows], self.error_um[rows], self.amplitude[rows],
            self.is_second[rows],
        )  # fmt: skip


def axial_profile(offset_um: Floats, length_um: float) -> Floats:
    """Return the height of a spot's fitted amplitude out of focus; 1 in focus.

    A spot that keeps its light and widens linearly loses height as ``1 / (1 + u^2)``; on tilted
    ground and with a fixed width, about the square of that is fitted.
    """
    half = length_um / 2 / np.sqrt(np.sqrt(2.0) - 1)
    return np.asarray(1.0 / (1.0 + (offset_um / half) ** 2) ** 2)


def find_depths(profiles: Floats, errors: Floats, z_um: Floats, *, length_um: float) -> Depths:
    """Fit one peak, or two where that explains clearly more, to each axial profile.

    Parameters
    ----------
    profiles : ndarray of float64, shape (N, Z)
        Amplitudes at N places in every plane, in counts.
    errors : ndarray of float64, shape (N,)
        Their standard errors.
    z_um : ndarray of float64, shape (Z,)
        Depths of the planes, rising.
    length_um : float
        Axial full width at half maximum of a spot.

    Returns
    -------
    Depths
        Ordered by place, the higher peak first.
    """
    grid, shapes, power = _grid(z_um, length_um)
    project = profiles @ shapes.T
    gain = np.where(project > 0, project, 0.0) ** 2 / power
    best = gain.argmax(axis=1)
    rows = np.arange(len(profiles))
    alone = _peaks(rows, grid[best], profiles, errors, gain, best, grid, length_um, z_um)
    twice = _two_peaks(profiles, shapes, grid, errors, length_um)
    return _join(alone, twice, profiles, errors, z_um, length_um)


def learn_length(profiles: Floats, errors: Floats, z_um: Floats) -> float:
    """Return the axial length that best explains the brighter half of a channel's bright profiles.

    `USUAL_LENGTH_UM` if there are too few of them.
    """
    top = profiles.max(axis=1, initial=0.0)
    bright = top > BRIGHT_SNR * errors
    if int(bright.sum()) < MIN_BRIGHT:
        return USUAL_LENGTH_UM
    bright &= top >= np.median(top[bright])
    lengths = np.linspace(*LENGTH_RANGE_UM, 19)
    misfit = np.array([_misfits(profiles[bright], z_um, float(length)) for length in lengths])
    return float(lengths[np.median(misfit, axis=1).argmin()])


def is_sharp(
    profiles: Floats, depths: Depths, z_um: Floats, *, length_um: float, min_snr: float
) -> npt.NDArray[np.bool_]:
    """Return which places hold something as short in depth as a spot.

    A peak over level ground is fitted at the depth found; it must stand out from the profile's own
    scatter by `min_snr`, and hold at least `MIN_CONTRAST` of the whole height. Places with two
    peaks pass. All pass in a stack too shallow to tell.

    Parameters
    ----------
    profiles, z_um, length_um
        As for `find_depths`, which found `depths`.
    min_snr : float
        Raising it rejects more.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    sharp = np.ones(len(profiles), bool)
    sharp[depths.place[depths.is_second]] = False
    rows = np.flatnonzero(sharp)
    sharp[:] = True
    if is_shallow(z_um, length_um):
        return sharp
    first = ~depths.is_second
    z, height = depths.z_um[first][rows], depths.amplitude[first][rows]
    rise, scatter, unit = _rise_over_ground(profiles[rows], z, z_um, length_um)
    sharp[rows] = (rise >= min_snr * scatter * unit) & (rise >= MIN_CONTRAST * height)
    return sharp


def is_long(
    profiles: Floats, errors: Floats, z_um: Floats, *, length_um: float
) -> npt.NDArray[np.bool_]:
    """Return which places hold something clearly longer in depth than a usual spot.

    Spots are small against the resolution along the axis and all of one length, wherever they lie;
    a grain of debris is as much longer as it is wider. Two spots over each other are long too, but
    not wide. Nothing is long in a stack too shallow to tell.

    Parameters
    ----------
    profiles, errors, z_um, length_um
        As for `find_depths`.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    if is_shallow(z_um, length_um):
        return np.zeros(len(profiles), bool)
    usual = _unexplained(profiles, z_um, length_um)
    longer = [_unexplained(profiles, z_um, times * length_um) for times in LONGER]
    return np.asarray(usual - np.min(longer, axis=0) > LONGER_GAIN * errors**2, np.bool_)


def is_shallow(z_um: Floats, length_um: float) -> bool:
    """Return whether a stack cannot show how spots fall off in depth."""
    return len(z_um) < MIN_PLANES or bool(np.ptp(z_um) < MIN_RANGE * length_um)


def axial_scatter(profiles: Floats, depths: Depths, z_um: Floats, length_um: float) -> Floats:
    """Return the scatter of each profile about a peak over level ground, in counts."""
    first = ~depths.is_second
    return _rise_over_ground(profiles, depths.z_um[first], z_um, length_um)[1]


def _rise_over_ground(
    profiles: Floats, z: Floats, z_um: Floats, length_um: float
) -> tuple[Floats, Floats, Floats]:
    """Return the peak's height over level ground, the scatter, and its error for unit scatter."""
    shape = axial_profile(z_um[None, :] - z[:, None], length_um)
    shape -= shape.mean(axis=1, keepdims=True)
    power = np.maximum((shape**2).sum(axis=1), 1e-9)
    rise = (profiles * shape).sum(axis=1) / power
    rest = profiles - rise[:, None] * shape
    rest -= rest.mean(axis=1, keepdims=True)
    scatter = np.sqrt((rest**2).sum(axis=1) / max(len(z_um) - 3, 1))
    return rise, scatter, 1.0 / np.sqrt(power)


def _misfits(profiles: Floats, z_um: Floats, length_um: float) -> Floats:
    """Return the share of each profile's variation that one peak leaves unexplained."""
    total = ((profiles - profiles.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return np.asarray(_unexplained(profiles, z_um, length_um) / np.maximum(total, 1e-12))


def _unexplained(profiles: Floats, z_um: Floats, length_um: float) -> Floats:
    """Return the squares that the best peak of that length on level ground leaves over."""
    _, shapes, _ = _grid(z_um, length_um)
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    power = np.maximum((shapes**2).sum(axis=1), 1e-9)
    project = np.maximum(profiles @ shapes.T, 0.0)
    total = ((profiles - profiles.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return np.asarray(total - (project**2 / power).max(axis=1))


def _grid(z_um: Floats, length_um: float) -> tuple[Floats, Floats, Floats]:
    """Return trial depths, the profiles of spots there, and their squared lengths."""
    step = float(np.diff(z_um).min()) if len(z_um) > 1 else length_um
    fine = step / STEPS_PER_PLANE
    grid = np.arange(z_um[0] - step / 2, z_um[-1] + step / 2 + fine / 2, fine)
    shapes = axial_profile(z_um[None, :] - grid[:, None], length_um)
    return grid, shapes, (shapes**2).sum(axis=1)


def _peaks(
    place: npt.NDArray[np.intp], z: Floats, profiles: Floats, errors: Floats, gain: Floats,
    best: npt.NDArray[np.intp], grid: Floats, length_um: float, z_um: Floats,
) -> Depths:  # fmt: skip
    """Return single peaks, their depths refined between the trial depths."""
    inner = np.clip(best, 1, len(grid) - 2) if len(grid) > 2 else best
    if len(grid) > 2:
        rows = np.arange(len(best))
        low, mid, high = (gain[rows, inner + d] for d in (-1, 0, 1))
        bend = low - 2 * mid + high
        shift = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, -1.0), 0.0)
        is_inner = inner == best
        z = z + np.where(is_inner, np.clip(shift, -0.5, 0.5), 0.0) * (grid[1] - grid[0])
    amplitude, error = _amplitude_and_error(profiles, errors, z, z_um, length_um)
    return Depths(place, z, error, amplitude, np.zeros(len(place), bool))


def _amplitude_and_error(
    profiles: Floats, errors: Floats, z: Floats, z_um: Floats, length_um: float
) -> tuple[Floats, Floats]:
    """Return heights and standard errors of depth of peaks at `z`."""
    delta = 0.02 * length_um
    offset = z_um[None, :] - z[:, None]
    shape = axial_profile(offset, length_um)
    slope = (
        axial_profile(offset + delta, length_um) - axial_profile(offset - delta, length_um)
    ) / (2 * delta)
    amplitude = np.maximum((profiles * shape).sum(axis=1) / (shape**2).sum(axis=1), 0.0)
    noise = errors / np.maximum(amplitude, 1e-9)
    error = noise / np.sqrt(np.maximum((slope**2).sum(axis=1), 1e-9))
    return amplitude, np.hypot(np.minimum(error, length_um), FLOOR_UM)


def _two_peaks(
    profiles: Floats, shapes: Floats, grid: Floats, errors: Floats, length_um: float
) -> dict[int, tuple[float, float, float, float]]:
    """Return, for places with two peaks, both depths and heights; the higher peak first.

    Both alternatives, one peak and two, stand on level ground of any height: light that all planes
    share makes no second peak.
    """
    found: dict[int, tuple[float, float, float, float]] = {}
    if profiles.shape[1] < MIN_PLANES:
        return found
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    power = np.maximum((shapes**2).sum(axis=1), 1e-9)
    project = profiles @ shapes.T
    gain = (np.maximum(project, 0.0) ** 2 / power).max(axis=1)
    first, second = np.nonzero(grid[None, :] - grid[:, None] >= SECOND_DISTANCE * length_um)
    if len(first) == 0:
        return found
    cross = (shapes[first] * shapes[second]).sum(axis=1)
    p, q = power[first], power[second]
    det = np.maximum(p * q - cross**2, 1e-12)
    for start in range(0, len(project), _CHUNK):
        u, v = project[start : start + _CHUNK, first], project[start : start + _CHUNK, second]
        a, b = (u * q - v * cross) / det, (v * p - u * cross) / det
        low, high = np.minimum(a, b), np.maximum(a, b)
        both = np.where(low >= SECOND_SHARE * high, a * u + b * v, 0.0)
        best = both.argmax(axis=1)
        for row, pair in enumerate(best.tolist()):
            k = start + row
            if both[row, pair] - gain[k] > SECOND_GAIN * errors[k] ** 2:
                peaks = [(a[row, pair], grid[first[pair]]), (b[row, pair], grid[second[pair]])]
                (h1, z1), (h2, z2) = sorted(peaks, reverse=True)
                found[k] = float(z1), float(h1), float(z2), float(h2)
    return found


def _join(
    alone: Depths, twice: dict[int, tuple[float, float, float, float]], profiles: Floats,
    errors: Floats, z_um: Floats, length_um: float,
) -> Depths:  # fmt: skip
    """Return all peaks in the order of places."""
    z, height = alone.z_um.copy(), alone.amplitude.copy()
    error = alone.error_um.copy()
    places = np.array(sorted(twice), np.intp)
    peaks = np.array([twice[k] for k in places.tolist()]).reshape(-1, 4)
    z[places], height[places] = peaks[:, 0], peaks[:, 1]
    _, far = _amplitude_and_error(profiles[places], errors[places], peaks[:, 2], z_um, length_um)
    far = np.hypot(far, 0.25 * np.abs(np.diff(z_um)).min(initial=length_um))
    place = np.concatenate([alone.place, places])
    is_second = np.arange(len(place)) >= len(alone.place)
    order = np.lexsort((is_second, place))
    return Depths(
        place[order],
        np.concatenate([z, peaks[:, 2]])[order],
        np.concatenate([error, far])[order],
        np.concatenate([height, peaks[:, 3]])[order],
        is_second[order],
    )
