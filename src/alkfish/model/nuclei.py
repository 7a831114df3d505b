"""Nuclei of one field: a label image and one row of measurements per nucleus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.model.table import Array, Table, column


@dataclass(frozen=True, eq=False, repr=False)
class NucleusTable(Table):
    """Measurements of the nuclei of one field, in the order of their ids."""

    nucleus_id: Array = column(np.int32, "value of the nucleus in the label image")
    y_px: Array = column(np.float64, "centroid, row", unit="px")
    x_px: Array = column(np.float64, "centroid, column", unit="px")
    area_um2: Array = column(np.float64, "area of the outline", unit="um2")
    solidity: Array = column(np.float64, "area divided by the area of the convex hull")
    dapi_mean: Array = column(np.float64, "mean DAPI over the local background", unit="counts")
    focus: Array = column(
        np.float64,
        "steepness of the DAPI outline and texture, 1 = sharpest plausible for this pixel size",
    )
    saturated: Array = column(np.float64, "share of pixels at the top of the camera's range")
    flags: Array = column(np.int32, "bits of NucleusFlag set by segmentation")


@dataclass(frozen=True, eq=False, repr=False)
class Nuclei:
    """Segmented nuclei of one field.

    Attributes
    ----------
    labels : ndarray of int32, shape (H, W)
        0 is background, 1..N are nuclei.
    table : NucleusTable
        One row per nucleus; ``table.nucleus_id`` is strictly increasing.
    """

    labels: npt.NDArray[np.int32]
    table: NucleusTable

    def __post_init__(self) -> None:
        if self.labels.dtype != np.int32 or self.labels.ndim != 2:
            raise InputError(
                "labels must be a 2-D int32 image",
                found=f"{self.labels.dtype}, shape {self.labels.shape}",
            )

    def __len__(self) -> int:
        return len(self.table)
