"""Search of one probe channel: response, candidates, joint fits, and what is accepted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from alkfish.config import DetectConfig
from alkfish.detect.fits import Fits, Floats, Mask, SpotModel, evidence_of
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
from alkfish.detect.kernels import local_maxima, remove_hot_pixels, subtract_responses
from alkfish.detect.learning import faint_limit, learn_model
from alkfish.detect.levels import Levels, measure_levels
from alkfish.detect.response import (
    BLOCK_PX,
    Image,
    band_pass,
    band_pass_kernels,
    grid_shape,
    local_noise,
    local_spread,
    response_norm,
    sample_grid,
)
from alkfish.detect.touching import (
    CROWD_REACH,
    GHOST_REACH,
    is_crowded,
    is_ghost,
    is_lumpy,
    is_one,
    is_touching,
    is_twin,
    is_within,
    starting_values,
)
from alkfish.detect.workspace import workspace
from alkfish.model.flags import SpotFlag
from alkfish.model.spots import SpotTable

CANDIDATE_SNR = 3.3
MIN_WIDTH_PX = 0.75
DEFAULT_WIDTH_PX = 1.75
MIN_P_REAL = 0.7
HOPEFUL_P_REAL = 0.2
N_REFITS = 6
WINDOW_WIDTHS = 3.0
"""Half of the window in which a broad spot is placed, in its widths."""

ALONE_WINDOW = 4.7
ALONE_WIDTH = 1.6
"""Of a channel without a population of spots: half of the window, and the broadest spot in it."""

HOT_NOISE = 6.0
FILL_REACH = 3.0
BINNED_WIDTH = 1.2
BINS_PX = (1, 2, 4)
"""Pixels taken together for the search: blocks of the grids must hold whole bins."""


class SpotSearch:
    """One channel being searched: the picture, its noise, and the limits in pixels.

    The picture is searched once: spots are taken out of it and of its response on the way.
    """

    def __init__(
        self,
        image: npt.NDArray[Any],
        pixel_size_um: float | None,
        config: DetectConfig,
        levels: Levels | None = None,
    ) -> None:
        self.config = config
        self.scale_um = 1.0 if pixel_size_um is None else pixel_size_um
        self.width_px, self.narrowest, self.widest = width_range(pixel_size_um, config)
        self.image: Image = workspace.lend(self, image.shape)
        np.copyto(self.image, image, casting="unsafe")
        noise = local_noise(self.image)
        self.levels = levels or measure_levels([image], [noise])
        self.noise: Image = np.maximum(noise, np.float32(self.levels.least_noise))
        remove_hot_pixels(self.image, np.float32(HOT_NOISE) * self.noise, BLOCK_PX)
        self.has_fill = has_low_patch(self.image, self.levels.lowest)
        if self.has_fill:
            self.fill = fill_mask(self.image, self.levels.lowest)
            self.image[self.fill] = self.levels.ground
        full = np.isfinite(self.levels.saturation) and (image >= self.levels.saturation).any()
        self.whole = self.image.copy() if full else self.image
        self.saturation = self.levels.saturation if full else math.inf
        self.bin = max(b for b in BINS_PX if b == 1 or b <= self._largest_bin())
        self.response, self.spread = self._respond()

    def _largest_bin(self) -> float:
        height, width = self.image.shape
        return float(min(self.width_px / BINNED_WIDTH, height, width))

    def candidates(self, faint_snr: float | None = None) -> tuple[Fits, Floats]:
        """Return fitted local maxima of the response and their heights, in noise and texture.

        Those below `faint_snr` are left out; if it is None, those that `faint_limit` gives.
        """
        spots, height = self._peaks()
        kept = height >= (faint_limit(height) if faint_snr is None else faint_snr)
        return self._fit(spots[kept], self._prior(), fresh=True), height[kept]

    def learn(self, candidates: Fits) -> SpotModel:
        """Return what solid spots look like; only candidates of the right width and shape count."""
        return learn_model(candidates.take(self._is_spot(candidates)), self.width_px)

    def find(self, candidates: Fits, model: SpotModel) -> Fits:
        """Fit candidates together, search again beside those that are spots, and fit all."""
        single = candidates.take(self._is_hopeful(candidates, model))
        if len(single) == 0:
            return single
        reach = self._radius(model) + 2
        first = self._fit_apart(single, model)
        keep = self._accepted(first, model) & ~is_twin(first, model.width_px)
        keep[keep] = ~is_lumpy(first.take(keep), model.width_px)
        rejected = first.spots[~keep]
        add_spots(self.image, rejected, reach)
        first = first.take(keep)
        more = self._more_candidates(first, model)
        subtract_spots(self.image, more.spots, reach)
        changed = np.concatenate([rejected, more.spots])
        again = is_within(first.spots, changed, CROWD_REACH * model.width_px)
        return first.take(~again).join(self._refit(first.take(again).join(more), model))

    def _fit_apart(self, single: Fits, model: SpotModel) -> Fits:
        """Take odd candidates apart, fit all together, and join what should not have been parted.

        The picture is left without all spots that are returned.
        """
        seeds, parted = starting_values(single, model)
        reach = self._radius(model) + 2
        subtract_spots(self.image, seeds, reach)
        joint = self._fit_together(seeds, model)
        one = is_one(joint, single, parted, model)
        if not one.any():
            return joint
        halves = np.concatenate([parted[one], len(single) + np.flatnonzero(one)])
        add_spots(self.image, joint.spots[halves], reach)
        again = single.take(parted[one])
        subtract_spots(self.image, again.spots, reach)
        again = self._fit(again.spots, model, fresh=False, figures=again.figures)
        return joint.take(np.delete(np.arange(len(joint)), halves)).join(again)

    def accepted(self, fits: Fits, model: SpotModel) -> Mask:
        """Return which fits are spots in the light of what was learned."""
        keep = self._accepted(fits, model)
        keep[keep] = ~is_lumpy(fits.take(keep), model.width_px)
        if model.brightness is None and keep.any():
            keep[keep] = self._is_narrow(fits.take(keep), model)
        return keep

    def _is_narrow(self, fits: Fits, model: SpotModel) -> Mask:
        """Return which spots are narrow in a window that would show more of something broader.

        The usual window shows just the top of a speck of debris, which then looks like a spot on
        bright ground. No width is expected here, and the picture is left as it was.
        """
        radius = math.ceil(ALONE_WINDOW * self.width_px)
        free = replace(model, width_spread_px=math.inf)
        again = self._fit(fits.spots.copy(), free, fresh=False, radius=radius)
        add_spots(self.image, again.spots, radius + 2)
        subtract_spots(self.image, fits.spots, radius + 2)
        narrow = again.spots[:, WIDTH] <= ALONE_WIDTH * self.width_px
        return np.asarray(narrow & (self._p_real(again, model) >= MIN_P_REAL))

    def spread_at(self, fits: Fits) -> Floats:
        """Return the noise and texture of the response at spots."""
        return sample_grid(self.spread, self.image.shape, fits.spots[:, Y], fits.spots[:, X])

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

    def _fit_together(self, seeds: Floats, model: SpotModel) -> Fits:
        """Fit starting values beside each other on a picture that has none of them left."""
        fits = Fits(seeds, np.zeros((len(seeds), N_FIGURES)), np.zeros(len(seeds)))
        return self._refit(fits, model)

    def _more_candidates(self, found: Fits, model: SpotModel) -> Fits:
        """Return candidates that appear beside found spots, now that these are subtracted."""
        if len(found) == 0:
            return found
        shapes = found.spots[:, [AMPLITUDE, Y, X, WIDTH]]
        kernels = band_pass_kernels(self.width_px / self.bin)
        subtract_responses(self.response, shapes, self._radius(model) + 2, self.bin, *kernels)
        self.spread = self._spread()
        spots, _ = self._peaks()
        near = is_within(spots, found.spots, GHOST_REACH * model.width_px + 1)
        more = self._fit(spots[near], model, fresh=True)
        return more.take(self._is_spot(more) & ~is_ghost(more, found, model.width_px))

    def _respond(self) -> tuple[Image, Image]:
        """Return the band-pass response of the picture, and its local noise and texture."""
        rows, cols = (side // self.bin for side in self.image.shape)
        small: Image = self.image
        if self.bin > 1:
            whole = self.image[: rows * self.bin, : cols * self.bin]
            small = workspace.lend(self, (rows, cols))
            cv2.resize(whole, (cols, rows), dst=small, interpolation=cv2.INTER_AREA)
        out = workspace.lend(self, (2, rows, cols))
        self.response = band_pass(small, self.width_px / self.bin, out=out)
        return self.response, self._spread()

    def _spread(self) -> Image:
        spread = local_spread(
            self.response, block_px=BLOCK_PX // self.bin, grid=grid_shape(self.image.shape)
        )
        norm = response_norm(self.width_px / self.bin) / self.bin
        return np.asarray(np.maximum(spread, self.noise * norm), np.float32)

    def _peaks(self) -> tuple[Floats, Floats]:
        """Return local maxima of the response: unfitted spots, heights in noise and texture."""
        limit = self.spread * np.float32(CANDIDATE_SNR)
        y, x, height = local_maxima(self.response, limit, BLOCK_PX // self.bin)
        y, x = ((at + 0.5) * self.bin - 0.5 for at in (y, x))
        if self.has_fill:
            real = ~self._beside_fill()[np.rint(y).astype(int), np.rint(x).astype(int)]
            y, x, height = y[real], x[real], height[real]
        spots = np.zeros((len(y), N_PARAMETERS))
        spots[:, Y], spots[:, X] = y, x
        return spots, height * CANDIDATE_SNR

    def _beside_fill(self) -> Mask:
        """Return the pixels so near to fill that its step could look like a spot."""
        reach = math.ceil(FILL_REACH * self.width_px)
        around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        return np.asarray(cv2.dilate(self.fill.astype(np.uint8), around) > 0)

    def _fit(self, spots: Floats, model: SpotModel, *, fresh: bool,
             figures: Floats | None = None, radius: int | None = None,
             radius_widths: float = 0.0) -> Fits:  # fmt: skip
        figures = np.zeros((len(spots), N_FIGURES)) if figures is None else figures
        noise = sample_grid(self.noise, self.image.shape, spots[:, Y], spots[:, X])
        limits = (0.4, 1.5 * self.widest, 1.5 * self.width_px)
        prior = (model.width_px, model.width_spread_px)
        radius = self._radius(model) if radius is None else radius
        fit_spots(self.whole, self.image, spots, figures, noise, radius, radius_widths, limits,
                  prior, self.saturation, fresh)  # fmt: skip
        # The noise and texture around a spot are what its window leaves unexplained.
        around = np.maximum(figures[:, RESIDUAL], noise)
        return Fits(spots, figures, spots[:, AMPLITUDE] / (figures[:, SE_AMPLITUDE] * around))

    def _is_spot(self, fits: Fits) -> Mask:
        """Return which fits have the width and shape of a spot."""
        width, quality = fits.spots[:, WIDTH], fits.figures[:, QUALITY]
        return (
            (fits.spots[:, AMPLITUDE] > 0)
            & (width >= self.narrowest)
            & (width <= self.widest)
            & (quality >= self.config.min_quality)
        )

    def _p_real(self, fits: Fits, model: SpotModel) -> Floats:
        """Return the probability of each fit to be a signal."""
        evidence = evidence_of(fits, model.width_px)
        return np.where(fits.snr >= self.config.min_snr, model.p_real(evidence), 0.0)

    def _radius(self, model: SpotModel) -> int:
        """Return the half-width of the fitting window in pixels."""
        return math.ceil(2.7 * max(model.width_px, 0.8 * self.width_px))

    def _refit(self, fits: Fits, model: SpotModel) -> Fits:
        """Fit all spots beside each other; those that touch, a few rounds.

        The picture has none of the spots left, and is kept so.
        """
        fits = self._fit(fits.spots, model, fresh=False, figures=fits.figures)
        crowd = is_crowded(fits.spots, CROWD_REACH * model.width_px)
        for _ in range(N_REFITS - 1):
            if not crowd.any():
                break
            again = fits.take(crowd)
            again = self._fit(again.spots, model, fresh=False, figures=again.figures)
            fits.spots[crowd], fits.figures[crowd] = again.spots, again.figures
            fits.snr[crowd] = again.snr
        return fits

    def centre(self, fits: Fits, model: SpotModel) -> None:
        """Place broad spots again, with all of their light in the window; nothing else changes.

        The usual window leaves out much of the light of spots out of focus. It is the better one
        for telling spots from anything else.
        """
        broad = WINDOW_WIDTHS * fits.spots[:, WIDTH] > self._radius(model) + 0.5
        if not broad.any():
            return
        before = fits.spots[broad]
        after = self._fit(before.copy(), model, fresh=False, radius_widths=WINDOW_WIDTHS).spots
        near = np.hypot(*(after - before)[:, [Y, X]].T) < before[:, WIDTH]
        before[near, Y], before[near, X] = after[near, Y], after[near, X]
        fits.spots[broad] = before

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


def fill_mask(image: Image, lowest: float) -> Mask:
    """Return which pixels are constant fill: black padding of a stitched or turned picture.

    Pixels at the `lowest` count of the channel whose neighbours all are, too; no camera gives that.
    All False for a picture that is constant throughout.
    """
    low = image <= lowest
    if low.all():
        return ~low
    inner = cv2.erode(low.astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray((cv2.dilate(inner, np.ones((5, 5), np.uint8)) > 0) & low)


def has_low_patch(image: Image, lowest: float) -> bool:
    """Return whether there may be 5 x 5 pixels at or below `lowest`, fast if there are none.

    Such a patch holds a pixel of every fourth row and column, and two pixels beside it.
    """
    rows = 4 * np.flatnonzero(image[::4].min(axis=1) <= lowest)
    at, x = np.nonzero(image[rows, ::4] <= lowest)
    y, x = rows[at], 4 * x
    height, width = image.shape
    found = np.zeros((2, len(y)), bool)
    for step in (-1, 1):
        found[0] |= image[np.clip(y + step, 0, height - 1), x] <= lowest
        found[1] |= image[y, np.clip(x + step, 0, width - 1)] <= lowest
    return bool(found.all(axis=0).any())


def width_range(pixel_size_um: float | None, config: DetectConfig) -> tuple[float, float, float]:
    """Return the expected, narrowest and widest standard deviation in pixels."""
    if pixel_size_um is None:
        return DEFAULT_WIDTH_PX, MIN_WIDTH_PX, 2.5 * DEFAULT_WIDTH_PX
    narrowest = config.min_diam_um / FWHM / pixel_size_um
    widest = config.max_diam_um / FWHM / pixel_size_um
    expected = config.usual_diam_um / FWHM / pixel_size_um
    return max(expected, 1.0), max(narrowest, MIN_WIDTH_PX), max(widest, 2.0 * MIN_WIDTH_PX)
