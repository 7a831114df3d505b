"""From the DAPI picture to labelled, measured and flagged nuclei."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.model.nuclei import Nuclei
from alkfish.segment.classical import segment_nuclei
from alkfish.segment.focus import project_focus
from alkfish.segment.measure import measure_nuclei
from alkfish.segment.protocol import Segmenter
from alkfish.segment.scorable import shape_flags

__all__ = [
    "Segmenter",
    "find_nuclei",
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

    Returns
    -------
    Nuclei
        Labels and one row per nucleus; no rows if none is found.
    """
    settings = Config() if config is None else config
    if segmenter is None:
        labels = segment_nuclei(dapi, pixel_size_um=pixel_size_um, config=settings.segment)
    else:
        labels = np.asarray(segmenter(dapi, pixel_size_um=pixel_size_um), dtype=np.int32)
    table = measure_nuclei(labels, dapi, pixel_size_um=pixel_size_um)
    flags = shape_flags(table, labels, pixel_size_um=pixel_size_um, config=settings.scorable)
    return Nuclei(labels=labels, table=replace(table, flags=flags))
