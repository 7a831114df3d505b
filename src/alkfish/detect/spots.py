"""From a probe channel to spots with sub-pixel positions, sizes and evidence.

Steps: a band-pass response is judged against local noise and texture; every candidate is fitted
with a round Gaussian on tilted ground; the width and brightness of the field's solid spots are
learned; found spots are subtracted and the rest is searched once more, which separates touching
signals; all spots are fitted again beside each other; what is too narrow, too wide, too unlike a
spot, or too dim for its field is dropped. ``docs/method.md`` explains each choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numba as nb
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.special import ndtr

from alkfish.config import DetectConfig
from alkfish.detect.evidence import BrightnessMixture, fit_brightness
from alkfish.detect.fitting import (
    AMPLITUDE,
    AXIS,
    BACKGROUND,
    N_FIGURES,
    N_PARAMETERS,
    N_SATURATED,
    QUALITY,
    RESIDUAL,
    ROUNDNESS,
    SE_AMPLITUDE,
    WIDTH,
    Y,
    X,
    fit_spots,
    subtract_spots,
)
from alkfish.detect.response import (
    band_pass,
    local_noise,
    local_spread,
    response_norm,
    response_peak,
    sample_grid,
)
from alkfish.model.flags import SpotFlag
from alkfish.model.spots import SpotTable

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian of standard deviation 1."""

CANDIDATE_SNR = 3.3
FLOOR_SNR = 2.3
SOLID_SNR = 8.0
SOLID_QUALITY = 0.8
MIN_SOLID = 8
ALONE_SNR = 6.0
MIN_WIDTH_PX = 0.75
DEFAULT_WIDTH_PX = 1.75
MIN_P_REAL = 0.5
HOPEFUL_P_REAL = 0.2
ODD_ROUNDNESS = 0.65
TWIN_WIDTH = 1.8
TWIN_WIDTHS = 1.2
LUMP_REACH = 4.0
LUMP_WIDTH = 1.15
GHOST_SHARE = 0.2
GHOST_REACH = 4.0
N_REFITS = 6
CROWD_REACH = 4.0
BLOCK_PX = 32
NOISE_BLOCK_PX = 48

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpotModel:
    """What the solid spots of a channel look like.

    Attributes
    ----------
    width_px : float
        Typical standard deviation of the profile.
    width_spread_px : float
        Its spread between spots.
    brightness : BrightnessMixture or None
        How bright its signals are; None if the field has no solid spots to learn from.
    n_solid : int
        Solid spots it was learned from; defaults are used if these are too few.
    usual_amplitude : float
        Amplitude of its signals, in counts: half of the light of the solid spots lies above it.
    """

    width_px: float
    width_spread_px: float
    brightness: BrightnessMixture | None
    n_solid: int
    usual_amplitude: float = 0.0

    def p_real(self, evidence: Floats) -> Floats:
        """Return the probability of being a signal for SNRs discounted by shape."""
        if self.brightness is None:
            return np.asarray(evidence >= ALONE_SNR, np.float64)
        return self.brightness.p_true(evidence)


@dataclass(frozen=True, eq=False)
class _Fits:
    """Fitted spots: parameters, figures of merit, and SNR, one row each."""

    spots: Floats
    figures: Floats
    snr: Floats

    def __len__(self) -> int:
        return len(self.snr)

    def take(self, rows: npt.NDArray[Any]) -> _Fits:
        return _Fits(self.spots[rows], self.figures[rows], self.snr[rows])

    def join(self, other: _Fits) -> _Fits:
        return _Fits(
            np.concatenate([self.spots, other.spots]),
            np.concatenate([self.figures, other.figures]),
            np.concatenate([self.snr, other.snr]),
        )


@dataclass(frozen=True, eq=False)
class ChannelSpots:
    """Spots of one probe channel and how well the channel could have shown them.

    Attributes
    ----------
    table : SpotTable
        The spots.
    model : SpotModel
        What the channel's solid spots look like.
    usual_amplitude : float
        Median amplitude of the spots, in counts; 0 if the channel has none.
    noise : float
        Median pixel noise, in counts.
    spread : ndarray of float32
        Local noise and texture of the band-pass response, on a grid of blocks.
    peak : float
        Band-pass response at the centre of a usual spot of height 1.
    shape : tuple of int
        Height and width of the picture.
    """

    table: SpotTable
    model: SpotModel
    usual_amplitude: float
    noise: float
    spread: Image
    peak: float
    shape: tuple[int, int]

    def usual_snr(self, y_px: Floats, x_px: Floats) -> Floats:
        """Return the SNR that a spot of the channel's usual brightness would have at places.

        Parameters
        ----------
        y_px, x_px : ndarray of float64, shape (N,)
            Places.

        Returns
        -------
        ndarray of float64, shape (N,)
            In units of local noise and texture; 0 if the channel has no spots.
        """
        spread = sample_grid(self.spread, self.shape, y_px, x_px)
        return np.asarray(self.usual_amplitude * self.peak / np.maximum(spread, 1e-12))

    def p_missed(self, y_px: Floats, x_px: Floats) -> Floats:
        """Return the probability that a signal at these places would not have been found.

        Signals vary in brightness as the channel's own spots do; those that would stay below the
        detection limit in the noise of the place are missed. 1 if the channel has no spots.
        """
        if self.model.brightness is None or len(self.table) == 0:
            return np.ones(len(y_px))
        usual = np.log(np.maximum(self.usual_snr(y_px, x_px), 1e-6))
        limit = math.log(CANDIDATE_SNR)
        return np.asarray(ndtr((limit - usual) / self.model.brightness.spread))


def detect_channel(
    image: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: DetectConfig | None = None,
) -> ChannelSpots:
    """Find the spots of one probe channel and measure what the channel can show.

    Parameters
    ----------
    image : ndarray of shape (H, W)
        Probe channel in raw counts.
    pixel_size_um : float or None
        Pixel size; None if unknown: the width limits are then 0.75 to 4.4 px and the table's
        diameters are in pixels.
    config : DetectConfig, optional
        Limits in micrometres and noise units.

    Returns
    -------
    ChannelSpots
        Its table is ordered by y, then x, and empty if nothing in the picture is a spot.
    """
    search = _Search(image, pixel_size_um, config or DetectConfig())
    fits, model = search.run()
    table = search.table(fits, model)
    return ChannelSpots(
        table=table,
        model=model,
        usual_amplitude=float(np.median(table.amplitude)) if len(table) else 0.0,
        noise=float(np.median(search.noise)),
        spread=search.spread,
        peak=float(response_peak(search.width_px, np.float64(model.width_px))),
        shape=search.image.shape,
    )


def detect_spots(
    image: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    config: DetectConfig | None = None,
) -> SpotTable:
    """Find the spots of one probe channel; see `detect_channel` for the parameters."""
    return detect_channel(image, pixel_size_um=pixel_size_um, config=config).table


class _Search:
    """One channel being searched: the picture, its noise, and the limits in pixels."""

    def __init__(
        self, image: npt.NDArray[Any], pixel_size_um: float | None, config: DetectConfig
    ) -> None:
        self.image = np.ascontiguousarray(image, np.float32)
        self.config = config
        self.scale_um = 1.0 if pixel_size_um is None else pixel_size_um
        self.saturation = saturation_level(image)
        self.width_px, self.narrowest, self.widest = _width_range(pixel_size_um, config)
        self.floor = 0.29 if image.dtype.kind in "ui" else 1e-6 * float(np.ptp(self.image) or 1.0)
        self.noise = np.maximum(local_noise(self.image, block_px=NOISE_BLOCK_PX), np.float32(self.floor))
        self.bin = max(1, int(self.width_px / 1.2))
        self.spread = self.noise

    def run(self) -> tuple[_Fits, SpotModel]:
        """Search twice, fit everything together, and return what is accepted and was learned."""
        candidates = self._candidates(self.image, self._prior())
        model = self._learn(candidates.take(self._is_spot(candidates)))
        seeds = _seeds(self.image, candidates.take(self._is_hopeful(candidates, model)), model)
        if len(seeds) == 0:
            return candidates.take(np.empty(0, np.intp)), model
        first = self._fit_together(seeds, model)
        first = first.take(self._accepted(first, model) & ~_is_twin(first, model.width_px))
        first = first.take(~_is_lumpy(first, model.width_px))
        residual = self.image.copy()
        subtract_spots(residual, first.spots, self._radius(model) + 2)
        more = self._candidates(residual, model, near=first)
        more = more.take(self._is_spot(more) & ~_is_ghost(more, first, model.width_px))
        fits = first
        if len(more):
            subtract_spots(residual, more.spots, self._radius(model) + 2)
            fits = self._refit(residual, first.join(more), model)
        model = self._learn(fits.take(self._is_spot(fits)))
        fits = fits.take(self._accepted(fits, model))
        return fits.take(~_is_lumpy(fits, model.width_px)), model

    def _prior(self) -> SpotModel:
        return SpotModel(self.width_px, 0.5 * self.width_px, None, 0)

    def _is_hopeful(self, fits: _Fits, model: SpotModel) -> npt.NDArray[np.bool_]:
        """Return which candidates may be a spot, or one of touching spots.

        Touching spots spoil each other's window, so only the pixel noise counts here.
        """
        noise = sample_grid(self.noise, self.image.shape, fits.spots[:, Y], fits.spots[:, X])
        snr = fits.spots[:, AMPLITUDE] / (fits.figures[:, SE_AMPLITUDE] * noise)
        return (model.p_real(snr) >= HOPEFUL_P_REAL) & (fits.spots[:, WIDTH] >= self.narrowest)

    def _accepted(self, fits: _Fits, model: SpotModel) -> npt.NDArray[np.bool_]:
        bright = fits.spots[:, AMPLITUDE] >= self.config.min_brightness * model.usual_amplitude
        return self._is_spot(fits) & bright & (self._p_real(fits, model) >= MIN_P_REAL)

    def _fit_together(self, seeds: Floats, model: SpotModel) -> _Fits:
        """Fit starting values beside each other."""
        residual = self.image.copy()
        subtract_spots(residual, seeds, self._radius(model) + 2)
        fits = _Fits(seeds, np.zeros((len(seeds), N_FIGURES)), np.zeros(len(seeds)))
        return self._refit(residual, fits, model)

    def _candidates(self, picture: Image, model: SpotModel, near: _Fits | None = None) -> _Fits:
        """Return fitted local maxima of the band-pass response, all or those near other spots."""
        y, x = self._peaks(picture)
        spots = np.zeros((len(y), N_PARAMETERS))
        spots[:, Y], spots[:, X] = y, x
        if near is not None:
            spots = spots[_within(spots, near.spots, GHOST_REACH * model.width_px + 1)]
        return self._fit(picture, spots, model, fresh=True)

    def _peaks(self, picture: Image) -> tuple[Floats, Floats]:
        """Return local maxima above the local noise and texture, in full-size pixels."""
        height, width = picture.shape
        size = (max(1, width // self.bin), max(1, height // self.bin))
        small = picture if self.bin == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        sigma = self.width_px / self.bin
        response = band_pass(small, sigma)
        spread = local_spread(response, block_px=max(16, 3 * BLOCK_PX // (2 * self.bin)))
        floor = cv2.resize(self.noise, spread.shape[::-1]) * (response_norm(sigma) / self.bin)
        self.spread = np.maximum(spread, floor)
        limit = cv2.resize(self.spread * np.float32(CANDIDATE_SNR), size)
        padded = cv2.copyMakeBorder(response, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-1e30)
        y, x = _local_maxima(padded, limit)
        return (y + 0.5) * height / size[1] - 0.5, (x + 0.5) * width / size[0] - 0.5

    def _fit(self, residual: Image, spots: Floats, model: SpotModel, *, fresh: bool,
             figures: Floats | None = None) -> _Fits:  # fmt: skip
        figures = np.zeros((len(spots), N_FIGURES)) if figures is None else figures
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        radius = self._radius(model)
        limits = (0.4, 1.5 * self.widest, 1.5 * self.width_px)
        prior = (model.width_px, model.width_spread_px)
        fit_spots(self.image, residual, spots, figures, noise, radius, limits, prior,
                  self.saturation, fresh)  # fmt: skip
        return _Fits(spots, figures, self._snr(spots, figures))

    def _snr(self, spots: Floats, figures: Floats) -> Floats:
        """Return amplitudes over their standard errors in the noise and texture around them."""
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        around = np.maximum(figures[:, RESIDUAL], noise)
        return np.asarray(spots[:, AMPLITUDE] / (figures[:, SE_AMPLITUDE] * around))

    def _is_spot(self, fits: _Fits) -> npt.NDArray[np.bool_]:
        """Return which fits have the width and shape of a spot."""
        width, quality = fits.spots[:, WIDTH], fits.figures[:, QUALITY]
        return (
            (fits.spots[:, AMPLITUDE] > 0)
            & (width >= self.narrowest)
            & (width <= self.widest)
            & (quality >= self.config.min_quality)
        )

    def _learn(self, fits: _Fits) -> SpotModel:
        """Learn width and brightness from solid spots; fall back to defaults without them."""
        solid = fits.take((fits.snr >= SOLID_SNR) & (fits.figures[:, QUALITY] >= SOLID_QUALITY))
        middle, spread = self.width_px, 0.5 * self.width_px
        if len(solid) >= MIN_SOLID:
            widths = solid.spots[:, WIDTH]
            middle = float(np.median(widths))
            spread = max(0.15 * middle, 1.4826 * float(np.median(np.abs(widths - middle))))
        mixture = fit_brightness(_evidence(fits, middle), floor=FLOOR_SNR, solid=SOLID_SNR)
        return SpotModel(middle, spread, mixture, len(solid), _usual(solid.spots[:, AMPLITUDE]))

    def _p_real(self, fits: _Fits, model: SpotModel) -> Floats:
        """Return the probability of each fit to be a signal."""
        evidence = _evidence(fits, model.width_px)
        return np.where(fits.snr >= self.config.min_snr, model.p_real(evidence), 0.0)

    def _radius(self, model: SpotModel) -> int:
        """Return the half-width of the fitting window in pixels."""
        return math.ceil(2.7 * max(model.width_px, 0.8 * self.width_px))

    def _refit(self, residual: Image, fits: _Fits, model: SpotModel) -> _Fits:
        """Fit all spots beside each other; those that touch, a few rounds.

        `residual` has none of the spots left, and is kept so.
        """
        fits = self._fit(residual, fits.spots, model, fresh=False, figures=fits.figures)
        crowd = _crowded(fits.spots, CROWD_REACH * model.width_px)
        for _ in range(N_REFITS - 1):
            if not crowd.any():
                break
            again = fits.take(crowd)
            again = self._fit(residual, again.spots, model, fresh=False, figures=again.figures)
            fits.spots[crowd], fits.figures[crowd] = again.spots, again.figures
            fits.snr[crowd] = again.snr
        return fits

    def table(self, fits: _Fits, model: SpotModel) -> SpotTable:
        """Return the fits as a table in the order of y, then x."""
        spots = fits.spots
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        flags = np.where(fits.figures[:, N_SATURATED] > 0, int(SpotFlag.SATURATED), 0)
        flags |= np.where(_touches(fits), int(SpotFlag.TOUCHING), 0)
        order = np.lexsort((spots[:, X], spots[:, Y]))
        return SpotTable(
            y_px=spots[:, Y],
            x_px=spots[:, X],
            snr=fits.snr,
            diameter_um=spots[:, WIDTH] * FWHM * self.scale_um,
            amplitude=spots[:, AMPLITUDE],
            background=spots[:, BACKGROUND],
            noise=noise,
            quality=fits.figures[:, QUALITY],
            p_real=self._p_real(fits, model),
            flags=flags,
        ).take(order)


def saturation_level(image: npt.NDArray[Any]) -> float:
    """Return the count at which the camera is full; infinity if the picture does not reach it.

    The top of the dtype, or a 10-, 12- or 14-bit camera's top if the picture's maximum is exactly
    that and reached by several pixels.
    """
    if image.dtype.kind not in "ui":
        return math.inf
    top = int(image.max(initial=0))
    full = {int(np.iinfo(image.dtype).max)} | {2**bits - 1 for bits in (10, 12, 14)}
    reached = top in full and int((image == top).sum()) >= 4
    return float(top) if reached else math.inf


def _width_range(pixel_size_um: float | None, config: DetectConfig) -> tuple[float, float, float]:
    """Return the expected, narrowest and widest standard deviation in pixels."""
    if pixel_size_um is None:
        return DEFAULT_WIDTH_PX, MIN_WIDTH_PX, 2.5 * DEFAULT_WIDTH_PX
    narrowest = config.min_diam_um / FWHM / pixel_size_um
    widest = config.max_diam_um / FWHM / pixel_size_um
    expected = config.usual_diam_um / FWHM / pixel_size_um
    return max(expected, 1.0), max(narrowest, MIN_WIDTH_PX), max(widest, 2.0 * MIN_WIDTH_PX)


def _usual(amplitudes: Floats) -> float:
    """Return the amplitude above and below which lies half of the light; 0 for no spots."""
    if len(amplitudes) == 0:
        return 0.0
    ranked = np.sort(amplitudes)
    light = np.cumsum(ranked)
    return float(ranked[np.searchsorted(light, light[-1] / 2)])


def _evidence(fits: _Fits, width_px: float) -> Floats:
    """Return the SNR discounted by an odd shape: elongated, or of unusual width."""
    ratio = fits.spots[:, WIDTH] / width_px
    usual = np.minimum(ratio, 1.0 / ratio)
    return np.asarray(fits.snr * np.exp(fits.figures[:, ROUNDNESS] - 1.0) * usual)


def _seeds(image: Image, fits: _Fits, model: SpotModel) -> Floats:
    """Return starting values for the joint fit, with odd bright candidates taken apart.

    Candidates beside each other start again from the usual width, so that none of them covers
    both; a lone elongated or broad one starts as two along its long axis.
    """
    spots, width = fits.spots.copy(), model.width_px
    if len(spots) == 0:
        return spots
    crowded = _crowded(spots, CROWD_REACH * width)
    odd = (fits.figures[:, ROUNDNESS] < ODD_ROUNDNESS) & (spots[:, WIDTH] < TWIN_WIDTH * width)
    odd &= (fits.snr >= SOLID_SNR) & ~crowded & (model.n_solid >= MIN_SOLID)
    spots[crowded | odd, WIDTH] = width
    along = width * np.stack([np.sin(fits.figures[:, AXIS]), np.cos(fits.figures[:, AXIS])], axis=1)
    twins = spots[odd].copy()
    spots[np.ix_(odd, [Y, X])] += along[odd]
    twins[:, [Y, X]] -= along[odd]
    return np.concatenate([spots, twins])


def _crowded(spots: Floats, reach_px: float) -> npt.NDArray[np.bool_]:
    """Return which spots have another one within `reach_px`."""
    crowded = np.zeros(len(spots), bool)
    if len(spots) > 1:
        pairs = cKDTree(spots[:, [Y, X]]).query_pairs(reach_px, output_type="ndarray")
        crowded[pairs.ravel()] = True
    return crowded


def _is_twin(fits: _Fits, width_px: float) -> npt.NDArray[np.bool_]:
    """Return the dimmer one of two spots that ended up in one place."""
    twin = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return twin
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(TWIN_WIDTHS * width_px, output_type="ndarray")
    dimmer = np.where(
        fits.spots[pairs[:, 0], AMPLITUDE] < fits.spots[pairs[:, 1], AMPLITUDE],
        pairs[:, 0], pairs[:, 1],
    )  # fmt: skip
    twin[dimmer] = True
    return twin


def _is_lumpy(fits: _Fits, width_px: float) -> npt.NDArray[np.bool_]:
    """Return which close spots are pieces of something broader: all of them too wide."""
    lumpy = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return lumpy
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(LUMP_REACH * width_px, output_type="ndarray")
    wide = fits.spots[:, WIDTH] > LUMP_WIDTH * width_px
    lumpy[pairs[wide[pairs].all(axis=1)].ravel()] = True
    return lumpy


def _within(spots: Floats, others: Floats, reach_px: float) -> npt.NDArray[np.bool_]:
    """Return which spots lie within `reach_px` of any of the others."""
    distance, _ = cKDTree(others[:, [Y, X]]).query(
        spots[:, [Y, X]], distance_upper_bound=reach_px
    )
    return np.isfinite(distance)


def _is_ghost(more: _Fits, found: _Fits, width_px: float) -> npt.NDArray[np.bool_]:
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


def _touches(fits: _Fits) -> npt.NDArray[np.bool_]:
    """Return which spots lie closer to another than the sum of their half-maximum radii."""
    touching = np.zeros(len(fits), bool)
    if len(fits) < 2:
        return touching
    radius = fits.spots[:, WIDTH] * FWHM / 2
    pairs = cKDTree(fits.spots[:, [Y, X]]).query_pairs(2 * radius.max(), output_type="ndarray")
    apart = np.linalg.norm(np.diff(fits.spots[pairs][:, :, [Y, X]], axis=1)[:, 0], axis=1)
    touching[pairs[apart < radius[pairs].sum(axis=1)].ravel()] = True
    return touching


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _local_maxima(response, limit):  # type: ignore[no-untyped-def]
    """Return rows and columns above `limit` and all neighbours; `response` has a rim of one."""
    height, width = limit.shape
    found = np.empty((limit.size // 4 + 1, 2), np.float64)
    n = 0
    for i in range(height):
        for j in range(width):
            r, c = i + 1, j + 1
            v = response[r, c]
            if (
                v > limit[i, j]
                and v >= response[r, c - 1]
                and v > response[r, c + 1]
                and v >= response[r - 1, c]
                and v > response[r + 1, c]
                and v >= response[r - 1, c - 1]
                and v >= response[r - 1, c + 1]
                and v > response[r + 1, c - 1]
                and v > response[r + 1, c + 1]
            ):
                found[n, 0], found[n, 1] = i, j
                n += 1
    return found[:n, 0].copy(), found[:n, 1].copy()
