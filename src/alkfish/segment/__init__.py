"""From the DAPI picture to labelled, measured and flagged nuclei."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.model.nuclei import Nuclei
from alkfish.segment.calibrate import halo_px, measure_dapi
from alkfish.segment.classical import segment_nuclei
from alkfish.segment.focus import project_focus
from alkfish.segment.levels import DapiLevels
from alkfish.segment.measure import measure_nuclei
from alkfish.segment.protocol import Segmenter
from alkfish.segment.scorable import shape_flags

__all__ = [
    "DapiLevels",
    "Segmenter",
    "find_nuclei",
    "halo_px",
    "measure_dapi",
    "measure_nuclei",
    "project_focus",
    "segment_nuclei",
    "shape_flags",
]


def find_nuclei(
    dapi: npt.NDArray[Any],
    *,
    pixel_size_um: float,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
    levels: DapiLevels | None = None,
    origin_px: tuple[int, int] = (0, 0),
) -> Nuclei:
    """Segment, measure and flag the nuclei of a DAPI picture.

    Parameters
    ----------
    dapi : ndarray of uint8, uint16 or float32, shape (H, W)
        Raw counts.
    pixel_size_um : float
        Width of a pixel in um.
    config : Config, optional
        Settings; the stages `segment` and `scorable` are used. The defaults if left out.
    segmenter : Segmenter, optional
        Replaces the built-in segmenter `segment_nuclei`.
    levels : DapiLevels, optional
        For a part of a slide: what `measure_dapi` measured for the whole of it. Then what is found
        farther than `halo_px` from the part's edges does not depend on where they are.
    origin_px : tuple of int
        Row and column of the picture's first pixel in the slide, used with `levels` only.

    Returns
    -------
    Nuclei
        Labels and one row per nucleus; no rows if none is found.
    """
    settings = Config() if config is None else config
    if segmenter is None:
        labels = segment_nuclei(
            dapi, pixel_size_um=pixel_size_um, config=settings.segment, levels=levels,
            origin_px=origin_px,
        )  # fmt: skip
    else:
        labels = np.asarray(segmenter(dapi, pixel_size_um=pixel_size_um), dtype=np.int32)
    ceiling, largest_um2 = (None, None) if levels is None else (levels.ceiling, levels.largest_um2)
    table = measure_nuclei(labels, dapi, pixel_size_um=pixel_size_um, ceiling=ceiling)
    flags = shape_flags(
        table, labels, pixel_size_um=pixel_size_um, config=settings.scorable,
        largest_um2=largest_um2,
    )  # fmt: skip
    return Nuclei(labels=labels, table=replace(table, flags=flags))
