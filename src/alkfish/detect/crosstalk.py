"""Light of one probe channel in the other: measured on the case's own spots and taken away.

Also finds autofluorescent granules: the same broad blob in both channels is not a signal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from alkfish.detect.fitting import (
    AMPLITUDE,
    FWHM,
    N_FIGURES,
    N_PARAMETERS,
    WIDTH,
    X,
    Y,
    fit_spots,
    forced_amplitudes,
    subtract_spots,
)
from alkfish.detect.kernels import clear_windows
from alkfish.detect.search import MIN_P_REAL
from alkfish.detect.spots import ChannelSpots
from alkfish.detect.workspace import workspace
from alkfish.model.flags import SpotFlag
from alkfish.model.spots import SpotTable

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CLEAR_SNR = 15.0
ALONE_WIDTHS = 2.5
GHOST_WIDTHS = 0.25
ALIKE_SPREAD = 0.2
ALIKE_NOISE = 0.5
CROP_PX = 256
MIN_ALONE = 3
DIMMER = 0.6
MIN_SPOTS = 10
MAX_CROSSTALK = 0.35
COINCIDENT_WIDTHS = 0.8
BLEED_WIDTHS = 6.0
"""Farther away, light of a spot reaches into no other's window."""

WINDOW_WIDTHS = 2.7
N_ROUNDS = 2
MIN_KEPT = 0.5
"""Spots that lose more are mostly bleed: they are not fitted again, but only dimmed."""

NOTABLE_SHARE = 0.2
BROAD_INSIDE = 1.5
BROAD_OUTSIDE = 1.1


@dataclass(frozen=True)
class Crosstalk:
    """Share of a channel's light that appears in the other channel.

    Attributes
    ----------
    share : float
        Amplitude in the other channel per amplitude in this one; 0 unless `applied`.
    n_spots : int
        Spots it was measured on.
    applied : bool
        Whether the evidence sufficed.
    reason : str
        Why it was applied or not.
    inseparable : bool
        Whether the channels show the same spots at a ratio too constant and too high for two
        probes: one channel used twice, or filters that do not separate the dyes.
    """

    share: float = 0.0
    n_spots: int = 0
    applied: bool = False
    reason: str = "not estimated"
    inseparable: bool = False


def bleed_ratios(
    source: ChannelSpots,
    target: ChannelSpots,
    target_plane: npt.NDArray[Any],
    *,
    pixel_size_um: float,
) -> Floats:
    """Return how bright the target channel is where only the source channel has a spot.

    Parameters
    ----------
    source, target : ChannelSpots
        Spots of the two channels of a field.
    target_plane : ndarray of shape (H, W)
        Picture of the target channel.
    pixel_size_um : float
        Pixel size.

    Returns
    -------
    ndarray of float64, shape (K,)
        Amplitude in the target over that of the source, for each clear source spot that has no
        target spot nearby (fitted at its place, less the flanks of the target's own spots), or a
        dimmer one at exactly its place, as strong bleed-through makes; empty if there is none.
    """
    table, width = source.table, source.model.width_px
    clear = table.take(table.snr >= CLEAR_SNR)
    ghosts = np.empty(0)
    if len(clear) and len(target.table):
        distance, nearest = cKDTree(_positions(target.table)).query(_positions(clear))
        amplitude = target.table.amplitude[nearest]
        ghost = (distance <= GHOST_WIDTHS * width) & (amplitude < clear.amplitude)
        if not _are_signals(amplitude[ghost], target, source):
            ghosts = amplitude[ghost] / clear.amplitude[ghost]
        clear = clear.take(distance > ALONE_WIDTHS * width)
    radius = int(np.ceil(ALONE_WIDTHS * width))
    found = forced_amplitudes(target_plane, _positions(clear), width, radius)
    # Amplitudes are linear in the picture: what the flanks add is taken away without a copy of it.
    flanks = _Canvas(target.shape, _positions(clear), radius + 2)
    subtract_spots(flanks.image, _models(target.table, pixel_size_um), radius)
    found += forced_amplitudes(flanks.image, _positions(clear), width, radius)
    return np.concatenate([ghosts, found / clear.amplitude])


def _are_signals(amplitudes: Floats, target: ChannelSpots, source: ChannelSpots) -> bool:
    """Return whether coincident spots are as bright as those of the target that stand alone."""
    if len(amplitudes) == 0 or len(source.table) == 0:
        return False
    distance, _ = cKDTree(_positions(source.table)).query(_positions(target.table))
    alone = target.table.amplitude[distance > ALONE_WIDTHS * source.model.width_px]
    return len(alone) >= MIN_ALONE and float(np.median(amplitudes)) > DIMMER * float(
        np.median(alone)
    )


def noise_correlation(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Return how far the pixel noise of two planes is the same noise.

    Separate exposures have independent noise, whatever light they share; a plane computed from the
    other has not. Taken from mixed differences of neighbouring pixels, which ignore structures, in
    the middle of the planes. 0 where a plane has no noise.
    """
    height, width = a.shape
    top, left = max(0, (height - CROP_PX) // 2), max(0, (width - CROP_PX) // 2)
    crop = (slice(top, top + CROP_PX), slice(left, left + CROP_PX))
    first, second = (_mixed_difference(plane[crop].astype(np.float32)) for plane in (a, b))
    if first.size < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _mixed_difference(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mixed differences, clipped at five spreads so that steep places do not count."""
    values = (plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]).ravel()
    if values.size == 0:
        return values
    limit = 5 * 1.4826 * np.median(np.abs(values[::4]))
    return np.asarray(np.clip(values, -limit, limit), np.float32)


def estimate_crosstalk(ratios: Floats, *, same_noise: float = 0.0) -> Crosstalk:
    """Return the crosstalk of a case from the ratios of its fields, or a refusal.

    Parameters
    ----------
    ratios : ndarray of float64
        Those of `bleed_ratios`.
    same_noise : float
        `noise_correlation` of the two channels; with a constant high ratio it tells one channel
        in two roles from two probes of equal brightness.
    """
    n = len(ratios)
    if n < MIN_SPOTS:
        return Crosstalk(n_spots=n, reason=f"only {n} lone spots; {MIN_SPOTS} are needed")
    share = float(np.median(ratios))
    error = 1.4826 * float(np.median(np.abs(ratios - share))) * 1.25 / np.sqrt(n)
    if share < 2.0 * error:
        return Crosstalk(n_spots=n, reason=f"{share:.3f} is within its error of {error:.3f}")
    if share > MAX_CROSSTALK:
        spread = 1.4826 * float(np.median(np.abs(ratios - share))) / share
        return Crosstalk(
            n_spots=n,
            reason=f"{share:.2f} is more than bleed-through can be",
            inseparable=spread < ALIKE_SPREAD and same_noise > ALIKE_NOISE,
        )
    return Crosstalk(share, n, True, f"measured on {n} spots")


def remove_crosstalk(
    target: ChannelSpots, source: ChannelSpots, crosstalk: Crosstalk, *, pixel_size_um: float
) -> SpotTable:
    """Return the target's spots as they would be without the source's light.

    Light on the flank of a spot pulls its place and adds to its height and width: all are
    corrected. A spot that would not have been found with what is left of its SNR is dropped, one
    that lost a notable part is flagged.

    Parameters
    ----------
    target, source : ChannelSpots
        Spots of the channel to clean and of the one whose light is in it.
    crosstalk : Crosstalk
        From the source into the target; nothing changes unless it is applied.
    pixel_size_um : float
        Pixel size.
    """
    table = target.table
    if not crosstalk.applied or len(table) == 0 or len(source.table) == 0:
        return table
    before = _models(table, pixel_size_um)
    after = _without_bleed(before, target, _models(source.table, pixel_size_um), crosstalk.share)
    refitted = after[:, AMPLITUDE] / before[:, AMPLITUDE]
    kept = _kept_by_overlay(target, source, crosstalk.share)
    sound = (np.minimum(kept, refitted) >= MIN_KEPT) & (refitted <= 1.0 / MIN_KEPT)
    spots, kept = np.where(sound[:, None], after, before), np.where(sound, refitted, kept)
    snr = table.snr * np.minimum(kept, 1.0)
    p_real = np.where(kept < 1.0, np.minimum(table.p_real, target.model.p_real(snr)), table.p_real)
    notable = np.where(kept < 1.0 - NOTABLE_SHARE, int(SpotFlag.CROSSTALK), 0)
    cleaned = replace(
        table,
        y_px=spots[:, Y],
        x_px=spots[:, X],
        snr=snr,
        diameter_um=spots[:, WIDTH] * FWHM * pixel_size_um,
        amplitude=table.amplitude * kept,
        p_real=p_real,
        flags=table.flags | notable,
    )
    order = np.lexsort((cleaned.x_px, cleaned.y_px))
    return cleaned.take(order[p_real[order] >= MIN_P_REAL])


def _kept_by_overlay(target: ChannelSpots, source: ChannelSpots, share: float) -> Floats:
    """Return the share of each spot's height that a source spot at its place does not explain."""
    distance, nearest = cKDTree(_positions(source.table)).query(_positions(target.table))
    over = distance <= COINCIDENT_WIDTHS * target.model.width_px
    bleed = np.where(over, share * source.table.amplitude[nearest], 0.0)
    return np.clip(1.0 - bleed / target.table.amplitude, 0.0, 1.0)


def _without_bleed(spots: Floats, target: ChannelSpots, source: Floats, share: float) -> Floats:
    """Return the models that fits would give without the source's light.

    What a fit leaves unexplained is orthogonal to its model. So fits to the models less the bleed
    give, to first order, what fits to the picture less the bleed would, and need no picture. There
    is no prior on the width, because the models hold its pull already.
    """
    width, spots, bleed = target.model.width_px, spots.copy(), source.copy()
    bleed[:, AMPLITUDE] *= share
    distance, _ = cKDTree(source[:, [Y, X]]).query(spots[:, [Y, X]])
    near = distance <= BLEED_WIDTHS * width
    touched, noise = spots[near], target.table.noise[near]
    radius = math.ceil(WINDOW_WIDTHS * width)
    figures, limits = np.zeros((len(touched), N_FIGURES)), (0.4, 4.0 * width, width)
    widest = max(limits[1], float(touched[:, WIDTH].max(initial=0.0)))
    seen = math.ceil(WINDOW_WIDTHS * widest + N_ROUNDS * width) + 2
    canvas = _Canvas(target.shape, touched[:, [Y, X]], seen)
    left = canvas.image
    subtract_spots(left, bleed, radius + 2)
    for _ in range(N_ROUNDS):
        fit_spots(left, left, touched, figures, noise, radius, WINDOW_WIDTHS, limits,
                  (width, math.inf), math.inf, False)  # fmt: skip
    spots[near] = touched
    return spots


class _Canvas:
    """A picture of nothing within `seen` px of places, to draw on; elsewhere it is undefined.

    Clearing all of it would take longer than what is done with it.
    """

    def __init__(self, shape: tuple[int, int], places: Floats, seen: int) -> None:
        self.image = workspace.lend(self, shape)
        clear_windows(self.image, places, seen)


def _models(table: SpotTable, pixel_size_um: float) -> Floats:
    """Return spots as the fits have them, on no ground."""
    spots = np.zeros((len(table), N_PARAMETERS))
    spots[:, AMPLITUDE], spots[:, Y], spots[:, X] = table.amplitude, table.y_px, table.x_px
    spots[:, WIDTH] = table.diameter_um / FWHM / pixel_size_um
    return spots


def find_granules(
    a: ChannelSpots, b: ChannelSpots, *, pixel_size_um: float, a_inside: Mask
) -> tuple[Mask, Mask]:
    """Return which spots of each channel are one broad blob seen in both.

    Parameters
    ----------
    a, b : ChannelSpots
        Spots of the two channels of a field.
    pixel_size_um : float
        Pixel size.
    a_inside : ndarray of bool, shape (len(a.table),)
        Which spots of `a` lie in a nucleus. There a blob must be broader to be a granule, because
        a locus out of focus is broad in both channels, too.
    """
    is_a, is_b = np.zeros(len(a.table), bool), np.zeros(len(b.table), bool)
    if len(a.table) == 0 or len(b.table) == 0:
        return is_a, is_b
    reach = COINCIDENT_WIDTHS * max(a.model.width_px, b.model.width_px)
    distance, nearest = cKDTree(_positions(b.table)).query(_positions(a.table))
    broadness_a, broadness_b = (
        c.table.diameter_um / (c.model.width_px * FWHM * pixel_size_um) for c in (a, b)
    )
    broadness = np.minimum(broadness_a, broadness_b[nearest])
    rows = np.flatnonzero(
        (distance <= reach) & (broadness > np.where(a_inside, BROAD_INSIDE, BROAD_OUTSIDE))
    )
    is_a[rows], is_b[nearest[rows]] = True, True
    return is_a, is_b


def _positions(table: SpotTable) -> Floats:
    return np.stack([table.y_px, table.x_px], axis=1)
