"""Spots beside each other: doublets are taken apart, pieces of broad blobs are recognised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from alkfish.detect.fits import Fits, Floats, Mask, SpotModel, elongation
from alkfish.detect.fitting import (
    AMPLITUDE,
    AXIS,
    FWHM,
    POSITION_STEP,
    RESIDUAL,
    ROUNDNESS,
    WIDTH,
    X,
    Y,
)

CROWD_REACH = 4.0
"""Spots closer than this many widths disturb each other's fit."""

MIN_SOLID = 8
SOLID_SNR = 8.0
ODD_ROUNDNESS = 0.65
MERGED_ROUNDNESS = 0.8
MERGED_WIDTH = 1.04
SURELY_ODD = 5.0
BETTER_SHARE = 0.95
"""What two spots leave unexplained, at most, of what one leaves: else there is one."""

SPREAD_WIDTH = 1.5
SPREAD_BRIGHT = 0.5
SPREAD_ROUNDNESS = 0.93
COVERED_SHARE = 0.75
"""The same where one fit spread over both: two usual spots must explain much more."""

TWIN_WIDTH = 1.8
TWIN_WIDTHS = 1.2
LUMP_REACH = 4.0
LUMP_WIDTH = 1.15
GHOST_SHARE = 0.2
GHOST_REACH = 4.0


def starting_values(fits: Fits, model: SpotModel) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return starting values for the joint fit, with odd bright candidates taken apart.

    Candidates beside each other start again from the usual width, so that none of them covers
    both; a lone elongated or broad one starts as two along its long axis. So does a bright one
    that is far too broad: two equal spots some widths apart can pull one fit over both.

    Returns
    -------
    spots : ndarray of float64, shape (N + K, 7)
        One row per candidate, then the second halves of those that were taken apart.
    taken_apart : ndarray of intp, shape (K,)
        The rows of their first halves.
    """
    spots, width = fits.spots.copy(), model.width_px
    if len(spots) == 0:
        return spots, np.empty(0, np.intp)
    crowded = is_crowded(spots, CROWD_REACH * width)
    odd = (is_long(fits, model) | is_spread(fits, model)) & ~crowded
    odd &= model.n_solid >= MIN_SOLID
    spots[crowded | odd, WIDTH] = width
    along = width * np.stack([np.sin(fits.figures[:, AXIS]), np.cos(fits.figures[:, AXIS])], axis=1)
    along = np.rint(along / POSITION_STEP) * POSITION_STEP
    twins = spots[odd].copy()
    spots[odd, Y] += along[odd, 0]
    spots[odd, X] += along[odd, 1]
    twins[:, [Y, X]] -= along[odd]
    return np.concatenate([spots, twins]), np.flatnonzero(odd)


def is_one(
    joint: Fits, single: Fits, taken_apart: npt.NDArray[np.intp], model: SpotModel
) -> npt.NDArray[np.bool_]:
    """Return which candidates that were taken apart are one spot after all.

    Their halves met, or explain the window no better than the candidate by itself did. Those that
    were not long but broad must turn out as two spots of the usual width.

    Parameters
    ----------
    joint : Fits
        Fits of the rows of `starting_values`.
    single : Fits
        The candidates.
    taken_apart : ndarray of intp, shape (K,)
        As `starting_values` gives it.
    model : SpotModel
        Of the channel.
    """
    first, second = joint.take(taken_apart), joint.take(np.arange(len(single), len(joint)))
    apart = np.hypot(*(first.spots - second.spots)[:, [Y, X]].T)
    left = np.maximum(first.figures[:, RESIDUAL], second.figures[:, RESIDUAL])
    long = is_long(single.take(taken_apart), model)
    share = np.where(long, BETTER_SHARE, COVERED_SHARE)
    worse = left > share * single.figures[taken_apart, RESIDUAL]
    widest = np.maximum(first.spots[:, WIDTH], second.spots[:, WIDTH])
    worse |= ~long & (widest > LUMP_WIDTH * model.width_px)
    return np.asarray((apart < TWIN_WIDTHS * model.width_px) | worse)


def is_long(fits: Fits, model: SpotModel) -> Mask:
    """Return which bright spots of about the usual width are long enough to be two."""
    usual = fits.spots[:, WIDTH] < TWIN_WIDTH * model.width_px
    return np.asarray(is_elongated(fits, model) & usual & (fits.snr >= SOLID_SNR))


def is_spread(fits: Fits, model: SpotModel) -> Mask:
    """Return which bright fits are far too broad and not quite round.

    Two equal spots some widths apart can pull one fit over both; what it leaves is large then, so
    that noise says nothing. Most such fits are debris: `is_one` asks more of their halves.
    """
    broad = fits.spots[:, WIDTH] >= SPREAD_WIDTH * model.width_px
    bright = fits.spots[:, AMPLITUDE] >= SPREAD_BRIGHT * model.usual_amplitude
    return np.asarray(broad & bright & (fits.figures[:, ROUNDNESS] < SPREAD_ROUNDNESS))


def is_elongated(fits: Fits, model: SpotModel) -> Mask:
    """Return which spots are so long that two may be in one place.

    Either very long, or beyond doubt: two usual spots from 1.6 widths apart make one that is
    longer than wide by a fifth, and broader than usual. Doubt is measured by noise, and by how long
    the channel's own spots are: those of a skew lens all are.
    """
    roundness = fits.figures[:, ROUNDNESS]
    sure = elongation(fits) >= SURELY_ODD * model.usual_length
    broad = fits.spots[:, WIDTH] >= MERGED_WIDTH * model.width_px
    return np.asarray((roundness < ODD_ROUNDNESS) | ((roundness < MERGED_ROUNDNESS) & sure & broad))


def is_crowded(spots: Floats, reach_px: float) -> Mask:
    """Return which spots have another one within `reach_px`."""
    crowded = np.zeros(len(spots), bool)
    if len(spots) > 1:
        pairs = cKDTree(spots[:, [Y, X]]).query_pairs(reach_px, output_type="ndarray")
        crowded[pairs.ravel()] = True
    return crowded


def is_twin(fits: Fits, width_px: float) -> Mask:
    """Return the dimmer one of two spots that ended up in one place."""
    twin = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return twin
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(
        TWIN_WIDTHS * width_px, output_type="ndarray"
    )
    dimmer = np.where(
        fits.spots[pairs[:, 0], AMPLITUDE] < fits.spots[pairs[:, 1], AMPLITUDE],
        pairs[:, 0], pairs[:, 1],
    )  # fmt: skip
    twin[dimmer] = True
    return twin


def is_lumpy(fits: Fits, width_px: float) -> Mask:
    """Return which close spots are pieces of something broader: all of them too wide."""
    lumpy = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return lumpy
    reach = LUMP_REACH * width_px
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(reach, output_type="ndarray")
    wide = fits.spots[:, WIDTH] > LUMP_WIDTH * width_px
    lumpy[pairs[wide[pairs].all(axis=1)].ravel()] = True
    return lumpy


def is_within(spots: Floats, others: Floats, reach_px: float) -> Mask:
    """Return which spots lie within `reach_px` of any of the others."""
    if len(others) == 0:
        return np.zeros(len(spots), bool)
    distance, _ = cKDTree(others[:, [Y, X]]).query(spots[:, [Y, X]], distance_upper_bound=reach_px)
    return np.asarray(np.isfinite(distance))


def is_ghost(more: Fits, found: Fits, width_px: float) -> Mask:
    """Return which late candidates are remains of a much brighter spot nearby."""
    ghost = np.zeros(len(more), bool)
    if len(found) == 0 or len(more) == 0:
        return ghost
    near = cKDTree(found.spots[:, [Y, X]]).query_ball_point(
        more.spots[:, [Y, X]], GHOST_REACH * width_px
    )
    for row, neighbours in enumerate(near):
        if neighbours:
            brightest = found.spots[neighbours, AMPLITUDE].max()
            ghost[row] = more.spots[row, AMPLITUDE] < GHOST_SHARE * brightest
    return ghost


def is_touching(fits: Fits) -> Mask:
    """Return which spots lie closer to another than the sum of their half-maximum radii."""
    touching = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return touching
    radius = fits.spots[:, WIDTH] * FWHM / 2
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(2 * radius.max(), output_type="ndarray")
    apart = np.linalg.norm(np.diff(fits.spots[pairs][:, :, [Y, X]], axis=1)[:, 0], axis=1)
    touching[pairs[apart < radius[pairs].sum(axis=1)].ravel()] = True
    return touching
