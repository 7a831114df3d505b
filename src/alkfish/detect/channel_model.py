"""What must be the same for all pictures of a channel, learned once from samples of it.

A slide is scored in pieces; whatever is estimated from a piece by itself would change with the way
the slide is cut. So all of it is learned before, from sample pictures, and only what is local is
taken from the piece: noise and texture in blocks, and the spots themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import DetectConfig
from alkfish.detect.fits import Fits, Floats, SpotModel
from alkfish.detect.fitting import AMPLITUDE
from alkfish.detect.learning import faint_limit
from alkfish.detect.levels import Levels, measure_levels
from alkfish.detect.response import BLOCK_PX, response_peak
from alkfish.detect.search import CANDIDATE_SNR, MIN_P_REAL, SpotSearch, width_range
from alkfish.detect.touching import CROWD_REACH

ALIGN_PX = BLOCK_PX
"""Pictures cut at multiples of this have their blocks of noise and texture in common."""

_CHAIN = 3
"""Steps over which touching spots may hand on what they see at a rim."""


@dataclass(frozen=True)
class ChannelModel:
    """What belongs to a channel of a slide rather than to one picture of it.

    Attributes
    ----------
    levels : Levels
        Saturation, fill and noise.
    faint_snr : float
        Local maxima below are not looked at.
    first : SpotModel
        Look of the solid candidates: guides the fits.
    spots : SpotModel
        Look of the solid spots: decides what is accepted.
    usual_amplitude : float
        Median amplitude of the spots, in counts; 0 if the samples have none.
    limit_snr : float
        See `ChannelSpots`.
    """

    levels: Levels
    faint_snr: float
    first: SpotModel
    spots: SpotModel
    usual_amplitude: float
    limit_snr: float


def learn_spots(
    planes: Sequence[npt.NDArray[Any]],
    *,
    pixel_size_um: float | None,
    config: DetectConfig | None = None,
) -> ChannelModel:
    """Learn what is common to all pictures of a channel from sample pictures.

    The candidates of all samples are pooled. Learning from one picture and detecting in it with
    the result gives what detecting without a model gives.

    Parameters
    ----------
    planes : sequence of ndarray of shape (H, W)
        One or more sample pictures of the channel, in raw counts, of one dtype.
    pixel_size_um : float or None
        Pixel size; None if unknown.
    config : DetectConfig, optional
        As for `detect_channel`.
    """
    settings = config or DetectConfig()
    levels = measure_levels(planes)

    def search_in(plane: npt.NDArray[Any]) -> SpotSearch:
        return SpotSearch(plane, pixel_size_um, settings, levels)

    found = [search_in(plane).candidates(faint_snr=0.0) for plane in planes]
    faint_snr = faint_limit(np.concatenate([height for _, height in found]))
    candidates = [fits.take(height >= faint_snr) for fits, height in found]
    search = search_in(planes[0])
    first = search.learn(_join(candidates))
    fits, spreads = [], []
    for plane, own in zip(planes, candidates, strict=True):
        search = search_in(plane)
        fits.append(search.find(own, first))
        spreads.append(search.spread_at(fits[-1]))
    spots = search.learn(_join(fits))
    usual, limit = _brightness(search, fits, spreads, spots)
    return ChannelModel(_full_at_the_top(levels, planes), faint_snr, first, spots, usual, limit)


def _brightness(
    search: SpotSearch, fits: Sequence[Fits], spreads: Sequence[Floats], spots: SpotModel
) -> tuple[float, float]:
    """Return usual amplitude and detection limit from the accepted spots of all samples."""
    parts = [search.accepted(own, spots) for own in fits]
    accepted = _join([own.take(part) for own, part in zip(fits, parts, strict=True)])
    spread = np.concatenate([own[part] for own, part in zip(spreads, parts, strict=True)])
    return brightness_of(accepted, spread / response_peak(search.width_px, spots.width_px), spots)


def brightness_of(fits: Fits, noise: Floats, model: SpotModel) -> tuple[float, float]:
    """Return the usual amplitude of spots and the SNR below which signals are not accepted.

    Spots are accepted by the SNR of their fit; the limit is in units of local noise and texture of
    the band-pass response. The two differ by a factor, taken from the spots themselves.

    Parameters
    ----------
    fits : Fits
        Accepted spots.
    noise : ndarray of float64, shape (N,)
        Amplitude of a spot that rises by one such unit, at each spot.
    model : SpotModel
        Of the channel.
    """
    if len(fits) == 0:
        return 0.0, CANDIDATE_SNR
    amplitude = fits.spots[:, AMPLITUDE]
    usual = float(np.median(amplitude))
    if model.brightness is None:
        return usual, CANDIDATE_SNR
    factor = float(np.median(amplitude / noise / fits.snr))
    return usual, max(model.brightness.snr_at(MIN_P_REAL) * factor, CANDIDATE_SNR)


def _join(parts: Sequence[Fits]) -> Fits:
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.join(part)
    return joined


def _full_at_the_top(levels: Levels, planes: Sequence[npt.NDArray[Any]]) -> Levels:
    """Return levels at which the top of the dtype is full, even if no sample shows it."""
    dtype = planes[0].dtype
    if dtype.kind not in "ui" or np.isfinite(levels.saturation):
        return levels
    return replace(levels, saturation=float(np.iinfo(dtype).max))


def halo_px(pixel_size_um: float | None, config: DetectConfig | None = None) -> int:
    """Return how far from the rim of a cut-out its rim can matter, a multiple of `ALIGN_PX`.

    The block of noise beside that of a spot reaches up to one and a half blocks away; what the
    filter makes of the rim, and fits of touching spots, add a few widths.
    """
    width_px, _, widest = width_range(pixel_size_um, config or DetectConfig())
    reach = 1.5 * BLOCK_PX + _CHAIN * CROWD_REACH * max(width_px, widest) + 8.0 * width_px
    return ALIGN_PX * math.ceil(reach / ALIGN_PX)
