"""Search of one probe channel: response, candidates, joint fits, and what is accepted."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.config import DetectConfig
from alkfish.detect.evidence import fit_brightness
from alkfish.detect.fits import Fits, Floats, Mask, SpotModel, evidence_of, usual_amplitude
from alkfish.detect.fitting import (
    AMPLITUDE,
    BACKGROUND,
    FWHM,
    N_FIGURES,
    N_PARAMETERS,
    N_SATURATED,
    QUALITY,
    RESIDUAL,
    SE_AMPLITUDE,
    WIDTH,
    X,
    Y,
    add_spots,
    fit_spots,
    subtract_spots,
)
from alkfish.detect.kernels import local_maxima, remove_hot_pixels
from alkfish.detect.response import (
    Image,
    band_pass,
    local_noise,
    local_spread,
    response_norm,
    sample_grid,
)
from alkfish.detect.touching import (
    CROWD_REACH,
    GHOST_REACH,
    MIN_SOLID,
    SOLID_SNR,
    is_crowded,
    is_ghost,
    is_lumpy,
    is_touching,
    is_twin,
    is_within,
    starting_values,
)
from alkfish.model.flags import SpotFlag
from alkfish.model.spots import SpotTable

CANDIDATE_SNR = 3.3
FLOOR_SNR = 2.3
FAINT_SHARE = 0.08
"""Candidates fainter than this share of the solid ones cannot be accepted: they are not fitted."""

SOLID_QUALITY = 0.8
MIN_WIDTH_PX = 0.75
DEFAULT_WIDTH_PX = 1.75
MIN_P_REAL = 0.7
HOPEFUL_P_REAL = 0.2
N_REFITS = 6
BLOCK_PX = 64
HOT_NOISE = 6.0
FILL_REACH = 3.0
QUANTISATION = 0.29
"""Noise of rounding to whole counts: the least that an integer picture can have."""


class SpotSearch:
    """One channel being searched: the picture, its noise, and the limits in pixels."""

    def __init__(
        self, image: npt.NDArray[Any], pixel_size_um: float | None, config: DetectConfig
    ) -> None:
        self.image: Image = np.array(image, np.float32, order="C")
        self.config = config
        self.scale_um = 1.0 if pixel_size_um is None else pixel_size_um
        self.saturation = saturation_level(image)
        self.width_px, self.narrowest, self.widest = _width_range(pixel_size_um, config)
        least = QUANTISATION if image.dtype.kind in "ui" else 1e-6 * float(np.ptp(self.image) or 1)
        noise = local_noise(self.image, block_px=BLOCK_PX)
        self.noise: Image = np.maximum(noise, np.float32(least))
        remove_hot_pixels(self.image, HOT_NOISE * float(np.median(self.noise)))
        self.fill = fill_mask(self.image)
        if self.fill.any():
            self.image[self.fill] = np.median(self.image[~self.fill])
        self.bin = max(1, int(self.width_px / 1.2))
        self.spread = self.noise

    def run(self) -> tuple[Fits, SpotModel]:
        """Search twice, fit everything together, and return what is accepted and was learned."""
        candidates = self._candidates(self.image, self._prior())
        model = self._learn(candidates.take(self._is_spot(candidates)))
        seeds = starting_values(candidates.take(self._is_hopeful(candidates, model)), model)
        if len(seeds) == 0:
            return candidates.take(np.empty(0, np.intp)), model
        residual = self.image.copy()
        subtract_spots(residual, seeds, self._radius(model) + 2)
        first = self._fit_together(residual, seeds, model)
        keep = self._accepted(first, model) & ~is_twin(first, model.width_px)
        keep[keep] = ~is_lumpy(first.take(keep), model.width_px)
        add_spots(residual, first.spots[~keep], self._radius(model) + 2)
        first = first.take(keep)
        more = self._candidates(residual, model, near=first)
        more = more.take(self._is_spot(more) & ~is_ghost(more, first, model.width_px))
        fits = first
        if len(more):
            subtract_spots(residual, more.spots, self._radius(model) + 2)
            fits = self._refit(residual, first.join(more), model)
        model = self._learn(fits.take(self._is_spot(fits)))
        fits = fits.take(self._accepted(fits, model))
        return fits.take(~is_lumpy(fits, model.width_px)), model

    def _prior(self) -> SpotModel:
        return SpotModel(self.width_px, 0.5 * self.width_px, None, 0)

    def _is_hopeful(self, fits: Fits, model: SpotModel) -> Mask:
        """Return which candidates may be a spot, or one of touching spots.

        Touching spots spoil each other's window, so only the pixel noise counts here.
        """
        noise = sample_grid(self.noise, self.image.shape, fits.spots[:, Y], fits.spots[:, X])
        snr = fits.spots[:, AMPLITUDE] / (fits.figures[:, SE_AMPLITUDE] * noise)
        return (model.p_real(snr) >= HOPEFUL_P_REAL) & (fits.spots[:, WIDTH] >= self.narrowest)

    def _accepted(self, fits: Fits, model: SpotModel) -> Mask:
        bright = fits.spots[:, AMPLITUDE] >= self.config.min_brightness * model.usual_amplitude
        return self._is_spot(fits) & bright & (self._p_real(fits, model) >= MIN_P_REAL)

    def _fit_together(self, residual: Image, seeds: Floats, model: SpotModel) -> Fits:
        """Fit starting values beside each other on a picture that has none of them left."""
        fits = Fits(seeds, np.zeros((len(seeds), N_FIGURES)), np.zeros(len(seeds)))
        return self._refit(residual, fits, model)

    def _candidates(self, picture: Image, model: SpotModel, near: Fits | None = None) -> Fits:
        """Return fitted local maxima of the band-pass response, all or those near other spots."""
        y, x = self._peaks(picture)
        spots = np.zeros((len(y), N_PARAMETERS))
        spots[:, Y], spots[:, X] = y, x
        if near is not None:
            spots = spots[is_within(spots, near.spots, GHOST_REACH * model.width_px + 1)]
        return self._fit(picture, spots, model, fresh=True)

    def _peaks(self, picture: Image) -> tuple[Floats, Floats]:
        """Return local maxima above the local noise and texture, in full-size pixels."""
        height, width = picture.shape
        size = (max(1, width // self.bin), max(1, height // self.bin))
        small: Image = picture
        if self.bin > 1:
            area = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            small = np.asarray(area, np.float32)
        sigma = self.width_px / self.bin
        response = band_pass(small, sigma)
        spread = local_spread(response, block_px=max(16, BLOCK_PX // self.bin))
        floor = cv2.resize(self.noise, spread.shape[::-1]) * (response_norm(sigma) / self.bin)
        self.spread = np.maximum(spread, floor)
        limit = cv2.resize(self.spread * np.float32(CANDIDATE_SNR), size)
        padded = cv2.copyMakeBorder(response, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-1e30)
        y, x, height_snr = local_maxima(padded, limit)
        height_snr *= CANDIDATE_SNR
        solid = height_snr[height_snr >= SOLID_SNR]
        if len(solid) >= MIN_SOLID:
            kept = height_snr >= FAINT_SHARE * np.median(solid)
            y, x = y[kept], x[kept]
        y, x = (y + 0.5) * height / size[1] - 0.5, (x + 0.5) * width / size[0] - 0.5
        if self.fill.any():
            real = ~self._beside_fill()[np.rint(y).astype(int), np.rint(x).astype(int)]
            y, x = y[real], x[real]
        return y, x

    def _beside_fill(self) -> Mask:
        """Return the pixels so near to fill that its step could look like a spot."""
        reach = math.ceil(FILL_REACH * self.width_px)
        around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        return np.asarray(cv2.dilate(self.fill.astype(np.uint8), around) > 0)

    def _fit(self, residual: Image, spots: Floats, model: SpotModel, *, fresh: bool,
             figures: Floats | None = None) -> Fits:  # fmt: skip
        figures = np.zeros((len(spots), N_FIGURES)) if figures is None else figures
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        radius = self._radius(model)
        limits = (0.4, 1.5 * self.widest, 1.5 * self.width_px)
        prior = (model.width_px, model.width_spread_px)
        fit_spots(self.image, residual, spots, figures, noise, radius, limits, prior,
                  self.saturation, fresh)  # fmt: skip
        return Fits(spots, figures, self._snr(spots, figures))

    def _snr(self, spots: Floats, figures: Floats) -> Floats:
        """Return amplitudes over their standard errors in the noise and texture around them."""
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        around = np.maximum(figures[:, RESIDUAL], noise)
        return np.asarray(spots[:, AMPLITUDE] / (figures[:, SE_AMPLITUDE] * around))

    def _is_spot(self, fits: Fits) -> Mask:
        """Return which fits have the width and shape of a spot."""
        width, quality = fits.spots[:, WIDTH], fits.figures[:, QUALITY]
        return (
            (fits.spots[:, AMPLITUDE] > 0)
            & (width >= self.narrowest)
            & (width <= self.widest)
            & (quality >= self.config.min_quality)
        )

    def _learn(self, fits: Fits) -> SpotModel:
        """Learn width and brightness from solid spots; fall back to defaults without them."""
        solid = fits.take((fits.snr >= SOLID_SNR) & (fits.figures[:, QUALITY] >= SOLID_QUALITY))
        middle, spread = self.width_px, 0.5 * self.width_px
        if len(solid) >= MIN_SOLID:
            widths = solid.spots[:, WIDTH]
            middle = float(np.median(widths))
            spread = max(0.15 * middle, 1.4826 * float(np.median(np.abs(widths - middle))))
        mixture = fit_brightness(evidence_of(fits, middle), floor=FLOOR_SNR, solid=SOLID_SNR)
        return SpotModel(
            middle, spread, mixture, len(solid), usual_amplitude(solid.spots[:, AMPLITUDE])
        )

    def _p_real(self, fits: Fits, model: SpotModel) -> Floats:
        """Return the probability of each fit to be a signal."""
        evidence = evidence_of(fits, model.width_px)
        return np.where(fits.snr >= self.config.min_snr, model.p_real(evidence), 0.0)

    def _radius(self, model: SpotModel) -> int:
        """Return the half-width of the fitting window in pixels."""
        return math.ceil(2.7 * max(model.width_px, 0.8 * self.width_px))

    def _refit(self, residual: Image, fits: Fits, model: SpotModel) -> Fits:
        """Fit all spots beside each other; those that touch, a few rounds.

        `residual` has none of the spots left, and is kept so.
        """
        fits = self._fit(residual, fits.spots, model, fresh=False, figures=fits.figures)
        crowd = is_crowded(fits.spots, CROWD_REACH * model.width_px)
        for _ in range(N_REFITS - 1):
            if not crowd.any():
                break
            again = fits.take(crowd)
            again = self._fit(residual, again.spots, model, fresh=False, figures=again.figures)
            fits.spots[crowd], fits.figures[crowd] = again.spots, again.figures
            fits.snr[crowd] = again.snr
        return fits

    def table(self, fits: Fits, model: SpotModel) -> SpotTable:
        """Return the fits as a table in the order of y, then x."""
        spots = fits.spots
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        flags = np.where(fits.figures[:, N_SATURATED] > 0, int(SpotFlag.SATURATED), 0)
        flags |= np.where(is_touching(fits), int(SpotFlag.TOUCHING), 0)
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


def fill_mask(image: Image) -> Mask:
    """Return which pixels are constant fill: black padding of a stitched or turned picture.

    Pixels at the picture's minimum whose neighbours all are, too; no camera gives that. All False
    for a picture that is constant throughout.
    """
    least = image.min()
    lowest = image == least if (image[::4, ::4] == least).any() else np.zeros(image.shape, bool)
    if lowest.all() or not lowest.any():
        return np.zeros(image.shape, bool)
    inner = cv2.erode(lowest.astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray((cv2.dilate(inner, np.ones((5, 5), np.uint8)) > 0) & lowest)


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
