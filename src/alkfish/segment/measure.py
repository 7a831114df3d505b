"""Measurements of labelled nuclei, without any loop over objects in Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.model.nuclei import NucleusTable
from alkfish.segment.runs import edge_profiles, list_runs, solidities, sum_pixels

EDGE_REACH_UM = 0.4
"""Half the width over which a sharp outline must rise from background to nucleus."""


def measure_nuclei(
    labels: npt.NDArray[np.int32],
    dapi: npt.NDArray[Any],
    *,
    pixel_size_um: float | None,
    ceiling: float | None = None,
) -> NucleusTable:
    """Measure every nucleus of a label image.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        0 is background; ids need not be consecutive.
    dapi : ndarray of uint8, uint16 or float32, shape (H, W)
        Raw counts.
    pixel_size_um : float or None
        Width of a pixel; None counts in pixels, as if a pixel were 1 um wide, and looks for
        outlines as sharp as one pixel allows.
    ceiling : float, optional
        Counts at which the camera clips; seen from the picture if left out.

    Returns
    -------
    NucleusTable
        One row per id, in order of the ids; flags are 0. Empty without nuclei.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if labels.shape != dapi.shape:
        raise InputError(
            "labels and picture must have the same shape",
            found=f"labels {labels.shape}, picture {dapi.shape}",
        )
    runs = list_runs(labels)
    if len(runs) == 0:
        return NucleusTable.empty()
    count = int(runs[:, 0].max())
    top = clip_counts([dapi]) if ceiling is None else ceiling
    sums, boxes = sum_pixels(runs, dapi, count, top)
    present = np.flatnonzero(sums[:, 0]) + 1
    starts = _row_starts(boxes)
    solidity = solidities(runs, boxes, starts, sums[:, 0])
    reach = 1.0 if pixel_size_um is None else max(EDGE_REACH_UM / pixel_size_um, 1.0)
    profile = edge_profiles(runs, labels, dapi, count, reach)
    rows = present - 1
    area = sums[rows, 0]
    mean = sums[rows, 3] / area
    background, focus = _outline_figures(profile[rows], mean)
    unit = 1.0 if pixel_size_um is None else pixel_size_um
    return NucleusTable(
        nucleus_id=present.astype(np.int32),
        y_px=sums[rows, 1] / area,
        x_px=sums[rows, 2] / area,
        area_um2=area * unit * unit,
        solidity=solidity[rows],
        dapi_mean=np.maximum(mean - background, 0.0),
        focus=focus,
        saturated=sums[rows, 4] / area,
        flags=np.zeros(len(rows), np.int32),
    )


def clip_counts(planes: Sequence[npt.NDArray[Any]]) -> float:
    """Return the value at which the camera of some pictures clips; infinity for floating point.

    12- and 14-bit cameras store their range in 16 bits, so a peak exactly at 4095 or 16383 counts
    as the top of the range.
    """
    if not planes or planes[0].dtype.kind == "f":
        return math.inf
    if planes[0].dtype == np.uint8:
        return 255.0
    peak = max(int(plane.max(initial=0)) for plane in planes)
    if peak in {(1 << bits) - 1 for bits in (10, 12, 14)}:
        return float(peak)
    return float(np.iinfo(planes[0].dtype).max)


def _row_starts(boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    heights = np.maximum(boxes[:, 1] - boxes[:, 0] + 1, 0).astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(heights)])


def _outline_figures(
    profile: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the local background and the focus score from the mean outline profiles.

    The focus score is the largest share of the contrast that any stretch of two reaches climbs:
    about 1 for a step, 0.4 for an edge blurred with a standard deviation of two reaches.
    """
    background = profile[:, -1]
    contrast = np.maximum(profile.max(axis=1), mean) - profile.min(axis=1)
    climb = (profile[:, :-2] - profile[:, 2:]).max(axis=1)
    return background, np.clip(climb / np.maximum(contrast, 1e-9), 0.0, 1.0)
