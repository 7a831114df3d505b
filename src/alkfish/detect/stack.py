"""From a probe channel's focus stack to spots in three dimensions.

Spots are found on the maximum of planes smoothed in depth, where the detector of single planes
sees every spot near its best. Their depth is the peak of their amplitude along the axis; two clear
peaks at one place are two spots. Each spot is then fitted once more in the planes around its depth,
because a maximum over planes widens it and raises the ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates
from scipy.sparse import coo_array, eye_array
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from alkfish.config import DetectConfig
from alkfish.detect.channel_model import ChannelModel
from alkfish.detect.depth import (
    Depths,
    axial_profile,
    axial_scatter,
    find_depths,
    is_long,
    is_sharp,
    learn_length,
)
from alkfish.detect.fits import Floats
from alkfish.detect.fitting import (
    AMPLITUDE,
    BACKGROUND,
    FWHM,
    N_FIGURES,
    N_PARAMETERS,
    QUALITY,
    RESIDUAL,
    SE_AMPLITUDE,
    WIDTH,
    X,
    Y,
    fit_spots,
    forced_amplitudes,
    subtract_spots,
)
from alkfish.detect.levels import saturation_level
from alkfish.detect.projection import planes_with_content, project_maximum
from alkfish.detect.response import BLOCK_PX, Image, local_noise, sample_grid
from alkfish.detect.search import MIN_P_REAL
from alkfish.detect.spots import ChannelSpots, detect_channel
from alkfish.model.spots import SpotTable

WINDOW = 2.5
"""Half-width of the windows of amplitudes, in standard deviations of a usual spot."""

NEAR = 0.05
"""Spots of other planes that keep a larger share of their height are subtracted."""

MOVED = 1.5
"""A fit that moves further, in usual widths, has lost its spot."""

LARGE_WIDTH = 1.3
"""What is longer in depth than a spot, and in its own plane wider by this factor, is debris."""


@dataclass(frozen=True, eq=False)
class StackSpots:
    """Spots of a stack and the projection they were found on.

    Attributes
    ----------
    channel : ChannelSpots
        Spots with depths; what the channel can show is that of the projection.
    projection : ndarray of float32, shape (H, W)
        Maximum of the smoothed planes, in raw counts.
    length_um : float
        Axial full width at half maximum of a usual spot.
    """

    channel: ChannelSpots
    projection: Image
    length_um: float


def detect_stack(
    stack: npt.NDArray[Any],
    *,
    pixel_size_um: float,
    z_step_um: float,
    config: DetectConfig | None = None,
    model: ChannelModel | None = None,
) -> StackSpots:
    """Find the spots of one probe channel's stack and place them in depth.

    Parameters
    ----------
    stack : ndarray of shape (Z, H, W)
        Planes in raw counts, in the order of their depth.
    pixel_size_um, z_step_um : float
        Width of a pixel and distance of the planes.
    config : DetectConfig, optional
        As for `detect_channel`.
    model : ChannelModel, optional
        What the projections of a channel share, as for `detect_channel`.

    Returns
    -------
    StackSpots
        Table ordered by y, then x, then depth; empty if nothing is a spot. Planes that are one
        constant are left out; depths still count from the first plane.
    """
    settings = config or DetectConfig()
    numbers = planes_with_content(stack)
    full = stack if len(numbers) == len(stack) else stack[numbers]
    z_um = numbers.astype(np.float64) * z_step_um
    projection = project_maximum(full, z_step_um=z_step_um)
    found = detect_channel(projection, pixel_size_um=pixel_size_um, config=settings, model=model)
    if len(found.table) == 0:
        return StackSpots(found, projection, 0.0)
    search = _DepthSearch(full, z_um, found, pixel_size_um, z_step_um, settings)
    table, length = search.run()
    return StackSpots(replace(found, table=table), projection, length)


class _DepthSearch:
    """The spots of one projection being placed in depth."""

    def __init__(
        self, stack: npt.NDArray[Any], z_um: Floats, found: ChannelSpots, pixel_size_um: float,
        z_step_um: float, config: DetectConfig,
    ) -> None:  # fmt: skip
        self.stack, self.z_um, self.found = stack, z_um, found
        self.pixel_size_um, self.z_step_um, self.config = pixel_size_um, z_step_um, config
        self.width = found.model.width_px
        self.saturation = min(saturation_level(plane) for plane in stack)

    def run(self) -> tuple[SpotTable, float]:
        """Return the spots with depths, and the axial length of a usual spot."""
        table = self.found.table
        places = np.stack([table.y_px, table.x_px], axis=1)
        profiles = self._profiles(places)
        errors = table.noise / (math.sqrt(math.pi) * self.width) * 1.3
        length = learn_length(profiles, errors, self.z_um)
        depths = find_depths(profiles, errors, self.z_um, length_um=length)
        scatter = axial_scatter(profiles, depths, self.z_um, length)
        errors = errors * max(1.0, float(np.median(scatter / errors)))
        depths = find_depths(profiles, errors, self.z_um, length_um=length)
        sharp = is_sharp(profiles, depths, self.z_um, length_um=length, min_snr=self.config.min_snr)
        long = is_long(profiles, errors, self.z_um, length_um=length)
        depths = depths.take(sharp[depths.place])
        return self._refined(depths, length, long[depths.place]), length

    def _profiles(self, places: Floats) -> Floats:
        """Return amplitudes at all places in all planes, shape (N, Z), neighbours taken apart."""
        radius = math.ceil(WINDOW * self.width)
        planes = [forced_amplitudes(plane, places, self.width, radius) for plane in self.stack]
        mixed = np.stack(planes, axis=1)
        return _unmixed(mixed, places, self.width, radius)

    def _refined(self, depths: Depths, length_um: float, long: npt.NDArray[np.bool_]) -> SpotTable:
        """Fit each peak in the planes around its depth; second peaks must be spots themselves."""
        rows = self.found.table.take(depths.place)
        rows = replace(rows, z_um=depths.z_um, z_error_um=depths.error_um)
        plane_of = np.abs(depths.z_um[:, None] - self.z_um).argmin(axis=1)
        seeds = np.zeros((len(rows), N_PARAMETERS))
        seeds[:, Y], seeds[:, X], seeds[:, AMPLITUDE] = rows.y_px, rows.x_px, depths.amplitude
        seeds[:, WIDTH] = rows.diameter_um / FWHM / self.pixel_size_um
        fits, figures, noise = seeds.copy(), np.zeros((len(rows), N_FIGURES)), np.ones(len(rows))
        for number, raw in enumerate(self.stack):
            here = np.flatnonzero(plane_of == number)
            if len(here):
                plane = raw.astype(np.float32)
                share = axial_profile(self.z_um[number] - depths.z_um, length_um)
                fits[here], figures[here], noise[here] = self._fit_plane(plane, seeds, share, here)
        return self._judged(rows, seeds, fits, figures, noise, depths.is_second, long)

    def _fit_plane(
        self, plane: Image, seeds: Floats, share: Floats, here: npt.NDArray[np.intp]
    ) -> tuple[Floats, Floats, Floats]:
        """Return the fits of the spots in focus beside the models of all spots near in depth."""
        near = seeds[share > NEAR].copy()
        near[:, AMPLITUDE] *= share[share > NEAR]
        radius = math.ceil(2.7 * max(self.width, 0.8))
        residual = plane.copy()
        subtract_spots(residual, near, radius + 2)
        spots = seeds[here].copy()
        spots[:, AMPLITUDE] *= share[here]
        rim = map_coordinates(plane, [spots[:, Y], spots[:, X]], order=1, mode="nearest")
        spots[:, BACKGROUND] = rim - spots[:, AMPLITUDE]
        noise_grid = np.maximum(local_noise(plane, block_px=BLOCK_PX), np.float32(1e-6))
        noise = sample_grid(noise_grid, plane.shape, spots[:, Y], spots[:, X])
        figures = np.zeros((len(here), N_FIGURES))
        limits = (
            0.4,
            1.5 * self.config.max_diam_um / FWHM / self.pixel_size_um,
            MOVED * self.width,
        )
        prior = (self.found.model.width_px, self.found.model.width_spread_px)
        for _ in range(2):
            fit_spots(plane, residual, spots, figures, noise, radius, 0.0, limits, prior,
                      self.saturation, False)  # fmt: skip
        return spots, figures, noise

    def _judged(
        self, rows: SpotTable, seeds: Floats, fits: Floats, figures: Floats, noise: Floats,
        is_second: npt.NDArray[np.bool_], long: npt.NDArray[np.bool_],
    ) -> SpotTable:  # fmt: skip
        """Return the refined table; fits that lost their spot keep the values of the projection."""
        around = np.maximum(figures[:, RESIDUAL], noise)
        snr = fits[:, AMPLITUDE] / np.maximum(figures[:, SE_AMPLITUDE] * around, 1e-9)
        narrow, wide = (
            limit / FWHM / self.pixel_size_um
            for limit in (self.config.min_diam_um, self.config.max_diam_um)
        )
        moved = np.hypot(fits[:, Y] - seeds[:, Y], fits[:, X] - seeds[:, X])
        good = (fits[:, AMPLITUDE] > 0) & (moved < 0.99 * MOVED * self.width)
        good &= (fits[:, WIDTH] >= narrow) & (fits[:, WIDTH] <= wide)
        good &= (snr >= self.config.min_snr) & (figures[:, QUALITY] >= self.config.min_quality)
        refined = replace(
            rows,
            y_px=np.where(good, fits[:, Y], rows.y_px),
            x_px=np.where(good, fits[:, X], rows.x_px),
            diameter_um=np.where(
                good, fits[:, WIDTH] * FWHM * self.pixel_size_um, rows.diameter_um
            ),
            amplitude=np.where(good, fits[:, AMPLITUDE], rows.amplitude),
            background=np.where(good, fits[:, BACKGROUND], rows.background),
            noise=np.where(good, noise, rows.noise),
            snr=np.where(good, snr, rows.snr),
            quality=np.where(good, figures[:, QUALITY], rows.quality),
        )
        p_second = np.where(good, self.found.model.p_real(snr), 0.0)
        refined = replace(refined, p_real=np.where(is_second, p_second, rows.p_real))
        usual_um = self.width * FWHM * self.pixel_size_um
        large = long & (refined.diameter_um > LARGE_WIDTH * usual_um)
        kept = refined.take(~large & (~is_second | (p_second >= MIN_P_REAL)))
        return kept.take(np.lexsort((kept.z_um, kept.x_px, kept.y_px)))


def _unmixed(mixed: Floats, places: Floats, width: float, radius: int) -> Floats:
    """Return amplitudes with the light of near spots taken out.

    The amplitude fitted at a place is a weighted sum of those of all spots around; the weights
    depend on the distance only and are found by fitting a drawn spot off its centre.
    """
    reach = radius + 2.0 * width
    pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
    if len(pairs) == 0:
        return mixed
    distance = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    weight = np.where(distance > width, _weights_at(distance, width, radius), 0.0)
    n = len(places)
    i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
    system = coo_array((np.concatenate([weight, weight]), (i, j)), shape=(n, n)) + eye_array(n)
    return np.asarray(spsolve(system.tocsc(), mixed)).reshape(mixed.shape)


def _weights_at(distance: Floats, width: float, radius: int) -> Floats:
    half = 2 * radius + math.ceil(4 * width)
    offset = np.arange(-half, half + 1, dtype=np.float64)
    line = np.exp(-(offset**2) / (2 * width**2))
    picture = np.outer(line, line).astype(np.float32)
    at = np.linspace(0.0, radius + 2.0 * width, 64)
    places = np.stack([np.full(64, float(half)), half + at], axis=1)
    found = forced_amplitudes(picture, places, width, radius)
    return np.asarray(np.interp(distance, at, found), np.float64)
