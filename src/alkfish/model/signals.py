"""Meaning of spots: signals, the pattern of a nucleus, and the rows written for a case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from alkfish.model.table import Array, Table, column


class Pattern(StrEnum):
    """Signal pattern of a scorable nucleus (ATLAS2 pp 45-47; clinical-rules 1.3)."""

    FUSED = "FUSED"
    SPLIT = "SPLIT"
    ISOLATED_3P = "ISOLATED_3P"
    ISOLATED_5P = "ISOLATED_5P"

    @property
    def is_positive(self) -> bool:
        """Whether the pattern counts as rearranged: split or isolated 3'."""
        return self in (Pattern.SPLIT, Pattern.ISOLATED_3P)


@dataclass(frozen=True, eq=False, repr=False)
class NucleusRecords(Table):
    """One row per nucleus of a case, as written to ``nuclei.parquet``."""

    fov: Array = column(object, "field of view the nucleus lies in")
    nucleus_id: Array = column(np.int32, "value of the nucleus in the field's label image")
    y_px: Array = column(np.float64, "centroid, row", unit="px")
    x_px: Array = column(np.float64, "centroid, column", unit="px")
    area_um2: Array = column(np.float64, "area of the outline", unit="um2")
    scorable: Array = column(np.bool_, "whether the nucleus is enumerated")
    flags: Array = column(object, "names of its flags, joined by ;")
    pattern: Array = column(object, "FUSED, SPLIT, ISOLATED_3P or ISOLATED_5P; empty: not scorable")
    n_fused: Array = column(np.int32, "fused signals")
    n_3p: Array = column(np.int32, "unpaired 3' signals")
    n_5p: Array = column(np.int32, "unpaired 5' signals")
    max_separation_diam: Array = column(
        np.float64,
        "largest gap, edge to edge, from a 3' signal to its nearest partner in signal diameters: "
        "the unpaired pair of a split nucleus, else the widest fused pair; 0: touching or no pair",
        unit="signal diameters",
    )
    max_separation_um: Array = column(
        np.float64, "centre distance of the same two signals; 0: no pair", unit="um"
    )
    p_positive: Array = column(
        np.float64, "estimated probability that the pattern is split or isolated 3'; 0 if excluded"
    )
    p_fused: Array = column(np.float64, "estimated probability of FUSED")
    p_split: Array = column(np.float64, "estimated probability of SPLIT")
    p_isolated_3p: Array = column(np.float64, "estimated probability of ISOLATED_3P")
    p_isolated_5p: Array = column(np.float64, "estimated probability of ISOLATED_5P")
    decisive_spot: Array = column(
        np.int32, "spot_id without which the pattern would change most probably; 0: none"
    )
    min_snr: Array = column(np.float64, "SNR of its dimmest spot; 0 without spots")
    limit_3p_snr: Array = column(
        np.float64, "SNR that a 3' spot of this field's usual brightness would have here"
    )
    limit_5p_snr: Array = column(
        np.float64, "SNR that a 5' spot of this field's usual brightness would have here"
    )
    solidity: Array = column(np.float64, "area divided by the area of the convex hull")
    focus: Array = column(np.float64, "sharpness, 1 = sharpest plausible for this pixel size")
    dapi_mean: Array = column(np.float64, "mean DAPI over the local background", unit="counts")


@dataclass(frozen=True, eq=False, repr=False)
class SpotRecords(Table):
    """One row per spot of a case, as written to ``spots.parquet``."""

    fov: Array = column(object, "field of view the spot lies in")
    nucleus_id: Array = column(np.int32, "nucleus it belongs to; 0: none")
    end: Array = column(object, "probe end: 3p or 5p")
    y_px: Array = column(np.float64, "position, row; pixel centres at integers", unit="px")
    x_px: Array = column(np.float64, "position, column; pixel centres at integers", unit="px")
    snr: Array = column(np.float64, "fitted amplitude over its standard error in local noise")
    diameter_um: Array = column(
        np.float64, "full width at half maximum of the fitted profile", unit="um"
    )
    signal_id: Array = column(
        np.int32, "spots of one signal share it within a field: a fused pair or a doublet; 0: none"
    )
    spot_id: Array = column(np.int32, "number of the spot within its field, from 1")
    amplitude: Array = column(np.float64, "fitted peak height over background", unit="counts")
    background: Array = column(np.float64, "local background under the spot", unit="counts")
    noise: Array = column(np.float64, "local noise, standard deviation per pixel", unit="counts")
    quality: Array = column(np.float64, "agreement with the fitted profile: 1 perfect, 0 none")
    p_real: Array = column(np.float64, "estimated probability that the spot is a true signal")
    flags: Array = column(object, "names of its flags, joined by ;")
    z_um: Array = column(
        np.float64,
        "position in depth, from the first plane of the stack; 0 in a single plane",
        unit="um", optional=True,
    )  # fmt: skip
    z_error_um: Array = column(
        np.float64, "standard error of z_um; 0 in a single plane", unit="um", optional=True
    )
