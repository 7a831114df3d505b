"""Measuring, on sample pictures of a slide, what its fields must agree on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.segment.background import HAZE_WIDTH, foreground_mask, haze_reach
from alkfish.segment.classical import assumed_width, fit_width, segment_nuclei
from alkfish.segment.declump import (
    Layers,
    RegionGraph,
    Typical,
    joined_width,
    split_foreground,
)
from alkfish.segment.kernels import mean_rim_slope
from alkfish.segment.levels import DapiLevels
from alkfish.segment.measure import clip_counts, measure_nuclei
from alkfish.segment.scale import median_width
from alkfish.segment.scorable import largest_single_um2
from alkfish.segment.working import WorkPicture, grid_px, work_scale

Plane = npt.NDArray[Any]


def measure_dapi(
    planes: Sequence[Plane], *, pixel_size_um: float, config: Config | None = None
) -> DapiLevels:
    """Measure what belongs to the DAPI channel of a slide on samples of it.

    The figures are those a single field takes from itself, over all samples together. The global
    threshold is the lower quartile of those of the samples, so that weakly stained regions keep
    their nuclei. Samples in which no nuclei stand out are left out.

    Parameters
    ----------
    planes : sequence of ndarray of uint8, uint16 or float32, shape (H, W)
        Samples of the slide, raw counts; best some 1000 px wide or more, and with tissue.
    pixel_size_um : float
        Width of a pixel in um.
    config : Config, optional
        Settings; the defaults if left out.

    Returns
    -------
    DapiLevels
        With a cut of infinity if no sample shows nuclei: then none are found with it.
    """
    settings = Config() if config is None else config
    usable = [plane for plane in planes if min(plane.shape) >= 2 and plane.min() < plane.max()]
    diam_px = _common_width(usable, pixel_size_um, settings)
    samples = [WorkPicture.from_raw(plane, diam_px) for plane in usable]
    levels = _measure_work(samples, diam_px)
    levels = replace(levels, ceiling=clip_counts(planes))
    if levels.cut == math.inf:
        return levels
    areas = [_areas_um2(plane, levels, pixel_size_um) for plane in usable]
    largest = largest_single_um2(np.concatenate(areas), settings.scorable)
    return replace(levels, largest_um2=largest)


def halo_px(
    pixel_size_um: float, config: Config | None = None, *, levels: DapiLevels | None = None
) -> int:
    """Return the margin beyond which the surroundings do not change what is found.

    It is the sum of the reach of the background, of the smoothing and of the local threshold, and
    of the grids; clumps of touching nuclei that go on beyond it may still differ.

    Parameters
    ----------
    pixel_size_um : float
        Width of a pixel in um.
    config : Config, optional
        Settings; the defaults if left out.
    levels : DapiLevels, optional
        For the width of the slide's own nuclei instead of the expected one.
    """
    settings = Config() if config is None else config
    diam_px = settings.segment.nucleus_diam_um / pixel_size_um if levels is None else levels.diam_px
    scale = work_scale(diam_px)
    around = haze_reach(HAZE_WIDTH * diam_px * scale) + 1.2 * diam_px * scale
    return math.ceil(around / scale) + grid_px(diam_px)


def _common_width(usable: Sequence[Plane], pixel_size_um: float, settings: Config) -> float:
    """Return the width of the nuclei of all samples, within the bounds of the settings."""
    fits = [fit_width(plane, pixel_size_um, settings.segment) for plane in usable]
    areas = np.concatenate([np.zeros(0), *(areas for _, _, areas in fits)])
    expected, low, high = assumed_width(np.zeros((2, 2)), pixel_size_um, settings.segment)
    return min(max(median_width(areas), low), high) if len(areas) else expected


def _measure_work(samples: Sequence[WorkPicture], diam_px: float) -> DapiLevels:
    """Return the levels, but for those of the measurements, from samples at one resolution."""
    noise = float(np.median([work.noise for work in samples])) if samples else 0.0
    nothing = DapiLevels(diam_px, diam_px, noise, math.inf, 0.0, 1.0, 1.0, math.inf, math.inf)
    signals = [work.signal() for work in samples]
    cuts = [work.clear_foreground(part)[1] for work, part in zip(samples, signals, strict=True)]
    clear = np.isfinite(cuts)
    if not clear.any():
        return nothing
    cut = float(np.quantile(np.array(cuts)[clear], 0.25))
    scale, width = samples[0].scale, samples[0].diam_px
    kept = [part for part, wanted in zip(signals, clear, strict=True) if wanted]
    masks = [foreground_mask(part, width, cut) for part in kept]
    inside = np.concatenate([part[mask > 0] for part, mask in zip(kept, masks, strict=True)])
    bright = float(inside.mean(dtype=np.float64)) if len(inside) else 0.0
    layers = [
        Layers.from_signal(part, mask, width, bright)
        for part, mask in zip(kept, masks, strict=True)
    ]
    joined = joined_width(np.concatenate([_joined_areas(part) for part in layers]), width)
    typical = _typical_region(layers, joined)
    return replace(
        nothing,
        joined_diam_px=joined / scale,
        cut=cut,
        brightness=bright,
        nucleus_signal=typical.signal,
        rim_slope=typical.rim_slope,
    )


def _joined_areas(layers: Layers) -> npt.NDArray[np.float64]:
    basins, count = layers.basins()
    return RegionGraph.from_labels(basins, count, layers).joined_areas()


def _typical_region(samples: Sequence[Layers], diam_px: float) -> Typical:
    figures = []
    for layers in samples:
        labels, count = split_foreground(layers, diam_px)
        areas = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.float64)
        total = np.bincount(labels.ravel(), layers.signal.ravel(), minlength=count + 1)[1:]
        slope = mean_rim_slope(labels, count, layers.signal)
        figures.append(np.stack([areas, total / np.maximum(areas, 1.0), slope]))
    areas, means, slopes = np.maximum(np.concatenate(figures, axis=1), 1e-9)
    return Typical.from_regions(areas, means, slopes)


def _areas_um2(plane: Plane, levels: DapiLevels, pixel_size_um: float) -> npt.NDArray[np.float64]:
    labels = segment_nuclei(plane, pixel_size_um=pixel_size_um, levels=levels)
    return measure_nuclei(labels, plane, pixel_size_um=pixel_size_um).area_um2
