"""Spots: bright points found in one probe channel, before they are given a meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alkfish.model.table import Array, Table, column


@dataclass(frozen=True, eq=False, repr=False)
class SpotTable(Table):
    """Spots of one probe channel of one field, brightest evidence first is *not* promised.

    Rows are ordered by y, then x. The diameter is the full width at half maximum of the fitted
    profile, as it appears in the picture.
    """

    y_px: Array = column(np.float64, "position, row; pixel centres at integers", unit="px")
    x_px: Array = column(np.float64, "position, column; pixel centres at integers", unit="px")
    snr: Array = column(np.float64, "fitted amplitude over its standard error in local noise")
    diameter_um: Array = column(
        np.float64, "full width at half maximum of the fitted profile", unit="um"
    )
    amplitude: Array = column(np.float64, "fitted peak height over background", unit="counts")
    background: Array = column(np.float64, "local background under the spot", unit="counts")
    noise: Array = column(np.float64, "local noise, standard deviation per pixel", unit="counts")
    quality: Array = column(
        np.float64, "agreement of the picture with the fitted profile: 1 perfect, 0 none"
    )
    p_real: Array = column(np.float64, "estimated probability that the spot is a true signal")
    flags: Array = column(np.int32, "bits of SpotFlag")
    z_um: Array = column(
        np.float64,
        "position in depth, from the first plane of the stack; 0 in a single plane",
        unit="um", optional=True,
    )  # fmt: skip
    z_error_um: Array = column(
        np.float64, "standard error of z_um; 0 in a single plane", unit="um", optional=True
    )
